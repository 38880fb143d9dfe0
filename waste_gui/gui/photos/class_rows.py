"""The classes as lines: a few of their photos, how many there are, from which folders. No widgets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from waste_gui.dataset.mapping import key
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.formatting import many
from waste_gui.gui.session.dataset_choice import DatasetChoice, Found

SHOWN = 6
"""Photos beside each class."""

FEW = 20
"""With fewer photos a class is learned badly, and its accuracy means little."""

FOLDERS_NAMED = 3


@dataclass(frozen=True)
class ClassRow:
    """`share` is of the largest class; `mapping` and `hint` are empty where nothing need be said."""

    name: str
    photos: int
    share: float
    validation: str
    mapping: str
    guessed: bool
    hint: str
    paths: tuple[str, ...]
    """Of its photos, all or as many as are kept."""

    @property
    def shown(self) -> tuple[str, ...]:
        """A few from all over it."""
        if len(self.paths) <= SHOWN:
            return self.paths
        return tuple(self.paths[i * len(self.paths) // SHOWN] for i in range(SHOWN))

    @property
    def detail(self) -> str:
        return "  ·  ".join(filter(None, (self.validation, self.mapping)))

    @property
    def spoken(self) -> str:
        guessed = "guessed" if self.guessed else ""
        parts = (self.name, many(self.photos, "photo"), self.validation, self.mapping, guessed, self.hint)
        return ", ".join(filter(None, parts))


def class_rows(
    found: Found, choice: DatasetChoice, val_fraction: float, aside: Collection[str] = ()
) -> list[ClassRow]:
    """In the classes' own order; `found` is what is left of them, `aside` the photos that are excluded."""
    most = max(found.photos_per_class.values(), default=0) or 1
    folders: dict[str, list[tuple[str, bool]]] = {}
    for each in found.folders:
        if each.mapped is not None:
            guessed = each.folder not in choice.mapping and key(each.folder) != key(each.mapped)
            folders.setdefault(each.mapped, []).append((each.folder, guessed))
    rows = []
    for name, photos in found.photos_per_class.items():
        paths = found.paths.get(name, ())
        if aside:
            paths = tuple(path for path in paths if path not in aside)
        of = folders.get(name, [])
        rows.append(
            ClassRow(
                one_line(name),
                photos,
                photos / most,
                _validation(photos, found.ready_validation.get(name), val_fraction),
                _mapping(name, list(dict.fromkeys(folder for folder, _ in of))),
                any(guessed for _, guessed in of),
                _hint(photos),
                paths,
            )
        )
    return rows


def _validation(photos: int, ready: int | None, fraction: float) -> str:
    """`20 % for validation`: of a ready split as it is, else as the settings say."""
    if not photos:
        return ""
    share = ready / photos if ready is not None else fraction
    return f"{100 * min(1.0, share):.0f} % for validation"


def _mapping(name: str, folders: list[str]) -> str:
    """`from glass_bottles, Glas and 2 more`; nothing where folder and class are called the same."""
    if folders in ([], [name]):
        return ""
    named = ", ".join(map(one_line, folders[:FOLDERS_NAMED]))
    more = f" and {len(folders) - FOLDERS_NAMED} more" if len(folders) > FOLDERS_NAMED else ""
    return f"from {named}{more}"


def _hint(photos: int) -> str:
    if not photos:
        return "No photos: map a folder to it"
    return "Few photos: add some, or join classes" if photos < FEW else ""
