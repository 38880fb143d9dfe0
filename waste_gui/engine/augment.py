"""From uint8 resized images to what the model sees: augmented for training, plain for everything else, on the
device.

Training: one affine resampling and one colour matrix per image.

All random numbers come from a CPU ``torch.Generator`` (the same on every device) and only the
finished parameters are moved to the resized images' device.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from waste_gui.engine.models import ModelSpec
from waste_gui.engine.room import Part

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Strength:
    """How far an augmented image may stray from its resized image."""

    min_area: float = 0.4  # smallest crop, as a share of the resized image's area (largest is 1)
    aspect: float = 4 / 3  # crop aspect ratio drawn log-uniformly from [1/aspect, aspect]
    hflip: float = 0.5  # probability of a left-right flip
    vflip: float = 0.0  # probability of a top-bottom flip
    quarter_turns: bool = False  # also turn by 0, 90, 180 or 270 degrees
    rotate: float = 0.0  # largest rotation in degrees, drawn uniformly either way
    brightness: float = 0.0  # factors drawn from [1 - x, 1 + x]
    contrast: float = 0.0
    saturation: float = 0.0
    erase: float = 0.0  # probability of blanking one rectangle
    erase_area: tuple[float, float] = (0.02, 0.2)  # its share of the image


SMALLEST_TRAINING_SIZE = 64
SIZE_STEP = 16
VIEW_COST = 0.65
"""A view of half the side costs 0.38 of a whole one, not 0.25 (ResNet-18, 128 px, two cores)."""

GROWTH = ((0.4, 0.5), (0.7, 0.75), (1.0, 1.0))
"""Until which share of the epochs, which part of the whole side."""


@dataclass(frozen=True)
class Phase:
    """Side of the training images, and in how many views each photo is seen while they are that small."""

    size: int
    views: int


def training_phase(image_size: int, epoch: int, epochs: int) -> Phase:
    """Small images first: half the size for 40 % of the epochs, three quarters until 70 %, then whole.

    Progressive resizing (Howard 2018; Tan and Le 2021, EfficientNetV2), and what a small image saves is spent
    on further views of it (batch augmentation, Hoffer et al. 2020): no epoch takes longer than a whole one.
    """
    share = (epoch - 1) / epochs
    scale = next(scale for until, scale in GROWTH if share < until)
    smallest = min(image_size, SMALLEST_TRAINING_SIZE)
    size = max(smallest, round(image_size * scale / SIZE_STEP) * SIZE_STEP) if scale < 1 else image_size
    return Phase(min(size, image_size), max(1, int(VIEW_COST * (image_size / size) ** 2)))


def crop_size(image_size: int, strength: Strength) -> int:
    """Side of training images in whose crops things look about as large as in the whole photos of validation,
    so that a network that knows one size finds it in both (Touvron et al. 2019, "FixRes"); smaller images
    are quicker, too. A multiple of 32, as convolutional networks halve five times."""
    share = math.sqrt((1 + strength.min_area) / 2)
    return min(image_size, max(32, round(share * image_size / 32) * 32))


STRENGTHS = {
    "none": Strength(min_area=1.0, aspect=1.0, hflip=0.0),
    "light": Strength(min_area=0.8),
    "standard": Strength(min_area=0.6),
    "strong": Strength(
        min_area=0.25, vflip=0.5, quarter_turns=True, brightness=0.3, contrast=0.3, saturation=0.3
    ),
}


def training_view(
    resized_BHWC: Tensor,
    spec: ModelSpec,
    size: int,
    strength: Strength,
    generator: torch.Generator,
    part: Part | None = None,
) -> Tensor:
    """Augmented, normalised (B, 3, size, size) images for a training step."""
    return normalise(augment(resized_BHWC, size, generator, strength, part), spec)


def evaluation_view(resized_BHWC: Tensor, spec: ModelSpec) -> Tensor:
    """The whole photo, resized with antialiasing and normalised: validation, test and predict."""
    images = resized_BHWC.permute(0, 3, 1, 2).float().div_(255)
    size = (spec.image_size, spec.image_size)
    return normalise(F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False), spec)


def normalise(images_BCHW: Tensor, spec: ModelSpec) -> Tensor:
    """RGB in 0..1 to the mean and deviation that the model was made for."""
    mean, std = (_per_channel(values, images_BCHW.device) for values in (spec.mean, spec.std))
    return (images_BCHW - mean) / std


@functools.cache  # Made once: a copy to a GPU at each step would wait for it.
def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device)[:, None, None]


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def affine_matrices(n: int, strength: Strength, generator: torch.Generator) -> Tensor:
    """Random (n, 2, 3) matrices from output to resized image coordinates, as ``affine_grid`` takes them."""
    area = _uniform(n, strength.min_area, 1.0, generator)
    log_aspect = math.log(strength.aspect)
    ratio = torch.exp(_uniform(n, -log_aspect, log_aspect, generator))
    half_w = (area * ratio).sqrt().clamp(max=1.0)
    half_h = (area / ratio).sqrt().clamp(max=1.0)
    centre_x = _uniform(n, -1.0, 1.0, generator) * (1 - half_w)
    centre_y = _uniform(n, -1.0, 1.0, generator) * (1 - half_h)
    flip_x = 1.0 - 2.0 * (torch.rand(n, generator=generator) < strength.hflip)
    flip_y = 1.0 - 2.0 * (torch.rand(n, generator=generator) < strength.vflip)
    angle = torch.deg2rad(_uniform(n, -strength.rotate, strength.rotate, generator))
    turns = torch.randint(0, 4, (n,), generator=generator)
    cos, sin = torch.cos(angle), torch.sin(angle)
    linear = torch.stack(
        [half_w * cos * flip_x, -half_w * sin * flip_y, half_h * sin * flip_x, half_h * cos * flip_y], 1
    ).view(n, 2, 2)
    if strength.quarter_turns:
        quarter = torch.tensor([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]])
        linear = linear @ quarter.float()[turns]
    return torch.cat([linear, torch.stack([centre_x, centre_y], 1)[:, :, None]], 2)


def colour_jitter(images: Tensor, strength: Strength, generator: torch.Generator, part: Part) -> Tensor:
    """Brightness, contrast and saturation of (B, 3, H, W) images in 0..1, as one matrix per image."""
    n = len(images)
    b, c, s = (
        _uniform(part.of, 1 - x, 1 + x, generator)[part.slice, None, None].to(images.device)
        for x in (strength.brightness, strength.contrast, strength.saturation)
    )
    luma = torch.tensor(_LUMA, device=images.device)
    grey = (images.mean((2, 3)) @ luma)[:, None, None]
    matrix = b * c * (s * torch.eye(3, device=images.device) + (1 - s) * luma.expand(3, 3))
    offset = b * (1 - c) * grey
    flat = images.flatten(2)
    return torch.baddbmm(offset.expand(n, 3, 1), matrix, flat).clamp_(0, 1).view_as(images)


def erase_rectangles(images: Tensor, strength: Strength, generator: torch.Generator, part: Part) -> Tensor:
    """Blank one random rectangle with the image's mean colour in a share of the images."""
    n, (height, width) = part.of, images.shape[2:]
    chosen = torch.rand(n, generator=generator) < strength.erase
    area = _uniform(n, *strength.erase_area, generator)
    ratio = torch.exp(_uniform(n, -math.log(2), math.log(2), generator))
    h = (area * ratio).sqrt().clamp(max=1.0)
    w = (area / ratio).sqrt().clamp(max=1.0)
    top = torch.rand(n, generator=generator) * (1 - h)
    left = torch.rand(n, generator=generator) * (1 - w)
    y = (torch.arange(height) + 0.5) / height
    x = (torch.arange(width) + 0.5) / width
    rows = (y >= top[:, None]) & (y < (top + h)[:, None]) & chosen[:, None]
    columns = (x >= left[:, None]) & (x < (left + w)[:, None])
    mask = (rows[:, None, :, None] & columns[:, None, None, :])[part.slice].to(images.device)
    return torch.where(mask, images.mean((2, 3), keepdim=True), images)


def augment(
    resized_BHWC: Tensor,
    size: int,
    generator: torch.Generator,
    strength: Strength,
    part: Part | None = None,
) -> Tensor:
    """Augment (B, T, T, 3) uint8 resized images to (B, 3, size, size) float images in 0..1.

    The same generator state gives the same images; ``generator`` must be a CPU generator. Where they are a
    ``part`` of a batch, they are augmented as they would be in the whole.
    """
    n = len(resized_BHWC)
    part = part or Part(0, n, n)
    device = resized_BHWC.device
    theta = affine_matrices(part.of, strength, generator)[part.slice].to(device)
    images = resized_BHWC.permute(0, 3, 1, 2).float().div_(255)
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
    images = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    if strength.brightness or strength.contrast or strength.saturation:
        images = colour_jitter(images.contiguous(), strength, generator, part)
    if strength.erase:
        images = erase_rectangles(images, strength, generator, part)
    return images
