"""Checkpoints: `last` and `best`, safetensors for weights and JSON for the rest; no pickle.

The JSON stands in the safetensors file's own metadata, so that both are replaced in one rename, and once more
beside it for other programs. `model.*` are the weights to predict with (the running average, if one is kept);
`last` also holds all that training goes on from: `raw.*`, the weights being trained, `optimizer.*`, `grad.*`
of an update that is not complete, and `random.*`, the state of torch's generators. The `last` before this one
is kept as `previous`, in case this one turns out to be damaged.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from waste_gui import files
from waste_gui.bounds import Accuracy, Count, Epoch, Real, Step
from waste_gui.engine.errors import DiskFull, UnusableFolder, WrongCheckpoint
from waste_gui.engine.models import Classifier, ModelSpec, rebuild
from waste_gui.engine.weight_files import METADATA_KEY as METADATA_KEY
from waste_gui.protocol import Warned
from waste_gui.rundir import RunDir

LAST, PREVIOUS, BEST = "last", "previous", "best"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far training had come: whole epochs and, of the one after them, the photos trained on (of so many
    that it has), with what they have left: the sum of how many losses, and gradients of `gathered` photos and
    that weight, over what was to be an update's, since the photo `began`. `updates` are the optimizer's.

    `batches` and `accumulated` (views) stand for photos in a checkpoint of before there were any."""

    epoch: Epoch
    step: Step
    val_accuracy: Accuracy | None
    val_loss: Real | None
    best_accuracy: Accuracy | None
    best_epoch: Epoch
    photos: Count | None = None
    of_photos: Count = 0
    gathered: Count = 0
    weight: Annotated[float, msgspec.Meta(ge=0, le=1e18)] = 0.0
    per_update: Count = 0
    began: Count = 0
    updates: Step = 0
    batches: Step = 0
    accumulated: Count = 0
    epoch_loss: float | None = 0.0  # None where it was no number.
    epoch_steps: Step = 0
    at_once: Count = 0  # Photos that had room; 0: whole batches.


class CheckpointInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint's JSON says."""

    spec: ModelSpec
    resized_size: Annotated[int, msgspec.Meta(gt=0, le=4096)]
    progress: Progress
    crc32: str = ""  # Of all tensors.


def save(path: Path, info: CheckpointInfo, tensors: dict[str, Tensor]) -> None:
    """The whole checkpoint or the one before it: temporary file, fsync, rename. Raises DiskFull or
    UnusableFolder; the old one is still there then."""
    cpu = on_cpu(tensors)
    info = msgspec.structs.replace(info, crc32=checksum(cpu))
    text = files.encode_json(info).decode()
    run = path.parents[1]
    temporary = files.beside(path)
    try:
        files.make_folder(path.parent, run)  # Somebody may have removed it.
        require_room(path, sum(t.nbytes for t in cpu.values()))
        save_file(cpu, temporary, metadata={METADATA_KEY: text})
        files.sync(temporary, run)
        if path.stem == LAST and files.is_ordinary(path):
            files.rename(path, path.with_stem(PREVIOUS), run)
        files.rename(temporary, path, run)
        files.sync_folder(path.parent)
        files.write_atomically(path.with_suffix(".json"), files.encode_json(info, indent=2), run)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            files.remove(temporary, run)
        raise _save_error(path, error, sum(t.nbytes for t in cpu.values())) from error


def require_room(path: Path, needed: int) -> None:
    """ENOSPC before anything is written, where the disk tells what is free. For a new `last` the one before
    the last makes room, if need be: the last is still there until the new one is."""
    folder, older = path.parent, path.with_stem(PREVIOUS)
    if path.stem == LAST and path.exists() and shutil.disk_usage(folder).free < needed:
        with contextlib.suppress(FileNotFoundError):
            files.remove(older)
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def on_cpu(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """As they are written: in memory of their own, in the order of their axes."""
    return {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}


def checksum(tensors: dict[str, Tensor]) -> str:
    """CRC-32 of all their bytes, by name: 1 GB a second, a tenth of what writing them takes."""
    crc = 0
    for _, tensor in sorted(tensors.items()):
        crc = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, crc)
    return f"{crc:08x}"


def _save_error(path: Path, error: Exception, needed: int) -> DiskFull | UnusableFolder:
    """safetensors tells of a full disk only in words, so the disk itself is asked."""
    free_bytes = None
    with contextlib.suppress(OSError):
        free_bytes = shutil.disk_usage(path.parent).free
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    full = full or any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))
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
    """Moments get the memory layout of their parameter, as a fused step takes both in the order of memory."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    with _of_this_model():
        for key, tensor in tensors.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".", 2)
                like = parameters[int(number)]
                if tensor.shape == like.shape:
                    tensor = torch.empty_like(like, memory_format=torch.preserve_format).copy_(tensor)
                state.setdefault(int(number), {})[name] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


@contextlib.contextmanager
def _of_this_model() -> Iterator[None]:
    """WrongCheckpoint where its tensors fit nothing: a checkpoint may come from anybody."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError) as error:
        raise WrongCheckpoint(
            "The checkpoint does not fit the model it says it is of.", "Resume with another run."
        ) from error


def gradient_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Those of an update that is not complete."""
    return {f"grad.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}


def restore_gradients(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    with _of_this_model():
        for name, parameter in model.named_parameters():
            saved = tensors.get(f"grad.{name}")
            if saved is not None:
                parameter.grad = torch.empty_like(parameter).copy_(saved)


def random_tensors() -> dict[str, Tensor]:
    """Where torch's own generators are; what we draw ourselves depends on seed and step alone."""
    found = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        found |= {f"random.cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return found


def restore_random(tensors: dict[str, Tensor]) -> None:
    with _of_this_model():
        if "random.cpu" in tensors:
            torch.set_rng_state(tensors["random.cpu"])
        for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
            if (state := tensors.get(f"random.cuda.{i}")) is not None:
                torch.cuda.set_rng_state(state, i)


def has_last(folder: RunDir) -> bool:
    return any(files.is_ordinary(folder.checkpoints / f"{name}.safetensors") for name in (LAST, PREVIOUS))


def load_last(folder: RunDir, warn: Callable[[Warned], object]) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    """The newest checkpoint that is whole; WrongCheckpoint if there is none."""
    try:
        return load(folder.checkpoints / f"{LAST}.safetensors")
    except WrongCheckpoint as error:
        try:
            found = load(folder.checkpoints / f"{PREVIOUS}.safetensors")
        except WrongCheckpoint:
            raise error from None
        words = f"It goes on from the one before it, epoch {found[0].progress.epoch}."
        warn(Warned(text=f"{error.text} {words}", hint="What was trained since then is trained again."))
        return found


def load(path: Path) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    """What a checkpoint holds; WrongCheckpoint if it is none of ours or damaged."""
    try:
        files.open_to_read(path, path.parents[1]).close()
        with files.nameable(path) as named, safe_open(named, framework="pt") as file:
            text = (file.metadata() or {}).get(METADATA_KEY)
            if text is None:
                raise WrongCheckpoint(
                    f"{path} holds weights, but not of a run of this program.",
                    "Use it with --pretrained, or choose a run folder.",
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        info = files.decode_json(text.encode(), CheckpointInfo)
        if info.crc32 and info.crc32 != checksum(tensors):
            raise WrongCheckpoint(
                f"The checkpoint {path} is damaged (its checksum is wrong).",
                "Choose another run or checkpoint.",
            )
        return info, tensors
    except FileNotFoundError:
        raise WrongCheckpoint(
            f"There is no checkpoint {path}.", "Choose a run that has finished at least one epoch."
        ) from None
    except (OSError, SafetensorError, ValueError, RuntimeError, TypeError) as error:
        raise WrongCheckpoint(
            f"The checkpoint {path} is damaged ({error}).", "Choose another run or checkpoint."
        ) from error


def load_best(folder: RunDir) -> tuple[CheckpointInfo, Classifier]:
    """The run's best model, in float32 on the CPU, ready to predict."""
    path = folder.checkpoints / f"{BEST}.safetensors"
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
