"""Classes that training would lose since their photos cannot be read, once a check has read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from waste_gui.dataset.catalog import Checked
from waste_gui.dataset.cautions import class_words, folders_of
from waste_gui.dataset.samples import Caution, Remedy, Scan


def lost_classes(scan: Scan, checked: Mapping[str, Checked]) -> Iterator[Caution]:
    """A caution for each of which no photo can be read, and one for those of which a single one can."""
    photos, bad = Counter[str](), Counter[str]()
    for sample in scan.samples:
        if sample.path in checked:
            photos[scan.classes[sample.label]] += 1
            bad[scan.classes[sample.label]] += bool(checked[sample.path].kind)
    lost = [name for name in scan.classes if photos[name] and bad[name] == photos[name]]
    for name in lost:
        number = "its only photo" if photos[name] == 1 else f"all {photos[name]}"
        yield Caution(
            "empty_class",
            f"No photo of the class '{name}' can be used: {number} cannot be read.",
            "Copy the photos again from where they came from, or leave the folder out.",
            Remedy("Leave it out", folders_of(scan, [name])),
        )
    left = [name for name in scan.classes if bad[name] and photos[name] - bad[name] == 1]
    if left:
        yield Caution(
            "single_photo",
            f"{class_words(left)} {'has' if len(left) == 1 else 'each have'} a single photo that can be "
            "read: too few to train on.",
            "Copy the others again, or leave the class out.",
            Remedy("Leave it out" if len(left) == 1 else "Leave them out", folders_of(scan, left)),
        )
