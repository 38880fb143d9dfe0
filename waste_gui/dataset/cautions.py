"""What a person should look at before training on a scan: how the folders were understood, in words, and
what of it is doubtful, each with what to do and, where that helps, the change that one button makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from waste_gui.config import ClassFolders
from waste_gui.dataset.folder_names import ReadySplit, spelling_key
from waste_gui.dataset.layout import Layout
from waste_gui.dataset.samples import Caution, Remedy, Scan
from waste_gui.dataset.tree import Folder

NAMED, MOST_CLASSES = 6, 12
"""Names that a sentence lists, and classes that a summary does; of more, it says how many."""

PARTS: dict[ReadySplit, str] = {"train": "train", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Seen:
    """What a scan knows beside its result."""

    sources: Sequence[str]
    layouts: Sequence[Layout]
    joined: Sequence[Sequence[str]]
    class_of: Mapping[str, str | None]
    class_folders: ClassFolders
    photos: Mapping[str, Counter[ReadySplit | None]]
    """Of each class that has any, by the part of a split."""
    prefixes: Sequence[str] = ()
    """Classes that the names of the photos begin with, where the folders are none."""


def of(scan: Scan, seen: Seen) -> Iterator[Caution]:
    """The most consequential first."""
    yield from _tables(seen)
    yield from _names(seen)
    yield from _parts_as_classes(seen)
    yield from _unlabelled(seen)
    yield from _empty_classes(seen)
    yield from _single_photos(scan, seen)
    yield from _spellings(scan, seen)
    yield from _one_part_only(scan, seen)
    yield from _beside(seen)
    yield from _levels(seen)
    yield from _folds(seen)


def in_words(scan: Scan) -> str:
    """`split by folders: train 120, validation 30, test 30; classes: glass, paper`."""
    parts = Counter(sample.split for sample in scan.samples if sample.split is not None)
    names = [name for name, photos in scan.photos_per_class().items() if photos]
    more = f" and {len(names) - MOST_CLASSES} more" if len(names) > MOST_CLASSES else ""
    classes = f"classes: {', '.join(names[:MOST_CLASSES])}{more}" if names else "no classes"
    if scan.tables:
        classes = f"labels of {scan.tables}; {classes}"
    if not parts:
        return f"not split by folders; {classes}"
    unsplit = len(scan.samples) - sum(parts.values())
    split = ", ".join(f"{words} {parts[part]}" for part, words in PARTS.items() if parts[part])
    return f"split by folders: {split}{f', {unsplit} not split' if unsplit else ''}; {classes}"


def listed(names: Iterable[str], last: str = "and") -> str:
    """`'a', 'b' and 'c'`; of many the first."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) > NAMED:
        quoted = [*quoted[: NAMED - 1], f"{len(quoted) - NAMED + 1} more"]
    return f" {last} ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1]))) if quoted else ""


def class_words(names: Sequence[str]) -> str:
    return f"The class{'' if len(names) == 1 else 'es'} {listed(names)}"


def _photos(number: int) -> str:
    return "1 photo" if number == 1 else f"{number} photos"


def _count(folders: Iterable[Folder]) -> int:
    return sum(1 for folder in folders for _ in folder.all_photos())


BY_NAMES = "Use the names' beginnings"


def by_names(prefixes: Sequence[str]) -> str:
    """What can be done where only the names of the photos tell classes."""
    return (
        f"The names of the photos begin with {listed(prefixes)}: if these are the classes, set “Class "
        "folders” to “Names of the photos” (--class-folders names)."
    )


def _names(seen: Seen) -> Iterator[Caution]:
    if seen.prefixes and seen.class_folders != "names":
        yield Caution(
            "names",
            f"The names of the photos begin with {listed(seen.prefixes)}.",
            "These may be the classes.",
            Remedy(BY_NAMES, class_folders="names"),
        )


def _tables(seen: Seen) -> Iterator[Caution]:
    for table in (layout.table for layout in seen.layouts if layout.table is not None):
        name = table.path.replace("\\", "/").rpartition("/")[2]
        if table.lost:
            yield Caution(
                "table",
                f"{table.lost} of the {table.rows} rows of {name} name photos that are not there.",
                "Look whether all photos were copied.",
            )
        if table.twofold:
            yield Caution(
                "table",
                f"{_photos(table.twofold)} with several labels in {name} "
                f"{'is' if table.twofold == 1 else 'are'} left out.",
                "A photo can be of one class only here.",
            )


def _parts_as_classes(seen: Seen) -> Iterator[Caution]:
    doubtful = [
        f for layout in seen.layouts for f in layout.like_parts if seen.class_of.get(f.name) is not None
    ]
    names = sorted({folder.name for folder in doubtful})
    if names:
        one = len(names) == 1
        yield Caution(
            "parts_as_classes",
            f"{class_words(names)} look{'s' if one else ''} like "
            f"{'a part' if one else 'parts'} of a split, not like {'a class' if one else 'classes'}.",
            f"If {'it is none' if one else 'they are none'}, leave {'it' if one else 'them'} out, or sort "
            "the photos into class folders.",
            Remedy("Leave it out" if one else "Leave them out", dict.fromkeys(names)),
        )


def _unlabelled(seen: Seen) -> Iterator[Caution]:
    for part in ("test", "val", "train"):
        folders = [f for layout in seen.layouts for f, split in layout.unlabelled if split == part]
        photos = _count(folders)
        if photos:
            names = listed(sorted({folder.name for folder in folders}))
            yield Caution(
                "unlabelled_test",
                f"{_photos(photos)} in {names} {'is' if photos == 1 else 'are'} in no class folder, and "
                f"{'is' if photos == 1 else 'are'} left out.",
                "Without a label a photo can neither be learnt from nor test anything. The finished model "
                "can classify them."
                if part == "test"
                else "Sort them into folders named after their classes to use them.",
                _as_class(folders, seen),
            )


def _as_class(folders: Sequence[Folder], seen: Seen) -> Remedy | None:
    """Beside class folders, a folder may be one for all its name."""
    beside_classes = all(f.depth == 1 for f in folders) and not any(each.has_split for each in seen.layouts)
    return Remedy("Use as a class", class_folders="top") if beside_classes else None


def _empty_classes(seen: Seen) -> Iterator[Caution]:
    filled = {spelling_key(name) for name in seen.photos}
    told: dict[str, Folder] = {}
    for layout in seen.layouts:
        for folder in layout.empty:
            if spelling_key(folder.name) not in filled and seen.class_of.get(folder.name, "") is not None:
                told.setdefault(spelling_key(folder.name), folder)
    for folder in told.values():
        yield Caution(
            "empty_class",
            f"No photo of the class '{folder.name}' can be used: {_why_empty(folder)}.",
            _what_helps(folder),
        )


def _why_empty(folder: Folder) -> str:
    if any(each.closed for each in folder.all_folders()):
        return f"the folder {folder.path} may not be opened"
    others = folder.all_others()
    if not others:
        return f"the folder {folder.path} is empty"
    kinds = ", ".join(f"{number} {suffix or 'without a suffix'}" for suffix, number in others.most_common(3))
    return f"its files are no photos that are read ({kinds})"


def _what_helps(folder: Folder) -> str:
    if any(each.closed for each in folder.all_folders()):
        return "Ask for permission to read it, or take the folder away."
    return "Save them as JPEG or PNG, or take the folder away." if folder.all_others() else "Add photos."


def _single_photos(scan: Scan, seen: Seen) -> Iterator[Caution]:
    single = [name for name in scan.classes if _to_learn(seen.photos.get(name, Counter())) == 1]
    if single:
        one = len(single) == 1
        yield Caution(
            "single_photo",
            f"{class_words(single)} {'has' if one else 'each have'} a single photo: too few to train on.",
            "Add photos, or leave the folder out." if one else "Add photos, or leave the folders out.",
            Remedy("Leave it out" if one else "Leave them out", folders_of(scan, single)),
        )


def _to_learn(photos: Counter[ReadySplit | None]) -> int:
    return photos.total() - photos["test"]


def folders_of(scan: Scan, classes: Sequence[str]) -> dict[str, str | None]:
    return {each.folder: None for each in scan.folders if each.mapped in classes}


def _spellings(scan: Scan, seen: Seen) -> Iterator[Caution]:
    for names in seen.joined:
        to = seen.class_of.get(names[0])
        shown = [ascii(name)[1:-1] if _look_alike(names) else name for name in names]
        yield Caution(
            "spelling",
            f"The folders {listed(shown)} are spelled alike, and are one class here: '{to}'.",
            "If they are different things, give them names that differ in more than case and spaces.",
            Remedy("Keep them apart", dict(zip(names, names, strict=True))),
        )


def _look_alike(names: Sequence[str]) -> bool:
    """On the screen, as Unicode can write é in two ways."""
    from unicodedata import normalize

    return len({normalize("NFC", name).strip() for name in names}) < len(names)


def _one_part_only(scan: Scan, seen: Seen) -> Iterator[Caution]:
    parts: dict[str, set[str]] = {
        name: {part or "train" for part in seen.photos.get(name, ())} for name in scan.classes
    }
    used = set().union(*parts.values())
    ready = {part for photos in seen.photos.values() for part in photos if part}
    untrained = sorted(name for name, its in parts.items() if its and "train" not in its and "train" in used)
    unchecked = sorted(
        name for name, its in parts.items() if "train" in its and "val" not in its and "val" in ready
    )
    tested = sorted(
        {
            str(seen.class_of[part.name])
            for layout in seen.layouts
            for part in layout.parts
            if seen.class_of[part.name] not in (None, *(name for name, its in parts.items() if its))
        }
    )
    if tested:
        one = len(tested) == 1
        yield Caution(
            "one_part_only",
            f"{class_words(tested)} {'is' if one else 'are'} in the part for testing "
            f"only, and {'is' if one else 'are'} left out.",
            "Nothing can be learnt of it from photos that are there to test. Add photos of it for training, "
            "or give its folder the name of the class that it is.",
        )
    if untrained:
        yield _part_missing(untrained, "training", "validation")
    if unchecked:
        yield _part_missing(unchecked, "validation", "training")


def _part_missing(names: Sequence[str], missing: str, other: str) -> Caution:
    one = len(names) == 1
    return Caution(
        "one_part_only",
        f"{class_words(names)} {'has' if one else 'have'} no photos for {missing}: some "
        f"of {'its' if one else 'their'} photos for {other} are taken.",
        f"Add photos for {missing}, or check that the folders have the same names in all parts.",
    )


def _beside(seen: Seen) -> Iterator[Caution]:
    if loose := sum(layout.loose for layout in seen.layouts):
        yield Caution(
            "beside_split",
            f"{_photos(loose)} {'lies' if loose == 1 else 'lie'} beside the folders of a ready split, and "
            f"{'is' if loose == 1 else 'are'} left out.",
            "Sort them into the class folders to use them.",
        )
    folders = [folder for layout in seen.layouts for folder in layout.beside]
    if folders:
        photos = _count(folders)
        yield Caution(
            "beside_split",
            f"{_photos(photos)} in {listed(folder.name for folder in folders)} "
            f"stand{'s' if photos == 1 else ''} beside a ready split, and "
            f"{'is' if photos == 1 else 'are'} left out.",
            "To train on them, too, add that folder as a source of its own, or move them into the parts.",
        )


def _levels(seen: Seen) -> Iterator[Caution]:
    if seen.class_folders != "auto":
        return
    passed = sorted({folder.name for layout in seen.layouts for folder in layout.passed})
    deep = sorted({folder.name for layout in seen.layouts for folder in layout.deep})
    if passed:
        mixed = " Others beside them are classes themselves." if deep else ""
        yield Caution(
            "levels",
            f"The folders in {listed(passed)} are taken as the classes, not {listed(passed)}.{mixed}",
            "If the outer folders are the classes, say so.",
            Remedy("Use the outer folders", class_folders="top"),
        )
    elif deep and _lower_names_differ(seen):
        yield Caution(
            "levels",
            f"{listed(deep)} {'is a class' if len(deep) == 1 else 'are classes'} here, with all photos in "
            f"{'its' if len(deep) == 1 else 'their'} sub-folders.",
            "If the sub-folders are the classes, say so.",
            Remedy("Use the sub-folders", class_folders="innermost"),
        )


def _lower_names_differ(seen: Seen) -> bool:
    """Sub-folders that are called the same in each class (indoors, outdoors) are no classes."""
    deep = [folder for layout in seen.layouts for folder in layout.deep]
    names = Counter(spelling_key(name) for folder in deep for name in {c.name for c in folder.filled()})
    by_class = len({spelling_key(folder.name) for folder in deep})
    return by_class == 1 or sum(number == 1 for number in names.values()) * 2 > len(names)


def _folds(seen: Seen) -> Iterator[Caution]:
    folders = [folder for layout in seen.layouts for folder in layout.folds]
    if folders:
        names = listed(folder.name for folder in folders)
        left = any(layout.skipped["photos of further folds"] for layout in seen.layouts)
        what = (
            f"only {folders[0].name} is used, as each has all photos"
            if left
            else "their photos are put together"
        )
        yield Caution(
            "folds", f"{names} look like pieces of one dataset: {what}.", "Nothing needs to be done."
        )
