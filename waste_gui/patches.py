"""How large the patches are that a model cuts a photo into, told by its name: no torch.

What is left over at the right and lower edge, such a model never sees. `tests/engine/test_patches.py` holds
the names against what the libraries build; the engine looks at the network itself (engine/models.py).
"""

from __future__ import annotations

import re

SMALLEST, LARGEST = 16, 2048
"""As the setting's own bounds."""

_NAMES = (
    r"patch_?(\d+)(?!\d)",  # timm: vit_base_patch16_224, swin_tiny_patch4_window7_224
    r"^vit_[a-z]+_(\d+)$",  # torchvision: vit_b_32
    r"(?:^|[-_])ViT-(?:[A-Za-z]+|SO400M)-(\d+)(?:-|$)",  # open_clip: ViT-B-32, coca_ViT-L-14, ViT-H-14-378
    r"^(?:PE-Core|MobileCLIP2)-[A-Za-z]+-(\d+)(?:-|$)",
    r"^EVA\d*-[A-Za-z]+-(\d+)(?:-|$)",  # open_clip: EVA02-L-14-336
)

_UNTOLD = {
    "coca_base": 18,
    "nllb-clip-base": 32,
    "nllb-clip-base-siglip": 16,
    "nllb-clip-large": 14,
    "nllb-clip-large-siglip": 14,
}
"""Of open_clip's models whose names say nothing of it."""


def patch_of(model: str) -> int | None:
    """Its side in pixels; None where the name does not tell."""
    name = model.rpartition(":")[2]
    if name in _UNTOLD:
        return _UNTOLD[name]
    found = next((match for pattern in _NAMES if (match := re.search(pattern, name))), None)
    return int(found[1]) if found and 1 < int(found[1]) <= 64 else None


def nearest(size: int, patch: int) -> tuple[int, ...]:
    """The next smaller and larger sizes without a rest."""
    below = size // patch * patch
    return tuple(side for side in (below, below + patch) if SMALLEST <= side <= LARGEST)


def why_unfit(model: str, size: int | None, patch: int | None = None) -> str | None:
    """A sentence where such a photo would be cut off; `patch` if it is known from the network itself."""
    patch = patch or patch_of(model)
    if size is None or not patch or size % patch == 0:
        return None
    sizes = " or ".join(map(str, nearest(size, patch)))
    lost = size - size // patch * patch
    return (
        f"The model {model} looks at pieces of {patch} × {patch} pixels: of images of {size} px it would "
        f"never see the last {lost} at the right and below. Choose {sizes} as image size."
    )
