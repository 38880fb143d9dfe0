"""One finding's photos, large and side by side, with their facts and what can be done about each."""

from __future__ import annotations

import os
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.background import Background, unexpected
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import LARGE, Picture, Thumbnails, fitted
from waste_gui.gui.common.window_size import open_at
from waste_gui.gui.photos.exclusions import Exclusions
from waste_gui.gui.photos.finding_rows import DISMISSES, KINDS, TOOLTIPS, Act, Entry
from waste_gui.monitor.formatting import size

SHOWN = 12
"""More copies than this are not shown side by side."""

WIDTH = 280
"""Of each photo where there are several; the only one gets more."""

PALE = 0.35
"""How much is seen of a photo that is set aside."""


class _Photo(QWidget):
    """The picture in the shape of the photo, or a word."""

    def __init__(self, path: str, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._path = path
        self._thumbnails = thumbnails
        self._is_aside = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)
        self.setAccessibleName(one_line(f"Photo {os.path.basename(path)}"))

    @property
    def picture(self) -> Picture | None:
        return self._thumbnails.picture(self._path, large=True)

    def show_aside(self, is_aside: bool) -> None:
        """One that is set aside is pale."""
        self._is_aside = is_aside
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(LARGE // 2, LARGE // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        picture = self.picture
        if picture is not None and picture.image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.setOpacity(PALE if self._is_aside else 1.0)
            painter.drawImage(fitted(picture.image, self.rect()), picture.image)
        else:
            painter.fillRect(self.rect(), QColor(theme.colours().hover))
            painter.setPen(theme.colour("muted"))
            words = picture.words if picture else "reading…"
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), words)
        painter.end()


class PhotoDialog(QDialog):
    """`skip_asked` comes with the finding's key."""

    skip_asked = Signal(str)

    def __init__(self, parent: QWidget, entry: Entry, thumbnails: Thumbnails, lists: Exclusions) -> None:
        super().__init__(parent)
        self.entry = entry
        self._thumbnails, self._lists = thumbnails, lists
        self._bytes: dict[str, str] = {}
        self.photos: dict[str, _Photo] = {}
        self.facts: dict[str, PlainLabel] = {}
        self.paths: dict[str, QLineEdit] = {}
        self.aside_buttons: dict[str, QPushButton] = {}
        self.setWindowTitle("Photo" if len(entry.paths) == 1 else "Photos")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(PlainLabel(one_line(entry.said), size="title", bold=True, wrap=True))
        if entry.group in KINDS:
            rows.addWidget(PlainLabel(KINDS[entry.group].why, role="muted", wrap=True))
        rows.addWidget(self._make_photos(), 1)
        rows.addLayout(self._make_buttons())
        several = min(3, len(entry.paths))
        open_at(
            self,
            760 if several == 1 else several * (WIDTH + 2 * UNIT) + 4 * UNIT,
            620 if several == 1 else 480,
        )
        self._looking = Background(unexpected, self)
        self._looking.finished.connect(self._on_sizes)
        paths = list(self.photos)
        self._looking.start(lambda tell: _sizes(paths))
        thumbnails.arrived.connect(self._on_arrived)
        lists.changed.connect(self._show_aside)
        self._show_aside()
        self.close_button.setFocus()

    def _make_photos(self) -> QWidget:
        holder = QWidget()
        columns = QHBoxLayout(holder)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(2 * UNIT)
        for path in self.entry.paths[:SHOWN]:
            columns.addLayout(self._make_photo(path), 1)
        if len(self.entry.paths) <= 3:
            return holder
        holder.setMinimumWidth(min(SHOWN, len(self.entry.paths)) * (WIDTH + 2 * UNIT))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(holder)
        return area

    def _make_photo(self, path: str) -> QVBoxLayout:
        photo = self.photos[path] = _Photo(path, self._thumbnails)
        facts = self.facts[path] = PlainLabel(role="muted")
        name = self.paths[path] = QLineEdit(one_line(path))
        name.setReadOnly(True)
        name.setCursorPosition(len(name.text()))  # The end of a long path says most.
        name.setAccessibleName("Where the photo is")
        name.setToolTip(tooltip(path))
        aside = self.aside_buttons[path] = QPushButton()
        aside.setAutoDefault(False)
        aside.clicked.connect(partial(self._on_aside, path))
        rows = QVBoxLayout()
        rows.setSpacing(UNIT)
        rows.addWidget(photo, 1)
        rows.addWidget(name)
        if len(self.entry.paths) > 1:  # Those of the only one stand beside the other buttons.
            line = QHBoxLayout()
            line.setSpacing(UNIT)
            line.addWidget(facts, 1)
            line.addWidget(aside)
            rows.addLayout(line)
        return rows

    def _make_buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        if len(self.entry.paths) == 1:
            line.addWidget(self.facts[self.entry.paths[0]], 1)
            line.addWidget(self.aside_buttons[self.entry.paths[0]])
        else:
            line.addStretch(1)
        dismiss = next((act for act in self.entry.acts if act in DISMISSES), None)
        if dismiss is not None:
            skip = QPushButton(f"&{dismiss.value}")
            skip.setToolTip(tooltip(TOOLTIPS[dismiss]))
            skip.setAutoDefault(False)
            skip.clicked.connect(self._on_skip)
            line.addWidget(skip)
        self.close_button = QPushButton("&Close")
        self.close_button.setDefault(True)
        self.close_button.clicked.connect(self.accept)
        line.addWidget(self.close_button)
        return line

    def _on_aside(self, path: str) -> None:
        if path in self._lists.aside:
            self._lists.take_back([path])
        else:
            self._lists.exclude({path: self.entry.said})

    def _on_skip(self) -> None:
        self.skip_asked.emit(self.entry.key)
        self.accept()

    def _on_arrived(self, path: str) -> None:
        if path in self.photos:
            self.photos[path].update()
            self._show_facts(path)

    def _on_sizes(self, sizes: dict[str, str]) -> None:
        self._bytes = sizes
        for path in self.photos:
            self._show_facts(path)

    def _show_facts(self, path: str) -> None:
        picture = self.photos[path].picture
        pixels = ""
        if picture is not None and picture.pixels is not None:
            pixels = f"{count(picture.pixels[0])} × {count(picture.pixels[1])} px"
        self.facts[path].set_text("  ·  ".join(filter(None, (pixels, self._bytes.get(path, "")))))

    def _show_aside(self) -> None:
        one = len(self.aside_buttons) == 1
        for path, button in self.aside_buttons.items():
            is_aside = path in self._lists.aside
            self.photos[path].show_aside(is_aside)
            act = Act.TAKE_BACK if is_aside else Act.EXCLUDE
            words = {Act.TAKE_BACK: "In&clude again", Act.EXCLUDE: "&Exclude"}[act] if one else act.value
            button.setText(words)
            button.setToolTip(tooltip(TOOLTIPS[act]))
            button.setAccessibleName(one_line(f"{act.value}: {os.path.basename(path)}"))


def _sizes(paths: list[str]) -> dict[str, str]:
    """For a thread: a drive may be slow or away."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            found[path] = size(os.stat(path).st_size)
        except OSError as error:
            found[path] = (error.strerror or "cannot be looked at").lower()
    return found
