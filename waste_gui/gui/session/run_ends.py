"""How a run ended, in one word everywhere: of one that was watched, and of one that nobody watched.

It *failed* where the engine said what was wrong, or could not be started, and *crashed* where it ended
without a last message; unless it was asked to stop, and had to be ended by force: then it was *stopped*.
"""

from __future__ import annotations

from waste_gui import files, protocol
from waste_gui.gui.common.formatting import percent
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.session.queue_store import QueueState
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.protocol import RunFailed, RunFinished, RunStopped
from waste_gui.rundir import RunDir

TAIL_BYTES = 64 * 1024
NO_WORD = "It ended without a word; its log may say why."
NOT_STARTED, FORCED = "not_started", "forced"
"""Causes of what the monitor calls a crash: no program ran; or it did not stop when it was asked to."""

Ending = tuple[QueueState, str]

GLYPHS: dict[QueueState, Glyph] = {
    "waiting": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "crashed": "failed",
    "stopped": "stopped",
}


def phase_shown(run: Run) -> RunPhase:
    """As a person sees it."""
    if run.phase is not RunPhase.CRASHED:
        return run.phase
    if run.stop_asked_at is not None:
        return RunPhase.STOPPED
    return RunPhase.FAILED if run.crash is not None and run.crash.cause == NOT_STARTED else RunPhase.CRASHED


def how_it_ended(run: Run) -> Ending:
    """A run that this window has seen to its end."""
    phase = phase_shown(run)
    if phase is RunPhase.STOPPED:
        return "stopped", ""
    if run.phase is RunPhase.CRASHED:
        hint = run.crash.hint if run.crash else ""
        state: QueueState = "crashed" if phase is RunPhase.CRASHED else "failed"
        return state, f"{run.exit_words} {hint}".strip()
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
    return "crashed", NO_WORD
