"""Folders of photos to samples: which photo has which label, what was passed over, what is in doubt."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from waste_gui.config import ClassFolders
from waste_gui.dataset import cautions, folder_names
from waste_gui.dataset.cautions import BY_NAMES, Seen
from waste_gui.dataset.folder_names import ReadySplit
from waste_gui.dataset.label_tables import layout_of, table_of
from waste_gui.dataset.layout import Layout, Part, understand
from waste_gui.dataset.mapping import VOCABULARY, build_mapping, key
from waste_gui.dataset.name_prefixes import layout_by_names, prefixes
from waste_gui.dataset.samples import DatasetError, FolderCount, Remedy, Sample, Scan
from waste_gui.dataset.tree import Folder, Progress, Pulse, Tree, give_to_links

ONLY_TESTED = "test photos of classes that nothing else has"


def scan_sources(
    sources: Sequence[str],
    classes: Sequence[str] = (),
    mapping: Mapping[str, str | None] | None = None,
    progress: Progress | None = None,
    require_trainable: bool = True,
    class_folders: ClassFolders = "auto",
) -> Scan:
    """All photos below the sources with their labels, in the same order on every machine; or a DatasetError.

    Which folders are classes, `layout` says. Names that differ in case, Unicode form or separators only are
    one class. `progress` is called at most ten times a second. `require_trainable=False` also accepts what
    can be looked at but not trained on: one class only, or a class with a single photo.
    """
    mapping = folder_names.by_name(mapping or {})
    _check_mapping(classes, mapping)
    known = VOCABULARY | {key(name) for name in (*classes, *mapping)}
    roots, layouts, skipped = _understand(sources, known, class_folders, progress)
    found = [
        _Found(source, part) for source, layout in zip(sources, layouts, strict=True) for part in layout.parts
    ]
    _check_sources(sources, roots, layouts)
    names, class_of, joined = _name_classes(found, classes, mapping)
    scan = _label(found, names, class_of, skipped, keep_all=bool(classes))
    photos = _photos_of_parts(found, scan, class_of)
    offered = prefixes(photo for root in roots for photo in root.all_photos()) if len(photos) < 2 else []
    seen = Seen(sources, layouts, joined, class_of, class_folders, photos, offered)
    by_table = [layout.table for layout in layouts if layout.table is not None]
    told = ", ".join(f"{os.path.basename(table.path)} ({table.column})" for table in by_table)
    scan = replace(scan, cautions=tuple(cautions.of(scan, seen)), tables=told)
    if require_trainable:
        try:
            check_trainable(scan)
        except DatasetError as error:
            also = f" {cautions.by_names(offered)}" if offered else ""
            raise DatasetError(error.text, f"{error.hint}{also}") from None
    return scan


def _photos_of_parts(
    found: Sequence[_Found], scan: Scan, class_of: Mapping[str, str | None]
) -> dict[str, Counter[ReadySplit | None]]:
    """How many photos each class has for which part; of those that are among the samples."""
    counts: dict[str, Counter[ReadySplit | None]] = {}
    used = {(each.source, each.folder) for each in scan.folders}
    for each in found:
        name, number = class_of[each.part.name], len(each.part.photos)
        if name is not None and number and (each.source, each.part.name) in used:
            counts.setdefault(name, Counter())[each.part.split] += number
    return counts


def _understand(
    sources: Sequence[str], known: frozenset[str], class_folders: ClassFolders, progress: Progress | None
) -> tuple[list[Folder], list[Layout], Counter[str]]:
    """Photos that are reached by links, too, belong to their real folder; but not if the links make a split
    or classes, and the real folders do not."""
    tree, roots = _read_sources(sources, Pulse(progress))
    skipped = Counter(tree.skipped)
    if class_folders == "names":
        layouts = [layout_by_names(root) for root in roots]
        return roots, layouts, sum((layout.skipped for layout in layouts), skipped)
    layouts = [understand(root, known, class_folders) for root in roots]
    if tree.again and not any(layout.has_split for layout in layouts):
        few = len(set().union(*(layout.classes for layout in layouts))) < 2
        give_to_links(roots, tree)
        by_links = [understand(root, known, class_folders) for root in roots]
        many = len(set().union(*(layout.classes for layout in by_links))) > 1
        if any(layout.has_split for layout in by_links) or few and many:
            layouts, skipped = by_links, Counter(tree.skipped)
    if class_folders == "auto":
        layouts = [_by_table(root, layout) for root, layout in zip(roots, layouts, strict=True)]
    for layout in layouts:
        skipped += layout.skipped
    return roots, layouts, skipped


def _by_table(root: Folder, layout: Layout) -> Layout:
    """A source whose folders are no classes may have a table of labels."""
    table = None if layout.has_classes else table_of(root)
    return layout if table is None else layout_of(table, root)


def _read_sources(sources: Sequence[str], pulse: Pulse) -> tuple[Tree, list[Folder]]:
    if not sources:
        raise DatasetError("No folder of photos is chosen.", "Choose a folder with one sub-folder per class.")
    tree = Tree(pulse)
    roots = [Folder(source, "") for source in sources]
    for root in roots:
        if not os.path.exists(root.path):
            raise DatasetError(
                f"There is no folder {root.path}.", "Is the drive connected? Else choose another folder."
            )
        if not os.path.isdir(root.path):
            raise DatasetError(
                f"{root.path} is a file, not a folder.", "Choose the folder that holds the class folders."
            )
        try:
            tree.read(root)
        except OSError as error:
            raise DatasetError(
                f"The folder {root.path} cannot be opened ({error.strerror}).",
                "Ask for permission to read it, or choose another folder.",
            ) from None
    tree.follow_links(roots)
    return tree, roots


@dataclass(frozen=True, slots=True)
class _Found:
    source: str
    part: Part


def _check_sources(sources: Sequence[str], roots: Sequence[Folder], layouts: Sequence[Layout]) -> None:
    used = {source for source, layout in zip(sources, layouts, strict=True) if layout.parts}
    for source, root, layout in zip(sources, roots, layouts, strict=True):
        if source in used:
            continue
        offered = prefixes(root.all_photos())
        remedy = Remedy(BY_NAMES, class_folders="names") if offered else None
        also = f" {cautions.by_names(offered)}" if offered else ""
        if layout.flat:
            names = cautions.listed([child.name for child in layout.flat])
            raise DatasetError(
                f"The folders {names} look like parts of a split, not like classes, and their photos are in "
                "no class folders.",
                "Sort the photos in each of them into sub-folders named after their classes. If they are "
                f"classes all the same, set “Class folders” to “Outer folders”.{also}",
                remedy,
            )
        if root.holds_photos():
            raise DatasetError(
                "This folder has no sub-folders with photos. It needs one sub-folder per class.",
                f"Sort the photos in {source} into sub-folders named after their classes, or choose the "
                f"folder above it.{also}",
                remedy,
            )
        if not used:
            raise DatasetError(
                f"There are no photos in {source}.",
                "Choose a folder with one sub-folder of photos (JPEG, PNG, HEIC, TIFF and others) per class.",
            )


# --- labels


def _check_mapping(classes: Sequence[str], mapping: Mapping[str, str | None]) -> None:
    for folder, name in mapping.items():
        if classes and name is not None and name not in classes:
            raise DatasetError(
                f"The folder '{folder}' is mapped to '{name}', which is none of the classes.",
                f"Add '{name}' to the classes, or map the folder to one of them.",
            )


def _name_classes(
    found: Sequence[_Found], classes: Sequence[str], mapping: Mapping[str, str | None]
) -> tuple[tuple[str, ...], dict[str, str | None], list[list[str]]]:
    """The classes in order, the class of each folder name, and the spellings that were taken for one."""
    names = {each.part.name for each in found}
    said = {name: mapping[tidy] for name in names if (tidy := _said(name, mapping)) is not None}
    if classes:
        return tuple(classes), build_mapping(names, classes, said), []
    own, joined = _own_names(found, said)
    class_of = own | said
    return tuple(sorted({name for name in class_of.values() if name is not None})), class_of, joined


def _said(name: str, mapping: Mapping[str, str | None]) -> str | None:
    """The name under which the person has said to which class a folder belongs."""
    return next((each for each in (name, folder_names.tidy(name)) if each in mapping), None)


def _own_names(
    found: Sequence[_Found], said: Mapping[str, str | None]
) -> tuple[dict[str, str | None], list[list[str]]]:
    """Folders are their own classes. Those that are spelled alike are one, called as most photos of the first
    source say; one that differs from an earlier source's in its plural joins that."""
    photos: Counter[str] = Counter()
    sources = list(dict.fromkeys(each.source for each in found))
    first: dict[str, int] = {}
    for each in found:
        photos[each.part.name] += len(each.part.photos)
        first.setdefault(each.part.name, sources.index(each.source))
    spellings: dict[str, list[str]] = {}
    for name in sorted(first.keys() - said.keys(), key=lambda name: (first[name], -photos[name], name)):
        spellings.setdefault(folder_names.spelling_key(name), []).append(name)
    called = {alike: folder_names.tidy(names[0]) for alike, names in spellings.items()}
    earlier: dict[str, str] = {}
    class_of: dict[str, str | None] = {}
    for source in sources:
        here = sorted({each.part.name for each in found if each.source == source} - said.keys())
        present = {called[folder_names.spelling_key(name)] for name in here}
        for name in here:
            plural = earlier.get(key(name))
            own = called[folder_names.spelling_key(name)]
            class_of.setdefault(name, plural if plural and plural not in present else own)
        for name in here:
            earlier.setdefault(key(name), str(class_of[name]))
    return class_of, [sorted(names) for names in spellings.values() if len(names) > 1]


def _label(
    found: Sequence[_Found],
    names: tuple[str, ...],
    class_of: Mapping[str, str | None],
    skipped: Counter[str],
    *,
    keep_all: bool,
) -> Scan:
    learned = {class_of[each.part.name] for each in found if each.part.split != "test" and each.part.photos}
    if not keep_all:
        names = tuple(name for name in names if name in learned) or names
    labels = {name: label for label, name in enumerate(names)}
    samples: list[Sample] = []
    photos: Counter[tuple[str, str]] = Counter()
    for source, part in ((each.source, each.part) for each in found):
        mapped = class_of[part.name]
        if mapped is not None and mapped not in learned and learned:
            skipped[ONLY_TESTED] += len(part.photos)
            continue
        photos[source, part.name] += len(part.photos)
        if mapped is None:
            skipped["folders left out by the mapping"] += 1
            continue
        label = labels[mapped]
        samples.extend(Sample(path, label, source, part.name, part.split) for path in sorted(part.photos))
    return Scan(
        samples=tuple(samples),
        classes=names,
        skipped={reason: count for reason, count in sorted(skipped.items()) if count},
        folders=tuple(
            FolderCount(source, folder, class_of[folder], count) for (source, folder), count in photos.items()
        ),
    )


def check_trainable(scan: Scan) -> None:
    """Raises DatasetError. Photos of a test part are there to test only."""
    if scan.samples and all(sample.split == "test" for sample in scan.samples):
        raise DatasetError(
            "All photos are in a part for testing, so that there are none to train on.",
            "Choose the folder that holds the photos for training, too.",
        )
    counts = scan.trainable_per_class()
    if not counts:
        raise DatasetError(
            "None of the folders belongs to one of the classes.",
            "Map each folder to a class, or use the folders' own names as classes.",
        )
    if len(counts) == 1:
        raise DatasetError(
            f"There is only one class with photos, '{next(iter(counts))}'.",
            "Training needs at least two: add a folder of other photos.",
        )
    single = [name for name, count in counts.items() if count == 1]
    if single:
        each = (
            f"class '{single[0]}' has" if len(single) == 1 else f"classes {cautions.listed(single)} each have"
        )
        raise DatasetError(
            f"The {each} a single photo.",
            "A class needs at least two, one to learn from and one to check with: add photos, or leave the "
            f"folder{'s' if len(single) > 1 else ''} out.",
        )
