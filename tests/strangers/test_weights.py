"""Weights and checkpoints of strangers: a known model or one sentence, and nothing fetched."""

from __future__ import annotations

import json
import math
import socket
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from tests.photos import make_photos
from tests.strangers.test_run_folders import info
from tests.strangers.traps import environment
from waste_gui.config import RunConfig
from waste_gui.engine import checkpoint, models
from waste_gui.engine.errors import EngineError, WrongCheckpoint
from waste_gui.rundir import RunDir

STRANGE = (
    *("hf-hub:stranger/model", "hf_hub:stranger/model", "local-dir:/tmp/x", "https://example.org/x.py"),
    *("/etc/passwd", "../x", "os.system", "timm/resnet18.a1_in1k", "models.resnet18"),
    *("", "resnet18\n", "resnet18:x", "x" * 10**6),
)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network call")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.slow
@pytest.mark.parametrize("library", [*models.LIBRARIES, "os", "hf-hub"])
@pytest.mark.parametrize("name", STRANGE, ids=lambda name: name[:20])
def test_a_strange_model_is_not_built(library: str, name: str, no_network: None) -> None:
    spec = msgspec.structs.replace(info().spec, library=library, name=name)
    with pytest.raises(EngineError) as caught:
        models.rebuild(spec)
    assert len(caught.value.text) < 1000


@pytest.mark.parametrize("size", [-1, 0, 10**9])
def test_a_model_for_absurd_images_is_not_built(size: int) -> None:
    with pytest.raises(EngineError):
        models.rebuild(msgspec.structs.replace(info().spec, image_size=size))


JUNK: dict[str, Callable[[], object]] = {
    "list": lambda: [1, 2],
    "tensor": lambda: torch.ones(3),
    "None": lambda: None,
    "int": lambda: 7,
    "text": lambda: "weights",
    "numbers as names": lambda: {1: torch.ones(3), None: torch.ones(2)},
    "nested": lambda: {"state_dict": {"model": {"state_dict": {"a": [torch.ones(1)]}}}},
    "sparse": lambda: {"conv1.weight": torch.ones(64, 3, 7, 7).to_sparse()},
    "empty": lambda: OrderedDict[str, object](),
}


@pytest.mark.slow
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_of_junk_is_one_sentence(junk: str, legacy: bool, tmp_path: Path, no_network: None) -> None:
    path = tmp_path / "weights.pth"
    torch.save(JUNK[junk](), path, _use_new_zipfile_serialization=not legacy)
    refused(path)


@pytest.mark.slow
def test_a_pickle_of_a_stranger_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return open, (str(tmp_path / "owned"), "w")

    torch.save({"a": Evil()}, tmp_path / "weights.pth")
    refused(tmp_path / "weights.pth")
    assert not (tmp_path / "owned").exists()


@pytest.mark.slow
def test_an_archive_that_grows_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "weights.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights/data.pkl", bytes(50_000_000))
    refused(tmp_path / "weights.pth")


HEADERS = (b"", b"\0" * 8, struct.pack("<Q", 2**63), struct.pack("<Q", 100) + b"{" * 100, b"\0" * 1000)


@pytest.mark.slow
@pytest.mark.parametrize("content", HEADERS)
def test_safetensors_with_an_absurd_header(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(content)
    refused(tmp_path / "weights.safetensors")
    run = RunDir(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    (run.checkpoints / "best.safetensors").write_bytes(content)
    with pytest.raises(EngineError):
        checkpoint.load_best(run)


def refused(path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        models.build(RunConfig(model="torchvision:resnet18", pretrained=str(path), image_size=32), ("a", "b"))
    assert "\n" not in caught.value.text


def test_a_checkpoint_nested_without_end_is_damaged(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    run = RunDir(tmp_path)
    run.checkpoints.mkdir()
    for text in ("[" * 100_000, '{"spec":' * 50_000, "null", '{"spec": 1}'):
        save_file({"a": torch.ones(1)}, run.checkpoints / "best.safetensors", {checkpoint.METADATA_KEY: text})
        with pytest.raises(EngineError):
            checkpoint.load_best(run)


ABSURD: dict[tuple[str, str], tuple[object, ...]] = {
    **{
        ("progress", name): (-1, 2**62, 1e300, "1", True)
        for name in ("epoch", "step", "photos", "updates", "best_epoch", "gathered", "per_update")
    },
    **{
        ("progress", name): ("NaN", [], 10**400)
        for name in ("val_loss", "best_accuracy", "weight", "epoch_loss")
    },
    ("spec", "std"): ([0, 0, 0], [-1, 1, 1], [1e300] * 3, [1e-300] * 3, [1, 1], None),
    ("spec", "mean"): ([1e300] * 3, [None] * 3, ["0"] * 3),
    ("spec", "image_size"): (0, -1, 2**40, 5000, 1.5, None),
    ("spec", "classes"): ([], ["a" * 10_000], [1], ["a"] * 100_001, {}),
    ("", "resized_size"): (0, -32, 2**40, 1e9),
}
CASES = [(part, name, value) for (part, name), values in ABSURD.items() for value in values]


@pytest.mark.parametrize(("part", "name", "value"), CASES, ids=lambda value: ascii(value)[:20])
def test_a_checkpoint_of_absurd_numbers_is_one_sentence(
    part: str, name: str, value: object, tmp_path: Path
) -> None:
    """For predict and evaluate, which take the best, and resume, which takes the last."""
    from safetensors.torch import save_file

    run = RunDir(tmp_path)
    run.checkpoints.mkdir()
    told = json.loads(msgspec.json.encode(info()))
    (told[part] if part else told)[name] = value
    for kept in ("best", "last"):
        file = run.checkpoints / f"{kept}.safetensors"
        save_file({"a": torch.ones(1)}, file, {checkpoint.METADATA_KEY: json.dumps(told)})
    with pytest.raises(WrongCheckpoint) as caught:
        checkpoint.load_best(run)
    assert "\n" not in caught.value.text and len(caught.value.text) < 600
    if name != "classes":  # Resume compares those with the run's own.
        with pytest.raises(WrongCheckpoint):
            checkpoint.load_last(run, lambda warned: None)


@pytest.mark.slow
def test_weights_that_are_no_numbers_predict_nothing(tmp_path: Path) -> None:
    run, photos = RunDir(tmp_path / "run"), make_photos(tmp_path / "photos")
    run.create()
    model = models.rebuild(info().spec)
    tensors = {
        name: value * math.nan if value.is_floating_point() else value
        for name, value in checkpoint.tensors_of("model", model).items()
    }
    checkpoint.save(run.checkpoints / "best.safetensors", info(), tensors)
    done = subprocess.run(
        [sys.executable, "-m", "waste_gui.engine", "predict", run.path, photos / "glass" / "glass_00.jpg"],
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1 and last["kind"] == "checkpoint", last
