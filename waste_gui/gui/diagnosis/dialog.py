"""Where it waits: verdict, timeline, the photo in question, evidence and stacks, while it runs."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QScrollArea, QSplitter, QVBoxLayout, QWidget

from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.common.glyphs import ROLES, GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel, heading
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.common.window_size import keep_on_screen, need_at_least, open_at
from waste_gui.gui.diagnosis.chain_row import ChainRow
from waste_gui.gui.diagnosis.photo_panel import PhotoPanel
from waste_gui.gui.diagnosis.stack_tree import StackTree
from waste_gui.gui.diagnosis.timeline import TimelinePanel
from waste_gui.gui.session.run_text import notice
from waste_gui.gui.session.session_text import run_name
from waste_gui.monitor.chances import HOW_SURE, in_words
from waste_gui.monitor.formatting import clock, span
from waste_gui.monitor.lanes import LONG_S
from waste_gui.monitor.report import evidence_lines, threads_of
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.timeline import Timeline
from waste_gui.monitor.verdict import VerdictState
from waste_gui.monitor.waits.picture import Box, boxes

SIZE = QSize(1080, 760)
FACTS = 10
"""More lines than these say less and less."""

SHOWN_AT_FIRST_S, SILENCES = 240.0, 3
"""So many seconds are shown at first, or so many times the silence."""

TIMELINE_SHARE = 0.68
ASKED = "Asked for. They come in a moment, where the processes can still tell."
NOT_TOLD = "No stacks were told before it ended."
PHOTO_WIDTH, FACTS_WIDTH = 220, 264
STATE_GLYPHS: dict[VerdictState, Glyph] = {
    VerdictState.ON_SCHEDULE: "ok",
    VerdictState.SLOW: "slow",
    VerdictState.LIKELY_STUCK: "stuck",
    VerdictState.ENDED: "stopped",
}

TITLE = "What it's waiting for"


def headline(snapshot: Snapshot) -> tuple[Glyph, str, str]:
    """The verdict while it runs, afterwards how it ended."""
    if snapshot.view is not None:
        verdict = snapshot.view.verdict
        return STATE_GLYPHS[verdict.state], verdict.title or "On schedule", verdict.more
    said = notice(snapshot)
    if said is not None:
        return said.glyph, said.title, said.text
    return "waiting", "Nothing is running", "Start a training, or show one from the list of runs."


def photo_in_question(snapshot: Snapshot) -> tuple[str | None, str]:
    """That of the verdict, else the one that a worker is on for long; and who is on it for how long."""
    run, view = snapshot.run, snapshot.view
    if view is None or run.heartbeat is None:
        return None, ""
    ago = max(0.0, snapshot.now - run.heartbeat.at)
    slow = [w for w in run.heartbeat.workers if w.path and w.since_s + ago >= LONG_S]
    longest = max(slow, key=lambda worker: worker.since_s, default=None)
    path = view.verdict.photo or (longest.path if longest else None)
    on_it = [worker for worker in slow if worker.path == path]
    if not on_it:
        return path, ""
    who = "Worker " if len(on_it) == 1 else "Workers "
    names = ", ".join(str(worker.pid) for worker in on_it[:4])
    return path, f"{who}{names}: {span(max(worker.since_s for worker in on_it) + ago)}"


def facts_of(snapshot: Snapshot) -> list[str]:
    """What the verdict rests on, or the lines that show why it crashed; then the rest of the evidence. Some
    are told in both: the name before the colon is the same."""
    crash = snapshot.run.crash
    first = snapshot.view.verdict.evidence if snapshot.view else crash.lines if crash else ()
    known: dict[str, str] = {}
    for fact in (*first, *evidence_lines(snapshot.evidence)):
        if not fact.startswith(HOW_SURE):  # It stands above.
            known.setdefault(fact.partition(": ")[0], fact)
    return list(known.values())


def chain_of(snapshot: Snapshot) -> tuple[Box, ...]:
    """What the engine waits for and who could end that, while it stands; nothing where nothing was read, or
    one box would say all."""
    if snapshot.view is None or not snapshot.view.verdict.silent:
        return ()
    chain = next((c for c in (snapshot.view.verdict.chain, *snapshot.run.waits_now) if c), None)
    found = boxes(chain) if chain is not None else ()
    return found if len(found) > 1 else ()


class _Facts(QWidget):
    """Lines of evidence, each once."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = [PlainLabel(wrap=True) for _ in range(FACTS)]
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addWidget(heading("What is seen"))
        for line in self._lines:
            rows.addWidget(line)
        rows.addStretch(1)

    def show_facts(self, facts: list[str]) -> None:
        for i, line in enumerate(self._lines):
            line.set_text(facts[i] if i < len(facts) else "")
            line.setVisible(i < len(facts))


class DiagnosisDialog(QDialog):
    """Not modal: the training, and the window's bar, go on behind it."""

    copy_asked = Signal()
    save_asked = Signal()
    stacks_asked = Signal()

    def __init__(self, parent: QWidget, settings: Preferences, thumbnails: Thumbnails) -> None:
        super().__init__(parent)
        self._settings = settings
        self._begun: Timeline | None = None
        self._moved = False  # The border between timeline and stacks, by hand.
        self._laid_out = QTimer(self)  # What the legend needs is known once all have their places.
        self._laid_out.setSingleShot(True)
        self._laid_out.timeout.connect(self._give_room)
        self.setWindowTitle(TITLE)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setSizeGripEnabled(True)
        need_at_least(self, 640, 480)
        self.mark = GlyphMark(side=16)
        self.title = PlainLabel(size="title", bold=True, wrap=True)
        self.text = PlainLabel(wrap=True)
        self.sure = PlainLabel(size="caption", role="muted")
        self.chain = ChainRow()
        self.timeline = TimelinePanel()
        self.photo = PhotoPanel(thumbnails)
        self.facts = _Facts()
        self.stacks = StackTree()
        self.no_stacks = PlainLabel(role="muted", wrap=True)
        self.seen = PlainLabel(role="muted")
        self.said = PlainLabel(role="muted")
        self._lay_out()
        self._add_shortcuts()
        open_at(self, SIZE.width(), SIZE.height())
        if not settings.diagnosis_geometry.isEmpty():
            self.restoreGeometry(settings.diagnosis_geometry)
            if not self.isMaximized():
                keep_on_screen(self)

    def _lay_out(self) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addLayout(self._make_head())
        rows.addWidget(self.chain)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(self.timeline)
        self.splitter.addWidget(self._make_below())
        self.splitter.splitterMoved.connect(self._on_border_moved)
        rows.addWidget(self.splitter, 1)
        rows.addLayout(self._make_buttons())

    def _on_border_moved(self) -> None:
        self._moved = True

    def _make_head(self) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(UNIT // 2)
        words.addWidget(self.title)
        words.addWidget(self.text)
        words.addWidget(self.sure)
        mark = QVBoxLayout()
        mark.addSpacing(3)
        mark.addWidget(self.mark)
        mark.addStretch(1)
        head = QHBoxLayout()
        head.setSpacing(UNIT + 2)
        head.addLayout(mark)
        head.addLayout(words, 1)
        return head

    def _make_below(self) -> QWidget:
        again = self.again_button = QPushButton("&Read them again")
        again.setProperty("link", True)
        again.setAutoDefault(False)
        again.clicked.connect(self.stacks_asked)
        title = QHBoxLayout()
        title.setSpacing(UNIT)
        title.addWidget(heading("Where each process is"))
        title.addWidget(self.seen)
        title.addStretch(1)
        title.addWidget(again)
        stacks = QVBoxLayout()
        stacks.setSpacing(UNIT // 2)
        stacks.addLayout(title)
        stacks.addWidget(self.no_stacks)
        stacks.addWidget(self.stacks, 1)
        stacks.addStretch()
        self.photo.setFixedWidth(PHOTO_WIDTH)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setFixedWidth(FACTS_WIDTH)
        area.setAccessibleName("What is seen")
        area.setWidget(self.facts)
        below = QWidget()
        columns = QHBoxLayout(below)
        columns.setContentsMargins(0, UNIT, 0, 0)
        columns.setSpacing(3 * UNIT)
        columns.addWidget(self.photo)
        columns.addWidget(area)
        columns.addLayout(stacks, 1)
        return below

    def _make_buttons(self) -> QHBoxLayout:
        self.copy_button = QPushButton("&Copy details")
        self.copy_button.setToolTip("Ctrl+Shift+C")
        self.copy_button.clicked.connect(self.copy_asked)
        self.save_button = QPushButton("&Save report…")
        self.save_button.setToolTip("Ctrl+S")
        self.save_button.clicked.connect(self.save_asked)
        self.close_button = QPushButton("C&lose")
        self.close_button.clicked.connect(self.close)
        self.close_button.setDefault(True)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(self.said, 1)
        for button in (self.copy_button, self.save_button, self.close_button):
            button.setAutoDefault(button is self.close_button)
            line.addWidget(button)
        return line

    def _add_shortcuts(self) -> None:
        for keys, button in (("Ctrl+Shift+C", self.copy_button), ("Ctrl+S", self.save_button)):
            QShortcut(QKeySequence(keys), self, button.click)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        name = run_name(snapshot)
        self.setWindowTitle(f"{TITLE} – {one_line(name)}" if name else TITLE)
        glyph, title, text = headline(snapshot)
        self.mark.set_glyph(glyph)
        self.title.set_text(title)
        self.title.set_role(ROLES[glyph] if glyph in ("slow", "stuck", "failed") else "text")
        self.text.set_text(text)
        self.text.setVisible(bool(text))
        chance = in_words(snapshot.view.verdict) if snapshot.view is not None else ""
        self.sure.set_text(f"{HOW_SURE}{chance}" if chance else "")
        self.sure.setVisible(bool(chance))
        self.chain.show_boxes(chain_of(snapshot))
        self.timeline.show_timeline(snapshot.timeline)
        self._begin_with_the_silence(snapshot)
        self.photo.show_photo(*photo_in_question(snapshot))
        self.facts.show_facts(facts_of(snapshot))
        threads = threads_of(snapshot.run)
        self.seen.set_text(f"seen at {clock(snapshot.run.stacks.at)}" if snapshot.run.stacks else "")
        self.no_stacks.set_text(ASKED if snapshot.run.phase.running else NOT_TOLD)
        self.no_stacks.setVisible(not threads)
        self.again_button.setVisible(snapshot.run.phase.running)
        self.stacks.setVisible(bool(threads))
        self.stacks.show_threads(threads)
        self._give_room()

    def _begin_with_the_silence(self, snapshot: Snapshot) -> None:
        """In a run of hours the last minutes are too narrow to be seen: they are shown first, and Home shows
        the rest."""
        if snapshot.timeline is self._begun:
            return
        self._begun = snapshot.timeline
        span_s = max(SHOWN_AT_FIRST_S, SILENCES * (snapshot.now - snapshot.run.moved_at))
        if span_s < snapshot.now / 2:
            self.timeline.view.show_newest(span_s)

    def _give_room(self) -> None:
        """To the timeline what it needs, until somebody moves the border."""
        if not self._moved and self.splitter.height() > 1:
            wanted = self.timeline.wanted_height
            height = min(wanted, round(TIMELINE_SHARE * self.splitter.height()))
            left = self.splitter.height() - self.splitter.handleWidth() - height
            self.splitter.setSizes([height, left])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._laid_out.start(0)

    def say(self, words: str) -> None:
        """What came of a button."""
        self.said.set_text(words)

    def done(self, result: int) -> None:
        self._settings.diagnosis_geometry = self.saveGeometry()
        super().done(result)
