"""Why an engine is gone: what is made of signals, logs and last looks, and of real engines that end badly."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import waste_gui
from tests.engine import process
from tests.engine.process import SMALL
from tests.photos import make_photos
from waste_gui.config import RunConfig
from waste_gui.engine.failures import failed
from waste_gui.gui.session.run_controller import RunController
from waste_gui.monitor import __main__ as terminal
from waste_gui.monitor import kernel_log
from waste_gui.monitor.crash import AGAIN, READ_LOG, Crash, ProcessOutcome, explain
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.kernel_log import killed_for_memory, line_of, printed_entries
from waste_gui.monitor.last_log import LINE_CHARS, MOST_LINES, LastLog
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.run import RunPhase
from waste_gui.protocol import AnyMessage, Heartbeat, NotSaved, RunFailed, RunStopped, StageStarted
from waste_gui.reporting import OWN_LINE, note
from waste_gui.request import RunRequest

GB = 1_000_000_000
BAD_END = Path(__file__).with_name("bad_end")
WAIT_MS = 30_000
KILLED = ProcessOutcome(signal=9)
TRACEBACK = """\
Traceback (most recent call last):
  File "/opt/env/lib/python3.12/site-packages/waste_gui/engine/runs.py", line 110, in import_libraries
    importlib.import_module(library)
  File "/opt/env/lib/python3.12/site-packages/torch/__init__.py", line 409, in <module>
    from torch._C import *  # noqa: F403
    ^^^^^^^^^^^^^^^^^^^^^^
"""
FATAL = """\
Fatal Python error: Segmentation fault

Current thread 0x00007fc952077b80 (most recent call first):
  File "/opt/env/lib/python3.12/site-packages/torch/nn/modules/conv.py", line 548 in _conv_forward
  File "/opt/env/lib/python3.12/site-packages/torch/nn/modules/module.py", line 1775 in _call_impl
  File "/home/lab/code/waste_gui/engine/training.py", line 131 in train_epoch

Thread 0x00007fc952077b81 (most recent call first):
  File "/opt/env/lib/python3.12/threading.py", line 359 in wait

Extension modules: numpy._core._multiarray_umath, torch._C (total: 2)
"""
OF_A_WORKER = FATAL.replace("/home/lab/code/waste_gui/engine/training.py", "/x/waste_gui/dataset/worker.py")


def look(free: float | None = None, kills: int | None = None, **machine: int) -> Evidence:
    """`free` in GB, of 16."""
    total = None if free is None else 16 * GB
    bytes_ = None if free is None else round(free * GB)
    known = Machine(memory_bytes=total, free_memory_bytes=bytes_, kills=kills, **machine)
    return Evidence(free_memory=known.free_memory, machine=known)


# --- killed


def test_kill_that_the_container_counted_was_for_memory() -> None:
    crash = explain(KILLED, before=[look(0.2, kills=3)], after=look(9.0, kills=4))
    assert (crash.cause, crash.certain) == ("out_of_memory", True)
    assert "200 MB of 16 GB was free just before" in crash.text
    assert "smaller batch" in crash.hint


def test_kill_that_the_kernel_tells_was_for_memory() -> None:
    said = "Out of memory: Killed process 41 (python) total-vm:4kB, anon-rss:8kB, file-rss:164kB, UID:0"
    crash = explain(KILLED, kernel=said)
    assert (crash.cause, crash.certain) == ("out_of_memory", True)
    assert crash.text == "The system ended the training because memory ran out: the computer had no more."
    assert crash.lines == ("Out of memory: Killed process 41 (python) total-vm:4kB, anon-rss:8kB",)
    assert "its container" in explain(KILLED, kernel=f"Memory cgroup {said}").text


def test_kill_with_little_free_memory_was_probably_for_memory() -> None:
    crash = explain(KILLED, before=[look(0.3, kills=0)], after=look(9.0, kills=0))
    assert (crash.cause, crash.certain) == ("out_of_memory", False)
    assert "probably because memory ran out (300 MB of 16 GB was free just before)" in crash.text


def test_kill_while_memory_vanished_quickly_was_probably_for_memory() -> None:
    crash = explain(KILLED, before=[look(9.0), look(6.5), look(4.0)])
    assert (crash.cause, crash.certain) == ("out_of_memory", False)
    assert "free memory had fallen from 9.0 GB to 4.0 GB" in crash.text


def test_kill_with_memory_left_was_somebody() -> None:
    crash = explain(KILLED, before=[look(9.1), look(9.0)])
    assert (crash.cause, crash.certain) == ("ended_from_outside", False)
    assert "Memory was not short (9.0 GB free)" in crash.text


def test_kill_of_which_nothing_is_known_names_the_usual_reason() -> None:
    assert explain(KILLED).text.endswith("Often the computer ran out of memory.")


def test_our_own_kill_is_said_as_such_whatever_the_log_says() -> None:
    crash = explain(ProcessOutcome(signal=9, forced=True), FATAL, before=[look(0.1)])
    assert (crash.cause, crash.lines) == ("forced", ())


# --- the log


TEXTS = [
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", "out_of_memory"),
    ("RuntimeError: CUDA error: out of memory", "out_of_memory"),
    ("RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`", "out_of_memory"),
    (
        "RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
        "memory: you tried to allocate 4503599627370496 bytes. Error code 12 (Cannot allocate memory)",
        "out_of_memory",
    ),
    ("MemoryError", "out_of_memory"),
    ("RuntimeError: could not create a primitive", "out_of_memory"),
    ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 PiB for an array", "out_of_memory"),
    ("  what():  std::bad_alloc", "out_of_memory"),
    (
        "OSError: [WinError 1455] The paging file is too small for this operation to complete.",
        "out_of_memory",
    ),
    (
        "RuntimeError: DataLoader worker is killed by signal: Bus error. It is possible that dataloader's "
        "workers are out of shared memory. insufficient shared memory (shm)",
        "shared_memory_full",
    ),
    ("RuntimeError: unable to write to file </torch_1_2_3>: No space left", "shared_memory_full"),
    ("OSError: [Errno 28] No space left on device: '/data/run/last.safetensors'", "disk_full"),
    ("RuntimeError: unexpected pos 576 vs 534", "disk_full"),
    (
        "RuntimeError: [enforce fail at inline_container.cc:603] . unexpected pos 576 vs 534",
        "disk_full",
    ),
    (
        "safetensors_rust.SafetensorError: Error while serializing: No space left on device (os error 28)",
        "disk_full",
    ),
    ("RuntimeError: CUDA driver version is insufficient for CUDA runtime version", "driver"),
    ("RuntimeError: The NVIDIA driver on your system is too old (found version 11040).", "driver"),
    (
        "RuntimeError: CUDA error: no kernel image is available for execution on the device\n"
        "CUDA kernel errors might be asynchronously reported at some other API call.\n"
        "For debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
        "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
        "driver",
    ),
    ("Failed to initialize NVML: Driver/library version mismatch", "driver"),
    ("RuntimeError: CUDA error: unknown error", "driver"),
    ("ImportError: libcuda.so.1: cannot open shared object file: No such file or directory", "driver"),
    ("RuntimeError: CUDA error: an illegal memory access was encountered", "gpu"),
    ("RuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable", "gpu"),
    ("ImportError: libGL.so.1: cannot open shared object file: No such file or directory", "library"),
    ("OSError: libfoo.so.1: cannot open shared object file: No such file or directory", "library"),
    ("ImportError: DLL load failed while importing _C: The specified module could not be found.", "library"),
    (
        "ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by torch)",
        "library",
    ),
    ("OSError: /x/libtorch_cuda.so: undefined symbol: ncclCommShrink", "installation"),
    ("ModuleNotFoundError: No module named 'torch'", "installation"),
    ("ModuleNotFoundError: No module named 'waste_gui'", "installation"),
    ("ImportError: numpy._core.multiarray failed to import", "installation"),
    (
        "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96",
        "installation",
    ),
    ("A module that was compiled using NumPy 1.x cannot be run in", "installation"),
    (
        "OMP: Error #15: Initializing libiomp5md.dll, but found libiomp5md.dll already initialized.",
        "installation",
    ),
    ("double free or corruption (!prev)", "damaged_memory"),
    ("OSError: [Errno 24] Too many open files: '/data/x.jpg'", "limit"),
    ("RuntimeError: can't start new thread", "limit"),
]


@pytest.mark.parametrize(("said", "cause"), TEXTS, ids=[text[:40] for text, _ in TEXTS])
def test_text_that_is_known_is_the_cause(said: str, cause: str) -> None:
    crash = explain(ProcessOutcome(exit_code=1), TRACEBACK + said + "\n")
    assert (crash.cause, crash.certain) == (cause, True)
    assert crash.text.startswith("Training stopped: ") and crash.hint
    assert "{" not in crash.text and "()" not in crash.text
    assert any(said.splitlines()[0].strip()[:40] in line for line in crash.lines)
    assert all(word not in line for line in crash.lines for word in ("Traceback", "^^^", "DSA"))
    assert len(crash.lines) <= MOST_LINES


def test_abort_is_explained_by_what_the_library_wrote_before() -> None:
    log = f"double free or corruption (!prev)\n{FATAL.replace('Segmentation fault', 'Aborted')}"
    crash = explain(ProcessOutcome(signal=6), log)
    assert crash.cause == "damaged_memory"
    assert crash.lines[-1] == "double free or corruption (!prev)"


def test_warning_in_the_log_is_not_taken_for_the_cause() -> None:
    warning = (
        "/x/torchvision/io/image.py:14: UserWarning: Failed to load image Python extension: 'libjpeg.so.8: "
        "cannot open shared object file: No such file or directory'\n  warn(\n"
    )
    crash = explain(ProcessOutcome(exit_code=7), warning + "last words\n")
    assert (crash.cause, crash.lines) == ("left", ("last words",))


def test_error_far_above_the_end_is_not_taken_for_the_cause() -> None:
    log = "double free or corruption\n" + "still at work\n" * 40
    assert explain(ProcessOutcome(exit_code=7), log).cause == "left"


def test_segmentation_fault_names_the_innermost_line_of_python() -> None:
    crash = explain(ProcessOutcome(signal=11), "some words\n" + FATAL, home=Path("/home/lab"))
    assert crash.text == (
        "The training crashed inside torch/nn/modules/conv.py, line 548 (segmentation fault, signal 11)."
    )
    assert crash.lines == (
        "Fatal Python error: Segmentation fault",
        "torch/nn/modules/conv.py, line 548, in _conv_forward",
        "torch/nn/modules/module.py, line 1775, in _call_impl",
        "waste_gui/engine/training.py, line 131, in train_epoch",
    )


def test_stacks_of_another_end_in_the_same_log_are_passed_over() -> None:
    crash = explain(ProcessOutcome(signal=7), FATAL)
    assert "conv.py" not in crash.text and "Segmentation" not in " ".join(crash.lines)


def test_crash_of_a_reading_process_is_not_the_engine_s() -> None:
    said = f"{TRACEBACK}MemoryError\n"
    assert explain(ProcessOutcome(), OF_A_WORKER).cause == "gone"
    assert explain(ProcessOutcome(exit_code=1), OF_A_WORKER + said).cause == "out_of_memory"
    assert explain(ProcessOutcome(exit_code=1), said + OF_A_WORKER).cause == "out_of_memory"


@pytest.mark.parametrize(
    "end", [ProcessOutcome(), ProcessOutcome(exit_code=7), ProcessOutcome(signal=3)], ids=repr
)
def test_log_is_only_named_if_something_stands_in_it(end: ProcessOutcome) -> None:
    assert explain(end).hint == AGAIN and explain(end).lines == ()
    assert explain(end, "last words\n").hint == READ_LOG


def test_end_that_nobody_saw_is_read_from_the_log() -> None:
    assert explain(ProcessOutcome(), FATAL).cause == "segmentation_fault"
    assert explain(ProcessOutcome(), "double free or corruption\n").cause == "damaged_memory"
    assert explain(ProcessOutcome(), before=[look(0.1)]).cause == "out_of_memory"
    assert explain(ProcessOutcome(), before=[look(9)], after=look(free_disk_bytes=0)).cause == "disk_full"
    nothing = explain(ProcessOutcome(), "hello\n")
    assert (nothing.cause, nothing.certain, nothing.lines) == ("gone", False, ("hello",))


def test_bus_error_with_full_shared_memory_is_said_to_be_probable() -> None:
    crash = explain(ProcessOutcome(signal=7), before=[look(9, free_shm_bytes=4096)])
    assert (crash.cause, crash.certain) == ("shared_memory_full", False)
    assert "probably" in crash.text and "4.1 kB was free" in crash.text
    assert explain(ProcessOutcome(signal=7), before=[look(9, free_shm_bytes=GB)]).cause == "bus_error"


def test_home_folder_and_long_lines_are_shortened() -> None:
    said = f"OSError: [Errno 28] No space left on device: '/home/lab/runs/{'x' * 400}'"
    crash = explain(ProcessOutcome(exit_code=1), f"{TRACEBACK}{said}\n", home=Path("/home/lab"))
    assert "'~/runs/x" in crash.lines[-1] and len(crash.lines[-1]) <= LINE_CHARS
    assert "/home/labor" in LastLog("in /home/labor", Path("/home/lab")).error_lines[0]


# --- signals, statuses, numbers


@pytest.mark.parametrize(
    ("end", "cause", "words"),
    [
        (ProcessOutcome(signal=4), "illegal_instruction", "instructions that this processor does not have"),
        (ProcessOutcome(signal=15), "ended_from_outside", "ended from outside (signal 15)"),
        (ProcessOutcome(signal=1), "session_closed", "its session closed"),
        (ProcessOutcome(signal=2, work="check"), "interrupted", "The check was interrupted"),
        (ProcessOutcome(signal=62), "signal", "ended by signal 62"),
        (ProcessOutcome(exit_code=139), "segmentation_fault", "signal 11"),
        (ProcessOutcome(exit_code=-9), "killed", "signal 9"),
        (ProcessOutcome(exit_code=130), "interrupted", "interrupted"),
        (ProcessOutcome(signal=0xC0000005), "segmentation_fault", "code 0xC0000005"),
        (ProcessOutcome(signal=-1073741819), "segmentation_fault", "code 0xC0000005"),
        (ProcessOutcome(exit_code=0xC000001D), "illegal_instruction", "code 0xC000001D"),
        (ProcessOutcome(exit_code=0xC0000017), "out_of_memory", "ran out of memory"),
        (ProcessOutcome(exit_code=0xC0000135), "library", "DLL"),
        (ProcessOutcome(exit_code=0xC0000409), "abort", "abort"),
        (ProcessOutcome(exit_code=0xC0000999), "ended", "Windows"),
        (ProcessOutcome(exit_code=0), "left", "exit status 0"),
        (ProcessOutcome(not_started="No such file or directory"), "not_started", "could not be started"),
        (ProcessOutcome(), "gone", "did not say why"),
    ],
    ids=str,
)
def test_end_is_put_into_words(end: ProcessOutcome, cause: str, words: str) -> None:
    crash = explain(end)
    assert crash.cause == cause
    assert words in crash.text and crash.hint
    assert "{" not in crash.text


def test_error_that_could_not_be_reported_is_told() -> None:
    crash = explain(ProcessOutcome(exit_code=1), f"{TRACEBACK}ValueError: not that\n")
    assert crash.cause == "error" and crash.text.endswith("ValueError: not that")
    assert crash.lines[0] == "torch/__init__.py, line 409, in <module>"


# --- what the kernel says


def test_kernel_s_line_is_found_by_process_and_age() -> None:
    text = (
        "[  100.5] host kernel: Out of memory: Killed process 41 (python) total-vm:4kB\n"
        "[  200.5] Memory cgroup out of memory: Killed process 42 (python) total-vm:4kB\n"
        "no entry\n"
    )
    entries = list(printed_entries(text))
    assert line_of(41, entries, 101).startswith("Out of memory")
    assert line_of(42, entries, 201).startswith("Memory cgroup")
    assert line_of(4, entries, 201) == ""
    assert line_of(41, entries, 100 + 2 * kernel_log.RECENT_S) == ""


# --- real engines


@dataclass(frozen=True)
class Ended:
    """A real engine that is gone."""

    outcome: ProcessOutcome
    pid: int
    log: str
    messages: list[AnyMessage]
    folder: Path

    @property
    def stage(self) -> str:
        return [message.stage for message in self.messages if isinstance(message, StageStarted)][-1]

    @property
    def crash(self) -> Crash:
        return explain(self.outcome, self.log, stage=self.stage)

    @property
    def failed(self) -> RunFailed:
        assert isinstance(self.messages[-1], RunFailed), self.log
        return self.messages[-1]


def environment(end: str, folder: Path) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(BAD_END), os.environ.get("PYTHONPATH"))))
    events = str(folder / "events.jsonl")
    return {"PYTHONPATH": path, "WASTE_GUI_TEST_END": end, "WASTE_GUI_TEST_EVENTS": events}


def engine_that_ends(tmp_path: Path, end: str, **more: str) -> Ended:
    photos, folder = make_photos(tmp_path / "photos", per_class=3), tmp_path / "run"
    arguments = ("train", "--source", photos, "--run-dir", folder, "--epochs", "1", *SMALL)
    engine = process.start(arguments, **environment(end, folder), **more)
    ended = process.finish(engine)
    status = ended.status
    outcome = ProcessOutcome(signal=-status) if status < 0 else ProcessOutcome(exit_code=status)
    log = (folder / "engine.log").read_text(encoding="utf-8", errors="replace")
    messages = process.read_messages((folder / "events.jsonl").read_bytes())
    return Ended(outcome, engine.pid, log, messages, folder)


posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@posix
@pytest.mark.parametrize(
    ("end", "cause", "words"),
    [
        ("segfault", "segmentation_fault", "crashed inside ctypes/__init__.py, line "),
        ("abort", "abort", "abort, signal 6"),
        ("terminate", "abort", "abort, signal 6"),
        ("free_twice", "damaged_memory", "a library damaged the program's memory"),
        ("kill", "killed", "killed by the system (signal 9)"),
        ("illegal", "illegal_instruction", "instructions that this processor does not have (signal 4)"),
        ("bus", "bus_error", "bus error, signal 7"),
        ("exit", "left", "without a last word (exit status 7)"),
    ],
)
def test_real_engine_that_says_no_last_word(tmp_path: Path, end: str, cause: str, words: str) -> None:
    if end in ("terminate", "free_twice") and sys.platform != "linux":
        pytest.skip("what GNU's libraries write")
    ended = engine_that_ends(tmp_path, end)
    assert ended.stage == "import"
    assert ended.crash.cause == cause
    assert words in ended.crash.text
    lines = " ".join(ended.crash.lines)
    if end in ("segfault", "abort", "terminate", "illegal", "bus"):
        assert "Fatal Python error" in lines and "waste_gui/engine/runs.py" in lines
    if end in ("segfault", "abort", "illegal"):
        assert "Install PyTorch" in ended.crash.hint
    if end == "terminate":
        assert "terminate called without an active exception" in lines
    if end == "free_twice":
        assert "free(): double free" in lines


@posix
@pytest.mark.parametrize(
    ("end", "kind", "words"),
    [
        ("no_torch", "installation", "the library torch is not installed"),
        ("no_library", "library", "the library libfoo.so.1 is missing"),
        ("limit", "out_of_memory", "the computer ran out of memory"),
    ],
)
def test_real_engine_that_says_why_it_failed(tmp_path: Path, end: str, kind: str, words: str) -> None:
    if end == "limit" and sys.platform != "linux":
        pytest.skip("the size of a process is read from /proc")
    ended = engine_that_ends(tmp_path, end)
    assert ended.outcome.exit_code == 1
    assert ended.failed.kind == kind
    assert ended.failed.text.startswith("Training stopped: ") and words in ended.failed.text
    assert ended.failed.hint
    if end == "limit":
        assert "batch size 4" in ended.failed.hint and "ulimit -v" in ended.failed.hint


@contextlib.contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """The file that takes the processes of a group which may use `limit` bytes; skips where none can be."""
    for top, file in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        group = Path("/sys/fs/cgroup", top, f"waste-gui-test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / file).write_text(str(limit))
            for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
                if (group / swap).exists():
                    (group / swap).write_text("0" if swap.endswith("max") else str(limit))
        except OSError:
            group.rmdir()
            continue
        try:
            yield group / "cgroup.procs"
        finally:
            group.rmdir()
        return
    pytest.skip("no group with a limit of memory can be made here")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's control groups")
def test_real_engine_that_the_kernel_kills_for_memory(tmp_path: Path) -> None:
    with memory_group(100_000_000) as group:
        ended = engine_that_ends(tmp_path, "spill", WASTE_GUI_TEST_GROUP=str(group))
    assert ended.outcome.signal == 9
    kernel = killed_for_memory(ended.pid)
    if not kernel:
        pytest.skip("the kernel's log is not for this user")
    crash = explain(ended.outcome, ended.log, kernel=kernel, stage=ended.stage)
    assert (crash.cause, crash.certain) == ("out_of_memory", True)
    assert f"Killed process {ended.pid}" in crash.lines[0]


def tmpfs(folder: Path, size: str) -> list[str]:
    """A command before a command: it runs where `folder` is a small disk that nobody else sees."""
    folder.mkdir()
    script = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(folder)]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    return command


@pytest.mark.slow
def test_real_engine_whose_disk_is_full_says_what_it_needs_and_waits_at_its_end(tmp_path: Path) -> None:
    photos, disk = make_photos(tmp_path / "photos", per_class=3), tmp_path / "disk"
    before = tmpfs(disk, "20m")
    arguments = ("--source", photos, "--run-dir", disk / "run", "--epochs", "1", "--cache-gb", "0", *SMALL)
    engine = subprocess.Popen(
        [*before, sys.executable, "-m", "waste_gui.engine", "train", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | process.ENVIRONMENT,
    )
    assert engine.stdout is not None
    told = process.wait_for(engine.stdout, NotSaved)
    assert isinstance(told, NotSaved)
    assert "a checkpoint needs 45 MB" in told.text and "MB are free" in told.text
    beat = process.wait_for(engine.stdout, Heartbeat)
    while isinstance(beat, Heartbeat) and beat.where != "waiting for the disk of the run folder":
        beat = process.wait_for(engine.stdout, Heartbeat)
    process.command(engine, command="stop")
    stopped = process.finish(engine)
    assert stopped.status == 3 and isinstance(stopped.last, RunStopped) and stopped.last.checkpoint is None


@pytest.fixture
def controller(tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunController]:
    """What the window has once its engine has ended."""

    def run_to_end(end: str, **more: str) -> RunController:
        folder = tmp_path / "run"
        for name, value in (environment(end, folder) | more).items():
            monkeypatch.setenv(name, value)
        photos = make_photos(tmp_path / "photos", per_class=3)
        folder.mkdir()
        (folder / "engine.log").write_text(f"{TRACEBACK}MemoryError\n")  # Of an earlier engine.
        controller = RunController()
        with qtbot.waitSignal(controller.ended, timeout=WAIT_MS):
            config = RunConfig(source=(str(photos),), workers=1)
            controller.start(RunRequest(config=config, run_dir=str(folder)))
        assert controller.run.phase is RunPhase.CRASHED and controller.run.crash is not None
        qtbot.waitUntil(lambda: controller.explained, timeout=WAIT_MS)
        return controller

    return run_to_end


@posix
def test_window_tells_what_its_engine_died_of(controller: Callable[..., RunController]) -> None:
    ended = controller("segfault")
    run = ended.run
    assert run.crash is not None
    assert run.crash.cause == "segmentation_fault" and run.exit_words == run.crash.text
    assert ended.snapshot().log_tail.startswith("Fatal Python error")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's control groups")
def test_window_learns_from_the_kernel_why_its_engine_was_killed(
    controller: Callable[..., RunController],
) -> None:
    with memory_group(100_000_000) as group:
        run = controller("spill", WASTE_GUI_TEST_GROUP=str(group)).run
    if not kernel_log._entries():
        pytest.skip("the kernel's log is not for this user")
    assert run.crash is not None
    assert (run.crash.cause, run.crash.certain) == ("out_of_memory", True)
    assert "its container or session may use no more" in run.exit_words
    assert [line.text for line in run.log][-1] == run.exit_words


@posix
def test_monitor_in_a_terminal_tells_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = engine_that_ends(tmp_path, "segfault")
    assert terminal.main([str(ended.folder), "--format", "text"]) == 2
    out = capsys.readouterr().out
    assert "The training crashed inside ctypes/__init__.py" in out
    assert "    Fatal Python error: Segmentation fault\n" in out


# --- exceptions that the engine reports itself


class OutOfMemoryError(RuntimeError):
    """As torch names its own."""


OutOfMemoryError.__module__ = "torch"
ON_THE_CARD = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB of which 1.20 "
    "GiB is free. Including non-PyTorch memory, this process has 4.50 GiB memory in use. Of the allocated …"
)


def test_memory_of_the_card_is_told_in_numbers() -> None:
    said = failed(OutOfMemoryError(ON_THE_CARD), RunConfig(batch_size=64), "train")
    assert said.kind == "out_of_memory"
    assert said.text == (
        "Training stopped: the graphics card ran out of memory. Batch size 64 needs more than 7.0 GB, "
        "6.1 GB was free."
    )
    assert said.hint.startswith("Start again with batch size 32 or a smaller image size")


def test_memory_of_the_computer_is_told_in_numbers() -> None:
    error = RuntimeError(
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9000000000 bytes."
    )
    said = failed(error, RunConfig(batch_size=64), "train")
    assert said.kind == "out_of_memory"
    assert "the computer ran out of memory. Batch size 64 needs 9.0 GB more, " in said.text
    said = failed(MemoryError(), RunConfig(), "check")
    assert said.text == "The check stopped: the computer ran out of memory." and "batch" not in said.hint


def test_full_disk_names_the_file_and_what_is_free(tmp_path: Path) -> None:
    error = OSError(28, "No space left on device", str(tmp_path / "per_class.csv"))
    said = failed(error, RunConfig(), "train")
    assert said.kind == "disk_full"
    assert str(tmp_path / "per_class.csv") in said.text and "are free" in said.text


def test_error_that_came_from_a_known_one_is_known() -> None:
    try:
        try:
            raise OSError("libfoo.so.1: cannot open shared object file: No such file or directory")
        except OSError as error:
            raise RuntimeError("torchvision could not be loaded") from error
    except RuntimeError as error:
        assert failed(error, RunConfig(), "train").kind == "library"


def test_error_that_nobody_knows_is_a_bug_with_its_traceback() -> None:
    said = failed(TypeError("not that"), RunConfig(), "train")
    assert said.kind == "bug" and "TypeError: not that" in said.text


# --- what says nothing of an end

OUR_WORDS = (
    f"{OWN_LINE}writer of the window's pipe: [Errno 32] Broken pipe",
    f"{OWN_LINE}writer of the events file: [Errno 28] No space left on device",
    f"{OWN_LINE}exporting to /runs/a/metrics.csv: [Errno 28] No space left on device; tried again",
    "writer of the window's pipe: [Errno 32] Broken pipe",
    "/opt/torch/optim/lr_scheduler.py:14: UserWarning: Detected call of `step()`, CUDA out of memory\n"
    "  self.schedule.step()",
)


@pytest.mark.parametrize("end", [ProcessOutcome(), KILLED, ProcessOutcome(exit_code=7)])
@pytest.mark.parametrize("words", OUR_WORDS)
def test_line_of_our_own_is_neither_cause_nor_shown(words: str, end: ProcessOutcome) -> None:
    assert explain(end, f"{words}\n{words}\n") == explain(end, "")
    assert explain(end, f"{TRACEBACK}MemoryError\n{words}\n") == explain(end, f"{TRACEBACK}MemoryError\n")


def test_every_line_that_the_package_writes_into_the_log_begins_as_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever prints to stderr in what an engine runs does it by `note`, or is a command in a terminal."""
    note("a\nb")
    assert capsys.readouterr().err == f"{OWN_LINE}a b\n"
    terminal_only = {
        "engine/cli.py",
        "engine/excluding.py",
        "engine/__main__.py",
        "reporting.py",
        "plain_text.py",
    }
    package = Path(waste_gui.__file__).parent
    for file in [*package.glob("*.py"), *package.glob("engine/*.py"), *package.glob("dataset/*.py")]:
        if file.relative_to(package).as_posix() not in terminal_only:
            text = file.read_text(encoding="utf-8").replace("goes to stderr from here", "")
            assert "stderr" not in text and "say_error" not in text
