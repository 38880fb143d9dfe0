"""Marked photos harm the processes that read photos, each in its way, and nobody else."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.decoder import DECODER_FAULTS, environment, marked
from tests.faults.formats import encoded
from tests.faults.photos import picture
from waste_gui.dataset.pool import ReadingPool
from waste_gui.dataset.resized import read_resized

GREEN = (40, 160, 90)
READ = """
import sys
from waste_gui.dataset.images import ImageError
from waste_gui.dataset.resized import read_resized
try:
    print(read_resized(sys.argv[2], 32).shape)
except ImageError as error:
    print(error.kind)
"""
PATIENCE_S = 60.0
"""Only ever waited for if the test is about to fail."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the marks speak of signals")


def photo_marked(folder: Path, fault: str) -> Path:
    path = folder / f"{fault}.jpg"
    path.write_bytes(marked(encoded(picture(GREEN), "JPEG"), fault))
    return path


def read_in_a_process(path: Path, module: str) -> subprocess.CompletedProcess[str]:
    """A process that has the module's name in its command line, as `python -m` puts it there."""
    command = [sys.executable, "-P", "-c", READ, module, str(path)]
    env = environment({**environment(), "PYTHONPATH": str(Path(__file__).parents[2])})
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("fault", "ending"),
    [("crash", signal.SIGSEGV), ("abort", signal.SIGABRT), ("die", signal.SIGKILL)],
)
def test_mark_ends_a_process_that_reads_photos(tmp_path: Path, fault: str, ending: signal.Signals) -> None:
    ended = read_in_a_process(photo_marked(tmp_path, fault), "waste_gui.dataset.worker")
    assert (ended.returncode, ended.stdout) == (-ending, "")


@pytest.mark.skipif("devour" not in DECODER_FAULTS, reason="the limit is Linux's")
def test_mark_devours_memory(tmp_path: Path) -> None:
    ended = read_in_a_process(photo_marked(tmp_path, "devour"), "waste_gui.dataset.worker")
    assert (ended.returncode, ended.stdout) == (0, "too_large\n")


@pytest.mark.parametrize("fault", DECODER_FAULTS)
def test_mark_does_nothing_to_other_processes(tmp_path: Path, fault: str) -> None:
    path = photo_marked(tmp_path, fault)
    ended = read_in_a_process(path, "waste_gui.engine")
    assert (ended.returncode, ended.stdout) == (0, "(32, 32, 3)\n")
    assert read_resized(str(path), 32).shape == (32, 32, 3)


def test_photo_without_a_mark_is_read(tmp_path: Path) -> None:
    picture(GREEN).save(tmp_path / "plain.jpg")
    ended = read_in_a_process(tmp_path / "plain.jpg", "waste_gui.dataset.worker")
    assert (ended.returncode, ended.stdout) == (0, "(32, 32, 3)\n")


@pytest.mark.parametrize("fault", DECODER_FAULTS)
def test_pool_calls_a_marked_photo_by_its_kind(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    plain = tmp_path / "plain.jpg"
    picture(GREEN).save(plain)
    with ReadingPool(workers=1, resized_size=32, slots=4, deadline_s=1) as pool:
        pool.submit(0, str(photo_marked(tmp_path, fault)))
        pool.submit(1, str(plain))
        reads = [pool.take(PATIENCE_S), pool.take(PATIENCE_S)]
    kinds = {read.ticket: read.error.kind if read.error else "good" for read in reads if read is not None}
    assert kinds == {0: DECODER_FAULTS[fault], 1: "good"}
