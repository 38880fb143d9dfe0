"""Work that does not come to an end."""

from __future__ import annotations

import collections
import hashlib
import itertools
import re

from tests.faults.stalls.drawn.kinds.kind import Kind, Wait
from tests.faults.stalls.drawn.scene import Scene


def regular_expression(scene: Scene) -> Wait:
    scene.objects = [["clean_label", "re.match", "re:regular expression"]]

    def clean_label() -> None:
        re.match(r"(a+)+$", "a" * 64 + "b")

    return clean_label


def python_loop(scene: Scene) -> Wait:
    scene.objects = [["find_duplicates"]]

    def find_duplicates() -> None:
        while True:
            pass

    return find_duplicates


def loop_in_c_holding_the_gil(scene: Scene) -> Wait:
    scene.objects = [["count_pixels"]]

    def count_pixels() -> None:
        collections.deque(itertools.repeat(0), maxlen=0)

    return count_pixels


def loop_in_c(scene: Scene) -> Wait:
    scene.objects = [["hash_weights", "pbkdf2"]]

    def hash_weights() -> None:
        while True:
            hashlib.pbkdf2_hmac("sha256", b"", b"", 10_000_000)

    return hash_weights


KINDS = tuple(
    Kind(ready.__name__, ready, places=("main", "worker"), stages=("train",), known_later_s=12)
    for ready in (regular_expression, python_loop, loop_in_c_holding_the_gil, loop_in_c)
)
