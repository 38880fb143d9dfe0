"""The photo in question: its picture, name, folder, size and kind; nothing of it can hang the window."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.background import Background, unexpected
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.plain_label import PlainLabel, heading
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Picture, Thumbnails, fitted
from waste_gui.monitor.formatting import size
from waste_gui.protocol import named_path

PATIENCE_MS = 2000
CANNOT = "cannot be shown"
READING = "reading…"
SIDE = 116

KINDS = (
    (stat.S_ISFIFO, "a pipe, not a file"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (stat.S_ISCHR, "a device, not a file"),
    (stat.S_ISBLK, "a device, not a file"),
    (stat.S_ISDIR, "a folder, not a file"),
)


@dataclass(frozen=True)
class FileFacts:
    """What the file system says of a photo: its real path, and that in words."""

    path: str
    words: str
    is_file: bool


def look_at(text: str) -> FileFacts:
    """For a thread: a drive may be slow or away. `text` is the path as a message told it."""
    path = named_path(text)
    try:
        found = os.stat(path)
    except OSError as error:
        return FileFacts(path, (error.strerror or "cannot be looked at").lower(), False)
    odd = next((words for is_kind, words in KINDS if is_kind(found.st_mode)), "")
    if odd:
        return FileFacts(path, odd, False)
    kind = os.path.splitext(path)[1].removeprefix(".").upper() or "no ending"
    link = ", a link" if os.path.islink(path) else ""
    return FileFacts(path, f"{size(found.st_size)}, {kind}{link}", True)


class _Frame(QWidget):
    """The picture, or a word in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.picture: Picture | None = None
        self.words = READING
        self.setFixedHeight(SIDE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_picture(self, picture: Picture | None, words: str) -> None:
        self.picture, self.words = picture, words
        self.setAccessibleDescription(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.picture is not None and self.picture.image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            place = fitted(self.picture.image, self.rect())
            place.moveLeft(0)
            painter.drawImage(place, self.picture.image)
        else:
            painter.fillRect(self.rect(), QColor(theme.colours().hover))
            painter.setPen(theme.colour("muted"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.words)
        painter.end()


class PhotoPanel(QWidget):
    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._told = ""  # The path as it was told.
        self._facts: FileFacts | None = None
        self.frame = _Frame()
        self.name = PlainLabel(bold=True)
        self.held = PlainLabel(role="stuck")
        self.folder = PlainLabel(role="muted")
        self.facts = PlainLabel(role="muted")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addWidget(heading("The photo in question"))
        rows.addWidget(self.frame)
        for line in (self.name, self.held, self.folder, self.facts):
            rows.addWidget(line)
        rows.addStretch(1)
        self._looking = Background(self._on_not_looked, self)
        self._looking.finished.connect(self._on_facts)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._on_late)
        thumbnails.arrived.connect(self._on_arrived)

    def _on_not_looked(self, error: Exception) -> None:
        """A drive that is away: it is said when the patience is over."""
        if not isinstance(error, OSError):
            unexpected(error)

    def show_photo(self, path: str | None, held: str) -> None:
        """`held` says who is on it and for how long. Hidden where no photo is in question."""
        self.setVisible(path is not None)
        self.held.set_text(held)
        self.held.setVisible(bool(held))
        if path is None or path == self._told:
            return
        self._told, self._facts = path, None
        self.name.set_text(one_line(os.path.basename(path)))
        self.folder.set_text(one_line(os.path.dirname(path)))
        self.facts.set_text("")
        self.frame.setAccessibleName(one_line(f"Photo {os.path.basename(path)}"))
        self.frame.show_picture(None, READING)
        self._patience.start()
        self._looking.start(lambda tell: look_at(path))

    def _on_facts(self, facts: FileFacts) -> None:
        self._facts = facts
        self.facts.set_text(facts.words)
        if facts.is_file:
            self._show_picture()
        else:
            self._patience.stop()
            self.frame.show_picture(None, CANNOT)

    def _on_arrived(self, path: str) -> None:
        if self._facts is not None and path == self._facts.path:
            self._show_picture()

    def _show_picture(self) -> None:
        assert self._facts is not None
        picture = self._thumbnails.picture(self._facts.path)
        if picture is None:
            return
        self._patience.stop()
        self.frame.show_picture(picture, picture.words)
        if picture.pixels is not None:
            wide, high = picture.pixels
            self.facts.set_text(f"{count(wide)} × {count(high)} px, {self._facts.words}")

    def _on_late(self) -> None:
        """The drive or the photo holds up us as well."""
        self.frame.show_picture(None, CANNOT)
        if self._facts is None:
            self.facts.set_text("the drive does not answer")
