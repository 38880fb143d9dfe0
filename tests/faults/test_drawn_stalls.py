"""Drawn faults are the same for the same seed, really block, and are judged by what is said of them."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

if sys.platform != "linux":
    pytest.skip("the calls are those of Linux", allow_module_level=True)

from tests.faults.drive import why_no_drive
from tests.faults.stalls.drawn import report
from tests.faults.stalls.drawn.alone import look
from tests.faults.stalls.drawn.draws import Draw, draws
from tests.faults.stalls.drawn.judge import judge
from tests.faults.stalls.drawn.kinds import KINDS
from tests.faults.stalls.drawn.run import run
from tests.faults.stalls.drawn.scene import ITSELF, MAIN, NOBODY, Facts

SEED = 20
EACH_ONCE = len(KINDS)


def test_same_seed_draws_the_same_and_another_draws_others() -> None:
    assert list(draws(1, 200)) == list(draws(1, 200))
    assert list(draws(1, 200)) != list(draws(2, 200))
    assert list(draws(1, 50)) == list(draws(1, 200))[:50]


def test_every_kind_every_place_and_every_stage_comes() -> None:
    drawn = list(draws(SEED, 10 * EACH_ONCE))
    drives = {name for name, kind in KINDS.items() if kind.needs_drive and why_no_drive()}
    assert {draw.kind for draw in drawn[:EACH_ONCE]} == set(KINDS) - drives
    assert {draw.place for draw in drawn} == {"main", "thread", "child", "grandchild", "worker"}
    assert {draw.stage for draw in drawn} >= {"import", "scan", "model", "embed", "train", "validate", "save"}
    for draw in drawn:
        assert draw.holder in KINDS[draw.kind].holders and draw.place in KINDS[draw.kind].places


EIGHTS = [list(draws(SEED, EACH_ONCE))[begin : begin + 8] for begin in range(0, EACH_ONCE, 8)]


@pytest.mark.parametrize("drawn", EIGHTS, ids=lambda drawn: f"{drawn[0].kind}-{drawn[-1].kind}")
def test_what_is_drawn_blocks_and_says_what_it_waits_for(drawn: list[Draw]) -> None:
    with ThreadPoolExecutor(4) as threads:
        for draw, (facts, states, waits) in zip(drawn, threads.map(look, drawn), strict=True):
            assert facts.objects and facts.pid, draw
            wchan = KINDS[draw.kind].wchan
            if wchan:
                assert states & {"sleeping", "disk-sleep"}, draw
                assert waits - {"0"} and all(wait.startswith(wchan) for wait in waits - {"0"}), (draw, waits)
            else:
                assert "running" in states, draw


FACTS = Facts(
    who=[[MAIN, "100"]],
    objects=[["/x/a b.lock", "a b.lock"]],
    holder=[["200", "evaluate_7.py"]],
    strangers=["300", "re:deadlock"],
    pid=100,
    also=["200"],
)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("The training waits for a lock on /x/a b.lock, which python3 evaluate_7.py (200) holds.", ""),
        ("The training waits for a lock on /x/a b.lock, held by process 200.", ""),
        ("The training waits for a lock on /x/a b.lock.", "holder"),
        ("The training waits for a lock, held by process 200.", "object"),
        ("A lock on /x/a b.lock, held by process 200.", "who"),
        ("No progress for 30 s, and no known cause.", "who, object, holder"),
        ("The training waits for a b.lock, held by process 200 and viewer (300).", "blames 300"),
        ("The training waits for a b.lock, held by evaluate_7.py (2001).", "blames 2001"),
        ("The training waits for a b.lock, held by process 200: a deadlock.", "blames deadlock"),
    ],
)
def test_answer_is_right_only_with_all_its_parts_and_nobody_else(text: str, wrong: str) -> None:
    judged = judge(text, ("Main thread: Train",), FACTS, family=[100])
    assert (judged.wrong, judged.right) == (wrong, not wrong)


def test_nobody_and_itself_are_holders_that_must_be_said() -> None:
    alone = Facts([[MAIN]], [["pipe.fifo"]], [NOBODY])
    assert judge("The training waits for pipe.fifo, which nobody has open.", (), alone, []).right
    assert judge("The training waits for pipe.fifo.", (), alone, []).wrong == "holder"
    locked = Facts([[MAIN]], [[r"re:\block\b"]], [])
    assert judge("The training waits for a lock.", (), locked, []).right
    assert judge("The training waits. Called from x.py, line 3 (lock).", (), locked, []).wrong == "object"
    circle = Facts([[MAIN]], [["a.lock"]], [ITSELF])
    assert judge("The training waits for a.lock, which it holds itself.", (), circle, []).right


@pytest.mark.slow
def test_drawn_faults_strike_in_the_real_engine_and_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in the main thread, one in a process that reads photos; nothing of them stays behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    drawn = [
        Draw("flock", "other", "main", "train", "New folder (2)/Fotos März.lock", 41),
        Draw("read_pipe", "child", "worker", "train", "unused", 52),
    ]
    with ThreadPoolExecutor(2) as threads:
        rows = list(threads.map(run, drawn))
    ended = [row.facts.pid for row in rows if row.facts is not None]
    for pid in ended:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(10)  # Raises TimeoutExpired.
    assert not list(tmp_path.iterdir())
    assert [row.failed for row in rows] == ["", ""]
    assert all(row.verdict == "likely_stuck" and row.late_s < report.WORST_S for row in rows)
    assert all(row.right for row in rows), "\n".join(map(report.line, rows))
    assert all(f"{draw.kind} " in line for draw, line in zip(drawn, map(report.line, rows), strict=True))
