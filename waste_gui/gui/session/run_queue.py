"""Runs one after another, over night: which come next, and each one's start when that before has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from waste_gui import config as configs
from waste_gui.config import ConfigError, RunConfig
from waste_gui.dataset.samples import DatasetError
from waste_gui.gui.common.background import Background, unexpected
from waste_gui.gui.common.undo_writer import Step
from waste_gui.gui.session.dataset_choice import choice_of, look, problem, without
from waste_gui.gui.session.queue_store import ENDED, BrokenQueue, Queue, QueuedRun, QueueFile
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_ends import how_it_ended, last_words
from waste_gui.monitor.run import Run
from waste_gui.rundir import RunDir, list_runs

POLL_MS = 1000
LOOK_S = 120
"""A folder of photos that does not answer for so long holds the others up no longer."""


@dataclass(frozen=True)
class QueueLook:
    """What was found before a start: a training of another window, or why it cannot be started."""

    id: str
    elsewhere: bool
    wrong: str
    photos: int


class RunQueue(QObject):
    """The runs that wait, that runs and that have ended, in this order; all but the last two can be moved.

    `start` begins a training and gives the sentence why it could not; it is asked only while `may_start`."""

    changed = Signal()
    trouble = Signal(str, str)
    halted = Signal(object)  # The QueuedRun that the person stopped, while others wait.
    over = Signal(object)  # list[QueuedRun], as the last of them has ended.

    def __init__(
        self,
        controller: RunController,
        start: Callable[[RunConfig], str],
        may_start: Callable[[], bool] = lambda: True,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.queue = Queue()
        self.driven_elsewhere = False
        self._controller, self._start, self._may_start = controller, start, may_start
        self._known: dict[str, QueuedRun] = {}
        self._file = QueueFile()
        self._looking = Background(self._on_look_failed, self)
        self._looking.progressed.connect(self._on_look_goes_on)
        self._looking.finished.connect(self._on_looked)
        self._settling = Background(unexpected, self)
        self._settling.finished.connect(self._on_settled)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._on_no_answer)
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self._on_poll)
        self.held = self._closed = False
        self._refresh()
        if self.waiting and self._file.drive():  # Else another window is at it.
            self.held = True  # Nobody expects a window that was only opened to start a training.
            self._file.let_go()
        self._rest_or_poll()

    @property
    def entries(self) -> tuple[QueuedRun, ...]:
        return self.queue.entries

    @property
    def waiting(self) -> list[QueuedRun]:
        return [entry for entry in self.entries if entry.state == "waiting"]

    @property
    def running(self) -> QueuedRun | None:
        return next((entry for entry in self.entries if entry.state == "running"), None)

    @property
    def paused(self) -> bool:
        """Whether it waits until the person says so."""
        return self.queue.paused or self.held

    # --- changed by the person, each a step of undo

    def add(self, config: RunConfig, photos: int) -> QueuedRun:
        """At the end. What ended before, and was told, makes room."""
        self._refresh()
        entry = QueuedRun(config=config, photos=photos)
        self._known[entry.id] = entry
        busy = bool(self.waiting or self.running)
        kept = [each.id for each in self.entries if busy or not each.told]
        self._arrange("add to the queue", [*kept, entry.id])
        return entry

    def remove(self, ids: Iterable[str]) -> None:
        """Any but the one that runs."""
        gone = set(ids)
        kept = [entry.id for entry in self.entries if entry.id not in gone or entry.state == "running"]
        self._arrange("remove from the queue", kept)

    def move(self, id_: str, to: int) -> None:
        """To the place `to` among all; never before one that has begun."""
        order = [entry.id for entry in self.entries]
        if id_ not in [entry.id for entry in self.waiting]:
            return
        order.remove(id_)
        begun = len(self.entries) - len(self.waiting)
        order.insert(min(max(to, begun), len(order)), id_)
        self._arrange("move in the queue", order)

    def clear(self) -> None:
        """All but the one that runs."""
        self._arrange("clear the queue", [entry.id for entry in self.entries if entry.state == "running"])

    @property
    def goes(self) -> bool:
        """Whether it trains, or would start the next one as soon as it can."""
        return self.running is not None or bool(self.waiting and not self.paused)

    @property
    def begun(self) -> bool:
        """Whether any of it has trained; else there is nothing to resume."""
        return len(self.entries) > len(self.waiting)

    def pause(self) -> None:
        """Start nothing more; what runs goes on."""
        self._change(lambda queue: msgspec.structs.replace(queue, paused=True))

    def go_on(self) -> None:
        self.held = False
        self._change(lambda queue: msgspec.structs.replace(queue, paused=False))

    def _arrange(self, words: str, after: list[str]) -> None:
        before = [entry.id for entry in self.entries]
        if after != before:
            do, undo = partial(self._put_in_order, before, after), partial(self._put_in_order, after, before)
            self.undo_stack.push(Step(words, do, undo))

    def _put_in_order(self, before: list[str], after: list[str]) -> None:
        """As they are now: one may have begun since. What another window added stays at the end."""

        def arranged(queue: Queue) -> Queue:
            now = [entry.id for entry in queue.entries]
            order = [id_ for id_ in after if id_ in now or id_ not in before]
            order += [id_ for id_ in now if id_ not in before and id_ not in after]
            runs = [e.id for e in queue.entries if e.state == "running" and e.id not in order]
            entries = [self._known[id_] for id_ in (*runs, *order)]
            begun = [entry for entry in entries if entry.state != "waiting"]
            waiting = [entry for entry in entries if entry.state == "waiting"]
            return msgspec.structs.replace(queue, entries=(*begun, *waiting))

        self._change(arranged)

    # --- the file

    def _change(self, change: Callable[[Queue], Queue]) -> None:
        """Of what is on disk now, since another window may have changed it."""
        with self._file.changing():
            self._refresh()
            self._take(change(self.queue))
            try:
                self._file.write(self.queue)
            except OSError as error:
                self.trouble.emit(
                    f"The queue cannot be kept on the disk ({error.strerror}).",
                    "It goes on as long as this window is open.",
                )
        self.changed.emit()
        self._rest_or_poll()

    def _update(self, id_: str, **values: object) -> None:
        """One run has come further."""

        def updated(queue: Queue) -> Queue:
            entries = (
                msgspec.structs.replace(entry, **values) if entry.id == id_ else entry
                for entry in queue.entries
            )
            return msgspec.structs.replace(queue, entries=tuple(entries))

        self._change(updated)

    def _refresh(self) -> None:
        """From the disk, if another window has changed it."""
        try:
            found = self._file.read()
        except BrokenQueue as broken:
            found, hint = Queue(), f"What it held lies in {broken.aside}."
            QTimer.singleShot(0, self, lambda: self.trouble.emit("The queue could not be read.", hint))
        except OSError:  # As long as the disk does not answer, what is known is the queue.
            return
        if found is not None and found != self.queue:
            self._take(found)
            self.changed.emit()

    def _take(self, queue: Queue) -> None:
        self.queue = queue
        self._known |= {entry.id: entry for entry in queue.entries}

    # --- one after another

    def _rest_or_poll(self) -> None:
        if not self._closed and (self.waiting or self.running):
            if not self._poll.isActive():
                self._poll.start()
            QTimer.singleShot(0, self, self._consider)
        else:
            self._poll.stop()
            self._file.let_go()

    def _on_poll(self) -> None:
        self._refresh()
        self._rest_or_poll()

    def _consider(self) -> None:
        """Whether the next can be started now."""
        if self._closed:
            return
        running = self.running
        if running is not None and not self._is_shown(running):
            self._settle(running)
        if running is not None or not self.waiting or self.paused or self._busy() or self._looking.working:
            return
        driven = self._file.drive()
        if driven is self.driven_elsewhere:
            self.driven_elsewhere = not driven
            self.changed.emit()
        if driven:
            entry = self.waiting[0]
            self._patience.start(LOOK_S * 1000)
            self._looking.start(lambda tell: look_at(entry, tell))

    def _busy(self) -> bool:
        return self._controller.running or self._controller.run.phase.running or not self._may_start()

    def _on_looked(self, found: QueueLook) -> None:
        self._patience.stop()
        first = self.waiting[0] if self.waiting else None
        if first is None or first.id != found.id or self.paused or self._busy() or found.elsewhere:
            return  # Looked at again with the next poll.
        wrong = found.wrong or self._start(first.config)
        if wrong:
            self._end(first, "failed", wrong)
            return
        folder = self._controller.folder
        where = str(folder.path) if folder else ""
        self._update(first.id, state="running", photos=found.photos, folder=where)
        if not self._controller.running:  # It could not even be launched, and that was said already.
            self.run_ended(self._controller.run)

    def _on_look_goes_on(self, progress: object) -> None:
        """It finds photos: a large folder on a slow drive takes its time."""
        self._patience.start(LOOK_S * 1000)

    def _on_look_failed(self, error: Exception) -> None:
        """Else the same would be tried for ever."""
        self._patience.stop()
        if self.waiting:
            self._end(self.waiting[0], "failed", f"Its photos cannot be looked at: {error}")

    def _on_no_answer(self) -> None:
        self._looking.cancel()
        if self.waiting:
            self._end(self.waiting[0], "failed", "Its folder of photos does not answer.")

    def run_ended(self, run: Run) -> None:
        """The training that the window shows is over."""
        entry = self.running
        if entry is not None and self._is_shown(entry):
            self.held = False
            self._end(entry, *how_it_ended(run))

    def goes_on_in(self, before: RunDir | None) -> None:
        """The run in the folder `before` was started again by the person, and is the same to the queue."""
        entry, folder = self.running, self._controller.folder
        if entry is not None and before is not None and folder is not None:
            if entry.folder == str(before.path):
                self._update(entry.id, folder=str(folder.path))

    def _is_shown(self, entry: QueuedRun) -> bool:
        folder = self._controller.folder
        return folder is not None and entry.folder == str(folder.path)

    def _settle(self, entry: QueuedRun) -> None:
        """One that no window shows has perhaps ended meanwhile."""
        if not self._settling.working:
            folder = RunDir(Path(entry.folder))
            self._settling.start(lambda tell: (entry.id, last_words(folder)))

    def _on_settled(self, found: tuple[str, tuple[str, str] | None]) -> None:
        id_, end = found
        entry = self.running
        if entry is not None and entry.id == id_ and end is not None and not self._is_shown(entry):
            self._end(entry, *end)

    def _end(self, entry: QueuedRun, state: str, words: str) -> None:
        self._update(entry.id, state=state, words=words)
        if state == "stopped" and self.waiting:
            self.pause()
            self.halted.emit(entry)
        if not self.waiting and not self.running:
            self._tell_of_the_end()

    def _tell_of_the_end(self) -> None:
        """Of a single run that the person stopped, there is nothing to tell."""
        untold = [entry for entry in self.entries if entry.state in ENDED and not entry.told]
        for entry in untold:
            self._update(entry.id, told=True)
        if [entry.state for entry in untold] != ["stopped"]:
            self.over.emit(untold)

    def close(self) -> None:
        """The window goes; another one may drive the queue."""
        self._closed = True
        self._poll.stop()
        self._patience.stop()
        self._looking.cancel()
        self._settling.cancel()
        self._file.let_go()


def look_at(entry: QueuedRun, tell: Callable[[object], None]) -> QueueLook:
    """All that Start asks for before it can be pressed. For a thread: the disk may be slow."""
    if any(owner.here for folder in list_runs() if (owner := folder.owner()) is not None):
        return QueueLook(entry.id, True, "", entry.photos)
    try:
        choice = choice_of(configs.check(entry.config))
        if not choice.sources:
            return QueueLook(entry.id, False, "No photos are chosen.", 0)
        found = look(choice, tell)
        used, _ = without(found, found.aside)
    except ConfigError as error:
        return QueueLook(entry.id, False, str(error), entry.photos)
    except DatasetError as error:
        return QueueLook(entry.id, False, f"{error.text} {error.hint}".strip(), entry.photos)
    except OSError as error:
        return QueueLook(entry.id, False, f"Its photos cannot be read ({error.strerror}).", entry.photos)
    return QueueLook(entry.id, False, problem(used), used.photos)
