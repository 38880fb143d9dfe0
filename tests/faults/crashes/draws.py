"""What is drawn: how an engine ends, where, and how it is hidden; and the right answer, known from that."""

from __future__ import annotations

import errno
import random
import signal
import sys
from collections.abc import Callable

import msgspec


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """`causes` are those that are right, `named` what the verdict has to name, each in any of its ways."""

    number: int
    family: str
    kind: str
    stage: str = "import"
    place: str = "main"  # Or a thread of the engine's, or of a library's.
    wraps: tuple[str, ...] = ()
    value: int = 0
    text: str = ""
    file: str = ""
    sender: str = ""
    causes: tuple[str, ...] = ()
    named: tuple[tuple[str, ...], ...] = ()
    bug: bool = False  # Whether it is an error in the program.

    @property
    def words(self) -> str:
        parts = [self.kind, self.place if self.place != "main" else "", "+".join(self.wraps), self.stage]
        return " ".join(filter(None, parts))


ERRNOS: dict[str, tuple[str, ...]] = {
    "EIO": ("disk",),
    "EREMOTEIO": ("disk",),
    "EUCLEAN": ("disk",),
    "EBADMSG": ("disk",),
    "ESTALE": ("drive",),
    "ENODEV": ("drive",),
    "ENXIO": ("drive",),
    "ENOTCONN": ("drive",),
    "ETIMEDOUT": ("drive",),
    "ENOMEDIUM": ("drive",),
    "EHOSTDOWN": ("drive",),
    "EROFS": ("read_only",),
    "ENOSPC": ("disk_full",),
    "EDQUOT": ("disk_full",),
    "EMFILE": ("limit",),
    "ENFILE": ("limit",),
    "EFBIG": ("limit",),
    "ENOMEM": ("out_of_memory",),
    "EACCES": ("permission",),
    "EPERM": ("permission",),
    "ENOENT": ("missing_file",),
    "EBUSY": ("busy",),
    "ETXTBSY": ("busy",),
    "ELOOP": ("file",),
    "ENAMETOOLONG": ("file",),
    "EISDIR": ("file",),
    "ENOTDIR": ("missing_file",),
    "EPIPE": ("system",),
    "EBADF": ("system",),
    "ENOTSUP": ("system",),
    "ENOLCK": ("system",),
    "EAGAIN": ("limit",),
    "EINVAL": ("system",),
    "EPROTO": ("system",),
    "ENODATA": ("system",),
    "ECONNRESET": ("network",),
    "ECONNREFUSED": ("network",),
    "ENETUNREACH": ("network",),
    "EHOSTUNREACH": ("network",),
}
SERIOUS = [name for name, kinds in ERRNOS.items() if kinds[0] in ("disk", "drive", "disk_full", "read_only")]
FILES = (
    "/data/photos/glass/IMG 0041.jpg",
    "/mnt/nas/waste/plastic/b.png",
    "/home/anna/.cache/waste-gui/rows-3.bin",
    "/srv/weights/resnet50.safetensors",
    "/scratch/runs/7/checkpoints/last.safetensors",
)
PLACES = ("main", "main", "engine_thread", "executor", "library")
WRAPS = ("from", "from_key_error", "context", "group", "argument", "text", "rust_text", "ours", "bare")


def draw_error(random: random.Random, number: int) -> Draw:
    name = random.choice([name for name in ERRNOS if hasattr(errno, name)])
    wraps = tuple(random.choice(WRAPS) for _ in range(random.choice((0, 0, 1, 1, 2, 3))))
    if name not in SERIOUS:  # What is handled in ordinary work is no cause of what is raised meanwhile.
        wraps = tuple("from" if wrap in ("context", "ours") else wrap for wrap in wraps)
    if "bare" in wraps:
        wraps = ("bare", *(wrap for wrap in wraps if wrap != "bare" and not wrap.endswith("text")))
    file = random.choice(FILES)
    causes = ERRNOS[name]
    if "ours" in wraps and causes[0] in ("read_only",):
        causes = (*causes, "weights")
    network = causes == ("network",)
    named = () if network or causes == ("out_of_memory",) else ((file, file.rpartition("/")[2]),)
    return Draw(
        number=number,
        family="error",
        kind=name,
        place=random.choice(PLACES),
        wraps=wraps,
        value=getattr(errno, name),
        file=file,
        causes=causes,
        named=named,
    )


EXITS = ("sys_exit", "os_exit", "os_exit_thread", "c_exit", "c__exit", "exec", "sys_exit_text", "atexit_c")


def draw_exit(random: random.Random, number: int) -> Draw:
    kind = random.choice(EXITS)
    status = random.choice((0, 0, 1, 2, 7, 7, 42, 99, 126, 127, 255))
    named: tuple[tuple[str, ...], ...] = ((f"exit status {status}",), ("Start PyTorch",))
    if kind == "exec":
        named = (("/bin/sh", "another program"), (f"exit status {status}",))
    if kind == "sys_exit_text":
        named = (("no licence found",),)
    if kind in ("sys_exit", "os_exit", "os_exit_thread"):
        named = (*named, ("ends.py",))
    return Draw(
        number=number,
        family="exit",
        kind=kind,
        place=random.choice(PLACES) if kind == "sys_exit" else "main",
        value=status,
        causes=("left",),
        named=named,
    )


STOPPING = ("SIGTERM", "SIGINT", "SIGHUP")
FROM_OUTSIDE = {
    **dict.fromkeys(STOPPING, ("stopped",)),
    "SIGQUIT": ("signal",),
    "SIGPWR": ("ended_from_outside",),
    "SIGKILL": ("ended_from_outside", "killed"),
    "SIGXCPU": ("limit",),
    "SIGALRM": ("timer",),
    "SIGVTALRM": ("timer",),
    "SIGPROF": ("timer",),
    "SIGSYS": ("not_allowed",),
    "SIGTRAP": ("trap",),
    "SIGIO": ("ended_from_outside",),
    "SIGSEGV": ("segmentation_fault",),
    "SIGABRT": ("abort",),
    "SIGBUS": ("bus_error",),
    "SIGFPE": ("arithmetic",),
    "SIGILL": ("illegal_instruction",),
    "SIGRTMIN": ("signal",),
}
NAMES_SENDER = (*STOPPING, "SIGQUIT", "SIGPWR", "SIGXCPU")
"""Of the others nobody learns who sent them."""


def draw_signal(random: random.Random, number: int) -> Draw:
    """Sent by another process, or by itself in one of three ways."""
    name = random.choice(list(FROM_OUTSIDE))
    value = int(getattr(signal, name))
    sender = random.choice(("cleanup.py", "cleanup.py", "kill", "os_kill", "raise_signal", "c_raise"))
    named: tuple[tuple[str, ...], ...] = ((f"signal {value}", name),)
    if name in NAMES_SENDER and sender in ("cleanup.py", "kill"):
        named = (*named, ("cleanup.py", *(("gone by now",) if sender == "kill" else ())))
    if name not in STOPPING and sender in ("os_kill", "raise_signal"):
        named = (*named, ("ends.py",))
    if name in STOPPING and sender not in ("cleanup.py", "kill"):
        named = (*named, ("itself",))
        if sender != "c_raise":
            named = (*named, ("ends.py",))
    return Draw(
        number=number,
        family="signal",
        kind=name,
        place=sender,
        value=value,
        sender=sender,
        causes=FROM_OUTSIDE[name],
        named=named,
    )


FAMILIES: dict[str, tuple[int, Callable[[random.Random, int], Draw]]] = {
    "error": (4, draw_error),
    "exit": (2, draw_exit),
    "signal": (2, draw_signal),
}


def draw(seed: int, count: int, families: list[str] | None = None) -> list[Draw]:
    numbers = random.Random(seed)
    names = families or list(FAMILIES)
    weights = [FAMILIES[name][0] for name in names]
    return [FAMILIES[numbers.choices(names, weights)[0]][1](numbers, number) for number in range(count)]


assert sys.version_info >= (3, 11)
