"""The guide: a picture and a screen of words for each page of the window, from files that came with it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QImage, QResizeEvent, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common import resources, theme
from waste_gui.gui.common.theme import UNIT

PAGES = {
    "photos": "Photos",
    "settings": "Settings",
    "training": "Training",
    "results": "Results",
    "runs": "Runs",
    "where": "What it's waiting for",
}
"""Names of files, in the order of the window's own pages."""

PICTURE_WIDTH = 640
LIST_WIDTH = 160
SIZE = QSize(900, 860)


class _Pages(QTextBrowser):
    """Shows only what lies in the guide's folder, pictures as wide as there is room; it goes nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self._markdown = ""
        self._room = PICTURE_WIDTH
        self.setOpenLinks(False)
        self.setAccessibleName("The page")
        # Else it would come and go with the height of the picture, which goes with the room beside it.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.document().setDocumentMargin(2 * UNIT)

    def show_text(self, markdown: str) -> None:
        self._markdown = markdown
        self.document().setDefaultFont(theme.font())
        self.setMarkdown(markdown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = min(PICTURE_WIDTH, self.viewport().width() - 4 * UNIT)
        if room != self._room:
            self._room = room
            self.setMarkdown(self._markdown)

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        folder = resources.path("guide").resolve()
        file = (folder / QUrl(name).fileName()).resolve()
        if file.parent != folder or not file.is_file():
            return None
        if kind == QTextDocument.ResourceType.ImageResource.value:
            picture = QImage(str(file))
            smooth = Qt.TransformationMode.SmoothTransformation
            return picture if picture.width() <= self._room else picture.scaledToWidth(self._room, smooth)
        return file.read_text(encoding="utf-8")


class GuideDialog(QDialog):
    """Not modal: it can lie beside the window while one tries."""

    def __init__(self, parent: QWidget, page: str = "photos") -> None:
        super().__init__(parent)
        self.setWindowTitle("Guide")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setSizeGripEnabled(True)
        self.resize(SIZE.boundedTo(parent.screen().availableSize() * 0.9))
        self.list = QListWidget()
        self.list.addItems(list(PAGES.values()))
        self.list.setFixedWidth(LIST_WIDTH)
        self.list.setStyleSheet(f"QListWidget::item {{ padding: {UNIT // 2}px {UNIT}px; }}")
        self.list.setAccessibleName("Pages of the guide")
        self.text = _Pages()
        self.keys_button = QPushButton("&Keyboard shortcuts")
        self.close_button = QPushButton("&Close")
        self._lay_out()
        self.list.currentRowChanged.connect(self._on_row)
        self.text.anchorClicked.connect(self._on_link)
        self.close_button.clicked.connect(self.accept)
        self.show_page(page)
        self.list.setFocus()

    def _lay_out(self) -> None:
        columns = QHBoxLayout()
        columns.setSpacing(2 * UNIT)
        columns.addWidget(self.list)
        columns.addWidget(self.text, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(UNIT)
        buttons.addStretch(1)
        buttons.addWidget(self.keys_button)
        buttons.addWidget(self.close_button)
        self.keys_button.setAutoDefault(False)
        self.close_button.setDefault(True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addLayout(columns, 1)
        rows.addLayout(buttons)

    def show_page(self, page: str) -> None:
        self.list.setCurrentRow(list(PAGES).index(page) if page in PAGES else 0)

    def _on_row(self, row: int) -> None:
        name = list(PAGES)[row]
        self.text.show_text(resources.text(f"guide/{name}.md"))
        self.text.setAccessibleDescription(PAGES[name])

    def _on_link(self, link: QUrl) -> None:
        """From one page to another; nothing else is opened."""
        name = link.fileName().removesuffix(".md")
        if name in PAGES:
            self.show_page(name)
