"""Weights into a model: which of a file's tensors are its own, and the true reason where they are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from waste_gui.engine.errors import WrongCheckpoint
from waste_gui.engine.weight_files import WeightFile, rename
from waste_gui.plain_text import plain

Shape = tuple[int, ...]
COUNTERS = "num_batches_tracked"
"""Of batch norms: older files don't have them, and nothing here needs them."""


def fill(
    backbone: nn.Module,
    weights: WeightFile,
    origin: str,
    name: str,
    known: Iterable[tuple[str, Mapping[str, Shape]]] = (),
) -> None:
    """Load all that the backbone has; more than that, a head for other classes for example, may be there.
    WrongCheckpoint says why they do not fit; of the `known` models, which they fit."""
    own = backbone.state_dict()
    wanted = {key: tuple(value.shape) for key, value in own.items()}
    names = rename(weights.shapes, wanted)
    fitting: dict[str, Tensor] = {}
    for key, theirs in names.items():
        if weights.shapes[theirs] == wanted[key]:
            fitting[key] = weights[theirs]
        elif _may_be_resized(key, weights.shapes[theirs], wanted[key]):
            resized = _resize_positions(weights[theirs], own[key])
            if resized is not None:
                fitting[key] = resized
    missing = [key for key in own if key not in fitting and not key.endswith(COUNTERS)]
    if missing:
        raise _misfit(weights, wanted, names, missing, origin, name, known)
    backbone.load_state_dict(fitting, strict=False)


# --- why not


def _misfit(
    weights: WeightFile,
    wanted: Mapping[str, Shape],
    names: Mapping[str, str],
    missing: list[str],
    origin: str,
    name: str,
    known: Iterable[tuple[str, Mapping[str, Shape]]],
) -> WrongCheckpoint:
    owner = weights.made_for if weights.made_for.rpartition(":")[2] != name else ""
    sized = all("pos" in key and key in names for key in missing)
    if not owner and not sized:
        owner = next((other for other, shapes in known if _fits(weights.shapes, shapes)), "")
    if owner:
        why, hint = f"they are those of {owner}", f"Choose the model {owner}, or other weights."
    elif sized:
        why = f"they were made for images of another size ({_difference(missing[0], weights, wanted, names)})"
        hint = "Choose the image size that they were made for, or other weights."
    else:
        why = _what_differs(weights, wanted, names, missing)
        hint = "Choose the model they were made for, or other weights."
    return WrongCheckpoint(f"The weights '{plain(origin)}' do not belong to {plain(name)}: {why}.", hint)


def _what_differs(
    weights: WeightFile, wanted: Mapping[str, Shape], names: Mapping[str, str], missing: list[str]
) -> str:
    learned = [key for key in wanted if not key.endswith(COUNTERS)]
    if len(missing) == len(learned) and not any(key in names for key in missing):
        theirs = plain(next(iter(weights.shapes)))[:80]
        return (
            f"none of its {len(weights.shapes)} tensors has a name of this model's "
            f"(the first there: {theirs}; here: {missing[0]})"
        )
    other = [key for key in missing if key in names]
    if other:
        return (
            f"{len(other)} of {len(learned)} tensors {'has' if len(other) == 1 else 'have'} another shape "
            f"(the first: {_difference(other[0], weights, wanted, names)})"
        )
    are = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of {len(learned)} tensors {are} missing (the first: {missing[0]})"


def _difference(key: str, weights: WeightFile, wanted: Mapping[str, Shape], names: Mapping[str, str]) -> str:
    """`conv1.weight is 64 × 3 × 7 × 7 here and 32 × 3 × 3 × 3 there`"""
    here, there = wanted[key], weights.shapes[names[key]]
    return f"{key} is {_sides(here)} here and {_sides(there)} there"


def _sides(shape: Shape) -> str:
    return " × ".join(map(str, shape[:6])) or "one number"


def _fits(shapes: Mapping[str, Shape], own: Mapping[str, Shape]) -> bool:
    names = rename(shapes, own)
    return all(key in names and shapes[names[key]] == own[key] for key in own if not key.endswith(COUNTERS))


# --- images of another size


def _may_be_resized(key: str, there: Shape, here: Shape) -> bool:
    """A tensor of a few bytes can say that it is endless."""
    count = 1
    for side in there:
        count *= side
    target = torch.Size(here).numel()
    return "pos" in key and bool(there) and bool(here) and there[-1] == here[-1] and count <= 64 * target


def _resize_positions(value: Tensor, target: Tensor) -> Tensor | None:
    """Position embeddings of another image size, interpolated (Dosovitskiy et al. 2020, section 3.2); None
    where they are no square."""
    old, new = value.reshape(-1, value.shape[-1]).float(), target.reshape(-1, target.shape[-1])
    extra = 1 if int((len(new) - 1) ** 0.5) ** 2 == len(new) - 1 else 0
    side_old, side_new = int((len(old) - extra) ** 0.5), int((len(new) - extra) ** 0.5)
    if side_old**2 + extra != len(old) or side_new**2 + extra != len(new):
        return None
    grid = old[extra:].reshape(1, side_old, side_old, -1).permute(0, 3, 1, 2)
    grid = nn.functional.interpolate(
        grid, (side_new, side_new), mode="bicubic", antialias=True, align_corners=False
    )
    flat = grid.permute(0, 2, 3, 1).reshape(side_new**2, -1)
    return torch.cat([old[:extra], flat]).reshape(target.shape).to(value.dtype)
