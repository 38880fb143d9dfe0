"""Labels from a table beside the photos: Kaggle's `train.csv` with `images/`, or our own `labels.csv`.

Which column names the photos and which the classes is found by what the columns hold: the one whose values
are photos that are there (by path, by name, with a suffix or without), and the one with few different words.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Sequence

from waste_gui import files, tables
from waste_gui.dataset.folder_names import ReadySplit, part_name
from waste_gui.dataset.labels_file import NAME
from waste_gui.dataset.layout import LabelTable, Layout, Part
from waste_gui.dataset.tree import Folder

SUFFIXES = (".csv", ".tsv")
MOST_BYTES = 256 << 20
MOST_TABLES = 20
UNLABELLED = "photos without a label in the table"
FEWEST_FOUND = 0.5
"""Of the rows of a table that must name photos that are there."""

MOST_CLASSES = 0.5
"""Different labels, of the rows: a column with more of them holds names, places, remarks."""

LABEL_WORDS = frozenset(
    "label labels class classes category categories target species breed type kind klasse etikett clase "
    "classe etiqueta étiquette 标签 类别 ラベル класс y".split()
)


def find_table(folder: str, photos: Sequence[str], names: Iterable[str]) -> LabelTable | None:
    """The one among these files of `folder` that labels most of the photos; our own before any other."""
    known = _Known(folder, photos)
    best: LabelTable | None = None
    for name in sorted(names, key=lambda name: (name != NAME, name))[:MOST_TABLES]:
        table = _read(os.path.join(folder, name), known)
        if table is not None and (best is None or len(table.labels) > len(best.labels)):
            best = table
        if name == NAME and best is not None:
            break
    return best


class _Known:
    """The photos by each of the ways in which a table may name them."""

    def __init__(self, folder: str, photos: Sequence[str]) -> None:
        self._by_path = {_normal(os.path.relpath(photo, folder)): photo for photo in photos}
        self._by_name = _unique((os.path.basename(photo), photo) for photo in photos)
        self._by_stem = _unique((os.path.splitext(os.path.basename(photo))[0], photo) for photo in photos)

    def photo(self, text: str) -> str | None:
        """Also of a path that begins elsewhere, as long as the file's name is the only one of its kind."""
        path = _normal(text)
        name = path.rpartition("/")[2]
        found = self._by_path.get(path) or self._by_name.get(name) or self._by_stem.get(name)
        return found or self._by_stem.get(os.path.splitext(name)[0])


def _normal(path: str) -> str:
    return os.path.normpath(path.strip().replace("\\", "/")).replace(os.sep, "/") if path.strip() else ""


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    several = set()
    for name, photo in pairs:
        if name in found:
            several.add(name)
        found[name] = photo
    return {name: photo for name, photo in found.items() if name not in several}


def _read(path: str, known: _Known) -> LabelTable | None:
    rows = _rows(path)
    if len(rows) < 2:
        return None
    width = Counter(map(len, rows)).most_common(1)[0][0]
    rows = [row for row in rows if len(row) == width]
    found = [[known.photo(cell) for cell in column] for column in zip(*rows, strict=True)]
    hits = [sum(photo is not None for photo in column) for column in found]
    names = max(range(width), key=lambda place: hits[place])
    # The first line is a heading if it names no photo; a table may have none.
    begin = 0 if found[names][0] is not None else 1
    if not hits[names] or hits[names] < FEWEST_FOUND * (len(rows) - begin):
        return None
    head, body = (rows[0] if begin else [""] * width), rows[begin:]
    columns = list(zip(*body, strict=True))
    labels = _labels(head, columns, names)
    if labels is None:
        return None
    column, values = labels
    return _table(path, column, found[names][begin:], values, _parts(columns, names))


def _rows(path: str) -> list[list[str]]:
    """Of a table in any of the usual ways of writing one; nothing of a file that is none."""
    try:
        content = files.read(path, MOST_BYTES, follow=True)
    except OSError:
        return []
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    separator = max("\t;,|", key=first.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return [[tables.plain(cell.strip()) for cell in row] for row in rows if any(map(str.strip, row))]
    except csv.Error:
        return []


def _labels(
    head: Sequence[str], columns: Sequence[Sequence[str]], names: int
) -> tuple[str, Sequence[str]] | None:
    """The column with the classes: one that is called so, or of those with few different values the one with
    words; or several of 0 and 1, each called after a class."""
    others = [place for place in range(len(columns)) if place != names]
    few = [place for place in others if _is_few(columns[place]) and not _are_parts(columns[place])]
    called = [
        place for place in others if LABEL_WORDS & set(head[place].casefold().replace("_", " ").split())
    ]
    words = [place for place in few if not all(map(_is_number, columns[place]))]
    one_hot = [place for place in others if head[place] and set(columns[place]) <= {"0", "1", "0.0", "1.0"}]
    rows = range(len(columns[names]))
    if not called and not words and len(one_hot) > 1:
        marked = [[head[place] for place in one_hot if float(columns[place][row]) == 1] for row in rows]
        if all(len(each) == 1 for each in marked):
            return "its columns of 0 and 1", [each[0] for each in marked]
    for places in (called, words, few):
        if places:
            best = min(places, key=lambda place: len(set(columns[place])))
            return head[best] or f"column {best + 1}", columns[best]
    return None


def _is_few(values: Sequence[str]) -> bool:
    different = len(set(values) - {""})
    return 1 < different <= MOST_CLASSES * len(values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _are_parts(values: Sequence[str]) -> bool:
    found = [part_name(value) for value in set(values) - {""}]
    return len(found) > 1 and all(part is not None and not part.rest for part in found)


def _parts(columns: Sequence[Sequence[str]], names: int) -> Sequence[str] | None:
    """A column that says train, val and test."""
    return next((c for place, c in enumerate(columns) if place != names and _are_parts(c)), None)


def _table(
    path: str,
    column: str,
    photos: Sequence[str | None],
    labels: Sequence[str],
    parts: Sequence[str] | None,
) -> LabelTable | None:
    said: dict[str, set[str]] = {}
    part_of: dict[str, ReadySplit] = {}
    for row, (photo, label) in enumerate(zip(photos, labels, strict=True)):
        if photo is None or not label:
            continue
        said.setdefault(photo, set()).add(label)
        part = part_name(parts[row]) if parts is not None else None
        if part is not None:
            part_of[photo] = part.part
    known = {photo: next(iter(its)) for photo, its in said.items() if len(its) == 1}
    if len(set(known.values())) < 1:
        return None
    lost = sum(photo is None for photo in photos)
    return LabelTable(path, column, known, part_of, len(photos), lost, len(said) - len(known))


def table_of(root: Folder) -> LabelTable | None:
    """Of a source whose folders are no classes: from the folder itself, or one in it."""
    photos = list(root.all_photos())
    for folder in (root, *(inner for child in root.children for inner in (child, *child.children))):
        if photos and any(folder.others[suffix] for suffix in SUFFIXES):
            try:
                names = [name for name in os.listdir(folder.path) if name.lower().endswith(SUFFIXES)]
            except OSError:
                continue
            if (table := find_table(folder.path, photos, names)) is not None:
                return table
    return None


def layout_of(table: LabelTable, root: Folder) -> Layout:
    """The labels as if they were folders. Parts of a split are those that the table tells, or else those in
    whose folders the photos lie."""
    photos: dict[tuple[str, ReadySplit | None], list[str]] = {}
    layout = Layout(table=table)
    for photo in root.all_photos():
        label = table.labels.get(photo)
        if label is None:
            layout.skipped[UNLABELLED] += 1
            continue
        part = table.parts.get(photo) or _part_by_folder(os.path.relpath(photo, root.path))
        photos.setdefault((label, part), []).append(photo)
    layout.parts = [Part(label, found, part, table.path) for (label, part), found in photos.items()]
    return layout


def _part_by_folder(path: str) -> ReadySplit | None:
    names = (part_name(name) for name in path.split(os.sep)[:-1])
    return next((name.part for name in names if name is not None and not name.rest), None)
