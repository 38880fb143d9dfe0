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


WORDS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "c++ of the disk": (
        "terminate called after throwing an instance of 'std::filesystem::__cxx11::filesystem_error'\n"
        "  what():  filesystem error: cannot open file: Input/output error [/data/rows.bin]\n",
        "abort",
        ("disk",),
        ("/data/rows.bin",),
    ),
    "c++": (
        "terminate called after throwing an instance of 'std::runtime_error'\n  what():  mesh has no faces\n",
        "abort",
        ("abort",),
        ("mesh has no faces",),
    ),
    "c++ without words": (
        "terminate called after throwing an instance of 'cv::Oddity'\n",
        "abort",
        ("abort",),
        ("cv::Oddity",),
    ),
    "libc++": (
        "libc++abi: terminating due to uncaught exception of type std::out_of_range: vector\n",
        "abort",
        ("abort",),
        ("std::out_of_range",),
    ),
    "malloc": ("malloc(): corrupted top size\n", "abort", ("damaged_memory",), ("corrupted top size",)),
    "smash": ("*** stack smashing detected ***: terminated\n", "abort", ("damaged_memory",), ()),
    "assert": (
        "python3: /src/jpeg/fit.cc:123: int fit(int): Assertion `w > 0' failed.\n",
        "abort",
        ("abort",),
        ("/src/jpeg/fit.cc", "w > 0"),
    ),
    "rust": (
        "thread '<unnamed>' panicked at src/lib.rs:42:9:\ncalled `Option::unwrap()` on a `None` value\n"
        "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
        "exit 101",
        ("left",),
        ("src/lib.rs", "Option::unwrap()"),
    ),
    "rust of the disk": (
        "thread 'main' panicked at 'called `Result::unwrap()` on an `Err` value: Os { code: 5, kind: "
        'Uncategorized, message: "Input/output error" }\', src/io.rs:7:5\n',
        "abort",
        ("disk",),
        (),
    ),
    "go": (
        "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\n"
        "main.main()\n\t/src/main.go:8 +0x1d\nexit status 2\n",
        "exit 2",
        ("left",),
        ("index out of range [5]",),
    ),
    "glog": (
        "F1201 03:00:00.123456  4711 tensor.cc:45] Check failed: a == b (1 vs. 2)\n"
        "*** Check failure stack trace: ***\n",
        "abort",
        ("abort",),
        ("tensor.cc", "a == b"),
    ),
    "tensorflow": (
        "2026-12-01 03:00:00.000001: F tensorflow/core/platform/file.cc:88] Non-OK-status: Invalid shape\n",
        "abort",
        ("abort",),
        ("file.cc", "Invalid shape"),
    ),
    "libgomp": (
        "\nlibgomp: Thread creation failed: Resource temporarily unavailable\n",
        "exit 1",
        ("limit",),
        (),
    ),
    "openblas": (
        "OpenBLAS blas_thread_init: pthread_create failed for thread 3 of 8: Resource temporarily "
        "unavailable\n",
        "segfault",
        ("limit", "segmentation_fault"),
        (),
    ),
    "omp": (
        "OMP: Error #15: Initializing libiomp5.so, but found libomp.so already initialized.\n",
        "abort",
        ("installation",),
        (),
    ),
    "mkl": (
        "Intel MKL FATAL ERROR: Cannot load libmkl_avx2.so.1 or libmkl_def.so.1.\n",
        "exit 2",
        ("library",),
        ("libmkl_avx2.so.1",),
    ),
    "nccl": (
        "[rank0]:[E1201 03:00:00.0 ProcessGroupNCCL.cpp:607] Watchdog caught collective operation timeout: "
        "WorkNCCL(SeqNum=7)\n",
        "abort",
        ("gpu",),
        (),
    ),
    "llvm": ("LLVM ERROR: Cannot select: t12: v4f32\n", "abort", ("abort",), ("Cannot select",)),
    "llvm memory": ("LLVM ERROR: out of memory\n", "abort", ("out_of_memory",), ()),
    "rust memory": ("memory allocation of 8000000000 bytes failed\n", "abort", ("out_of_memory",), ()),
    "cuda": (
        "CUDA error: an illegal memory access was encountered\n",
        "abort",
        ("gpu",),
        (),
    ),
    "python": (
        "Fatal Python error: PyThreadState_Get: the function must be called with the GIL held\n"
        "Python runtime state: initialized\n\n",
        "abort",
        ("abort",),
        ("must be called with the GIL held",),
    ),
    "pure": (
        "pure virtual method called\nterminate called without an active exception\n",
        "abort",
        ("abort",),
        ("pure virtual method",),
    ),
    "disk full": ("write error: No space left on device\n", "exit 1", ("disk_full",), ()),
    "plain": ("licence server 10.0.0.7 refused us\n", "exit 9", ("left",), ("licence server 10.0.0.7",)),
    "glib": ("GLib-ERROR **: 03:00:00.1: could not allocate 99 bytes\n", "trap", ("out_of_memory",), ()),
    "killed": ("", "kill", ("killed", "ended_from_outside"), ()),
}
NOISE = (
    "",
    "WARNING: low quality JPEG 17\n",
    "/x/site-packages/foo/bar.py:3: UserWarning: No space left for jokes\n  warnings.warn(\n",
    "epoch 1: 100%|####| 8/8 [00:01<00:00]\n",
)


def draw_words(random: random.Random, number: int) -> Draw:
    kind = random.choice(list(WORDS))
    text, how, causes, named = WORDS[kind]
    return Draw(
        number=number,
        family="words",
        kind=kind,
        sender=how,
        place=random.choice(("main", "engine_thread")),
        text=random.choice(NOISE) + text,
        causes=causes,
        named=tuple((each,) for each in named),
    )


DISK_PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "run folder": ("config.json", ("run_folder",)),
    "split": ("split.json", ("run_folder",)),
    "photos": ("/photos/glass", ("dataset", "finished")),
    "all photos": ("/photos", ("dataset",)),
    "cache": ("/home/", ("finished",)),
    "weights": ("mine.safetensors", ("weights",)),
}
"""Part of a path, and what the program itself calls it when that cannot be read or written; it goes on
without a cache, and without a folder of photos that it said cannot be read."""

OF_DISKS = [name for name, kinds in ERRNOS.items() if kinds[0] in ("disk", "drive", "limit", "read_only")]


def draw_disk(random: random.Random, number: int) -> Draw:
    """The engine's own calls fail, each time that they touch a file of one kind."""
    name = random.choice([*OF_DISKS, "EIO", "EIO", "EACCES", "EPERM", "ENOSPC"])
    kind = random.choice(list(DISK_PLACES))
    part, causes = DISK_PLACES[kind]
    return Draw(
        number=number,
        family="disk",
        kind=kind,
        wraps=(name, random.choice(("named", "unnamed"))),
        stage="",
        value=getattr(errno, name),
        text=part,
        causes=(*ERRNOS[name], *causes),
        named=((part.strip("/").rpartition("/")[2],),),
    )


OTHERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "command failed": (("command",), ("no nvcc here", "exit status 3")),
    "command killed": (("command",), ("SIGKILL",)),
    "command missing": (("command", "missing_file"), ("no-such-program-7",)),
    "command slow": (("command",), ("sleep",)),
    "refused": (("network",), ("localhost",)),
    "no such host": (("network",), ("weights.invalid",)),
    "json": (("file",), ("index.json",)),
    "zip": (("file",), ("a.zip",)),
    "pickle": (("file",), ("a.pkl",)),
    "utf-8": (("file",), ("names.txt",)),
    "gzip": (("file",), ("a.gz",)),
    "sqlite": (("file", "disk"), ("a.db",)),
    "sqlite locked": (("busy",), ("busy.db",)),
    "photo": (("file",), ("cut.jpg",)),
    "no module": (("installation",), ("open_clap",)),
    "no name": (("installation",), ("json",)),
    "interrupt": (("stopped", "interrupted"), ()),
    "recursion": (("bug",), ("dig",)),
    "bug": (("bug",), ("KeyError", "ends.py")),
    "handled": (("bug",), ("TypeError",)),
    "open files": (("limit",), ("open files",)),
    "file size": (("limit",), ("large.bin",)),
    "processor time": (("limit",), ("ulimit -t",)),
    "address space": (("out_of_memory",), ()),
}
"""Whatever else is raised: its right kinds, and what is to be named."""


def draw_other(random: random.Random, number: int) -> Draw:
    kind = random.choice(list(OTHERS))
    causes, named = OTHERS[kind]
    wraps = tuple(random.choice(("from", "argument")) for _ in range(random.choice((0, 0, 1, 2))))
    plain = kind in ("interrupt", "processor time", "recursion", "bug", "handled")
    return Draw(
        number=number,
        family="other",
        kind=kind,
        place=random.choice(PLACES),
        wraps=() if plain else wraps,
        causes=causes,
        named=tuple((each,) for each in named),
        bug=causes == ("bug",),
    )


FAMILIES: dict[str, tuple[int, Callable[[random.Random, int], Draw]]] = {
    "error": (4, draw_error),
    "exit": (2, draw_exit),
    "signal": (2, draw_signal),
    "words": (2, draw_words),
    "other": (3, draw_other),
    "disk": (1, draw_disk),
}


def draw(seed: int, count: int, families: list[str] | None = None) -> list[Draw]:
    numbers = random.Random(seed)
    names = families or list(FAMILIES)
    weights = [FAMILIES[name][0] for name in names]
    return [FAMILIES[numbers.choices(names, weights)[0]][1](numbers, number) for number in range(count)]


assert sys.version_info >= (3, 11)
