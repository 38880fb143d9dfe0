"""The runs on this computer and their marks: changed at once, written beside the window, with undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from waste_gui.gui.common.background import Background
from waste_gui.gui.common.formatting import many
from waste_gui.gui.common.undo_writer import UndoWriter
from waste_gui.gui.runs.trash import Discarded, bring_back, discard
from waste_gui.monitor.annotations import Annotations, write_annotations
from waste_gui.monitor.run_list import RunSummary, read_runs
from waste_gui.rundir import RunDir


@dataclass(frozen=True)
class Live:
    """What is known of the run that this window shows while it runs."""

    folder: str
    best: float | None
    took_s: float


class RunLibrary(QObject):
    """`failed(text, hint)` says what could not be written, `told` what became of a run; the list is then read
    anew."""

    changed = Signal()
    failed = Signal(str, str)
    told = Signal(str)
    written = Signal()  # One change, or it was said why not.
    _discarded_one = Signal(str)

    def __init__(self, undo_stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs: dict[str, RunSummary] = {}
        self.known = False  # Whether the list has been read.
        self.live: Live | None = None
        self._old = False  # What is being read may be old: it is read once more.
        self._trash: dict[str, Discarded] = {}
        self._reading = Background(self._on_not_read, self)
        self._reading.progressed.connect(self._on_some_read)
        self._reading.finished.connect(self._on_read)
        self._writer = UndoWriter(undo_stack, "runs", self)
        self._writer.failed.connect(self._on_not_written)
        self._writer.written.connect(self.written)
        self._discarded_one.connect(self.told)
        self.written.connect(self._on_written)

    @property
    def reading(self) -> bool:
        return self._reading.working

    def read(self) -> None:
        """Look again at the folders; `changed` comes if anything is new."""
        self._old = self.reading or self._writer.waiting > 0
        if not self._old:
            changes = self._writer.changes
            self._reading.start(lambda tell: (changes, read_runs(tell)))

    def show_live(self, live: Live | None) -> None:
        """Of the run that this window trains: its line goes on with it."""
        before, self.live = self.live, live
        if live is not None and live.folder in self.runs:
            self._put([self.runs[live.folder]])
            self.changed.emit()
        elif self.known and (live is not None or before is not None):  # It has ended, or no look found it:
            self.read()  # its engine writes the settings a moment after it has begun.

    # --- changed, each a step of undo

    def rename(self, folder: str, name: str) -> None:
        """No name, or the one it was started with, takes the person's own name away."""
        run = self.runs[folder]
        name = "" if name.strip() == run.name else name.strip()
        self._mark("rename a run", {folder: msgspec.structs.replace(run.annotations, name=name)})

    def note(self, folder: str, note: str) -> None:
        annotations = self.runs[folder].annotations
        self._mark("note on a run", {folder: msgspec.structs.replace(annotations, note=note.strip())})

    def star(self, folders: Iterable[str], on: bool) -> None:
        annotations = {f: msgspec.structs.replace(self.runs[f].annotations, starred=on) for f in folders}
        self._mark(f"{'star' if on else 'unstar'} {many(len(annotations), 'run')}", annotations)

    def archive(self, folders: Iterable[str], on: bool) -> None:
        annotations = {f: msgspec.structs.replace(self.runs[f].annotations, archived=on) for f in folders}
        words = many(len(annotations), "run")
        which = self.runs[next(iter(annotations))].title if len(annotations) == 1 else words
        self._mark(f"archive {words}" if on else f"take {words} out of the archive", annotations)
        self.told.emit(f"{which}: {'in the archive' if on else 'out of the archive'}. Undo: Ctrl+Z.")

    def delete(self, folders: Iterable[str]) -> None:
        """Into the trash. One that runs stays."""
        gone = {f: self.runs[f] for f in folders if self.runs[f].state != "running"}
        if gone:
            words = f"delete {many(len(gone), 'run')}"
            self._writer.push(words, lambda: self._discard(gone), lambda: self._bring_back(gone))

    def close(self) -> None:
        """Let what was asked for be written."""
        self._reading.cancel()
        self._writer.close()

    def _mark(self, words: str, annotations: Mapping[str, Annotations]) -> None:
        before = {f: self.runs[f].annotations for f in annotations}
        if before != annotations:
            self._writer.push(
                words, lambda: self._set_annotations(annotations), lambda: self._set_annotations(before)
            )

    def _set_annotations(self, annotations: Mapping[str, Annotations]) -> None:
        self._put(
            msgspec.structs.replace(self.runs[f], annotations=m)
            for f, m in annotations.items()
            if f in self.runs
        )

        def write() -> None:
            for folder, mark in annotations.items():
                try:
                    write_annotations(RunDir(Path(folder)), mark)
                except OSError as error:
                    self._writer.failed.emit(
                        f"The change cannot be written into {folder} ({error.strerror}).",
                        "Make the folder writable, or free space on the disk.",
                    )
                    return

        self._write(write)

    def _discard(self, runs: Mapping[str, RunSummary]) -> None:
        self.runs = {f: run for f, run in self.runs.items() if f not in runs}
        self._write(lambda: self._move_to_trash(list(runs.values())))

    def _bring_back(self, runs: Mapping[str, RunSummary]) -> None:
        self._put(runs.values())
        self._write(lambda: self._move_back(list(runs.values())))

    def _put(self, runs: Iterable[RunSummary]) -> None:
        self.runs = self.runs | {run.folder: self._as_it_runs(run) for run in runs}

    def _as_it_runs(self, run: RunSummary) -> RunSummary:
        """What the window hears of its own training is newer than what its folder says."""
        live = self.live
        if live is None or live.folder != run.folder:
            return run
        best = max((b for b in (live.best, run.best) if b is not None), default=None)
        took_s = live.took_s if run.took_s is None else max(live.took_s, run.took_s)
        return msgspec.structs.replace(run, state="running", best=best, took_s=took_s)

    # --- in the thread that writes

    def _move_to_trash(self, runs: list[RunSummary]) -> None:
        for run in runs:
            try:
                if run.run.owner() is not None:
                    self._writer.failed.emit(f"{run.title} still runs.", "Stop it before you delete it.")
                    continue
                self._trash[run.folder] = discarded = discard(run.run.path)
            except OSError as error:
                why = error.strerror or str(error)
                self._writer.failed.emit(
                    f"{run.title} cannot be moved to the trash ({why}).", "It is kept as it was."
                )
            else:
                self._discarded_one.emit(_where_it_went(run, discarded))

    def _move_back(self, runs: list[RunSummary]) -> None:
        for run in runs:
            discarded = self._trash.pop(run.folder, None)
            if discarded is None:  # It never got there, which was said.
                continue
            try:
                bring_back(discarded)
            except OSError as error:
                why = error.strerror or str(error)
                self._writer.failed.emit(
                    f"{run.title} cannot be brought back ({why}).", "Look into the trash."
                )

    def _write(self, write: Callable[[], None]) -> None:
        self._writer.write(write)
        self.changed.emit()

    # --- heard

    def _on_some_read(self, runs: tuple[RunSummary, ...]) -> None:
        """Of the first reading the newest runs are shown at once."""
        if not self.known and not self._writer.changes:
            self._put(runs)
            self.changed.emit()

    def _on_read(self, read: tuple[int, list[RunSummary]]) -> None:
        changes, runs = read
        if changes == self._writer.changes:
            before, self.runs = self.runs, {}
            self._put(runs)
            first, self.known = not self.known, True
            if first or before != self.runs:
                self.changed.emit()
        if changes != self._writer.changes or self._old:
            self.read()

    def _on_not_read(self, error: Exception) -> None:
        self.known = True
        self.failed.emit("The runs cannot be read.", str(error))

    def _on_written(self) -> None:
        if self._old and not self._writer.waiting:
            self.read()

    def _on_not_written(self, text: str, hint: str) -> None:
        self.failed.emit(text, hint)
        self.read()


def _where_it_went(run: RunSummary, discarded: Discarded) -> str:
    if discarded.own:
        return f"There is no trash for this drive: {run.title} was moved to {discarded.place}. Undo: Ctrl+Z."
    return f"{run.title} is in the trash. Undo: Ctrl+Z."
