"""A run's end has one name, wherever it is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.gui import pictures
from waste_gui.config import RunConfig
from waste_gui.gui.alerts.notifier import end_of, news
from waste_gui.gui.common.events import Event
from waste_gui.gui.queue.queue_text import row
from waste_gui.gui.session.queue_store import QueuedRun
from waste_gui.gui.session.run_ends import GLYPHS, how_it_ended
from waste_gui.gui.session.run_text import Readiness, header_text, notice, window_title
from waste_gui.gui.session.session_text import ended_alone_notice
from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot

NOT_READY = Readiness(False, "", "")


def gone(outcome: ProcessOutcome, *, asked: bool = False) -> Snapshot:
    run = Run()
    run.launched()
    if asked:
        run.stop_asked(1.0)
    crash = explain(outcome, "")
    run.process_gone(crash.text, crash)
    return Snapshot(run)


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        (lambda: pictures.snapshot(pictures.done()), "done"),
        (lambda: pictures.snapshot(pictures.failed()), "failed"),
        (lambda: pictures.snapshot(pictures.crashed()), "crashed"),
        (lambda: gone(ProcessOutcome(signal=11)), "crashed"),
        (lambda: gone(ProcessOutcome(not_started="No such file")), "failed"),
        (lambda: gone(ProcessOutcome(signal=9, forced=True), asked=True), "stopped"),
    ],
)
def test_end_is_called_the_same_in_title_queue_notice_and_news(
    shown: Callable[[], Snapshot], state: str
) -> None:
    snapshot = shown()
    found, words = how_it_ended(snapshot.run)
    assert found == state
    assert window_title(snapshot.run).lower() == f"{state} – waste-gui"
    assert header_text(snapshot, NOT_READY).glyph == GLYPHS[found]
    entry = QueuedRun(config=RunConfig(), state=found, words=words)
    assert row(entry, None).state.split()[0] == state and row(entry, None).glyph == GLYPHS[found]
    alone = ended_alone_notice(0.0, found, words)
    assert state in alone.title or (state == "done" and "ended" in alone.title)
    event = end_of(snapshot)
    assert (event is None) == (state == "stopped")
    if event is Event.FAILED:
        assert news(event, snapshot).title == f"Training {state}"


def test_run_that_was_ended_by_force_as_asked_is_no_failure() -> None:
    said = notice(gone(ProcessOutcome(signal=9, forced=True), asked=True))
    assert said is not None and said.glyph == "stopped" and "by force" in said.title
