"""Messages that come by the thousand, taken in together: a long run is read from its file in two seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from waste_gui.protocol import Activity, AnyMessage, Heartbeat, Metric, Progress, Unreadable

Often = Progress | Metric | Heartbeat
OFTEN = frozenset((Progress, Metric, Heartbeat))
SHORTEST = 8
"""Of fewer, one by one is as fast."""

_SEQ = attrgetter("seq")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages numbered without a gap, none of them a turn in the run: no stage begins, nobody pauses,
    nothing stands still."""

    first_seq: int
    count: int
    last_at: float
    progress: list[Progress]
    metrics: list[Metric]
    metric_times: list[float]
    heartbeats: list[Heartbeat]
    messages: Sequence[Often]


Told = AnyMessage | Unreadable | Stretch


def in_stretches(messages: Sequence[AnyMessage | Unreadable]) -> Iterator[Told]:
    """The same messages in the same order, those that are nothing special in stretches."""
    kinds = list(map(type, messages))
    begin = 0
    for end in (*(i for i, kind in enumerate(kinds) if kind not in OFTEN), len(messages)):
        stretch = _stretch(messages[begin:end]) if end - begin >= SHORTEST else None  # type: ignore[arg-type]
        if stretch is not None:
            yield stretch
        else:
            yield from messages[begin:end]
        yield from messages[end : end + 1]
        begin = end + 1


def _stretch(messages: Sequence[Often]) -> Stretch | None:
    first, count = messages[0].seq, len(messages)
    if list(map(_SEQ, messages)) != list(range(first, first + count)):
        return None
    progress: list[Progress] = []
    metrics: list[Metric] = []
    heartbeats: list[Heartbeat] = []
    add = {Progress: progress.append, Metric: metrics.append, Heartbeat: heartbeats.append}
    for message in messages:
        add[type(message)](message)  # type: ignore[operator]
    if any(beat.activity is Activity.PAUSED or beat.stood_still_s for beat in heartbeats):
        return None
    times = [metric.at for metric in metrics]
    return Stretch(first, count, messages[-1].at, progress, metrics, times, heartbeats, messages)
