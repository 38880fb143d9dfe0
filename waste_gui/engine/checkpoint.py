"""Checkpoints: `last` and `best`, safetensors for weights and JSON for the rest; no pickle.

The JSON stands in the safetensors file's own metadata, so that both are replaced in one rename, and once more
beside it for other programs. `model.*` are the weights to predict with (the running average, if one is kept);
`last` also holds `raw.*`, the weights being trained, and `optimizer.*`.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from waste_gui.engine.errors import DiskFull, UnusableFolder, WrongCheckpoint
from waste_gui.engine.models import Classifier, ModelSpec, rebuild
from waste_gui.rundir import RunDir, write_atomically

METADATA_KEY = "waste_gui"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far training had come."""

    epoch: int
    step: int
    val_accuracy: float | None
    val_loss: float | None
    best_accuracy: float | None
    best_epoch: int


class CheckpointInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint's JSON says."""

    spec: ModelSpec
    tile_size: int
    progress: Progress


def save(path: Path, info: CheckpointInfo, tensors: dict[str, Tensor]) -> None:
    """The whole checkpoint or the one before it: temporary file, fsync, rename. Raises DiskFull."""
    text = msgspec.json.encode(info).decode()
    temporary = path.with_name(f".{path.name}.tmp")
    cpu = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    try:
        save_file(cpu, temporary, metadata={METADATA_KEY: text})
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        write_atomically(path.with_suffix(".json"), msgspec.json.format(text.encode(), indent=2))
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _save_error(path, error, sum(t.nbytes for t in cpu.values())) from error


def _save_error(path: Path, error: Exception, needed: int) -> DiskFull | UnusableFolder:
    """safetensors tells of a full disk only in words, so the disk itself is asked."""
    free = os.statvfs(path.parent) if hasattr(os, "statvfs") else None
    free_bytes = free.f_bavail * free.f_frsize if free else None
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (free_bytes is not None and free_bytes < needed):
        left = "" if free_bytes is None else f" {free_bytes / 1e6:.0f} MB are free."
        return DiskFull(
            f"The disk of {path.parent} is full: a checkpoint needs {needed / 1e6:.0f} MB.{left}",
            "Free some space, or choose a run folder on another disk, and start again.",
        )
    return UnusableFolder(
        f"The checkpoint {path} could not be written ({error}).", "Check the run folder and its disk."
    )


def tensors_of(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """AdamW's moments and step counts, by parameter number."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"optimizer.{number}.{name}": torch.as_tensor(value)
        for number, values in state.items()
        for name, value in values.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def load(path: Path) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    """What a checkpoint holds; WrongCheckpoint if it is none of ours or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(METADATA_KEY)
            if text is None:
                raise WrongCheckpoint(
                    f"{path} holds weights, but not of a run of this program.",
                    "Use it with --pretrained, or choose a run folder.",
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return msgspec.json.decode(text, type=CheckpointInfo), tensors
    except FileNotFoundError:
        raise WrongCheckpoint(
            f"There is no checkpoint {path}.", "Choose a run that has finished at least one epoch."
        ) from None
    except (OSError, SafetensorError, msgspec.DecodeError) as error:
        raise WrongCheckpoint(
            f"The checkpoint {path} is damaged ({error}).", "Choose another run or checkpoint."
        ) from error


def load_best(folder: RunDir) -> tuple[CheckpointInfo, Classifier]:
    """The run's best model, in float32 on the CPU, ready to predict."""
    path = folder.checkpoints / "best.safetensors"
    info, tensors = load(path)
    model = rebuild(info.spec)
    fill(model, "model", tensors, path)
    return info, model.eval()


def fill(module: nn.Module, prefix: str, tensors: dict[str, Tensor], path: Path) -> None:
    """Put the tensors of `prefix` into the module; WrongCheckpoint if they are another model's."""
    weights = {k.removeprefix(f"{prefix}."): v for k, v in tensors.items() if k.startswith(f"{prefix}.")}
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise WrongCheckpoint(
            f"The checkpoint {path} is of another model.", "Resume with the settings of its own run."
        ) from error
