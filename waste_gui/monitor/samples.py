"""Where a thread was, look after look: does what runs get anywhere, and whose code is it?

A sample is the function that tells most of a stack (`stack_words`), with its line. A loop is seen again and
again at the places where it was seen before; work that moves on comes to new ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from waste_gui import code_place
from waste_gui.monitor import formatting
from waste_gui.monitor.stack_words import STANDARD_LIBRARY, key_frame
from waste_gui.plain_text import plain
from waste_gui.protocol import Frame, ThreadStack

MOST = 64
"""Of a silence the newest samples."""

ENOUGH, SPAN_S = 5, 30.0
"""Fewer samples, or of less time, show no circle."""


@dataclass(frozen=True)
class Samples:
    """Oldest first: when, and in which line."""

    seen: tuple[tuple[float, Frame], ...] = ()

    def with_stack(self, thread: ThreadStack | None, at: float, since: float) -> Samples:
        """With one more; without those of before `since`, when the last progress was."""
        kept = self.since(since)
        index = key_frame(thread) if thread else -1
        if thread is None or index < 0 or at < since:
            return kept
        return Samples((*kept.seen, (at, thread.frames[index]))[-MOST:])

    def since(self, at: float) -> Samples:
        return Samples(tuple(sample for sample in self.seen if sample[0] >= at))

    @property
    def in_one_function_s(self) -> float:
        """How long it has been in the function in which it was seen last, without being seen elsewhere."""
        if not self.seen:
            return 0.0
        at, last = self.seen[-1]
        since = at
        for when, frame in reversed(self.seen):
            if (frame.file, frame.function) != (last.file, last.function):
                break
            since = when
        return at - since

    @property
    def repeats(self) -> bool:
        """Whether the newer half of the looks came to no function where the older half had not been."""
        if len(self.seen) < ENOUGH or self.seen[-1][0] - self.seen[0][0] < SPAN_S:
            return False
        functions = [(frame.file, frame.function) for _, frame in self.seen]
        half = (len(functions) + 1) // 2
        return set(functions[half:]) <= set(functions[:half])

    def in_words(self) -> str:
        """`In 5 looks over 40 s it was at blur (filters.py, line 12) each time, …`; of one look nothing."""
        if len(self.seen) < 2:
            return ""
        looks = f"In {len(self.seen)} looks over {formatting.span(self.seen[-1][0] - self.seen[0][0])} it was"
        places = Counter((frame.file, frame.function, frame.line) for _, frame in self.seen)
        if len(places) == 1:
            return f"{looks} at {_line(self.seen[-1][1])} each time, {whose(self.seen[-1][1].file)}."
        functions = Counter((frame.file, frame.function) for _, frame in self.seen)
        file, function = functions.most_common(1)[0][0]
        if len(functions) == 1:
            lines = sorted(frame.line for _, frame in self.seen)
            where = f"{plain(function)} ({_file(file)}, lines {lines[0]} to {lines[-1]})"
            return f"{looks} in {where} each time, {whose(file)}."
        where = f"mostly in {plain(function)} ({_file(file)}, {whose(file)})"
        return f"{looks} in {len(functions)} functions, {where}."


def whose(file: str) -> str:
    """Whose code a file is: this program's, Python's, a library's, or somebody else's."""
    path = file.replace(chr(92), "/")
    if STANDARD_LIBRARY.search(path):
        return "Python's own code"
    package = code_place.short(file)[0]
    if package == "waste_gui":
        return "this program's code"
    if "/site-packages/" in path or "/dist-packages/" in path:
        return f"code of the library {plain(package)}"
    return "code that is not part of this program"


def _line(frame: Frame) -> str:
    return f"{plain(frame.function)} ({_file(frame.file)}, line {frame.line})"


def _file(file: str) -> str:
    return plain(file.replace(chr(92), "/").rpartition("/")[2])
