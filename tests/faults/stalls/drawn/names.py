"""Names of files as people give them, and as nobody expects them."""

from __future__ import annotations

import random

WORDS = (
    "weights",
    "glass",
    "labels",
    "my model",
    "epoch 12",
    "Fotos März",
    "тест",
    "垃圾分类",
    "données",
    "a+b&c",
    "50% <b>best",
    'it\'s "new"',
)
FOLDERS = ("", "", "cache", "cache/hub/models--timm--resnet10t", "New folder (2)", "Größe/ä ö ü", "x/y/z")
ENDINGS = ("lock", "db", "tmp", "bin", "part", "lock.lock")


def draw_name(dice: random.Random, number: int) -> str:
    """A path below a folder; short enough for any file system."""
    word = dice.choice(WORDS)
    if dice.random() < 0.1:
        word = f"{word}-" + "long" * dice.randint(10, 25)
    name = f"{word}-{number}.{dice.choice(ENDINGS)}"
    folder = dice.choice(FOLDERS)
    return f"{folder}/{name}" if folder else name
