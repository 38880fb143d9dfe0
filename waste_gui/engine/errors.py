"""The error tree. Each carries a `kind` for programs, one sentence for people, and what to do.

EngineError
├── BadSettings         a setting that cannot be used
├── UnusableFolder      the run folder cannot be written, or holds another run
├── UnusableDataset     no photos, one class only, …
├── UnknownModel        no library knows the name
├── WeightsUnavailable  not downloaded and not reachable, or a file that cannot be read
├── WrongCheckpoint     weights of another model, or a damaged file
├── NoSuchDevice        CUDA or MPS asked for and absent
├── TooManyFailures     more unreadable photos than the budget allows
├── LoadingBroken       the processes that read photos cannot run
├── OutOfMemory         the graphics card's or the computer's
├── DiskFull            a checkpoint or result could not be written
└── LibraryFailure      what a library or the system says, as `known_errors` knows it

StopRequested           not an error: somebody asked for it
"""

from __future__ import annotations

from waste_gui.protocol import NotSavedCause


class EngineError(Exception):
    """Ends the run with a `run_failed`; `text` is one sentence, `hint` what to do."""

    kind = "error"

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(f"{text} {hint}".strip())
        self.text, self.hint = text, hint


class BadSettings(EngineError):
    kind = "settings"


class UnusableFolder(EngineError):
    kind = "run_folder"

    def __init__(self, text: str, hint: str, cause: NotSavedCause = NotSavedCause.NOT_WRITABLE) -> None:
        super().__init__(text, hint)
        self.cause = cause


class UnusableDataset(EngineError):
    kind = "dataset"


class UnknownModel(EngineError):
    kind = "model"


class WeightsUnavailable(EngineError):
    kind = "weights"


class WrongCheckpoint(EngineError):
    kind = "checkpoint"


class NoSuchDevice(EngineError):
    kind = "device"


class TooManyFailures(EngineError):
    kind = "photos"


class LoadingBroken(EngineError):
    kind = "workers"


class OutOfMemory(EngineError):
    kind = "out_of_memory"


class DiskFull(EngineError):
    kind = "disk_full"
    cause = NotSavedCause.DISK_FULL


class LibraryFailure(EngineError):
    """Its `kind` is that of the known error."""

    def __init__(self, kind: str, text: str, hint: str) -> None:
        super().__init__(text, hint)
        self.kind = kind


class StopRequested(Exception):
    """Raised between steps and while waiting for data, after a `stop`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
