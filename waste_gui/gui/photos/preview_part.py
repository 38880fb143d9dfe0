"""The preview on the photos page: its bar, its page, and when it is out of date and worked out anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from waste_gui.config import ConfigError
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.photos.doubts import Doubt, doubts
from waste_gui.gui.photos.exclusions import Exclusions
from waste_gui.gui.photos.finding_rows import open_findings
from waste_gui.gui.photos.preview import Preview
from waste_gui.gui.photos.preview_text import BACK, BAR, OPEN, OPEN_TIP, Known, doing, preview_text
from waste_gui.gui.photos.work_bar import WorkBar
from waste_gui.gui.photos.work_part import WorkPart
from waste_gui.gui.photos.work_text import reading_now
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.run_text import ReadingNow

if TYPE_CHECKING:
    from waste_gui.gui.photos.preview_page import PreviewPage

SOON_MS = 1_500
"""After the last of several changes."""

QUICK_S = 20.0
"""What takes longer, beside reading photos, is not worked out anew without being asked for."""


MATTERS = ("model", "pretrained", "image_size", "val_fraction", "test_fraction", "seed")
"""Settings by which a preview differs."""


@dataclass(frozen=True)
class _Basis:
    """What a preview is about."""

    choice: DatasetChoice
    aside: frozenset[str]
    settings: tuple[object, ...]


class PreviewPart(WorkPart):
    """Once asked for, it is kept up to date by itself after changes that take seconds: of classes and
    mapping, and of excluded photos once what is doubted is left. Not after folders came or went, and never
    while something else reads the photos."""

    doubts_changed = Signal(object)  # list[Doubt]: of the photos and classes chosen now.
    opened = Signal(object)  # Entry: a photo to be shown larger.
    asked = Signal(object, object)  # Act, Entry
    group_asked = Signal(str)  # All of a kind, in the list of findings.

    def __init__(self, lists: Exclusions, thumbnails: Thumbnails, parent: QWidget) -> None:
        preview = Preview(parent)
        super().__init__(preview, WorkBar(BAR, flat=True), parent)
        self.preview = preview
        self.place = _Place()
        self._page: PreviewPage | None = None
        self._lists, self._thumbnails = lists, thumbnails
        self._began = self._basis()
        self._told: tuple[Known, _Basis] | None = None
        self._all_doubts: Sequence[Doubt] = ()
        self._wanted = False
        self._list_open = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(self._on_soon)
        lists.changed.connect(self._on_changed)
        preview.ended.connect(self._on_ended)
        self._show()

    @property
    def now(self) -> ReadingNow | None:
        return reading_now(self.preview, "Previewing training", doing(self.preview), "no estimate yet")

    @property
    def known(self) -> Known | None:
        """What was told of the folders that are chosen."""
        if self._told is None:
            return None
        known, basis = self._told
        stale = ""
        if basis.choice != self._choice:
            stale = "the classes have changed since"
        elif self._lists.aside.keys() != basis.aside:
            stale = "other photos are excluded since"
        elif self._settings() != basis.settings:
            stale = "the settings of the model have changed since"
        return replace(known, stale=stale)

    def prepare(self) -> None:
        """In a quiet moment, what takes a while when it is first looked at."""
        self.page.ensurePolished()

    @property
    def page(self) -> PreviewPage:
        """Made when it is first looked at, or in a quiet moment: its plot is a heavy import."""
        if self._page is None:
            from waste_gui.gui.photos.preview_page import PreviewPage

            self._page = page = PreviewPage(self._thumbnails)
            page.opened.connect(self.opened)
            page.asked.connect(self.asked)
            page.group_asked.connect(self.group_asked)
            page.left.connect(self._soon.start)
            self.place.fill(page)
        return self._page

    def show_choice(self, choice: DatasetChoice) -> None:
        if choice.sources != self._choice.sources:
            self._wanted, self._told = False, None
            self.preview.forget()
            self.browse(False)
        super().show_choice(choice)
        self.doubts_changed.emit(self._doubts)
        self._soon.start()

    def show_list_open(self, is_open: bool) -> None:
        """Whether the person goes through what was found: it does not change under their hands."""
        self._list_open = is_open
        if not is_open:
            self._soon.start()

    def _begin(self) -> None:
        self._wanted = True
        self._soon.stop()
        self._began = self._basis()
        super()._begin()

    def stop(self, *, for_training: bool = False) -> None:
        self._wanted = False
        super().stop(for_training=for_training)

    def browse(self, on: bool) -> None:
        super().browse(on)
        if on:
            self.page.setFocus()

    def _basis(self) -> _Basis:
        return _Basis(self._choice, frozenset(self._lists.aside), self._settings())

    def _settings(self) -> tuple[object, ...]:
        try:
            config = self.settings()
        except ConfigError:  # It is being typed.
            return ()
        return tuple(getattr(config, name) for name in MATTERS)

    def look_again(self) -> None:
        """The settings may have changed, on another page."""
        self._show()

    def _on_changed(self) -> None:
        """Other photos are excluded, or doubts are dealt with."""
        self._show()
        self._soon.start()

    def _on_ended(self) -> None:
        if self.preview.told is not None:
            warned = tuple(f"{each.text} {each.hint}".strip() for each in self.preview.run.warnings)
            self._told = Known(self.preview.told, "", warned, self.preview.ended_at), self._began
            self._all_doubts = doubts(self.preview.told)
            self.doubts_changed.emit(self._doubts)
        self._show()
        self._soon.start()

    def _on_soon(self) -> None:
        """Not of what was just tried, as it may have failed; nor by another model, which takes its time."""
        deciding = self._list_open or (self._page is not None and self._page.in_doubts)
        if not self._wanted or deciding or not self.can_start:
            return
        quick = self._told is None or self.preview.beside_photos_s <= QUICK_S
        basis, same_model = self._basis(), self._settings() == self._began.settings
        if quick and same_model and basis != self._began:
            self._begin()

    @property
    def _doubts(self) -> Sequence[Doubt]:
        """None of photos whose class may be another by now."""
        current = self._told is not None and self._told[1].choice == self._choice
        return self._all_doubts if current else ()

    def _show(self) -> None:
        known = self.known
        text = preview_text(self.preview, known, looked_at=self.browsing)
        shown = replace(text, detail="") if self.browsing and text.glyph == "failed" else text
        self.bar.show_text(
            shown, possible=self._possible, waits_for=self.waits_for, stopping=self.preview.stopping
        )
        self.bar.show_browse(BACK if self.browsing else OPEN if known else "", OPEN_TIP)
        if self.browsing:
            self.page.show_known(known, text.detail if text.glyph == "failed" else "")
            aside, skipped = self._lists.aside, self._lists.skipped
            self.page.show_doubts(open_findings(self._doubts, aside, skipped), aside)


class _Place(QWidget):
    """Where the page will stand."""

    def __init__(self) -> None:
        super().__init__()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)

    def fill(self, page: QWidget) -> None:
        self._rows.addWidget(page)
