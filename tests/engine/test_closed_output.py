"""Nobody needs to listen: with stdout, stderr or stdin closed, at once or on the way, a training goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.process import ENVIRONMENT, SMALL, read_messages, run
from tests.photos import make_photos
from waste_gui.protocol import RunFinished
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")

ENGINE = f"{sys.executable} -m waste_gui.engine"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("closed") / "photos", per_class=6)


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    folder = RunDir(tmp_path_factory.mktemp("trained") / "run")
    assert run("train", "--source", photos, "--run-dir", folder.path, "--epochs", "1", *SMALL).status == 0
    return folder


def shell(command: str) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | ENVIRONMENT
    return subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=110)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "| head -1; exit ${PIPESTATUS[0]}", ">/dev/full"]
)
def test_training_goes_on_and_leaves_no_lock(form: str, closed: str, photos: Path, tmp_path: Path) -> None:
    folder = RunDir(tmp_path / "run")
    words = f"--source {photos} --run-dir {folder.path} --epochs 1 {' '.join(SMALL)}"
    ended = shell(f"{ENGINE} train {words} --format {form} {closed}")
    assert ended.returncode == 0, ended.stderr
    assert isinstance(read_messages(folder.events.read_bytes())[-1], RunFinished)
    assert not folder.lock.exists()
    assert b"Traceback" not in folder.log.read_bytes() + ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", "| head -1; exit ${PIPESTATUS[0]}"])
@pytest.mark.parametrize("command", ["check", "predict", "evaluate", "export"])
def test_other_commands_end_quietly(command: str, closed: str, photos: Path, trained: RunDir) -> None:
    words = {
        "check": f"check --source {photos}",
        "predict": f"predict {trained.path} {photos}/paper/paper_00.jpg",
        "evaluate": f"evaluate {trained.path}",
        "export": f"export {trained.path} --to csv",
    }[command]
    ended = shell(f"{ENGINE} {words} --format text {closed}")
    assert ended.returncode == 0, ended.stderr
    assert b"Traceback" not in ended.stderr and b"Broken pipe" not in ended.stderr
