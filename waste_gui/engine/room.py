"""How many photos go through the network at a time: a whole batch, or as many as the memory has room for.

A batch that does not fit is halved, and the run goes on from the same photo. What is learnt of each part is
weighed by its photos, so that an update is the mean of as many as before; only a batch norm that is trained
compares fewer photos with each other.
"""

from __future__ import annotations

import contextlib
import gc
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from waste_gui.engine.allocator import give_back
from waste_gui.engine.devices import Device
from waste_gui.engine.failures import is_out_of_memory, no_room
from waste_gui.protocol import Warned

T = TypeVar("T")

NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}


@dataclass(frozen=True)
class Part:
    """Photos `start` to `stop` of a batch that has `of`."""

    start: int
    stop: int
    of: int

    @property
    def photos(self) -> int:
        return self.stop - self.start

    @property
    def slice(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def is_whole(self) -> bool:
        return self.photos == self.of


class Room:
    """What fits is found by trying, and kept: `at_once` photos, or any number where that is 0."""

    def __init__(
        self,
        device: Device,
        doing: str,
        report: Callable[[Warned], object],
        *,
        least: int = 1,
        at_once: int = 0,
        per_update: int = 0,
    ) -> None:
        """`doing` is what goes on with fewer photos, or stops where not even `least` have room; `per_update`
        so many go into an update of the weights, where it has such."""
        self.at_once = at_once
        self._device, self._doing, self._report = device, doing, report
        self._least, self._per_update = max(1, least), per_update
        self._refused = 0  # So many had no room, and nobody was told yet.

    def parts(self, photos: int, work: Callable[[Part], T]) -> list[T]:
        """What `work` gives for each part of a batch, in order. Work that fails for want of memory is done
        again on half as many photos; it must leave nothing behind. Raises OutOfMemory where that is no use.
        """
        done: list[T] = []
        start = 0
        while start < photos:
            part = Part(start, start + self._next(photos - start), photos)
            try:
                done.append(work(part))
            except (RuntimeError, MemoryError) as failure:
                if not is_out_of_memory(failure):
                    raise
                self._halve(part, failure)
            else:
                start = part.stop
                self._say()
                continue
            free(self._device)  # Here nothing holds what was computed any more, not even the failure.
        return done

    def _next(self, left: int) -> int:
        """Parts are of equal size, nearly, and none is smaller than the least."""
        parts = math.ceil(left / self.at_once) if self.at_once else 1
        return math.ceil(left / max(1, min(parts, left // self._least)))

    def _halve(self, part: Part, failure: Exception) -> None:
        if part.photos // 2 < self._least:
            raise no_room(failure, part.photos, self._doing, card=self._device.type != "cpu") from failure
        self._refused = self._refused or part.photos
        self.at_once = part.photos // 2

    def _say(self) -> None:
        """Once it is through with fewer."""
        if not self._refused:
            return
        what = "The memory of this computer" if self._device.type == "cpu" else "The graphics card"
        text = (
            f"{what} had no room for {self._refused} photos at a time: {self._doing} goes on with "
            f"{self.at_once} at a time"
        )
        if self._per_update:
            times = math.ceil(self._per_update / self.at_once)
            text += f", {NUMBERS.get(times, times)} for each update, to the same effect"
        self._report(Warned(text=f"{text}.", hint="Other programs that are closed leave more room."))
        self._refused = 0


def free(device: Device) -> None:
    """Give back what torch keeps of the device's memory for later."""
    gc.collect()
    if device.is_cuda:
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    else:
        give_back()


@contextlib.contextmanager
def all_or_nothing(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """For a backward pass: its gradients are added to those that are there, or, where it fails halfway, none
    of them. They are kept apart until it is through, which takes their memory once more."""
    kept = [(each, each.grad) for each in parameters]
    for each, _ in kept:
        each.grad = None
    try:
        yield
    except BaseException:
        for each, before in kept:
            each.grad = before
        raise
    with torch.no_grad():
        for each, before in kept:
            if before is not None:
                each.grad = before if each.grad is None else before.add_(each.grad)
