"""What a library says of its own end, in the lines of a log: an exception of C++ that nobody caught, a check
that failed, a panic. As a clause, with the file and the line where it names them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 200


@dataclass(frozen=True)
class _Manner:
    """How one kind of library speaks; `says` is filled with the groups of the pattern."""

    pattern: re.Pattern[str]
    says: str


def _manner(pattern: str, says: str) -> _Manner:
    return _Manner(re.compile(pattern, re.MULTILINE), says)


_AT = r"(?P<file>[^\s:'()]+):(?P<line>\d+)"

_MANNERS = (
    _manner(
        r"terminate called after throwing an instance of '(?P<type>[^']+)'(?:\s+what\(\):\s*(?P<what>.+))?",
        "{what} ({type}, an error of C++ that nobody caught)",
    ),
    _manner(
        r"terminating (?:due to|with) uncaught exception(?: of type (?P<type>(?:[^:\n]|::)+))?"
        r"(?:: (?P<what>.+))?",
        "{what} ({type}, an error of C++ that nobody caught)",
    ),
    _manner(
        rf"{_AT}: (?P<function>.+): Assertion [`'](?P<what>.+)' failed",
        "a check failed: {what} ({function}, {file}, line {line})",
    ),
    _manner(
        r"Assertion failed: \(?(?P<what>.+?)\)?, (?:function (?P<function>\S+), )?file (?P<file>\S+), "
        r"line (?P<line>\d+)",
        "a check failed: {what} ({function}, {file}, line {line})",
    ),
    _manner(
        rf"thread '(?P<function>[^']*)'(?: \(\d+\))? panicked at {_AT}(?::\d+)?:?\n(?P<what>.+)",
        "a library in Rust gave up: {what} ({file}, line {line})",
    ),
    _manner(
        rf"thread '(?P<function>[^']*)' panicked at '(?P<what>.+)', {_AT}",
        "a library in Rust gave up: {what} ({file}, line {line})",
    ),
    _manner(r"^panic: (?P<what>.+)", "a library in Go gave up: {what}"),
    _manner(r"^fatal error: (?P<what>.+)", "a library gave up: {what}"),
    _manner(rf"^F\d{{4}} [\d:.]+\s+\d+ {_AT}\] (?P<what>.+)", "a check failed: {what} ({file}, line {line})"),
    _manner(rf"\bF(?:ATAL)? +{_AT}\] (?P<what>.+)", "a check failed: {what} ({file}, line {line})"),
    _manner(
        r"^Fatal Python error: (?P<what>(?!Segmentation|Aborted|Bus error|Illegal instr|Floating).+)",
        "Python itself gave up: {what}",
    ),
    _manner(r"OMP: Error #(?P<line>\d+): (?P<what>.+)", "OpenMP gave up: {what} (error {line})"),
    _manner(r"^libgomp: (?P<what>.+)", "OpenMP gave up: {what}"),
    _manner(r"MKL (?:FATAL )?ERROR: (?P<what>.+)", "Intel's library MKL gave up: {what}"),
    _manner(r"LLVM ERROR: (?P<what>.+)", "the compiler LLVM gave up: {what}"),
    _manner(r"(?P<type>\w+)-ERROR \*\*: (?:[\d:.]+: )?(?P<what>.+)", "the library {type} gave up: {what}"),
    _manner(r"OpenCV\([^)]*\) (?:\S+ )?[Ee]rror: (?P<what>.+)", "OpenCV gave up: {what}"),
    _manner(r"ERROR: (?P<type>\w+Sanitizer): (?P<what>.+)", "{type} found an error: {what}"),
    _manner(r"NCCL (?:WARN|ERROR|error)\b:? ?(?P<what>.+)", "NCCL, between graphics cards, failed: {what}"),
    _manner(r"Watchdog caught collective operation timeout: (?P<what>.+)", "NCCL waited in vain: {what}"),
    _manner(r"^(?P<what>pure virtual method called)", "a library used an object that was gone: {what}"),
    _manner(r"^(?P<what>terminate called recursively)", "{what}"),
    _manner(r"^FATAL:? (?P<what>.+)", "a library gave up: {what}"),
)
"""The last one that speaks is heard; of those at the same place, the first."""


def last_words(text: str) -> str:
    """Empty where no library speaks of its end."""
    found = [
        (match.start(), -place, manner, match)
        for place, manner in enumerate(_MANNERS)
        for match in manner.pattern.finditer(text)
    ]
    if not found:
        return ""
    _, _, manner, match = max(found, key=lambda each: each[:2])
    return _filled(manner.says, lambda name: (match.groupdict().get(name) or "").strip())


def _filled(says: str, named: Callable[[str], str]) -> str:
    """Without what is not known."""
    text = re.sub(r"\{(\w+)\}", lambda field: named(field[1])[:LONGEST], says)
    text = re.sub(r"\((?:, )+", "(", text).replace(" ()", "").replace(", )", ")")
    return re.sub(r"\s+", " ", text).strip(" :").rstrip(".")
