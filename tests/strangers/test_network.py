"""A run with local photos and weights of its own makes no network call."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import torch

from tests.photos import make_photos
from tests.strangers.test_run_folders import info
from tests.strangers.traps import environment
from waste_gui.config import RunConfig, dump
from waste_gui.dataset.samples import Sample
from waste_gui.dataset.split import Split, save_split
from waste_gui.engine import checkpoint
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.slow

CALL = re.compile(r"(connect|sendto|sendmsg)\(.*sa_family=AF_INET6?, (?!.*htons\(0\))")


@pytest.fixture(params=["none", "file", "defaults"])
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """What a training is asked: from scratch, with a file of weights, and nothing but the photos."""
    photos, weights = make_photos(tmp_path / "photos"), request.param
    if weights == "defaults":
        return ["--source", str(photos), "--run-dir", str(tmp_path / "run")]
    if weights == "file":
        import torchvision

        weights = str(tmp_path / "weights.pth")
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), weights)
    settings = ("--model", "torchvision:resnet18", "--epochs", "1", "--image-size", "32", "--device", "cpu")
    return ["--source", str(photos), "--pretrained", weights, *settings, "--run-dir", str(tmp_path / "run")]


def train_and_predict(before: Sequence[str], asked: Sequence[str], tmp_path: Path) -> None:
    photo = str(next((tmp_path / "photos" / "glass").iterdir()))
    for command in (("train", *asked), ("predict", str(tmp_path / "run"), photo), ("evaluate", asked[-1])):
        done = subprocess.run(
            [*before, sys.executable, "-m", "waste_gui.engine", *command],
            env=environment(tmp_path / "home"),
            capture_output=True,
            text=True,
            timeout=280,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]


def test_a_run_needs_no_network(asked: list[str], tmp_path: Path) -> None:
    if not alone():
        pytest.skip("no network namespaces here")
    train_and_predict(alone(), asked, tmp_path)


def test_a_run_asks_for_no_network(asked: list[str], tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    trace = tmp_path / "trace"
    watch = ["strace", "-f", "-A", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    train_and_predict(watch, asked, tmp_path)
    calls = [line for line in trace.read_text().splitlines() if CALL.search(line)]
    assert not calls, "\n".join(calls[:5])


NOWHERE = (("open_clip", "hf-hub:stranger/model"), ("timm", "hf_hub:stranger/model"), ("hf-hub", "x"))


@pytest.mark.parametrize(("library", "name"), NOWHERE)
@pytest.mark.parametrize("command", ["predict", "evaluate", "train"])
def test_a_checkpoint_of_a_model_on_the_network_is_refused(
    command: str, library: str, name: str, tmp_path: Path
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    photos, run = make_photos(tmp_path / "photos"), strangers_run(tmp_path / "run", library, name)
    photo = str(next((photos / "glass").iterdir()))
    asked = {"predict": (str(run), photo), "evaluate": (str(run),), "train": ("--resume", str(run))}[command]
    trace = tmp_path / "trace"
    watch = ["strace", "-f", "-A", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    done = subprocess.run(
        [*alone(), *watch, sys.executable, "-m", "waste_gui.engine", command, *asked, "--format", "json"],
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        timeout=280,
        stdin=subprocess.DEVNULL,
    )
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1 and last["type"] == "run_failed", done.stdout[-1500:] + done.stderr[-1500:]
    assert last["kind"] != "bug" and "\n" not in last["text"], last
    assert not [line for line in trace.read_text().splitlines() if CALL.search(line)]


def strangers_run(folder: Path, library: str, name: str) -> Path:
    """With a checkpoint whose model somebody else's server would have to tell."""
    run = RunDir(folder)
    run.create()
    config = RunConfig(source=(str(folder.parent / "photos"),), model="resnet18", image_size=32)
    run.config.write_bytes(dump(config))
    run.events.write_bytes(b"")
    samples = tuple(
        Sample(path=str(path), label=0, source=str(path.parents[1]), folder=path.parent.name, split=None)
        for path in sorted((folder.parent / "photos").rglob("*.jpg"))
    )
    save_split(run.split, Split(samples[:16], samples[16:], (), 0, ""), ("glass", "metal", "paper"))
    told = info()
    told = msgspec.structs.replace(told, spec=msgspec.structs.replace(told.spec, library=library, name=name))
    for part in ("best", "last"):
        checkpoint.save(run.checkpoints / f"{part}.safetensors", told, {"a": torch.ones(1)})
    return folder


def alone() -> list[str]:
    """What keeps a command from every network, where that can be had."""
    command = ["unshare", "-n"]
    can = shutil.which("unshare") and not subprocess.run([*command, "true"], capture_output=True).returncode
    return command if can else []


def test_the_watching_sees_a_call(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    trace = tmp_path / "trace"
    code = "import socket; socket.socket(2, 2).connect(('127.0.0.1', 53))"
    watch = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    subprocess.run([*watch, sys.executable, "-c", code], check=True, env=os.environ, timeout=60)
    assert any(CALL.search(line) for line in trace.read_text().splitlines())
