"""How a run ended, as its own last words tell: of one that was watched, and of one that nobody watched."""

from __future__ import annotations

from waste_gui import files, protocol
from waste_gui.gui.common.formatting import percent
from waste_gui.gui.session.queue_store import QueueState
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.protocol import RunFailed, RunFinished, RunStopped
from waste_gui.rundir import RunDir

TAIL_BYTES = 64 * 1024
NO_WORD = "It ended without a word; its log may say why."
Ending = tuple[QueueState, str]


def how_it_ended(run: Run) -> Ending:
    """A run that this window has seen to its end."""
    if run.phase is RunPhase.CRASHED:
        if run.stop_asked_at is not None:
            return "stopped", ""
        hint = run.crash.hint if run.crash else ""
        return "failed", f"{run.exit_words} {hint}".strip()
    return _ending(run.last)


def last_words(folder: RunDir) -> Ending | None:
    """How a run ended that nobody watched; None while it still runs. For a thread."""
    if folder.owner() is not None:
        return None
    try:
        lines = files.read_end(folder.events, TAIL_BYTES)[0].splitlines()
    except OSError:
        lines = []
    last = protocol.decode(lines[-1]) if lines else None
    return _ending(last)


def _ending(last: object) -> Ending:
    match last:
        case RunFinished(metrics=metrics):
            accuracy = metrics.get("test_accuracy", metrics.get("val_accuracy"))
            return "done", "" if accuracy is None else percent(accuracy)
        case RunStopped():
            return "stopped", ""
        case RunFailed(text=text, hint=hint):
            return "failed", f"{text} {hint}".strip()
    return "failed", NO_WORD
