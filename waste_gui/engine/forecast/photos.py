"""The photos that a forecast is made of: their embeddings, and where training would put each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from waste_gui.dataset.samples import Sample
from waste_gui.dataset.split import Split
from waste_gui.engine.errors import UnusableDataset
from waste_gui.engine.head import Rows

LOOK = "Look at the photos: those that cannot be read are listed above."


@dataclass(frozen=True)
class EmbeddedPhotos:
    """`views_VNF` (views, photos, features) float16, the first as the photo is; the first `to_train` of the
    `samples` are those that training would train on, the others those that it would validate with. So many
    features as `last`, the first, are what the network ends with, the others come from within. Training would
    use `total` photos, of which these may be some."""

    samples: tuple[Sample, ...]
    views_VNF: Tensor
    to_train: int
    classes: tuple[str, ...]
    last: int
    total: int

    @property
    def is_divided(self) -> bool:
        """Whether a person has put the validation photos aside: they may show other things than the rest."""
        apart = self.samples[self.to_train :]
        return bool(apart) and all(sample.split == "val" for sample in apart)

    @property
    def labels_N(self) -> Tensor:
        return torch.tensor([sample.label for sample in self.samples])

    def rows(self) -> Rows:
        """One a photo, as it is."""
        count = len(self.samples)
        return Rows(self.views_VNF[0].float(), self.labels_N, torch.ones(count), torch.arange(count))


def gather(
    split: Split, found: Mapping[str, Tensor], classes: tuple[str, ...], last: int, total: int
) -> EmbeddedPhotos:
    """Those of a split that could be read. Raises UnusableDataset where there is nothing to tell apart."""
    train = [s for s in {s.path: s for s in split.train}.values() if s.path in found]
    known = {s.path for s in train}
    val = [s for s in {s.path: s for s in split.val}.values() if s.path in found and s.path not in known]
    samples = (*train, *val)
    counts = Counter(sample.label for sample in samples)
    if not samples:
        raise UnusableDataset("Not one photo could be read.", "Open a few of them to see what is wrong.")
    if len(counts) < 2:
        raise UnusableDataset("Photos of fewer than two classes can be read.", LOOK)
    if max(counts.values()) < 2:
        raise UnusableDataset(
            "There is one photo of each class: none is left to learn from while another is asked for.",
            "Add photos: a preview begins with two of a class.",
        )
    views_VNF = torch.stack([found[sample.path] for sample in samples], dim=1)
    return EmbeddedPhotos(samples, views_VNF, len(train), classes, last, max(total, len(samples)))
