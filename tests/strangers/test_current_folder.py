"""A folder of photos that holds modules and programs: who works in it runs none of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.photos import make_photos
from tests.strangers.traps import REPOSITORY, Canary, environment, module_names

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the traps are shell scripts")

RELATIVE_PATH = os.pathsep.join(("", ".", "bin", os.environ["PATH"], ""))
START_ENGINE = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from waste_gui.gui.session.engine_process import EngineProcess, check_command
app, engine, folder = QCoreApplication([]), EngineProcess(), Path(sys.argv[1])
engine.ended.connect(lambda outcome: app.exit(outcome.exit_code or 0))
engine.start(check_command(folder / "config.json"), folder / "engine.log")
print(engine.pid, flush=True)
sys.exit(app.exec())
"""


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path / "canary")


@pytest.fixture
def photos(tmp_path: Path, canary: Canary) -> Path:
    """With traps."""
    folder = tmp_path / "photos"
    make_photos(folder, ("glass", "metal"))
    canary.modules(folder)
    canary.programs(folder)
    return folder


def run_in(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(folder.parent / "home", **variables),
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )


def test_the_traps_work(photos: Path, canary: Canary) -> None:
    run_in(photos, "-c", "import tqdm, os; os.system('git')", PATH=RELATIVE_PATH)
    assert {"tqdm.py", "git"} <= canary.sang


@pytest.mark.parametrize("module", ["waste_gui.engine", "waste_gui.monitor", "waste_gui.gui.app"])
def test_no_module_of_the_folder_is_imported_by(module: str, photos: Path, canary: Canary) -> None:
    done = run_in(photos, "-m", module, "--help", PATH=RELATIVE_PATH)
    assert done.returncode == 0, done.stderr
    assert canary.sang == set()


@pytest.mark.slow
def test_a_check_runs_nothing_of_the_folder(photos: Path, canary: Canary) -> None:
    done = run_in(photos, "-m", "waste_gui.engine", "check", "--source", ".", PATH=RELATIVE_PATH)
    assert done.returncode == 0, done.stderr
    assert canary.sang == set()


@pytest.mark.slow
def test_a_training_runs_nothing_of_the_folder(photos: Path, canary: Canary, tmp_path: Path) -> None:
    asked = ("--model", "resnet18", "--pretrained", "none", "--epochs", "1", "--image-size", "32")
    run = str(tmp_path / "run")
    start = ("-m", "waste_gui.engine")
    done = run_in(photos, *start, "train", "--source", ".", *asked, "--run-dir", run, PATH=RELATIVE_PATH)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    photo = next((photos / "glass").iterdir())
    done = run_in(photos, *start, "predict", run, str(photo.relative_to(photos)), PATH=RELATIVE_PATH)
    assert done.returncode == 0, done.stdout[-2000:]
    done = run_in(photos, "-m", "waste_gui.monitor", run, PATH=RELATIVE_PATH)
    assert done.returncode == 0, done.stderr
    assert canary.sang == set()


@pytest.mark.slow
def test_a_self_test_runs_nothing_of_the_folder(photos: Path, canary: Canary) -> None:
    done = run_in(photos, "-m", "waste_gui.gui.app", "--self-test", PATH=RELATIVE_PATH)
    assert "Python" in done.stdout, done.stderr
    assert canary.sang == set()


def test_a_menu_entry_is_made_with_nothing_of_the_folder(photos: Path, canary: Canary) -> None:
    done = run_in(photos, "-m", "waste_gui.gui.app", "--install-desktop", PATH=RELATIVE_PATH)
    assert done.returncode == 0, done.stdout + done.stderr
    assert canary.sang == set()


@pytest.mark.slow
@pytest.mark.parametrize("python_path", ["", ".", "../photos", f":{REPOSITORY}:."])
def test_an_engine_started_by_a_window_imports_nothing_of_the_folder(
    python_path: str, photos: Path, canary: Canary, tmp_path: Path
) -> None:
    """Whatever the window's own environment says; that it was itself started there is its person's doing."""
    (tmp_path / "run").mkdir()
    canary.modules(photos, module_names())
    (tmp_path / "run" / "config.json").write_text(f'{{"source": ["{photos}"]}}')
    code = f"import sys; sys.path.append({str(REPOSITORY)!r}); del sys.path[0]\n"
    code += f"import os; os.environ['PYTHONPATH'] = {python_path!r}\n" + START_ENGINE
    done = run_in(photos, "-P", "-c", code, str(tmp_path / "run"), PATH=RELATIVE_PATH)
    assert done.returncode == 0, done.stderr + (tmp_path / "run" / "engine.log").read_text()
    assert canary.sang == set()


@pytest.mark.parametrize("python_path", ["", ".", "../photos"])
def test_relative_entries_of_pythonpath_count_for_nothing(
    python_path: str, photos: Path, canary: Canary
) -> None:
    """Python itself has read its customisations from there before anything of ours runs."""
    for name in ("sitecustomize", "usercustomize"):
        (photos / f"{name}.py").unlink(missing_ok=True)
        shutil.rmtree(photos / name, ignore_errors=True)
    entries = os.pathsep.join((python_path, str(REPOSITORY)))
    done = run_in(photos, "-m", "waste_gui.engine", "--help", PYTHONPATH=entries)
    assert done.returncode == 0, done.stderr
    assert canary.sang == set()


def test_a_checkout_beside_traps_takes_what_is_installed(tmp_path: Path, canary: Canary) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    canary.modules(checkout, ("tqdm", "timm", "torch", "numpy", "msgspec", "psutil", "json", "platform"))
    (checkout / "waste_gui").symlink_to(REPOSITORY / "waste_gui")
    done = run_in(checkout, "-m", "waste_gui.engine", "--help", PYTHONPATH="")
    assert done.returncode == 0, done.stderr
    assert canary.sang == set()
