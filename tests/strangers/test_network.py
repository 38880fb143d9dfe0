"""A run with local photos and weights of its own makes no network call."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tests.photos import make_photos
from tests.strangers.traps import environment

pytestmark = pytest.mark.slow

CALL = re.compile(r"(connect|sendto|sendmsg)\(.*sa_family=AF_INET6?, (?!.*htons\(0\))")


@pytest.fixture(params=["none", "file"])
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """What a training is asked, from scratch and with a file of weights."""
    photos, weights = make_photos(tmp_path / "photos"), request.param
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
    alone = ["unshare", "-n"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    train_and_predict(alone, asked, tmp_path)


def test_a_run_asks_for_no_network(asked: list[str], tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    trace = tmp_path / "trace"
    watch = ["strace", "-f", "-A", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    train_and_predict(watch, asked, tmp_path)
    calls = [line for line in trace.read_text().splitlines() if CALL.search(line)]
    assert not calls, "\n".join(calls[:5])


def test_the_watching_sees_a_call(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    trace = tmp_path / "trace"
    code = "import socket; socket.socket(2, 2).connect(('127.0.0.1', 53))"
    watch = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
    subprocess.run([*watch, sys.executable, "-c", code], check=True, env=os.environ, timeout=60)
    assert any(CALL.search(line) for line in trace.read_text().splitlines())
