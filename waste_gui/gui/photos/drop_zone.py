"""The empty state: where folders are dropped, chosen, or chosen again."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import label, shorten, tooltip
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT

CENTRE = Qt.AlignmentFlag.AlignHCenter
SHOWN_RECENT = 4


class DropZone(QWidget):
    """The window takes the drop itself; this says so."""

    choose_asked = Signal()
    example_asked = Signal()
    recent_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hot = False
        self.choose = QPushButton("&Add folder…   Ctrl+O")
        self.choose.setAccessibleName("Choose a folder of photos")
        self.choose.clicked.connect(self.choose_asked)
        self.example = QPushButton("Try the small e&xample")
        self.example.setAccessibleName("Try the small example")
        self.example.clicked.connect(self.example_asked)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._recent_title = PlainLabel("Recent", size="caption", role="muted", align=CENTRE)
        buttons = QHBoxLayout()
        buttons.setSpacing(UNIT)
        buttons.addStretch(1)
        buttons.addWidget(self.choose)
        buttons.addWidget(self.example)
        buttons.addStretch(1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(3 * UNIT, 3 * UNIT, 3 * UNIT, 3 * UNIT)
        rows.setSpacing(UNIT)
        rows.addStretch(2)
        rows.addWidget(PlainLabel("Drop folders of photos here", size="figure", bold=True, align=CENTRE))
        rows.addWidget(
            PlainLabel(
                "One sub-folder per class, such as waste/glass and waste/paper", role="muted", align=CENTRE
            )
        )
        rows.addSpacing(UNIT)
        rows.addLayout(buttons)
        rows.addSpacing(3 * UNIT)
        rows.addWidget(self._recent_title)
        rows.addLayout(self._recent)
        rows.addStretch(3)
        self.show_recent([])

    def show_recent(self, folders: list[str]) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self._recent_title.setVisible(bool(folders))
        for folder in folders[:SHOWN_RECENT]:
            button = QPushButton(label(shorten(folder, 64)))
            button.setProperty("link", True)
            button.setAccessibleName(f"Open {folder} again")
            button.setToolTip(tooltip(folder))
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, folder=folder: self.recent_chosen.emit(folder))
            self._recent.addWidget(button, 0, CENTRE)

    def set_hot(self, hot: bool) -> None:
        """While folders are held above the window."""
        self._hot = hot
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(c.accent if self._hot else c.control), 2 if self._hot else 1)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        if self._hot:
            painter.setBrush(QColor(c.selection))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), UNIT, UNIT)
        painter.end()
