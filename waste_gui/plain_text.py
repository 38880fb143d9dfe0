"""Text from outside (names, errors) on its way into a terminal: in one line, and as it is. Nothing in it
moves the cursor, colours what follows or turns its direction."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn, TextIO


def plain(text: str) -> str:
    """What cannot be seen becomes its escape: line ends, codes for terminals, bytes that are no UTF-8."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say_error(text: object, out: TextIO | None = None) -> None:
    """A sentence on stderr."""
    print(plain(str(text)), file=out or sys.stderr, flush=True)


class PlainParser(argparse.ArgumentParser):
    """Repeats what was typed, in its errors, as plain text: a shell completes names of a stranger's."""

    def error(self, message: str) -> NoReturn:
        super().error(plain(message))
