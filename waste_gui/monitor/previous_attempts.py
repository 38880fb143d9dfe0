"""What the starts of a run before this one told: their epochs, and how long they took."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from waste_gui import protocol
from waste_gui.monitor.stretches import Stretch, Told
from waste_gui.protocol import EpochFinished, Unreadable

KEPT_TIMES = 1000
"""Of the newest epochs, or turns of a stage: more would not tell more."""

NEARLY = 0.9
"""An epoch with this share of its steps measures as well as a whole one."""


@dataclass
class PreviousAttempts:
    """`epoch_times` are the seconds of each epoch that one start trained whole, pauses not counted."""

    epochs: list[EpochFinished] = field(default_factory=list)
    checkpoint: protocol.CheckpointSaved | None = None
    epoch_times: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_TIMES))
    _before_s: float = 0.0
    _at: float = 0.0
    _started: protocol.RunStarted | None = None
    _total: int | None = None
    _stood_still_s: float = 0.0  # In the epoch that is still open.
    _step: int | None = None  # From which the epoch was trained that is still open.

    @property
    def took_s(self) -> float:
        """All of them together."""
        return self._before_s + self._at

    def take(self, told: Told) -> None:
        match told:
            case Unreadable():
                return
            case Stretch():
                for message in told.progress if self._step is None else ():
                    self._on_progress(message)
                self._at = told.last_at
                return
            case protocol.RunStarted():
                self._before_s += self._at
                self._started, self._total, self._step, self._stood_still_s = told, None, None, 0.0
            case protocol.StageStarted(stage="train"):
                self._total = told.total
            case protocol.Progress():
                self._on_progress(told)
            case protocol.Heartbeat():
                self._stood_still_s += told.stood_still_s
            case EpochFinished():
                self._on_epoch(told)
            case protocol.CheckpointSaved():
                self.checkpoint = told
        self._at = told.at

    def _on_progress(self, message: protocol.Progress) -> None:
        if message.stage == "train" and self._step is None:
            self._step = message.done

    def _on_epoch(self, epoch: EpochFinished) -> None:
        while self.epochs and self.epochs[-1].epoch >= epoch.epoch:  # Made again by a later start.
            self.epochs.pop()
        self.epochs.append(epoch)
        if is_whole(epoch, self._started, self._step, self._total):
            self.epoch_times.append(max(0.0, epoch.elapsed_s - self._stood_still_s))
        self._step, self._stood_still_s = epoch.step, 0.0


def is_whole(
    epoch: EpochFinished, started: protocol.RunStarted | None, step: int | None, total: int | None
) -> bool:
    """Whether it is no rest of one that an earlier start had begun. It was trained from `step` on; `total`
    are the steps of all epochs."""
    if started is None or not started.resumed_from or not started.epochs or step is None or not total:
        return True
    return epoch.step - step >= NEARLY * total / started.epochs
