"""The GPU training engine: everything that imports torch. Its functions are imported when first asked for.

from waste_gui.config import RunConfig
from waste_gui.engine import train, predict

folder = train(RunConfig(source=("photos",), model="resnet18", pretrained="none", epochs=30))
predict(folder, ["new.jpg"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waste_gui.engine.notebook import evaluate, predict, train

__all__ = ["evaluate", "predict", "train"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from waste_gui.engine import notebook

    return getattr(notebook, name)
