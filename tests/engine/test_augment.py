"""What the model sees: random for training, exact for everything else."""

from __future__ import annotations

import math

import pytest
import torch

from waste_gui.dataset.resized import resized_size
from waste_gui.engine.augment import (
    STRENGTHS,
    Strength,
    augment,
    crop_size,
    evaluation_view,
    training_phase,
    training_view,
)
from waste_gui.engine.models import ModelSpec

SPEC = ModelSpec(
    library="torchvision",
    name="resnet18",
    image_size=32,
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.3, 0.4),
    classes=(),
)


def random_resized_images(count: int = 6, side: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", STRENGTHS)
def test_the_same_generator_state_gives_the_same_images_in_range(name: str) -> None:
    first, second = (
        augment(random_resized_images(), 32, torch.Generator().manual_seed(7), STRENGTHS[name])
        for _ in range(2)
    )
    assert first.shape == (6, 3, 32, 32)
    assert torch.equal(first, second)
    assert 0 <= float(first.min()) and float(first.max()) <= 1


def test_another_state_gives_other_images() -> None:
    first, second = (
        augment(random_resized_images(), 32, torch.Generator().manual_seed(seed), STRENGTHS["standard"])
        for seed in (1, 2)
    )
    assert not torch.equal(first, second)


def test_without_strength_an_image_is_only_resampled() -> None:
    ramp = torch.linspace(0, 255, 40).round().to(torch.uint8)
    resized_images = ramp[None, None, :, None].expand(1, 40, 40, 3)
    image = augment(resized_images, 40, torch.Generator(), STRENGTHS["none"])
    assert torch.allclose(image, resized_images.permute(0, 3, 1, 2) / 255, atol=1e-5)


def test_a_flip_mirrors_the_image() -> None:
    always = Strength(min_area=1.0, aspect=1.0, hflip=1.0)
    resized_images = random_resized_images(1)
    plain, flipped = (augment(resized_images, 40, torch.Generator(), s) for s in (STRENGTHS["none"], always))
    assert torch.allclose(flipped, plain.flip(3), atol=1e-5)


def test_evaluation_normalises_with_the_models_own_numbers() -> None:
    grey = torch.full((1, 40, 40, 3), 128, dtype=torch.uint8)
    seen = evaluation_view(grey, SPEC)
    assert seen.shape == (1, 3, 32, 32)
    for channel, (mean, std) in enumerate(zip(SPEC.mean, SPEC.std, strict=True)):
        assert float(seen[0, channel, 5, 5]) == pytest.approx((128 / 255 - mean) / std, abs=1e-4)


def test_training_and_evaluation_agree_on_normalisation() -> None:
    grey = torch.full((2, 40, 40, 3), 128, dtype=torch.uint8)
    trained = training_view(grey, SPEC, 32, STRENGTHS["standard"], torch.Generator())
    assert torch.allclose(trained, evaluation_view(grey, SPEC), atol=1e-4)


def test_tiles_are_larger_than_images() -> None:
    assert resized_size(224) > 224


@pytest.mark.parametrize("full", [32, 64, 100, 128, 224, 299])
def test_training_images_grow_to_the_whole_and_no_epoch_is_more_work(full: int) -> None:
    phases = [training_phase(full, epoch, 30) for epoch in range(1, 31)]
    sizes = [phase.size for phase in phases]
    assert sizes == sorted(sizes)
    assert set(sizes[21:]) == {full}
    assert {phase.views for phase in phases[21:]} == {1}
    for phase in phases:
        assert phase.views * (phase.size / full) ** 2 <= 1


def test_a_training_of_one_epoch_has_a_size() -> None:
    assert training_phase(128, 1, 1).size >= 64


@pytest.mark.parametrize("full", [32, 96, 128, 192, 224, 260, 384, 512])
def test_crops_show_things_about_as_large_as_whole_photos_do(full: int) -> None:
    for name, strength in STRENGTHS.items():
        side = crop_size(full, strength)
        assert side <= full and (side % 32 == 0 or side == full), name
        shown = side / math.sqrt((1 + strength.min_area) / 2)  # Of a whole photo, in pixels.
        assert abs(shown - full) <= 16 / math.sqrt((1 + strength.min_area) / 2), name
    if full % 32 == 0:
        assert crop_size(full, STRENGTHS["none"]) == full
