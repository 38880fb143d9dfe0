"""Whose a run's folder is: what its lock says, what of that is proven, and signals to who is proven ours.

A run folder may come from a stranger, and a home may be shared by several computers: the number in a lock is
believed only so far as this computer confirms it. All that this package sends to a process it did not start
by itself goes through here, and is proven anew right before.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import psutil

from waste_gui import files

MOST_LOCK_BYTES = 4096
OTHER_HOST_S = 60.0
"""A run of another computer that has told nothing for so long holds its folder no more. Where that computer
has this one's name, it was this one, once: before it was started anew."""

KEY_NAME = ".lock-key"
"""In `rundir.data_dir()`: a secret of the person's own. Only who knows it can write a lock that is proven."""

KEY_BYTES = 32
Pid = Annotated[int, msgspec.Meta(gt=0, lt=2**31)]
Host = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class _Lock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file `lock`. `proof` says that an engine of this person wrote it, for this folder."""

    pid: Pid
    started: float
    host: Host | None = None
    identity: str | None = None
    proof: str = ""


@dataclass(frozen=True)
class Owner:
    """The engine that a lock names.

    `here`: it is a living process of this computer. `ours`: it is proven to be an engine that this person
    started, so that it may be signalled. One that is not here runs on `host`, for all that can be said, and
    is seen by what it tells alone: the last of it `silent_s` ago, by the file's time."""

    pid: int
    host: str
    identity: str = ""
    here: bool = False
    ours: bool = False
    silent_s: float = 0.0


def read_owner(lock: Path, events: Path, home: Path, now: float) -> Owner | None:
    """Who a lock names; None where none names a process that may live. `now` is the Unix time."""
    said = _read_lock(lock)
    if said is None:
        return None
    here = socket.gethostname()
    host = said.host or here
    if host == here:
        if _is_alive(said):
            return Owner(said.pid, host, said.identity or "", True, _is_proven(said, lock.parent, home))
        if not said.identity or _is_of_this_system(said.identity):
            return None
    silent_s = silence_of(events, now)
    if host == here and silent_s > OTHER_HOST_S:
        return None
    named = "".join(c if c.isprintable() else "?" for c in host)
    return Owner(said.pid, named, said.identity or "", silent_s=silent_s)


def lock_of_this_process(folder: Path, home: Path) -> bytes:
    """What this process writes into the lock of a folder that it takes."""
    pid = os.getpid()
    lock = _Lock(
        pid=pid,
        started=psutil.Process().create_time(),
        host=socket.gethostname(),
        identity=identity(pid),
    )
    key = _key(home, make=True)
    if key is not None:
        lock = msgspec.structs.replace(lock, proof=_proof(lock, folder, key))
    return msgspec.json.encode(lock)


def child(pid: int) -> Owner:
    """A process that this one has just started."""
    return Owner(pid, socket.gethostname(), identity(pid) or "", here=True, ours=True)


def by_its_word(pid: int, host: str) -> Owner | None:
    """An engine that has no lock, and says itself where it runs: believed, but nothing is sent to it."""
    known = identity(pid) if host == socket.gethostname() else None
    return Owner(pid, host, known, here=True) if known is not None else None


def is_living(owner: Owner) -> bool:
    """Whether its process on this computer is still the same."""
    return bool(owner.identity) and identity(owner.pid) == owner.identity


def _read_lock(path: Path) -> _Lock | None:
    """An ordinary, small file only: anything else is nobody's lock."""
    content = _read_small(path, MOST_LOCK_BYTES)
    try:
        return None if content is None else msgspec.json.decode(content, type=_Lock)
    except (ValueError, RecursionError):
        return None


def _read_small(path: Path, most: int) -> bytes | None:
    with contextlib.suppress(OSError, ValueError):
        return files.read(path, most)
    return None


def silence_of(events: Path, now: float) -> float:
    """Seconds since something was told: a heartbeat comes each second. Two computers' clocks differ."""
    try:
        return abs(now - events.stat().st_mtime)
    except OSError:
        return float("inf")


# --- what is proven


def identity(pid: int) -> str | None:
    """What tells a process from every other that had or will have its number on this computer, also after the
    clock was set, and from those of other containers; None where it is not there or has ended."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:  # It has ended; only its parent has not looked yet.
            return None
        if sys.platform == "linux":  # There psutil's own time moves with the clock.
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            return f"{_system()} {text.rpartition(')')[2].split()[19]}"
        return f"{process.create_time():.1f}"
    except (psutil.Error, OSError, IndexError, ValueError, OverflowError):
        return None


def _system() -> str:
    """This start of the computer, and the container that gives the processes their numbers."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = os.readlink("/proc/self/ns/pid")
    return f"{boot} {namespace}"


def _is_of_this_system(said: str) -> bool:
    """Whether a process of that identity would be seen here, if it lived."""
    if sys.platform != "linux":
        return True
    with contextlib.suppress(OSError):
        return said.startswith(f"{_system()} ")
    return False


def _is_alive(said: _Lock) -> bool:
    if said.identity is not None:
        return said.identity == identity(said.pid)
    with contextlib.suppress(psutil.Error):  # Of another program, or where no identity could be read.
        process = psutil.Process(said.pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - said.started) < 1
    return False


def _is_proven(said: _Lock, folder: Path, home: Path) -> bool:
    key = _key(home)
    if key is None or not said.identity or not _is_mine(said.pid):
        return False
    try:
        return hmac.compare_digest(_proof(said, folder, key), said.proof)
    except OSError:  # Its drive went away, or it was moved, since its lock was read.
        return False


def _proof(lock: _Lock, folder: Path, key: bytes) -> str:
    """Of this process in this folder, wherever it is moved to; not of a copy."""
    known = folder.stat()
    what = f"{known.st_dev} {known.st_ino} {lock.host} {lock.pid} {lock.identity}"
    return hmac.new(key, what.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def _key(home: Path, *, make: bool = False) -> bytes | None:
    """None where there is none and none can be made: then no engine is proven, and none is signalled."""
    path = home / KEY_NAME
    if make and not path.exists():
        with contextlib.suppress(OSError):
            _make_key(path)
    key = _read_small(path, KEY_BYTES)
    return key if key is not None and len(key) == KEY_BYTES and _belongs_to_me(path) else None


def _make_key(path: Path) -> None:
    """The first of two at the same moment stays."""
    files.make_private_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    with files.create(temporary, mode=files.PRIVATE_FILE) as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()


def _belongs_to_me(path: Path) -> bool:
    if sys.platform == "win32":
        return True
    try:
        return path.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _is_mine(pid: int) -> bool:
    """Whether it runs for this user."""
    try:
        process = psutil.Process(pid)
        if sys.platform == "win32":
            return bool(process.username() == psutil.Process().username())
        return bool(process.uids().effective == os.geteuid())
    except psutil.Error:
        return False


# --- signals


def prove(owner: Owner | None) -> psutil.Process | None:
    """Its process, if it is proven ours at this very moment: to be asked before each signal."""
    if owner is None or not owner.ours or not owner.identity:
        return None
    try:
        process = psutil.Process(owner.pid)
    except psutil.Error:
        return None
    # psutil itself sends nothing once the number has gone to another process.
    return process if identity(owner.pid) == owner.identity and _is_mine(owner.pid) else None


def prove_child(owner: Owner | None, pid: int) -> psutil.Process | None:
    """A process below one that is proven ours."""
    engine = prove(owner)
    if engine is None:
        return None
    try:
        process = psutil.Process(pid)
        return process if engine in process.parents() else None
    except psutil.Error:
        return None


def terminate(owner: Owner | None) -> None:
    if (process := prove(owner)) is not None:
        with contextlib.suppress(psutil.Error):
            process.terminate()


def kill_tree(owner: Owner | None) -> None:
    """End a process and all it started: by its session, and by a look at its children."""
    if owner is None or (process := prove(owner)) is None:
        return
    family = [process]
    with contextlib.suppress(psutil.Error):
        family += process.children(recursive=True)
    kill_group(owner)
    for each in family:
        with contextlib.suppress(psutil.Error):
            each.kill()


def kill_group(owner: Owner) -> None:
    """What is in the group that the process leads, or led: while one of it lives, its number is nobody
    else's. Never our own."""
    if sys.platform == "win32" or not owner.ours or owner.pid <= 1 or owner.pid == os.getpgrp():
        return
    if identity(owner.pid) in (None, owner.identity):
        with contextlib.suppress(OSError):
            os.killpg(owner.pid, signal.SIGKILL)


def continue_tree(owner: Owner | None) -> None:
    """Let processes go on that somebody stopped (SIGSTOP)."""
    if (process := prove(owner)) is None:
        return
    with contextlib.suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                each.resume()
