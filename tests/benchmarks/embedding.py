"""The starter model on a CPU: a pass of the network, and a last layer trained on embeddings that are kept."""

from __future__ import annotations

import importlib.util
import shutil
import time
import warnings
from dataclasses import replace
from functools import partial
from statistics import median

from tests.benchmarks import ours
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, Rate, interleave
from tests.benchmarks.photos import Bench, make_many
from waste_gui.rundir import HOME_VARIABLE

EPOCHS = 20
TRASHNET = 2527
"""So many photos TrashNet has."""

COLD_S, KNOWN_S = 90.0, 20.0
LIMIT = "the limit"
ONNX_TOO = "pip install 'waste-gui[benchmarks]' compares it with onnxruntime"


def forward(bench: Bench) -> list[Comparison]:
    """EfficientNet-Lite0 at 224 px: the network as it is, with memory as the engine sets it up and
    without; and as the engine runs it, against onnxruntime."""
    photos, passes = (4, 2) if bench.quick else (32, 12)
    pass_of = partial(in_child, "embedding:seconds_of_a_pass", photos=photos, passes=passes)
    sides = {
        "ours": partial(pass_of, keeps=True, joins=True),
        "as it is": partial(pass_of, keeps=True, joins=False),
        "plain": partial(pass_of, keeps=False, joins=False),
    }
    exported = bench.scratch / "model.onnx"
    compares = bool(in_child("embedding:export_to_onnx", photos=photos, file=str(exported)))
    if compares:
        sides["onnx"] = partial(
            in_child, "embedding:seconds_of_onnxruntime", photos=photos, passes=passes, file=str(exported)
        )
    measured = interleave(bench.rounds, sides)
    what, rate = f"a forward pass on a CPU, EfficientNet-Lite0, {photos} × 224 px", Rate(photos, "photos")
    as_it_is, plain, ours = measured["as it is"], measured["plain"], measured["ours"]
    rows = [
        Comparison(what, "without our allocator", as_it_is, plain, Goal("at least", 2), rate),
        Comparison(
            "… joined, as embeddings take it", "as it is", ours, as_it_is, Goal("at least", 1.2), rate
        ),
    ]
    if compares:
        rows.append(
            Comparison("… the same", "onnxruntime", ours, measured["onnx"], Goal("at most", 1.25), rate)
        )
    else:
        rows[-1] = replace(rows[-1], note=ONNX_TOO)
    return rows


def export_to_onnx(photos: int, file: str) -> bool:
    """Whether onnx and onnxruntime are there, and the same network stands in the file. The older exporter:
    the newer one wants onnxscript, too."""
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return False
    import torch

    from waste_gui.config import RunConfig
    from waste_gui.engine import models

    model, spec = models.build(RunConfig(), ("a", "b"))
    images = torch.rand(photos, 3, spec.image_size, spec.image_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), (images,), file, dynamo=False)
    return True


def seconds_of_onnxruntime(photos: int, passes: int, file: str) -> float:
    """With as many threads as torch takes."""
    import numpy as np
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    asked = session.get_inputs()[0]
    images = np.random.default_rng(0).random((photos, *asked.shape[1:]), np.float32)
    seconds = []
    for _ in range(passes + 1):
        began = time.perf_counter()
        session.run(None, {asked.name: images})
        seconds.append(time.perf_counter() - began)
    return median(seconds[1:])


def seconds_of_a_pass(photos: int, passes: int, keeps: bool, joins: bool) -> float:
    """The median, after a first one that warms up."""
    from waste_gui.engine import allocator

    if keeps:
        allocator.keep_large_blocks()
    import torch

    from waste_gui.config import RunConfig
    from waste_gui.engine import models
    from waste_gui.engine.devices import Device
    from waste_gui.engine.quick_pass import quick

    model, spec = models.build(RunConfig(), ("a", "b"))
    model.eval().to(memory_format=torch.channels_last)
    if joins:
        model = quick(model, spec, Device(torch.device("cpu"), "", 0, None))
    images = torch.rand(photos, 3, spec.image_size, spec.image_size)
    images = images.contiguous(memory_format=torch.channels_last)
    seconds = []
    with torch.inference_mode():
        for _ in range(passes + 1):
            began = time.perf_counter()
            model(images)
            seconds.append(time.perf_counter() - began)
    return median(seconds[1:])


def last_layer(bench: Bench) -> list[Comparison]:
    """A whole training of the last layer whose photos were embedded before, against as many epochs through
    the network as it was trained with once."""
    settings = bench.scratch / "head.json"
    ours.head_settings(bench.photos, settings)
    home = {HOME_VARIABLE: str(bench.scratch / "home")}
    folder = bench.scratch / "head"

    def again() -> float:
        shutil.rmtree(folder, ignore_errors=True)
        return ours.engine_seconds_of(str(settings), str(folder), home)

    first = again()
    epochs = 2 if bench.quick else EPOCHS
    paths = bench.all_paths()[: 8 if bench.quick else 96]

    def plain() -> float:
        return float(in_child("embedding:frozen_epochs", paths=paths, epochs=epochs))

    measured = interleave(bench.rounds, {"ours": again, "plain": plain})
    share = len(bench.all_paths()) / len(paths)
    return [
        Comparison(
            f"the last layer, {len(bench.all_paths())} photos known before",
            f"{epochs} epochs of it through the network",
            measured["ours"],
            [seconds * share for seconds in measured["plain"]],
            Goal("at least", 8),
            note=f"the first time it takes {first:.1f} s",
        )
    ]


def start_to_done(bench: Bench) -> list[Comparison]:
    """A first training with the default settings, from the command to its end: of photos that nobody has
    seen before, and once more. Once, whatever the rounds: it takes minutes."""
    count = 24 if bench.quick else TRASHNET
    photos, home = make_many(bench, count), bench.scratch / "a fresh home"
    settings = bench.scratch / "defaults.json"
    ours.head_settings(photos, settings)
    found = []
    for when, limit_s in (("the first time", COLD_S), ("the second time", KNOWN_S)):
        folder = str(bench.scratch / f"run {when}")
        took = ours.engine_seconds_of(str(settings), folder, {HOME_VARIABLE: str(home)})
        what = f"Start to Done on {count:,} photos, default settings, {when}"
        found.append(Comparison(what, LIMIT, [took], [limit_s], Goal("at most", 1)))
    return found


def frozen_epochs(paths: list[str], epochs: int) -> float:
    """Seconds in which a head is trained behind a frozen backbone, on tensors in memory."""
    from waste_gui.engine import allocator

    allocator.keep_large_blocks()
    import torch

    from tests.benchmarks.plain import batches_in_memory
    from waste_gui.config import RunConfig
    from waste_gui.engine import devices, models
    from waste_gui.engine.augment import evaluation_view

    config = RunConfig(batch_size=32)
    device = devices.choose(config)
    labels = [number % 6 for number in range(len(paths))]
    model, spec = models.build(config, tuple("abcdef"))
    model.eval().to(memory_format=torch.channels_last)
    batches = batches_in_memory(paths, labels, ours.side_of_resized(spec.image_size), device)
    optimizer = torch.optim.AdamW(model.head.parameters(), lr=1e-3)
    began = time.perf_counter()
    for _ in range(epochs):
        for resized_BHWC, labels_B in batches:
            images = evaluation_view(resized_BHWC, spec).contiguous(memory_format=torch.channels_last)
            with torch.no_grad():
                features = model.features(images)
            loss = torch.nn.functional.cross_entropy(model.head(features), labels_B)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
    return time.perf_counter() - began
