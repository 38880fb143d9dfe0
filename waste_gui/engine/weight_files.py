"""Weights from files of any origin: what kind of file it is, where in it the tensors are, and their names.

Trainers wrap a model before they save it (`module.` by DistributedDataParallel, `_orig_mod.` by
torch.compile, `model.` by Lightning, `model_ema.`), and put its weights beside others of their own
(`state_dict`, `model_ema` of timm). Nothing but tensors is ever taken from a pickle, and of a large file only
the tensors that are wanted are read from the disk.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import struct
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import torch
from torch import Tensor

from waste_gui import files
from waste_gui.engine.errors import WeightsUnavailable
from waste_gui.plain_text import plain

LARGEST_BYTES = 64 * 2**30
"""Of a file: the largest models that classify photos have 24 GB of weights, an optimizer twice as much."""
MOST_TENSORS = 100_000
LARGEST_HEADER = 32 * 2**20
METADATA_KEY = "waste_gui"
"""Under which a checkpoint of ours says what it is."""

NESTS = (
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema"),
    *("state_dict", "model_state_dict", "model", "module", "net", "network", "backbone", "weights", "params"),
)
"""Names under which trainers keep the weights, the averaged ones first, as timm takes them."""
DEEPEST_NEST = 6

WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""What torch puts into the names of what it compiles or distributes, at any place in them."""

SAFETENSORS_BYTES = {
    "F64": 8,
    "I64": 8,
    "U64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "F16": 2,
    "BF16": 2,
    "I16": 2,
    "U16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
PICKLE = b"\x80"
"""Before it had archives, torch wrote pickles one after another."""
Shape = tuple[int, ...]
Kind = Literal["safetensors", "torch", "legacy"]

OTHER_KINDS = (
    (b"version https://git-lfs", "a pointer of Git LFS to weights, not the weights; run `git lfs pull`"),
    (b"<!doctype", "a web page; the download gave an answer in words instead of the weights"),
    (b"<html", "a web page; the download gave an answer in words instead of the weights"),
    (b"\x89hdf", "an HDF5 file (Keras), not weights of PyTorch"),
    (b"gguf", "a GGUF file, not weights of PyTorch"),
    (b"\x93numpy", "a NumPy file, not weights of PyTorch"),
    (b"\x89png", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"{", "a file of text (JSON)"),
)
EXPORT = "Save the model's state_dict() with torch.save or safetensors, or choose another file."
ANEW = "Download or export the file again, or choose another."


class NoWeights(ValueError):
    """Why a file holds no weights that can be used, as a clause; `hint` is what to do."""

    def __init__(self, why: str, hint: str = EXPORT) -> None:
        super().__init__(why)
        self.hint = hint


class WeightFile:
    """The tensors of a file by name, without those of wrappers, read when they are asked for."""

    def __init__(
        self, shapes: Mapping[str, Shape], read: Mapping[str, Tensor] | _Mapped, made_for: str = ""
    ) -> None:
        """`made_for` is the model that a checkpoint of ours names."""
        self.shapes, self._read, self.made_for = shapes, read, made_for

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> WeightFile:
        return cls({name: tuple(value.shape) for name, value in tensors.items()}, tensors)

    def __getitem__(self, name: str) -> Tensor:
        return self._read[name]


class _Mapped:
    """Tensors of a safetensors file, mapped into memory."""

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        from safetensors import safe_open

        with files.nameable(path) as named:
            self._file: Any = safe_open(named, framework="pt")
        self._names = names

    def __getitem__(self, name: str) -> Tensor:
        return cast(Tensor, self._file.get_tensor(self._names[name]))


def open_weights(path: Path) -> WeightFile:
    """Raises WeightsUnavailable, which says what the file is instead."""
    if not path.is_file():
        raise WeightsUnavailable(f"There is no file {path}.", "Give the path of a file with weights.")
    try:
        kind = _kind(path)
        found = _safetensors(path) if kind == "safetensors" else _torch(path, kind)
    except NoWeights as known:
        text = f"The file {path} cannot be read as weights: {known}."
        raise WeightsUnavailable(text, known.hint) from known
    except Exception as error:  # Torch and safetensors raise a dozen types for a file that is none.
        raise WeightsUnavailable(f"The weights in {path} cannot be read ({_told(error)}).", ANEW) from error
    if not found.shapes:
        text = f"The file {path} cannot be read as weights: it has no tensors with names."
        raise WeightsUnavailable(text, EXPORT)
    return found


def _kind(path: Path) -> Kind:
    """By its content: names are changed by mail programs and hubs. Raises NoWeights, OSError."""
    with files.open_to_read(path, follow=True) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_BYTES:
            raise NoWeights(f"it has {size / 1e9:,.0f} GB, more than any model's weights", ANEW)
        if size == 0:
            raise NoWeights("it is empty", ANEW)
        start = file.read(64)
        if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= LARGEST_HEADER:
            return "safetensors"
        for sign, what in OTHER_KINDS:
            if start.lstrip().lower().startswith(sign):
                raise NoWeights(f"it is {what}", "Choose a file of weights (.safetensors, .pt, .pth, .bin).")
        if start[:2] == b"PK":
            _check_archive(file, size)
            return "torch"
        if start[:1] != PICKLE:
            raise NoWeights("it begins as no such file does; it is damaged, or something else", ANEW)
    return "legacy"


def _check_archive(file: BinaryIO, size: int) -> None:
    """Torch writes its archives without compression: one that unpacks to more than it holds is another's."""
    if not zipfile.is_zipfile(file):
        raise NoWeights("it is cut off: the end of the archive is missing", ANEW)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    names = [entry.filename.rpartition("/")[2] for entry in entries]
    if "constants.pkl" in names:
        raise NoWeights("it is a program of TorchScript with its weights inside, which is never run")
    if sum(entry.file_size for entry in entries) > size:
        raise NoWeights("it would grow when it is unpacked, which weights never do", ANEW)
    if "data.pkl" not in names:
        raise NoWeights("it is an archive of something else")


# --- safetensors


def _safetensors(path: Path) -> WeightFile:
    shapes, metadata = _declared(path)
    names = _unwrapped(shapes)
    found = {new: shapes[old] for new, old in names.items()}
    return WeightFile(found, _Mapped(path, names), _made_for(metadata))


def _made_for(metadata: Any) -> str:
    """The model of a checkpoint of ours, as its metadata says; empty for all others."""
    try:
        spec = json.loads(metadata[METADATA_KEY])["spec"]
        name = f"{spec['library']}:{spec['name']}"
    except (TypeError, KeyError, ValueError, RecursionError):
        return ""
    return plain(name)[:100]


def _declared(path: Path) -> tuple[dict[str, Shape], Any]:
    """What its header says, held against the size of the file, and its metadata: nothing else is read.
    Raises NoWeights."""
    with files.open_to_read(path, follow=True) as file:
        size = os.fstat(file.fileno()).st_size
        (length,) = struct.unpack("<Q", file.read(8))
        if 8 + length > size:
            raise NoWeights("it is cut off in its first part", ANEW)
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise NoWeights("its list of tensors is damaged", ANEW) from error
    metadata = header.pop("__metadata__", None)
    if len(header) > MOST_TENSORS:
        raise NoWeights(f"it lists {len(header):,} tensors, more than any model has", ANEW)
    shapes = {name: _shape(name, entry) for name, entry in header.items()}
    end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if 8 + length + end != size:
        missing = f"it is cut off: {size / 1e6:,.0f} of {(8 + length + end) / 1e6:,.0f} MB are there"
        raise NoWeights(missing if 8 + length + end > size else "it holds more than it lists", ANEW)
    return shapes, metadata


def _shape(name: str, entry: Any) -> Shape:
    """Raises NoWeights where the entry of a tensor cannot be."""
    try:
        shape, (start, end) = tuple(int(side) for side in entry["shape"]), entry["data_offsets"]
        wanted = math.prod(shape) * SAFETENSORS_BYTES.get(entry["dtype"], 0)
        right = min(shape, default=0) >= 0 and 0 <= start <= end and end - start == wanted
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NoWeights("its list of tensors is damaged", ANEW) from error
    if not right and entry["dtype"] in SAFETENSORS_BYTES:
        raise NoWeights(f"the size of its tensor {plain(name)[:80]} cannot be", ANEW)
    return shape


# --- torch


def _torch(path: Path, kind: Kind) -> WeightFile:
    """Raises NoWeights, and what torch raises."""
    try:
        content = _load(path, mapped=kind == "torch")
    except Exception as error:
        foreign = re.search(r"GLOBAL ([\w.]+)|Unsupported class ([\w.]+)", str(error))
        if foreign is not None:
            raise NoWeights(_code_inside(foreign[1] or foreign[2])) from error
        raise
    if isinstance(content, Mapping):
        content = _innermost(content)
    if not isinstance(content, Mapping):
        raise NoWeights(f"it holds a {type(content).__name__} and no tensors by name")
    tensors = dict(_tensors(content))
    names = _unwrapped(tensors)
    found = {new: tensors[old] for new, old in names.items()}
    return WeightFile.of(found)


def _load(path: Path, *, mapped: bool) -> object:
    """`mapped` tensors are read from the disk when they are wanted, which only an archive can."""
    # timm and torchvision keep the arguments of their command line beside the weights: plain values.
    with torch.serialization.safe_globals([argparse.Namespace]):
        if path.suffix != ".safetensors":
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        with files.open_to_read(path, follow=True) as file:  # By that name torch would take it for one.
            return torch.load(file, map_location="cpu", weights_only=True)


def _code_inside(name: str) -> str:
    return f"it is pickled together with objects of a program ({plain(name)[:120]}), which is never run"


def _innermost(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """The dictionary of weights inside those that trainers put around it."""
    for _ in range(DEEPEST_NEST):
        inner = next((content[n] for n in NESTS if _holds_weights(content.get(n))), None)
        if inner is None:
            break
        content = inner
    return content


def _holds_weights(value: object, depth: int = DEEPEST_NEST) -> bool:
    if not isinstance(value, Mapping) or depth == 0:
        return False
    if any(isinstance(each, Tensor) for each in value.values()):
        return True
    return any(_holds_weights(value.get(name), depth - 1) for name in NESTS)


def _tensors(content: Mapping[Any, Any]) -> Iterator[tuple[str, Tensor]]:
    for name, value in content.items():
        if isinstance(name, str) and isinstance(value, Tensor) and value.layout is torch.strided:
            if not (value.is_complex() or value.is_quantized):
                yield name, value


# --- names


def _unwrapped(names: Mapping[str, object]) -> dict[str, str]:
    """Their names without those of wrappers, and which they were."""
    return {".".join(part for part in name.split(".") if part not in WRAPPERS): name for name in names}


def rename(shapes: Mapping[str, Shape], own: Mapping[str, Shape]) -> dict[str, str]:
    """For each name of `own` that the file has too, the file's: behind the one prefix under which most of
    them stand, with the most of their shapes. A whole CLIP gives its `visual.` part, a checkpoint of ours its
    backbone; of averaged weights and others the averaged ones are taken, as timm does."""
    behind: dict[str, dict[str, str]] = {}
    for name in shapes:
        parts = name.split(".")
        for cut in range(min(len(parts), MOST_PARTS)):
            inner = ".".join(parts[cut:])
            if inner in own:
                behind.setdefault(".".join(parts[:cut]), {})[inner] = name

    def rank(prefix: str) -> tuple[int, int, bool, bool, int]:
        found = behind[prefix]
        shaped = sum(shapes[name] == own[inner] for inner, name in found.items())
        training = any(part in NOT_WEIGHTS for part in prefix.split("."))
        return shaped, len(found), not training, "ema" in re.split(r"[._]", prefix), -len(prefix)

    return behind[max(behind, key=rank)] if behind else {}


MOST_PARTS = 12
NOT_WEIGHTS = ("optimizer", "raw", "grad", "exp_avg", "exp_avg_sq", "momentum")
"""What a trainer keeps of each weight beside it."""


def _told(error: Exception) -> str:
    """Its first sentence, without the codes that colour a terminal."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    return textwrap.shorten(plain((text.splitlines() or [type(error).__name__])[0]), 150, placeholder=" …")
