"""What a run is called that nobody gave a name: by what tells it from others."""

from __future__ import annotations

from collections.abc import Sequence

MORE = " · "
LAST_LAYER = "last layer"


def default_name(sources: Sequence[str], model: str, epochs: int | None, tune: str = "") -> str:
    """`waste · resnet18 · 12 epochs`, or `… · last layer` where that alone is trained; what is not known is
    left out."""
    names = [source.replace("\\", "/").rstrip("/").rpartition("/")[2] or source for source in sources]
    photos = names[0] if names else ""
    if len(names) > 1:
        photos += f" and {len(names) - 1} more"
    length = f"{epochs} epoch{'' if epochs == 1 else 's'}" if epochs else ""
    if tune == "head":
        length = LAST_LAYER
    return MORE.join(part for part in (photos, model.rpartition(":")[2], length) if part)


def told_apart(names: Sequence[str], more: Sequence[str]) -> list[str]:
    """With more of those that are called alike."""
    return [
        f"{name}{MORE}{also}" if names.count(name) > 1 else name
        for name, also in zip(names, more, strict=True)
    ]
