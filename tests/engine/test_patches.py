"""Image sizes of which a transformer would never see the edge are refused, before anything starts."""

from __future__ import annotations

import pytest
import torch

from waste_gui import request as requests
from waste_gui.config import ConfigError, RunConfig
from waste_gui.engine import models
from waste_gui.engine.errors import BadSettings
from waste_gui.gui.settings.checked import checked
from waste_gui.patches import nearest, patch_of, why_unfit
from waste_gui.request import RunRequest


@pytest.mark.parametrize(
    ("model", "patch"),
    [
        ("ViT-B-32", 32),
        ("open_clip:ViT-H-14-378-quickgelu", 14),
        ("coca_ViT-L-14", 14),
        ("ViT-SO400M-14-SigLIP-384", 14),
        ("EVA02-L-14-336", 14),
        ("PE-Core-B-16", 16),
        ("nllb-clip-base", 32),
        ("vit_b_32", 32),
        ("timm:vit_tiny_patch16_224", 16),
        ("timm:swin_tiny_patch4_window7_224", 4),
        ("resnet18", None),
        ("timm:convnext_tiny", None),
        ("RN50", None),
    ],
)
def test_patch_is_told_by_the_name(model: str, patch: int | None) -> None:
    assert patch_of(model) == patch


def test_names_say_what_open_clip_builds() -> None:
    import open_clip

    for name in open_clip.list_models():
        vision = open_clip.get_model_config(name)["vision_cfg"]
        behind = vision.get("timm_model_name")
        real = patch_of(behind) if behind else vision.get("patch_size")
        if isinstance(vision.get("layers"), int) or behind:
            assert patch_of(name) == real, name


def test_nearest_sizes_are_within_the_setting() -> None:
    assert nearest(250, 32) == (224, 256)
    assert nearest(31, 32) == (32,)
    assert nearest(2047, 32) == (2016, 2048)
    assert why_unfit("ViT-B-32", 224) is None and why_unfit("ViT-B-32", None) is None


@pytest.mark.parametrize(
    ("model", "size", "fits"), [("ViT-B-32", 250, "224 or 256"), ("vit_b_16", 63, "48 or 64")]
)
def test_window_and_terminal_refuse_before_start(model: str, size: int, fits: str) -> None:
    config = RunConfig(source=("photos",), model=model, image_size=size)
    with pytest.raises(ConfigError, match=fits):
        checked(config)
    with pytest.raises(ConfigError, match=fits):
        requests.check(RunRequest(config=config))


def test_run_of_an_earlier_version_goes_on() -> None:
    config = RunConfig(source=("photos",), model="ViT-B-32", image_size=250)
    assert requests.check(RunRequest(config=config, resume="run")).config.image_size == 250


@pytest.mark.parametrize(
    ("model", "size"),
    [("timm:vit_tiny_patch16_224", 100), ("timm:convnext_atto", 101), ("vit_b_32", 250)],
)
def test_engine_looks_at_the_network_itself(model: str, size: int) -> None:
    with pytest.raises(BadSettings, match="would never see") as caught:
        models.build(RunConfig(model=model, image_size=size, pretrained="none"), ("a", "b"))
    assert "Choose" in caught.value.hint


@pytest.mark.parametrize(
    ("model", "size"),
    [("timm:vit_tiny_patch16_224", 96), ("timm:mobilenetv3_small_050", 101), ("resnet18", 99)],
)
def test_every_pixel_of_what_is_accepted_is_seen(model: str, size: int) -> None:
    network, _ = models.build(RunConfig(model=model, image_size=size, pretrained="none"), ("a", "b"))
    network.train()
    image = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0), requires_grad=True)
    network.features(image).square().sum().backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    seen = image.grad.abs().sum((0, 1)) > 0
    assert seen.any(0).all() and seen.any(1).all()
