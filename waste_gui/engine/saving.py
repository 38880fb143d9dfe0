"""What a run writes while it trains. A disk that is full or gone does not end it: what could not be written
is said loudly and tried again, and only at the very end it is waited for."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

from torch import Tensor

from waste_gui.engine import checkpoint
from waste_gui.engine.checkpoint import BEST, CheckpointInfo
from waste_gui.engine.context import Context
from waste_gui.engine.errors import DiskFull, UnusableFolder
from waste_gui.protocol import Activity, CheckpointSaved, NotSaved, NotSavedCause, SavedAgain, Warned
from waste_gui.rundir import RunDir, RunFolderError

RETRY_S, RETRY_AT_THE_END_S = 30.0, 3.0
POLL_S = 0.1
FAILURES = (DiskFull, UnusableFolder, OSError)


class Saver:
    """Checkpoints and results of one run. What is owed to the disk is kept by name, as a way to try again."""

    def __init__(self, context: Context, folder: RunDir, renew: Callable[[], object]) -> None:
        """`renew` writes what stood in the folder before training, into a new one."""
        self._context, self._folder, self._renew = context, folder, renew
        self._owed: dict[str, Callable[[], object]] = {}
        self._told: set[str] = set()
        self._saved_at = self._tried_at = context.report.now()

    def due(self, minutes: float) -> bool:
        """Whether the last checkpoint is older than that; also the time to try again what is owed."""
        now = self._context.report.now()
        if self._owed and now - self._tried_at >= RETRY_S:
            self.try_again()
        return minutes > 0 and now - max(self._saved_at, self._tried_at) >= 60 * minutes

    def save(
        self,
        name: str,
        info: CheckpointInfo,
        tensors: dict[str, Tensor],
        again: Callable[[], object] | None = None,
    ) -> bool:
        """Whether it is on disk now; the checkpoint before it stays until then. `again` makes a newer one;
        without it this one is kept in memory, since training goes on and changes its weights."""
        path = self._folder.checkpoints / f"{name}.safetensors"
        done = info.progress

        def write(tensors: dict[str, Tensor]) -> None:
            checkpoint.save(path, info, tensors)
            self._saved_at = self._context.report.now()
            self._context.report(
                CheckpointSaved(path=str(path), epoch=done.epoch, step=done.step, best=name == BEST)
            )

        if self.write(name, lambda: write(tensors), again):
            return True
        if again is None:
            kept = {key: tensor.clone() for key, tensor in checkpoint.on_cpu(tensors).items()}
            self._owed[name] = lambda: self.write(name, lambda: write(kept))
        return False

    def write(
        self, name: str, write: Callable[[], object], again: Callable[[], object] | None = None
    ) -> bool:
        """Try it; if it fails, say so and keep it, or the way to make it anew, for later."""
        self._owed.pop(name, None)
        try:
            self._keep_folder()
            write()
        except FAILURES as error:
            self._owed[name] = again or (lambda: self.write(name, write))
            self._tried_at = self._context.report.now()
            self._say(name, error)
            return False
        if self._told and not self._owed:
            self._told.clear()
            self._context.report(SavedAgain())
        return True

    def is_lost(self, name: str) -> bool:
        """Whether somebody removed a checkpoint that was on disk; not while the whole disk is away."""
        try:
            self._keep_folder()
            folder = self._folder.checkpoints
            return (
                name not in self._owed and folder.is_dir() and not (folder / f"{name}.safetensors").exists()
            )
        except FAILURES:
            return False

    def _keep_folder(self) -> None:
        """Where somebody removed or moved it there is a new one. Raises UnusableFolder, OSError."""
        if self._folder.config.exists():
            return
        try:
            self._folder.renew()
        except RunFolderError as error:
            raise UnusableFolder(error.text, error.hint, error.cause) from None
        self._renew()
        text = f"The run folder {self._folder.path} was removed or moved while training. It was made anew."
        hint = "What it held before is only where it was moved to; the model is saved anew."
        self._context.report(Warned(text=text, hint=hint))

    def wait_for_room(self) -> None:
        """At the end: until all is on disk. Commands are obeyed meanwhile."""
        if not self._owed:
            return
        with self._context.stage("save") as stage:
            while self._owed:
                self._context.heart.does("waiting for the disk of the run folder", Activity.WAITING_FOR_DISK)
                self._context.obey()
                if self._context.report.now() - self._tried_at >= RETRY_AT_THE_END_S:
                    self.try_again()
                time.sleep(POLL_S)
            stage.summary = "saved when the disk had room again"

    def try_again(self) -> None:
        """What is owed, in its order, until one fails again."""
        for name in [*self._owed]:
            self._owed[name]()
            if name in self._owed:
                return

    def _say(self, name: str, error: Exception) -> None:
        """Once, until it can be written again. An error of ours says what is missing, the system's what
        happened."""
        if name in self._told:
            return
        self._told.add(name)
        text = error.text if isinstance(error, DiskFull | UnusableFolder) else f"{name}: {error}."
        self._context.report(NotSaved(text=text, hint=getattr(error, "hint", ""), cause=cause_of(error)))


def cause_of(error: Exception) -> NotSavedCause:
    if isinstance(error, DiskFull | UnusableFolder):
        return error.cause
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return NotSavedCause.DISK_FULL if full else NotSavedCause.NOT_WRITABLE
