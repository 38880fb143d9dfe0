"""A network as a CPU runs it fastest says what the network says, or is not used."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from waste_gui.config import RunConfig
from waste_gui.engine import models
from waste_gui.engine.devices import Device
from waste_gui.engine.models import Classifier, ModelSpec
from waste_gui.engine.quick_pass import QuickClassifier, quick

CPU = Device(torch.device("cpu"), "a processor", 0, None)

JOINED = {
    "starter, turned": (RunConfig(), 96),
    "starter, odd sides": (RunConfig(), 97),
    "no inner blocks": (RunConfig(model="timm:tf_efficientnet_lite0", pretrained="none"), 64),
    "resnet18": (RunConfig(model="resnet18", pretrained="none"), 64),
    "densenet": (RunConfig(model="torchvision:densenet121", pretrained="none"), 64),
    "before the convolution": (RunConfig(model="timm:resnetv2_50", pretrained="none"), 64),
    "hard swish, squeezed": (RunConfig(model="timm:mobilenetv3_small_100", pretrained="none"), 64),
    "swish, same padding": (RunConfig(model="timm:tf_efficientnetv2_b0", pretrained="none"), 64),
}


def built(config: RunConfig, side: int | None) -> tuple[Classifier, ModelSpec]:
    """With statistics of normalisation that are nobody's default: of those none could be left out unseen."""
    torch.manual_seed(0)
    model, spec = models.build(_with_side(config, side), ("a", "b"))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return model.eval().to(memory_format=torch.channels_last), spec


def _with_side(config: RunConfig, side: int | None) -> RunConfig:
    import msgspec

    return msgspec.structs.replace(config, image_size=side)


def drawn(side: int, seed: int) -> Tensor:
    images = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(seed))
    return images.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", JOINED)
@torch.inference_mode()
def test_it_says_what_the_network_says(name: str) -> None:
    config, side = JOINED[name]
    model, spec = built(config, side)
    quicker = quick(model, spec, CPU)
    assert isinstance(quicker, QuickClassifier)
    assert not any(isinstance(m, nn.BatchNorm2d) and m.weight is not None for m in _joined(quicker))
    for seed in range(3):
        images = drawn(side, seed)
        expected = model.features(images)
        assert (quicker.features(images) - expected).abs().max() <= 1e-4 * expected.abs().max()
        assert torch.allclose(quicker(images), model(images), rtol=1e-3, atol=1e-4)


def _joined(model: nn.Module) -> list[nn.Module]:
    """What stands right after a joined convolution."""
    following: list[nn.Module] = []
    for parent in model.modules():
        parts = list(parent.children())
        following += [b for a, b in zip(parts, parts[1:], strict=False) if type(a).__name__ == "Convolution"]
    return following


@torch.inference_mode()
def test_network_whose_list_of_parts_misleads_is_used_as_it_is() -> None:
    """Its normalisation stands behind the convolution in the list, and before it on the way."""

    class Misleading(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
            nn.init.uniform_(self.norm.weight, 2, 3)
            nn.init.uniform_(self.norm.bias, 1, 2)

        def forward(self, images: Tensor) -> Tensor:
            return self.convolution(self.norm(images)).relu().mean((2, 3))  # type: ignore[no-any-return]

    model = Classifier(Misleading(), 3, 2).eval()
    _, spec = built(RunConfig(model="resnet18", pretrained="none"), 32)
    assert quick(model, spec, CPU) is model


@torch.inference_mode()
def test_networks_without_such_parts_and_other_types_are_used_as_they_are() -> None:
    vit, of_vit = built(RunConfig(model="timm:vit_tiny_patch16_224", pretrained="none"), None)
    assert quick(vit, of_vit, CPU) is vit
    model, spec = built(RunConfig(model="resnet18", pretrained="none"), 32)
    assert quick(model, spec, Device(torch.device("cpu"), "", 0, torch.bfloat16)) is model


def test_the_network_itself_is_not_changed() -> None:
    model, spec = built(RunConfig(), 64)
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    quick(model, spec, CPU)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
