"""The window with a long run: messages as they come, a frame of the plots, reopening, memory, its start."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, Rate, interleave
from tests.benchmarks.first_paint import seconds_of
from tests.benchmarks.long_run import lines
from tests.benchmarks.photos import Bench

HOURS = 12.0
A_SECOND = 100_000
BLOCK_S, REOPEN_BLOCK_S, REOPEN_S, FRAME_S = 0.016, 0.050, 2.0, 0.010
MEMORY_MB = 300.0
LIMIT = "the limit"


def window_messages(bench: Bench) -> list[Comparison]:
    """As fast as a child process can write them, into the window that shows the training."""
    events = written(bench, 20_000 if bench.quick else 1_000_000)
    rounds = [in_child("window_sides:take_messages", events=str(events)) for _ in range(bench.rounds)]
    count = rounds[0]["messages"]
    seconds = [each["seconds"] for each in rounds]
    what = f"{count:,} messages of a {HOURS:g}-hour run into the window"
    limit = [count / A_SECOND] * bench.rounds
    return [
        Comparison(what, LIMIT, seconds, limit, Goal("at least", 1), Rate(count, "messages")),
        _blocks("longest block of the window meanwhile", rounds, BLOCK_S),
    ]


def window_reopen(bench: Bench) -> list[Comparison]:
    """From the click on the run to its finished picture."""
    events = written(bench, 20_000 if bench.quick else 1_000_000)
    rounds = [in_child("window_sides:reopen", events=str(events)) for _ in range(bench.rounds)]
    what = f"reopening a run of {rounds[0]['messages']:,} messages"
    seconds, limit = [each["seconds"] for each in rounds], [REOPEN_S] * bench.rounds
    return [
        Comparison(what, LIMIT, seconds, limit, Goal("at most", 1)),
        _blocks("longest block of the window meanwhile", rounds, REOPEN_BLOCK_S),
    ]


def window_plot(bench: Bench) -> list[Comparison]:
    """A value comes, and the three plots are drawn."""
    points = 20_000 if bench.quick else 1_000_000
    seconds = in_child("window_sides:time_plots", points=points, rounds=bench.rounds)
    what, limit = f"a frame of the plots, 3 × {points:,} points", [FRAME_S] * bench.rounds
    return [
        Comparison(what, LIMIT, seconds["ours"], limit, Goal("at most", 1)),
        Comparison(what, "pyqtgraph, setData", seconds["ours"], seconds["pyqtgraph"]),
    ]


def window_memory(bench: Bench) -> list[Comparison]:
    """Once, whatever the rounds: it takes minutes."""
    messages = 50_000 if bench.quick else 10_000_000
    told = in_child("window_sides:remember", messages=messages, hours=HOURS)
    what = f"memory of the window after {told['messages']:,} messages of {HOURS:g} hours"
    note = f"{told['before']:.0f} MB before the first one; {told['seconds']:.0f} s"
    return [Comparison(what, LIMIT, [told["after"]], [MEMORY_MB], Goal("at most", 1), unit="MB", note=note)]


def window_start(bench: Bench) -> list[Comparison]:
    """Each time a new process, from its command to the first paint."""
    sides = {side: partial(seconds_of, side, bench.scratch) for side in ("ours", "bare")}
    measured = {side: seconds[1:] for side, seconds in interleave(bench.rounds + 1, sides).items()}
    what, other = "the window: command to first paint", "a bare PySide6 window with a PlotWidget"
    return [Comparison(what, other, measured["ours"], measured["bare"], Goal("at most", 1.3))]


def written(bench: Bench, messages: int) -> Path:
    """The run as a file, made once."""
    file = bench.scratch / f"events_{messages}.jsonl"
    if not file.exists():
        with open(file, "wb") as out:
            out.writelines(lines(messages, HOURS))
    return file


def _blocks(what: str, rounds: list[dict[str, float]], limit_s: float) -> Comparison:
    """The longest of each round, and how much of it was our own work."""
    blocks = [each["block"] for each in rounds]
    own = max(each["work"] for each in rounds)
    note = f"at most {1000 * own:.1f} ms on the processor; the rest is others that run on it"
    return Comparison(what, LIMIT, blocks, [limit_s] * len(rounds), Goal("at most", 1), note=note)
