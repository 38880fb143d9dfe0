"""`set-aside`: leave photos out of training, take them back, and show which they are."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import Namespace
from typing import TextIO

from waste_gui.dataset.catalog import Catalog, CatalogError
from waste_gui.plain_text import plain, say_error


def exclude(options: Namespace, out: TextIO = sys.stdout) -> int:
    """The exit status: 0, or 1 with a sentence on stderr."""
    catalog = Catalog(on_problem=say_error)
    photos = [os.path.abspath(photo) for photo in options.photos]
    missing = [photo for photo in photos if not options.undo and not os.path.isfile(photo)]
    if missing:
        return _refuse(f"There is no photo {missing[0]}.")
    if not photos and not options.list:
        return _refuse("Name the photos to set aside, or ask for --list.")
    try:
        if options.undo:
            catalog.take_back(photos)
        elif photos:
            catalog.exclude(photos, options.reason)
    except CatalogError as error:
        return _refuse(f"{error.text} {error.hint}")
    if options.list:
        for path, reason in catalog.aside(options.source).items():
            print(plain(f"{path}: {reason}" if reason else path), file=out)
        with contextlib.suppress(BrokenPipeError):  # `| head` has read enough
            out.flush()  # The process ends without Python's own farewell.
    return 0


def _refuse(text: str) -> int:
    say_error(text)
    return 1
