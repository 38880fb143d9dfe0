"""The self-test: what it makes of what is told, and of this very computer."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.rights import opens_everything
from waste_gui.monitor import installation, self_test
from waste_gui.monitor.installation import Told, ask, gpu_verdict, pyside_check, qt_verdict, torch_verdict
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.self_test import GB, MB, NAMES

TORCH: dict[str, Any] = {"torch": "2.9.1", "cuda": "13.0", "torchvision": "0.24.1", "open_clip": "3.2.0"}
CARD: dict[str, Any] = {"driver": "580.65", "driver_cuda": 13000, "card": "NVIDIA RTX A4000"}


def told(status: int | None = 0, errors: str = "", **values: Any) -> Told:
    return Told({**TORCH, **values}, errors, status)


# --- Python, PySide6, Qt


@pytest.mark.parametrize(
    ("version", "python", "state"),
    [
        (None, (3, 12, 0), "fail"),
        ("6.11.1", (3, 12, 0), "fail"),
        ("6.11.3", (3, 11, 7), "ok"),
        ("6.12.0", (3, 11, 7), "fail"),
        ("6.12.0", (3, 12, 0), "ok"),
        ("6.12.0.1", (3, 11, 7), "fail"),
        ("7.0", (3, 13, 0), "ok"),
    ],
)
def test_versions_of_pyside_that_end_the_window_are_found(
    version: str | None, python: tuple[int, ...], state: str
) -> None:
    check = pyside_check(version, python)
    assert check.state == state
    assert ("pip install" in check.advice) == (state == "fail")


def test_python_that_is_too_old_or_of_32_bits_is_found() -> None:
    assert installation.python_check((3, 12, 1)).state == "ok"
    assert installation.python_check((3, 10, 9)).state == "fail"
    assert installation.python_check((3, 12, 1), bits=2**31 - 1).state == "fail"


@pytest.mark.parametrize(
    ("system", "advice"),
    [
        ("ubuntu debian", "Run: sudo apt install libxcb-cursor0 libxcb-shape0"),
        ("fedora", "Run: sudo dnf install xcb-util-cursor libxcb"),
        ("arch", "Install libxcb-cursor.so.0, libxcb-shape.so.0 with the system's packages."),
    ],
)
def test_missing_libraries_are_named_with_their_packages(system: str, advice: str) -> None:
    missing = ["libxcb-cursor.so.0", "libxcb-shape.so.0"]
    check = qt_verdict(Told({"missing": missing}, "Could not load the Qt platform plugin", -6), system)
    assert (check.state, check.advice) == ("fail", advice)
    assert qt_verdict(Told({"missing": missing, "platform": "offscreen"}), system).state == "warn"
    assert qt_verdict(Told({"missing": missing, "platform": "wayland"}), system).state == "ok"


def test_screen_that_does_not_answer_is_said() -> None:
    errors = "qt.qpa.xcb: could not connect to display :99\nThis application failed to start"
    check = qt_verdict(Told({"missing": []}, errors, -6), "debian")
    assert check.state == "fail" and "--offscreen" in check.advice


# --- PyTorch and the graphics card


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ("ModuleNotFoundError: No module named 'torch'", "the library torch is not installed in this Python"),
        ("ImportError: libcudnn.so.9: cannot open shared object file", "libcudnn.so.9 is missing"),
        ("Fatal Python error: Illegal instruction", "instructions that this processor does not have"),
        ("Traceback\nSomeError: never seen before", "SomeError: never seen before"),
    ],
)
def test_torch_that_does_not_load_is_put_into_words(errors: str, said: str) -> None:
    check = torch_verdict(Told({}, errors, 1))
    assert check.state == "fail" and said in check.seen and check.advice
    assert gpu_verdict(Told({}, errors, 1)).state == "warn"


def test_torch_that_hangs_and_torchvision_that_does_not_fit_are_failures() -> None:
    assert "in time" in torch_verdict(Told({}, "", None)).seen
    half = {"torch": "2.9.1", "cuda": None}
    check = torch_verdict(Told(half, "RuntimeError: operator torchvision::nms does not exist", 1))
    assert check.state == "fail" and "but torchvision does not" in check.seen


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (
            told(gpu="NVIDIA RTX A4000", memory=16 * GB, right=True, **CARD),
            "ok",
            "A4000, 16 GB, driver 580.65",
        ),
        (told(gpu="NVIDIA RTX A4000", memory=16 * GB, right=False, **CARD), "fail", "calculates wrongly"),
        (told(**{**CARD, "driver": "470.1", "driver_cuda": 11040}), "fail", "CUDA 11.4, PyTorch needs 13.0"),
        (told(**CARD, cuda=None), "fail", "built without CUDA"),
        (told(**CARD, errors="CUDA error: unknown error"), "fail", "does not answer as it should"),
        (told(**CARD), "fail", "PyTorch does not find it"),
        (told(**CARD, status=None), "fail", "did not answer in time"),
        (told(**CARD, status=-11, errors="CUDA error: unspecified launch failure"), "fail", "card failed"),
        (
            told(driver_error="NVMLError_LibRmVersionMismatch: Driver/library version mismatch"),
            "fail",
            "was updated while the computer ran",
        ),
        (told(driver_error="NVMLError_LibraryNotFound: NVML Shared Library Not Found"), "warn", "no NVIDIA"),
    ],
)
def test_graphics_card_is_judged_by_what_driver_and_torch_tell(answer: Told, state: str, said: str) -> None:
    check = gpu_verdict(answer)
    assert check.state == state and said in check.seen
    assert bool(check.advice) == (state != "ok")


def test_card_without_a_driver_is_seen_by_the_kernel_alone(tmp_path: Path) -> None:
    for name, vendor, kind in (
        ("0", "0x10de", "0x030000"),
        ("1", "0x10de", "0x040300"),
        ("2", "0x1002", "0x03"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(vendor + "\n")
        (tmp_path / name / "class").write_text(kind + "\n")
    (tmp_path / "3").mkdir()
    assert installation.nvidia_cards(tmp_path) == 1
    assert "no driver" in gpu_verdict(told(driver_error="no library"), cards=1).seen


# --- children


def test_child_tells_until_it_dies() -> None:
    code = "import json, os; print('noise'); print(json.dumps({'a': 1}), flush=True); os.abort()"
    answer = ask(code, limit_s=60)
    assert answer.values == {"a": 1} and answer.status != 0
    assert "Aborted" in answer.errors


def test_child_that_hangs_is_left_behind() -> None:
    code = "import json, time; print(json.dumps({'torch': '1'}), flush=True); time.sleep(600)"
    answer = ask(code, limit_s=2)
    assert answer.values == {"torch": "1"} and answer.status is None


def test_python_that_is_not_there_is_no_crash(tmp_path: Path) -> None:
    check, _ = installation.torch_checks(python=str(tmp_path / "python"))
    assert check.state == "fail" and "No such file" in check.seen


# --- the computer


def test_little_memory_disk_and_shared_memory_are_said() -> None:
    roomy = Machine(
        memory_bytes=16 * GB,
        free_memory_bytes=9 * GB,
        shm_bytes=8 * GB,
        free_shm_bytes=8 * GB,
        free_disk_bytes=50 * GB,
    )
    tight = Machine(
        memory_bytes=1 * GB,
        free_memory_bytes=500 * MB,
        shm_bytes=64 * MB,
        free_shm_bytes=64 * MB,
        free_disk_bytes=1 * GB,
    )
    looks = (self_test.memory_check, self_test.shm_check, self_test.disk_check)
    assert [look(roomy).state for look in looks] == ["ok", "ok", "ok"]
    assert [look(tight).state for look in looks] == ["fail", "warn", "fail"]
    assert [look(Machine()).state for look in looks] == ["ok", "warn", "warn"]
    assert all(look(tight).advice for look in looks)


def test_speed_is_measured_and_leaves_nothing_behind(tmp_path: Path) -> None:
    assert self_test.write_speed(tmp_path) > 0
    assert self_test.write_speed(tmp_path, limit_s=0) > 0  # A slow disk is asked for one piece only.
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(opens_everything(), reason="rights do not bind this user")
def test_folder_that_may_not_be_written_is_a_failure(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert self_test.folder_check(tmp_path).state == "fail"
    assert self_test.speed_check(tmp_path).state == "fail"
    tmp_path.chmod(0o700)


def test_folder_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert self_test.folder_check(tmp_path / "file").state == "fail"
    assert self_test.speed_check(tmp_path / "file").state == "fail"


def test_clock_that_is_off_is_said(tmp_path: Path) -> None:
    assert self_test.clock_check(tmp_path, time.time()).state == "ok"
    assert self_test.clock_check(tmp_path, time.time() + 3600).state == "warn"
    assert self_test.clock_check(tmp_path, 86_400.0 * 365).state == "warn"


@pytest.mark.slow
def test_everything_is_looked_at_on_this_computer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the real Qt and the real torch."""
    status = self_test.in_terminal(tmp_path / "new")
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith(tuple(self_test.MARKS.values()))]
    assert len(lines) == len(NAMES)
    assert all(name in line for name, line in zip(NAMES, lines, strict=True))
    assert status == int("✗" in out)
    assert lines[NAMES.index("PyTorch")].startswith(self_test.MARKS["ok"])
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in lines[0]


def test_summary_counts_what_is_to_be_done() -> None:
    fine = installation.Check("a", "ok", "")
    look, fails = installation.Check("b", "warn", "", "x"), installation.Check("c", "fail", "", "y")
    assert self_test.summary([fine]) == "All is well: training can run."
    assert self_test.summary([fine, look]) == "Training can run. 1 of 2 is worth a look."
    assert self_test.summary([fine, look, fails]).startswith("1 of 3 must be mended")
    assert self_test.as_text([look]).splitlines()[1].endswith("→ x")
