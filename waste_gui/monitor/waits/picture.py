"""A chain of waits as what stands in a row of boxes: who waits, for what, who has that, and so on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from waste_gui.monitor import formatting
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link
from waste_gui.plain_text import plain

Tone = Literal["waits", "thing", "end", "nobody"]
"""Who waits; what for; who could end it all; nobody who could, or the first one again."""


@dataclass(frozen=True)
class Box:
    """`arrow` are the words on the arrow that leads to it, empty for the first; `words` a second line;
    `whole` the name as it is; `evidence` is where that was read."""

    title: str
    words: str = ""
    arrow: str = ""
    tone: Tone = "waits"
    whole: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Words:
    """Of a kind of wait: what its box says where it has no name, what that is, and who has it."""

    thing: str
    what: str
    had: str = "held by"
    arrow: str = "waits for"


THINGS = {
    Kind.FILE_LOCK: _Words("a lock file", "lock on a file"),
    Kind.DATABASE: _Words("a database", "locked database"),
    Kind.PIPE_READ: _Words("a pipe", "pipe, nothing in it", "other end", "reads from"),
    Kind.PIPE_WRITE: _Words("a pipe", "pipe, full", "other end", "writes into"),
    Kind.FIFO_OPEN: _Words("a named pipe", "named pipe, other end not open", "other end", "opens"),
    Kind.FILE: _Words("a file", "file that is looked for", "made by", "looks for"),
    Kind.SOCKET_READ: _Words("the network", "no answer", "other end", "reads from"),
    Kind.SOCKET_WRITE: _Words("the network", "takes nothing", "other end", "sends to"),
    Kind.CONNECTION: _Words("the network", "no connection", "listens there", "connects to"),
    Kind.LISTENING: _Words("an address", "nobody connects", "connected", "listens at"),
    Kind.INPUT: _Words("the keyboard", "terminal", "terminal of", "reads from"),
    Kind.TERMINAL_WRITE: _Words("the terminal", "stopped (Ctrl+S)", "terminal of", "writes to"),
    Kind.DEVICE: _Words("a device", "device"),
    Kind.LOCK: _Words("a lock", "lock in the program"),
    Kind.CONDITION: _Words("a notification", "condition in the program", "to come from"),
    Kind.QUEUE: _Words("a queue", "empty queue", "to come from"),
    Kind.FULL_QUEUE: _Words("a queue", "full queue", "to be emptied by"),
    Kind.EVENT: _Words("an event", "event in the program", "to be set by"),
    Kind.SEMAPHORE: _Words("a semaphore", "semaphore"),
    Kind.BARRIER: _Words("a barrier", "barrier in the program", "to be reached by"),
    Kind.RESULT: _Words("a result", "result of other work", "to come from"),
    Kind.POOL: _Words("a pool's results", "pool of processes", "to come from"),
    Kind.DISK: _Words("a drive", "drive", "served by"),
    Kind.MEMORY: _Words("memory", "memory from a drive", "served by"),
    Kind.SEVERAL: _Words("one of several", "several connections", "other end"),
    Kind.SIGNAL: _Words("a signal", "signal", "to come from"),
    Kind.MESSAGE: _Words("a message", "queue of the system", "to come from"),
    Kind.WATCH: _Words("a change of files", "watched files", "changed by"),
    Kind.TIMER: _Words("a timer", "timer", "set by"),
}
ITSELF = {
    Kind.SLEEP: "sleeps",
    Kind.STOPPED: "is stopped",
    Kind.RUNS: "runs, waits for nothing",
    Kind.ENDED: "has ended",
    Kind.UNKNOWN: "waits, nothing tells for what",
}
"""What is said of a box that waits for nothing outside it."""

NEXT = {
    Kind.CHILD: "waits for its end",
    Kind.THREAD: "waits for its end",
    Kind.PHOTOS: "waits for photos from",
}
"""Where what is waited for is who is next."""


def boxes(chain: Chain) -> tuple[Box, ...]:
    """At least one. The last is who could end it, or nobody."""
    found: list[Box] = []
    arrow = ""
    for place, link in enumerate(chain.links):
        followed = place + 1 < len(chain.links) or chain.circle is not None
        found.append(_who(link, arrow))
        arrow = NEXT.get(link.kind, "")
        words = THINGS.get(link.kind)
        if words is not None:
            found.append(_thing(link, words))
            arrow = words.had
        if not followed and link.kind not in ITSELF:
            found += _end(link, arrow)
    if chain.circle is not None:
        again = _name(chain.links[chain.circle])
        found.append(Box(again, "the same again: a deadlock", arrow, "nobody"))
    return tuple(found)


def _who(link: Link, arrow: str) -> Box:
    state = ITSELF.get(link.kind, "")
    if link.kind is Kind.SLEEP and link.for_s:
        state = f"sleeps, {formatting.span(link.for_s)} at a time"
    named = _number(link) if link.role != "worker" else ""
    words = ", ".join(part for part in (named, state) if part)
    tone: Tone = "end" if arrow and link.kind in ITSELF else "waits"
    whole = f"{plain(link.command)} ({link.pid})" if link.command else f"process {link.pid}"
    return Box(_name(link), words, arrow, tone, whole, tuple(map(plain, link.evidence)))


def _name(link: Link) -> str:
    if link.role == "main":
        return "Training"
    if link.role == "worker":
        return f"Data worker {link.pid}"
    if link.role == "engine" or link.tid != link.pid:
        return f"Thread “{plain(link.thread)}”"
    return plain(link.command) or f"Process {link.pid}"


def _number(link: Link) -> str:
    if link.role in ("main", "engine"):
        return "main thread" if link.role == "main" else "of the training"
    return f"process {link.pid}" if link.command else ""


def _thing(link: Link, words: _Words) -> Box:
    name = plain(link.name)
    title = (os.path.basename(name.rstrip("/")) or name) if name.startswith("/") else name
    detail = plain(link.detail) if not name else ""
    return Box(
        title or detail or words.thing,
        words.what,
        words.arrow,
        "thing",
        name or detail,
        tuple(map(plain, link.evidence)),
    )


def _end(link: Link, arrow: str) -> list[Box]:
    """Who could end the last wait; nothing where nobody knows."""
    holder = link.holder
    if holder is None:
        return []
    if holder.nobody:
        return [Box("nobody", "no process is there", arrow, "nobody")]
    more = len(link.holders) - 1
    title = f"{_holder(holder)} and {more} more" if more else _holder(holder)
    return [Box(title, _about(holder), arrow, "end", ", ".join(map(_whole, link.holders)))]


def _holder(holder: Holder) -> str:
    if holder.thread:
        return f"Thread “{plain(holder.thread)}”"
    return plain(holder.command or holder.host) or f"Process {holder.pid}"


def _whole(holder: Holder) -> str:
    return f"{plain(holder.command)} ({holder.pid})" if holder.pid else _holder(holder)


def _about(holder: Holder) -> str:
    parts = [f"process {holder.pid}"] if holder.pid and holder.command and not holder.thread else []
    if holder.stopped:
        parts.append("stopped")
    if holder.age_s is not None and holder.pid:
        parts.append(f"for {formatting.span(holder.age_s)}")
    if holder.host and not holder.pid:
        parts.append("another computer")
    return ", ".join(parts)
