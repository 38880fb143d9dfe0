"""CSV whose text a spreadsheet shows and never calculates.

A cell of text that begins with one of `= + - @`, a tab or a line break would be a formula there, also after a
semicolon, which separates cells where commas separate decimals. Such a text gets an apostrophe in front, the
spreadsheets' own sign for text, and so does one that begins with an apostrophe: `plain` gives every text
back. Numbers stay as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_ACTIVE = "=+\\-@\t\r\n'\uff1d\uff0b\uff0d\uff20"  # The last four are the wide signs of East Asian keyboards.
_BEGIN = re.compile(rf"(^|[;\t\r\n])(?=[{_ACTIVE}])")
_GUARDED = re.compile(rf"(^|[;\t\r\n])'(?=[{_ACTIVE}])")


def encoded(rows: Iterable[Sequence[object]], line_end: str = "\r\n") -> bytes:
    """As lines of UTF-8; a byte of a name that is none is written as `\\udcNN`. Only of numbers may the lines
    end otherwise: csv quotes a line break in a text by these signs alone."""
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows([*map(_cell, row)] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def decoded(content: bytes) -> Iterator[list[str]]:
    """The rows of a table of ours. Raises ValueError, csv.Error."""
    for row in csv.reader(io.StringIO(content.decode("utf-8"), newline="")):
        yield [plain(cell) for cell in row]


def guarded(text: str) -> str:
    return _BEGIN.sub(r"\1'", text)


def plain(text: str) -> str:
    """What `guarded` was given."""
    return _GUARDED.sub(r"\1", text)


def _cell(value: object) -> object:
    return guarded(value) if isinstance(value, str) else value
