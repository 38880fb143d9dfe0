"""The lab's pipeline, which ours is to replace: Pillow, torchvision's transforms, a DataLoader."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
SIZE, BATCH = 224, 32


class LabPhotos(Dataset[tuple[Tensor, int]]):
    """Each photo decoded whole, squashed to 224, flipped at random, normalised."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        names = sorted({Path(path).parent.name for path in paths})
        self.labels = [names.index(Path(path).parent.name) for path in paths]
        self.transform = transforms.Compose(
            [
                transforms.Resize((SIZE, SIZE)),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(CLIP_MEAN, CLIP_STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with Image.open(self.paths[index]) as photo:
            return self.transform(photo.convert("RGB")), self.labels[index]


def first_batch(paths: list[str], workers: int) -> dict[str, float]:
    """Seconds from creating the iterator to the first batch on the device."""
    device = warm_device()
    loader = DataLoader(LabPhotos(paths), batch_size=BATCH, shuffle=True, num_workers=workers)
    began = time.perf_counter()
    images_BCHW, _ = next(iter(loader))
    images_BCHW.to(device)
    finish(device)
    return {"seconds": time.perf_counter() - began}


def epoch(paths: list[str], workers: int, epochs: int) -> dict[str, float]:
    """Seconds an epoch of loading takes from the second on, with workers that stay."""
    device = warm_device()
    loader = DataLoader(
        LabPhotos(paths),
        batch_size=BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=True,
        pin_memory=device.type == "cuda",
    )
    for _ in loader:
        pass
    began = time.perf_counter()
    for _ in range(epochs):
        for images_BCHW, labels_B in loader:
            images_BCHW.to(device, non_blocking=True)
            labels_B.to(device, non_blocking=True)
    finish(device)
    return {"seconds": (time.perf_counter() - began) / epochs}


def warm_device() -> torch.device:
    """The GPU if there is one, in use already: its context is made before any clock starts."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.zeros(1, device=device).sum().item()
    return device


def finish(device: torch.device) -> None:
    """Wait for what the GPU still has to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
