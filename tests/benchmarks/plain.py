"""A training loop as in a textbook, on resized images that are in the device's memory before it begins.

Model, precision, optimiser, loss, schedule and augmentation are the engine's own, so that what remains is
what loading and reporting cost.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor

from tests.benchmarks.lab import finish
from tests.benchmarks.ours import BATCH, photo_to_resized, samples_of, side_of_resized
from waste_gui import config as configuration
from waste_gui.engine import allocator, devices, models
from waste_gui.engine.augment import STRENGTHS, training_view
from waste_gui.engine.course import Course, Schedule
from waste_gui.engine.devices import Device
from waste_gui.engine.optimisation import make_loss, make_optimizer


def plain_step(paths: list[str], settings: str) -> dict[str, float]:
    """Seconds a step takes from the second epoch on."""
    allocator.keep_large_blocks()
    config = configuration.load(Path(settings))
    device = devices.choose(config)
    samples = samples_of(paths)
    labels = [sample.label for sample in samples]
    torch.manual_seed(config.seed)
    model, spec = models.build(config, tuple(sorted({sample.folder for sample in samples})))
    model.to(device.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = batches_in_memory(paths, labels, side_of_resized(spec.image_size), device)
    loss_function = make_loss(config, labels, len(spec.classes), device)
    optimizer = make_optimizer(config, model, device)
    course = Course(config, len(paths), 1)
    schedule, epochs = Schedule(optimizer, course), course.epochs
    generator = torch.Generator().manual_seed(config.seed)

    model.train()
    for epoch in range(epochs):
        if epoch == 1:
            finish(device.device)
            began = time.perf_counter()
        for number, (resized_BHWC, labels_B) in enumerate(batches):
            schedule.set(epoch * len(paths) + number * config.batch_size, config.batch_size)
            view = training_view(resized_BHWC, spec, spec.image_size, STRENGTHS[config.augment], generator)
            images_BCHW = view.contiguous(memory_format=torch.channels_last)
            with device.compute():
                logits = model(images_BCHW).float()
            loss_function(logits, labels_B).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    finish(device.device)
    return {"seconds": (time.perf_counter() - began) / ((epochs - 1) * len(batches))}


def batches_in_memory(
    paths: list[str], labels: list[int], side: int, device: Device
) -> list[tuple[Tensor, Tensor]]:
    """Whole batches of resized images and labels, shuffled once, on the device."""
    order = torch.randperm(len(paths), generator=torch.Generator().manual_seed(0)).tolist()
    resized_NHWC = torch.stack([torch.from_numpy(photo_to_resized(paths[i], side)) for i in order]).to(
        device.device
    )
    labels_N = torch.tensor([labels[i] for i in order], device=device.device)
    whole = max(BATCH, len(order) // BATCH * BATCH)
    batches = (torch.split(all_N[:whole], BATCH) for all_N in (resized_NHWC, labels_N))
    return list(zip(*batches, strict=True))
