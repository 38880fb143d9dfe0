"""Two computers on one home, made with a host name of their own for each process (`unshare -u`)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = '''
"""An engine that notes each signal it gets, and stops when it is told by its commands file."""
import contextlib, os, signal, socket, sys, time
from pathlib import Path
from waste_gui import protocol as p
from waste_gui.reporting import Reporter, events_output
from waste_gui.rundir import RunDir
from waste_gui.stages import STAGES

folder, deaf = RunDir(Path(sys.argv[1])), len(sys.argv) > 2
def note(number, frame):
    with contextlib.suppress(OSError):  # The disk may be full.
        noted.write(b"%d\\n" % number)

noted = open(folder.path / "signals.txt", "ab", buffering=0)
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, note)
folder.acquire()
report = Reporter()
report.add_output(events_output(folder.events))
report(p.RunStarted(protocol=1, run="r", pid=os.getpid(), host=socket.gethostname(), started_at=time.time(),
                    device="cpu", world_size=1, stages=STAGES, versions={}, resumed_from=None))
report(p.StageStarted(stage="import"))
print("running", flush=True)
beaten = 0.0
while deaf or not (folder.commands.exists() and b"stop" in folder.commands.read_bytes()):
    if time.monotonic() - beaten > 0.5:
        beaten = time.monotonic()
        report(p.Heartbeat(where="importing torch", workers=(), queued=0, gpu=None))
    time.sleep(0.02)
report(p.RunStopped(checkpoint=None, reason="Stopped on request."))
report.close()
folder.release()
'''


def on_computer(name: str, *command: str) -> list[str]:
    """The command as it is run there; skips where no such name can be had."""
    before = ["unshare", "-u", "sh", "-c", 'hostname "$0" && exec "$@"', name]
    if shutil.which("unshare") is None or subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("no host name of its own can be given to a process here (unshare -u)")
    return [*before, *command]


@contextlib.contextmanager
def engine_on(computer: str, folder: Path, *, deaf: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """It runs, and has a group of its own. One that is deaf obeys nothing."""
    with _running(on_computer(computer, *_engine(folder, deaf))) as engine:
        yield engine


@contextlib.contextmanager
def engine_here(folder: Path, *, deaf: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """The same on this computer."""
    with _running(_engine(folder, deaf)) as engine:
        yield engine


def _engine(folder: Path, deaf: bool) -> list[str]:
    return [sys.executable, "-c", ENGINE, str(folder), *(["deaf"] if deaf else [])]


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1], env=os.environ, start_new_session=True
    ) as engine:
        try:
            assert engine.stdout is not None and engine.stdout.readline() == b"running\n"
            yield engine
        finally:
            engine.kill()
