"""Text from outside (file names, errors) on its way into widgets: never markup, never a mnemonic."""

from __future__ import annotations

import html
import re

_TURNS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{_TURNS}\ud800-\udfff]")
_LONG_WORD = 72

LONGEST, MOST_LINES = 10_000, 60
"""Characters, and lines of a tooltip: more is no name or sentence, and Qt would lay it out for seconds."""


def one_line(text: str) -> str:
    """Line ends become spaces; what can't be seen or would turn the text around becomes its escape; of what
    is endless the middle is left out."""
    parts = (part.strip() for part in shorten(text, LONGEST).split("\n"))
    text = " ".join(part for part in parts if part)
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def tooltip(text: str) -> str:
    """For `setToolTip`, which would render HTML: escaped, and wrapped at the width of a page."""
    if not text:
        return ""
    lines = "<br>".join(
        html.escape(one_line(line)) for line in shorten(text, LONGEST).splitlines()[:MOST_LINES]
    )
    return f"<qt>{lines}</qt>"


def label(text: str) -> str:
    """For a button or a menu, where & makes a mnemonic."""
    return one_line(text).replace("&", "&&")


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the middle left out."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[-(length - 1 - head) :]}"


def breakable(text: str) -> str:
    """For text that wraps: long words shortened in the middle, and allowed to break after / and _."""
    words = (shorten(word, _LONG_WORD) for word in one_line(text).split(" "))
    return re.sub(r"(?<=[/\\_-])(?=\w)", "\u200b", " ".join(words))
