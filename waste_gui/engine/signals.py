"""Signals from outside, and who sent them: stopped as by the button, or noted before they end the process.

A handler in Python does not learn who sent a signal, and runs only when the main thread returns from C. So
they are blocked in all threads, and one of ours waits for them (sigwaitinfo). Programs that the engine starts
must not inherit that: they are started from a thread in which the signals are let through for the moment.
Where there is no sigwaitinfo (macOS, Windows), handlers in Python do the same without a name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from waste_gui.engine import exits
from waste_gui.plain_text import plain
from waste_gui.reporting import note

STOP_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
FATAL_NAMES = ("SIGQUIT", "SIGXCPU", "SIGPWR")
"""That end the process by default, and which no library answers."""

INTERRUPTED = 130
FROM_KERNEL = 128
LONGEST = 120

HELPERS = ("kill", "pkill", "killall", "skill", "xkill")
"""Who lets these send a signal is who sent it."""

MEANT = {
    "slurmstepd": "as Slurm does at a job's time limit, or by scancel",
    "pbs_mom": "as PBS does at a job's time limit, or by qdel",
    "sge_execd": "as Grid Engine does at a job's limit, or by qdel",
    "systemd": "as at a shutdown, a log-out or the stop of a service",
    "systemd-logind": "as at a log-out or a shutdown",
    "systemd-oomd": "since memory was short",
    "earlyoom": "since memory was short",
    "timeout": "at that command's time limit",
    "sshd": "as when a connection closes",
    "init": "as at a shutdown",
}


class Signals:
    """From its start on; made and started in the main thread before any other thread."""

    def __init__(self) -> None:
        self._stop: Callable[[str], object] | None = None
        self._asked = ""
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def start(self) -> None:
        """Under `nohup` a closed terminal changes nothing."""
        stopping = [
            number
            for name in STOP_NAMES
            if (number := getattr(signal, name, None)) and signal.getsignal(number) != signal.SIG_IGN
        ]
        for number in stopping:
            signal.signal(number, self._on_signal)
        if sys.platform in ("win32", "darwin"):
            return
        fatal = [
            number
            for name in FATAL_NAMES
            if (number := getattr(signal, name, None)) and signal.getsignal(number) == signal.SIG_DFL
        ]
        _hear_of_the_limit()
        waited = frozenset((*stopping, *fatal))
        signal.pthread_sigmask(signal.SIG_BLOCK, waited)
        _let_children_have(waited)
        threading.Thread(target=self._wait, args=(waited,), name="signals", daemon=True).start()

    def obey(self, stop: Callable[[str], object]) -> None:
        """From now on `stop` is called with who asked for it, once."""
        with self._lock:
            self._stop = stop
            asked = self._asked
        if asked:
            stop(asked)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Where nobody waits for it, or a thread of a library's has not blocked it. A process that was forked
        from this one ends as any other does."""
        if os.getpid() != self._pid:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        own, exits.OWN_SIGNAL.answered = exits.OWN_SIGNAL.answered, False
        self._came(number, _from_itself() if own else "")

    def _wait(self, waited: frozenset[signal.Signals]) -> None:
        if sys.platform in ("win32", "darwin"):
            return
        while True:
            info = signal.sigwaitinfo(waited)
            who = sender(info.si_signo, info.si_code, info.si_pid, info.si_uid)
            if signal.Signals(info.si_signo).name in STOP_NAMES:
                self._came(info.si_signo, who)
            else:
                if not (info.si_pid == os.getpid() and exits.OWN_SIGNAL.noted):
                    exits.note_end(f"signal {info.si_signo} {who}".strip())
                signal.pthread_sigmask(signal.SIG_UNBLOCK, (info.si_signo,))
                exits.end_by(info.si_signo)

    def _came(self, number: int, who: str) -> None:
        name = signal.Signals(number).name
        with contextlib.suppress(OSError):
            note(f"asked to end: signal {number} {who}".strip())
        with self._lock:
            again, self._asked = self._asked, f"{name} {who}".strip()
            stop = self._stop
        if again:
            exits.note_end(f"exit status {INTERRUPTED} since a second {name} came {who}".strip())
            exits.leave(INTERRUPTED)
        if stop is not None:
            stop(self._asked)


ENGINE = Signals()
"""Of this process."""


def sender(number: int, code: int, pid: int, uid: int) -> str:
    """`from python3 cleanup.py (process 7452) of anna`; empty where it cannot be known."""
    name = signal.Signals(number).name
    if code == FROM_KERNEL or (pid == 0 and uid == 0):
        return {
            "SIGINT": "from the keyboard (Ctrl+C)",
            "SIGQUIT": "from the keyboard (Ctrl+\\)",
            "SIGHUP": "from a terminal that closed",
            "SIGXCPU": "from the system: the limit of processor time (ulimit -t) was reached",
            "SIGPWR": "from the system: the power fails",
        }.get(name, "from outside of this container" if code != FROM_KERNEL else "from the system")
    if pid == os.getpid():
        exits.OWN_SIGNAL.answered = False
        return _from_itself()
    user = _user(uid)
    program, parent_pid = _program(pid)
    if not program:
        return f"from process {pid}{user}, which is gone by now"
    command = _command(pid) or program
    by = ""
    if program in HELPERS and (parent := _command(parent_pid)):
        by = f", run by {parent} (process {parent_pid})"
    meant = f", {MEANT[program]}" if program in MEANT else ""
    return f"from {command} (process {pid}){user}{by}{meant}"


def _from_itself() -> str:
    place = exits.OWN_SIGNAL.place
    return f"from itself ({place})" if place else "from itself"


def _user(uid: int) -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return f" of {plain(pwd.getpwuid(uid).pw_name)}"
    except (KeyError, OverflowError):
        return f" of user {uid}"


def _program(pid: int) -> tuple[str, int]:
    """Its name and the number of its parent; read at once, as `kill` is gone in a moment."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        before, _, after = text.rpartition(")")
        return plain(before.partition("(")[2]), int(after.split()[1])
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        return plain(process.name()), process.ppid()
    return "", 0


def _command(pid: int) -> str:
    """Its command line, with the program's name alone; empty where it has none any more."""
    try:
        parts = [part for part in psutil.Process(pid).cmdline() if part]
    except (psutil.Error, OSError, ValueError):
        parts = []
    words = " ".join((os.path.basename(parts[0]), *parts[1:])) if parts else ""
    return plain(words if len(words) <= LONGEST else f"{words[:LONGEST]}…")


def _hear_of_the_limit() -> None:
    """`ulimit -t` kills without a word. A second before that the system is to send SIGXCPU."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if soft == hard and hard not in (resource.RLIM_INFINITY, -1) and hard > 1:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CPU, (hard - 1, hard))


def _let_children_have(blocked: frozenset[signal.Signals]) -> None:
    """What is started by Python's own ways finds the signals as they were."""
    if sys.platform == "win32":
        return
    import _posixsubprocess

    for module, name in (
        (subprocess.Popen, "_execute_child"),
        (_posixsubprocess, "fork_exec"),
        (os, "posix_spawn"),
        (os, "posix_spawnp"),
        (os, "system"),
        (os, "execv"),
        (os, "execve"),
        (signal, "raise_signal"),
    ):
        if hasattr(module, name):
            setattr(module, name, _let_through(getattr(module, name), blocked))
    os.register_at_fork(after_in_child=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked))


def _let_through(call: Callable[..., Any], blocked: frozenset[signal.Signals]) -> Callable[..., Any]:
    """In this thread and for the moment: one that comes meanwhile is answered by the handler in Python, and
    one that would end the process ends it."""

    def started(*arguments: Any, **named: Any) -> Any:
        if sys.platform == "win32":
            return call(*arguments, **named)
        before = signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        try:
            return call(*arguments, **named)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    return started
