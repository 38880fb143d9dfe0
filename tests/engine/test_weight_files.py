"""Weights as trainers leave them, drawn by a seed, load whole; what does not fit says the true reason."""

from __future__ import annotations

import argparse
import itertools
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from waste_gui.config import COMMON_MODELS, RunConfig
from waste_gui.engine import checkpoint, models
from waste_gui.engine.checkpoint import CheckpointInfo, Progress
from waste_gui.engine.errors import EngineError, WeightsUnavailable, WrongCheckpoint
from waste_gui.engine.weight_files import MOST_TENSORS, WeightFile, open_weights
from waste_gui.engine.weight_fit import fill

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
WRAPPERS = ("module", "_orig_mod", "model", "model_ema", "backbone", "net", "visual", "encoder_q")
NESTS = ("state_dict", "model_state_dict", "state_dict_ema", "model_ema", "model")
BESIDE: dict[str, object] = {
    "epoch": 3,
    "arch": "small",
    "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]},
    "args": argparse.Namespace(lr=0.1, resume=""),
    "hyper_parameters": {"lr": 0.1},
}


class Small(nn.Module):
    """As a torch model of any kind: convolution, norm, a block inside a block."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.layers = nn.Sequential(nn.Sequential(nn.Linear(width, width)), nn.Linear(width, 5))


def same(model: nn.Module, weights: dict[str, Tensor]) -> bool:
    return all(torch.equal(model.state_dict()[name], value) for name, value in weights.items())


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    prefix=st.lists(st.sampled_from(WRAPPERS), max_size=4),
    inner=st.booleans(),
    head=st.booleans(),
    nests=st.lists(st.sampled_from(NESTS), max_size=3),
    beside=st.sets(st.sampled_from(sorted(BESIDE))),
    averaged=st.sampled_from(["", "state_dict_ema", "model_ema"]),
    suffix=st.sampled_from(SUFFIXES),
    legacy=st.booleans(),
    seed=st.integers(0, 99),
)
def test_wrapped_and_nested_weights_load(
    tmp_path: Path,
    prefix: list[str],
    inner: bool,
    head: bool,
    nests: list[str],
    beside: set[str],
    averaged: str,
    suffix: str,
    legacy: bool,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    weights = {name: value.clone() for name, value in Small().state_dict().items()}
    told = {".".join([*prefix, name]): value for name, value in weights.items()}
    if inner:  # A part of the model was compiled by itself.
        told = {name.replace("layers.0.", "layers.0._orig_mod."): value for name, value in told.items()}
    if head:
        told[".".join([*prefix, "head.weight"])] = torch.ones(37, 5)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(told, path)
    else:
        content: dict[str, object] = dict(told)
        for nest in nests:
            content = {nest: content, **{name: BESIDE[name] for name in sorted(beside)}}
        if averaged and nests and averaged not in content:
            others = {name: torch.zeros_like(value) for name, value in told.items()}
            content = {"state_dict": {**others}, averaged: told}
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    loaded = Small()
    fill(loaded, open_weights(path), str(path), "small")
    assert same(loaded, weights)


NAMES = ["a.safetensors", "a.pth", "a.bin"]


@pytest.mark.parametrize(("written", "called"), list(itertools.permutations(NAMES, 2)))
def test_kind_of_a_file_is_told_by_its_content(written: str, called: str, tmp_path: Path) -> None:
    weights = Small().state_dict()
    (save_file if written.endswith(".safetensors") else torch.save)(weights, tmp_path / written)
    (tmp_path / written).rename(tmp_path / called)
    loaded = Small()
    fill(loaded, open_weights(tmp_path / called), "", "small")
    assert same(loaded, weights)


def test_averaged_weights_beside_the_others_under_their_own_names_are_taken() -> None:
    weights = Small().state_dict()
    both = {f"model.{name}": torch.zeros_like(value) for name, value in weights.items()}
    both |= {f"model_ema.module.{name}": value for name, value in weights.items()}
    loaded = Small()
    fill(loaded, WeightFile.of(both), "", "small")
    assert same(loaded, weights)


def test_last_checkpoint_gives_its_weights_and_not_what_is_kept_beside_them(tmp_path: Path) -> None:
    weights = Small().state_dict()
    beside = ("raw.backbone", "grad.backbone", "optimizer.exp_avg")
    tensors = {f"{part}.{name}": torch.zeros_like(v) for part in beside for name, v in weights.items()}
    save_file(tensors | {f"model.backbone.{n}": v for n, v in weights.items()}, tmp_path / "last.safetensors")
    loaded = Small()
    fill(loaded, open_weights(tmp_path / "last.safetensors"), "", "small")
    assert same(loaded, weights)


# --- what does not fit


def config(model: str, file: Path, size: int = 64) -> RunConfig:
    return RunConfig(model=model, pretrained=str(file), image_size=size)


def refused(model: str, file: Path, size: int = 64) -> EngineError:
    with pytest.raises(EngineError) as caught:
        models.build(config(model, file, size), ("a", "b"))
    assert caught.value.text.isprintable() and len(caught.value.text) < 600
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize("made_for", [name for name in COMMON_MODELS if name != "resnet18"])
def test_weights_of_a_model_that_is_offered_say_of_which(made_for: str, tmp_path: Path) -> None:
    """Whatever they are wrapped in, and whatever head they have."""
    library, name = models.find_model(made_for)
    backbone = models.MAKE[library](name, None)[0]
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in backbone.state_dict().items()}},
        tmp_path / "w.pth",
    )
    error = refused("resnet18", tmp_path / "w.pth")
    assert isinstance(error, WrongCheckpoint)
    assert f"they are those of {made_for}" in error.text
    assert error.hint == f"Choose the model {made_for}, or other weights."


def test_checkpoint_of_ours_says_of_which_model_it_is(tmp_path: Path) -> None:
    model, spec = models.build(
        RunConfig(model="timm:resnet10t", pretrained="none", image_size=32), ("a", "b")
    )
    progress = Progress(epoch=1, step=5, val_accuracy=0.5, val_loss=None, best_accuracy=0.5, best_epoch=1)
    file = tmp_path / "checkpoints/best.safetensors"
    info = CheckpointInfo(spec=spec, resized_size=40, progress=progress)
    checkpoint.save(file, info, checkpoint.tensors_of("model", model))
    assert "they are those of timm:resnet10t" in refused("resnet18", file).text
    models.build(config("timm:resnet10t", file), ("other", "classes", "entirely"))


@pytest.mark.slow
def test_weights_for_images_of_another_size_say_so(tmp_path: Path) -> None:
    """Where positions cannot be interpolated: here, of no square."""
    model, _ = models.build(
        RunConfig(model="timm:vit_tiny_patch16_224", pretrained="none", image_size=64), ("a", "b")
    )
    weights = model.backbone.state_dict()
    weights["pos_embed"] = torch.ones(1, 4 * 7 + 1, weights["pos_embed"].shape[-1])
    torch.save(weights, tmp_path / "w.pth")
    error = refused("timm:vit_tiny_patch16_224", tmp_path / "w.pth")
    assert "images of another size" in error.text and "1 × 29 × 192" in error.text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: {f"{n}2": v for n, v in w.items()}, "none of its 11 tensors has a name of this model's"),
        (lambda w: {n: v for n, v in w.items() if n != "norm.weight"}, "1 of 10 tensors is missing"),
        (
            lambda w: Small(8).state_dict(),
            "shape (the first: stem.weight is 4 × 3 × 3 × 3 here and 8",
        ),
    ],
)
def test_reason_says_what_differs(change: Callable[[dict[str, Tensor]], dict[str, Tensor]], why: str) -> None:
    with pytest.raises(WrongCheckpoint) as caught:
        fill(Small(), WeightFile.of(change(dict(Small().state_dict()))), "w.pth", "small")
    assert why in caught.value.text


OTHERS: dict[str, tuple[bytes, str]] = {
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "Git LFS"),
    "page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "keras": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "picture": (b"\xff\xd8\xff\xe0" + bytes(100), "picture"),
    "text": (b'{"weights": []}', "JSON"),
    "empty": (b"", "empty"),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_of_another_kind_says_which(kind: str, suffix: str, tmp_path: Path) -> None:
    content, why = OTHERS[kind]
    (tmp_path / f"w{suffix}").write_bytes(content)
    with pytest.raises(WeightsUnavailable) as caught:
        open_weights(tmp_path / f"w{suffix}")
    assert why in caught.value.text


@pytest.mark.parametrize("legacy", [False, True])
def test_whole_pickled_model_is_not_run_and_says_so(legacy: bool, tmp_path: Path) -> None:
    torch.save(Small(), tmp_path / "whole.pth", _use_new_zipfile_serialization=not legacy)
    error = refused("resnet18", tmp_path / "whole.pth")
    assert "Small), which is never run" in error.text and "state_dict()" in error.hint


def test_program_of_torchscript_is_not_run_and_says_so(tmp_path: Path) -> None:
    import warnings

    with warnings.catch_warnings():  # Newer versions of torch call it old; its files are still around.
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), str(tmp_path / "w.pt"))  # type: ignore[no-untyped-call]
    assert "TorchScript" in refused("resnet18", tmp_path / "w.pt").text


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_file_cut_off_at_any_place_is_one_sentence(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"w{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(Small().state_dict(), file)
    whole = file.read_bytes()
    for size in range(0, len(whole), 97):
        file.write_bytes(whole[:size])
        with pytest.raises(WeightsUnavailable) as caught:
            open_weights(file)
        assert caught.value.text.isprintable()


# --- absurd


def header(content: str, size: int, file: Path) -> Path:
    """A sparse file: so large, and no bytes on the disk."""
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(content)) + content.encode())
        out.truncate(size)
    return file


TENSOR = '{{"{name}": {{"dtype": "F32", "shape": {shape}, "data_offsets": [0, {bytes}]}}}}'
GB4 = 4 * 2**30
ABSURD: dict[str, tuple[str, int]] = {
    "one huge tensor": (TENSOR.format(name="x", shape=[2**30], bytes=GB4), GB4),
    "of a name that fits": (TENSOR.format(name="conv1.weight", shape=[2**30], bytes=GB4), GB4),
    "more than is there": (TENSOR.format(name="conv1.weight", shape=[2**50], bytes=2**52), GB4),
    "shape and bytes differ": (TENSOR.format(name="conv1.weight", shape=[64, 3, 7, 7], bytes=GB4), GB4),
    "negative": (TENSOR.format(name="conv1.weight", shape=[-1, -4], bytes=16), GB4),
    "endless shape": (TENSOR.format(name="conv1.weight", shape=[2**62] * 40, bytes=16), GB4),
    "no list": ("[]", GB4),
    "nested": ('{"a":' * 50_000, GB4),
    "zeros": ("", GB4),
    "terabytes": (TENSOR.format(name="x", shape=[1], bytes=4), 2**41),
}


@pytest.mark.parametrize("kind", ABSURD)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_absurd_file_is_refused_without_being_read(kind: str, suffix: str, tmp_path: Path) -> None:
    content, size = ABSURD[kind]
    file = header(content, size, tmp_path / f"w{suffix}")
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused("resnet18", file)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 600 * 1024, f"{grown / 1024:.0f} MB"


def test_list_of_more_tensors_than_any_model_has_is_refused(tmp_path: Path) -> None:
    many = {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(MOST_TENSORS + 1)}
    import json

    file = header(text := json.dumps(many), 8 + len(text), tmp_path / "w.safetensors")
    assert "more than any model has" in refused("resnet18", file).text


def test_pickle_of_a_stranger_is_named_and_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/owned",)

    (tmp_path / "w.bin").write_bytes(pickle.dumps({"state_dict": Evil()}))
    refused("resnet18", tmp_path / "w.bin")
    assert not (tmp_path / "owned").exists()
