"""Classes that only the names of the photos tell: `cat.0.jpg`, `glass_012.png`. Offered, never assumed."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from waste_gui.dataset.folder_names import ReadySplit, part_name, spelling_key
from waste_gui.dataset.layout import Layout, Part
from waste_gui.dataset.tree import Folder

NUMBERED = re.compile(r"^(?P<name>.*?[^\W\d_].*?)[\s._\-#(]*\d[\d\s._\-()]*$", re.DOTALL)
"""A word, then a number and nothing else: what cameras write (IMG_0001) is such a name, too."""

MOST_CLASSES, FEWEST_EACH, SHARE = 200, 2, 0.9
NO_PREFIX = "photos whose names begin with no class"


def prefix_of(path: str) -> str:
    """`cat` of `x/cat.0.jpg`; "" where the name has none."""
    match = NUMBERED.match(os.path.splitext(os.path.basename(path))[0])
    return match["name"].strip(" ._-#(") if match else ""


def prefixes(photos: Iterable[str]) -> list[str]:
    """The classes that the names begin with, if nearly all do and each comes several times; else nothing."""
    names = [prefix_of(photo) for photo in photos]
    counts = Counter(spelling_key(name) for name in names if name)
    usual = [key for key, count in counts.items() if count >= FEWEST_EACH]
    covered = sum(counts[key] for key in usual)
    if not 2 <= len(usual) <= MOST_CLASSES or covered < SHARE * len(names):
        return []
    return sorted({name for name in names if spelling_key(name) in usual})


def layout_by_names(root: Folder) -> Layout:
    """Photos of one prefix are a class; parts of a split are those in whose folders they lie."""
    layout = Layout()
    found: dict[tuple[str, ReadySplit | None], list[str]] = defaultdict(list)
    for photo in root.all_photos():
        name = prefix_of(photo)
        if not name:
            layout.skipped[NO_PREFIX] += 1
            continue
        folders = (part_name(each) for each in os.path.relpath(photo, root.path).split(os.sep)[:-1])
        part = next((each.part for each in folders if each is not None and not each.rest), None)
        found[name, part].append(photo)
    layout.parts = [Part(name, photos, part, root.path) for (name, part), photos in found.items()]
    return layout
