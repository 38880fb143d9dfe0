"""What libraries and the system say when something fails, and what it means: their text → cause, words, cure.

The engine asks it about an exception, the monitor about the log of an engine that is gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE_CHARS = 2000
"""What stands further right in a line is not looked at."""


@dataclass(frozen=True)
class Known:
    """A text that was recognised: `clause` completes "Training stopped: …", `line` is what was read."""

    kind: str
    clause: str
    hint: str
    line: str


@dataclass(frozen=True)
class _Row:
    kind: str
    pattern: re.Pattern[str]
    clause: str  # May name the groups of the pattern, as may the hint.
    hint: str


def _row(kind: str, pattern: str, clause: str, hint: str) -> _Row:
    return _Row(kind, re.compile(pattern, re.IGNORECASE), clause, hint)


OUT_OF_MEMORY, SHARED_MEMORY, DISK_FULL = "out_of_memory", "shared_memory_full", "disk_full"
DRIVER, GPU, LIBRARY, INSTALLATION = "driver", "gpu", "library", "installation"
PROCESSOR, DAMAGED_MEMORY, LIMIT = "processor", "damaged_memory", "limit"

SMALLER = "Start again with a smaller batch or a smaller image size, and close other programs."
FEWER = "Use fewer loading processes, or give the container more shared memory (docker run --shm-size=2g)."
FREE_DISK = "Free some space, or choose a run folder on another disk, and start again."
NEW_DRIVER = (
    "Update the graphics driver, or install a PyTorch for the driver that is there (see pytorch.org)."
)
RESTART = "Restart the computer. If it happens again, update the graphics driver."
INSTALL_ANEW = "Install PyTorch and its companions anew, in one step (see pytorch.org)."

ROWS: tuple[_Row, ...] = (
    _row(
        OUT_OF_MEMORY,
        r"(CUDA|HIP|XPU) out of memory|CUDA error: out of memory|torch\S*OutOfMemoryError|"
        r"cudaErrorMemoryAllocation|CU\w+_STATUS_ALLOC_FAILED|MPS backend out of memory",
        "the graphics card ran out of memory",
        SMALLER,
    ),
    _row(
        SHARED_MEMORY,
        r"insufficient shared memory|unable to (mmap|allocate shared memory|open shared memory object|"
        r"resize|write to) .*(torch_|shm)|No space left on device.*(/dev/shm|/psm_|/torch_)",
        "the shared memory (/dev/shm) is full",
        FEWER,
    ),
    _row(
        DISK_FULL,
        r"No space left on device|os error 28\b|ENOSPC|Disk quota exceeded|not enough space on the disk|"
        r"unexpected pos \d+ vs \d+|PytorchStreamWriter failed writing",
        "the disk is full",
        FREE_DISK,
    ),
    _row(
        OUT_OF_MEMORY,
        r"DefaultCPUAllocator: (can't|not enough) .*memory|std::bad_alloc|^(\w+\.)*_?(Array)?MemoryError\b|"
        r"Unable to allocate .* for an array|Cannot allocate memory|paging file is too small|"
        r"could not (create|execute) a (primitive|memory)",  # oneDNN's words for it.
        "the computer ran out of memory",
        SMALLER,
    ),
    _row(
        OUT_OF_MEMORY,
        r"memory allocation of \d+ bytes failed|LLVM ERROR: out of memory|runtime: out of memory|"
        r"could not allocate \d+ bytes|failed to allocate \d+ bytes|libgomp: Out of memory|"
        r"tcmalloc: (large alloc|allocation failed)|java\.lang\.OutOfMemoryError|oom[_-]kill",
        "the computer ran out of memory",
        SMALLER,
    ),
    _row(
        DRIVER,
        r"no kernel image is available|device kernel image is invalid",
        "this PyTorch was not built for the graphics card of this computer",
        "Install a PyTorch that knows the card (see pytorch.org), or choose the device cpu.",
    ),
    _row(
        DRIVER,
        r"Driver/library version mismatch|unsupported display driver / cuda driver combination",
        "the graphics driver was updated while the computer ran, and its parts no longer fit",
        "Restart the computer.",
    ),
    _row(
        DRIVER,
        r"CUDA driver version is insufficient|NVIDIA driver on your system is too old|"
        r"PTX was compiled with an unsupported toolchain|forward compatibility was attempted",
        "the graphics driver is too old for this PyTorch",
        NEW_DRIVER,
    ),
    _row(
        DRIVER,
        r"CUDA error: (unknown error|initialization error|system not yet initialized)|"
        r"cudaErrorUnknown|NVML: Unknown Error",
        "the graphics driver does not answer as it should",
        RESTART,
    ),
    _row(
        GPU,
        r"GPU is lost|fallen off the bus|uncorrectable ECC|CUDA error: unspecified launch failure",
        "the graphics card failed",
        "Restart the computer. If it happens again, the card may be too hot or broken.",
    ),
    _row(
        GPU,
        r"NCCL (error|WARN|ERROR)|nccl(Internal|System|UnhandledCuda|Remote)Error|"
        r"Watchdog caught collective operation timeout",
        "the graphics cards could not reach each other (NCCL)",
        "Start again on one graphics card; NCCL_DEBUG=INFO in the environment makes it say more.",
    ),
    _row(
        GPU,
        r"CUDA-capable device(\(s\)|s)? (is/are|are|is) (busy|unavailable)",
        "another program has the graphics card to itself",
        "End the other program, or wait for it, and start again.",
    ),
    _row(
        GPU,
        r"device-side assert triggered|CUDA error: |CUBLAS_STATUS_\w+|CUDNN_STATUS_\w+|cuDNN error",
        "a calculation on the graphics card failed",
        "Start again. If it happens again, choose the device cpu and send the details.",
    ),
    _row(
        DRIVER,
        r"\blib(cuda|nvidia-ml)\.so(\.\d+)*: cannot open shared object",
        "the graphics driver is not installed, or this container does not see it",
        "Install the driver (in a container: docker run --gpus all), or choose the device cpu.",
    ),
    _row(
        LIBRARY,
        r"\blib(GL|EGL|GLU)\.so(\.\d+)*: cannot open shared object",
        "the system's library libGL is missing",
        "Install it (Debian, Ubuntu: sudo apt install libgl1), and start again.",
    ),
    _row(
        LIBRARY,
        r"(?P<name>[^\s:'\"/]+\.so[\w.]*): cannot open shared object|"
        r"Library not loaded: (?P<mac>\S+)|Could not load library (?P<other>\S+)",
        "the library {name}{mac}{other} is missing",
        "Install it with the system's packages. If it belongs to PyTorch (libtorch, libcud…, libnv…), "
        "install PyTorch anew.",
    ),
    _row(
        LIBRARY,
        r"DLL load failed while importing (?P<name>\w+)|Error loading .*?(?P<dll>\w+\.dll)|"
        r"WinError (126|1114)\b",
        "a library (DLL) is missing or cannot be loaded ({name}{dll})",
        "Install the Microsoft Visual C++ Redistributable, then PyTorch anew.",
    ),
    _row(
        LIBRARY,
        r"MKL (FATAL )?ERROR: Cannot load (?P<name>\S+)",
        "Intel's library {name} is missing or does not fit",
        "Install PyTorch and NumPy from one source only, in an environment of their own.",
    ),
    _row(
        LIBRARY,
        r"failed to map segment from shared object",
        "a library could not be loaded into memory",
        "Check that the system sets no limit of memory (ulimit -v), and that the library's drive may hold "
        "programs (noexec).",
    ),
    _row(
        LIBRARY,
        r"version `(?P<name>[\w.]+)' not found|invalid ELF header|wrong ELF class|: file too short",
        "a library does not fit this system ({name})",
        "This PyTorch was built for another or a newer system. Install one that was built for this.",
    ),
    _row(
        INSTALLATION,
        r"undefined symbol: (?P<name>[\w@.]+)|procedure could not be found",
        "two libraries do not fit each other: a symbol is missing ({name})",
        INSTALL_ANEW,
    ),
    _row(
        INSTALLATION,
        r"compiled using NumPy 1|compiled against (API|ABI) version|"
        r"numpy\.dtype size changed|multiarray failed to import|_ARRAY_API not found",
        "a library was built for another version of NumPy",
        "Install the libraries anew, or an older NumPy: pip install 'numpy<2'.",
    ),
    _row(
        INSTALLATION,
        r"No module named '?(?P<name>(torch|torchvision|open_clip|timm|safetensors|numpy|PIL|msgspec))\b",
        "the library {name} is not installed in this Python",
        "Install it there: python -m pip install waste-gui, or start the program from its own environment.",
    ),
    _row(
        INSTALLATION,
        r"No module named '?(?P<name>[\w.]+)",
        "the module {name} is missing in this Python",
        "Install waste-gui anew, in one place: python -m pip install --force-reinstall waste-gui.",
    ),
    _row(
        INSTALLATION,
        r"operator (?P<name>\w+)::\w+ does not exist",
        "PyTorch and the library {name} do not fit each other",
        INSTALL_ANEW,
    ),
    _row(
        INSTALLATION,
        r"(VersionConflict|DistributionNotFound|PackageNotFoundError): (?P<name>.{1,120})|"
        r"(?P<who>[\w.-]+)[<>=!~]=?\S* is required .*but found (?P<other>\S+)",
        "an installed library is missing or of a version that does not fit ({name}{who}{other})",
        INSTALL_ANEW,
    ),
    _row(
        INSTALLATION,
        r"cannot import name '\w+' from '?(?P<module>[\w.]+)|partially initialized module '(?P<part>\w+)",
        "the library {module}{part} is of a version that does not fit",
        INSTALL_ANEW,
    ),
    _row(
        DAMAGED_MEMORY,
        r"double free or corruption|corrupted size vs\. prev_size|(free|malloc|realloc)\(\): |"
        r"munmap_chunk\(\)|stack smashing detected|malloc_consolidate|corrupted double-linked list",
        "a library damaged the program's memory",
        "Start again. If it happens again, install PyTorch anew and send the details.",
    ),
    _row(
        PROCESSOR,
        r"Illegal instruction|CPU does not support|This version of .* requires .*AVX",
        "a library uses instructions that this processor does not have",
        "Install builds of PyTorch made for this processor.",
    ),
    _row(
        INSTALLATION,
        r"OMP: Error #15|libiomp5\S* already initialized",
        "two libraries each brought their own OpenMP",
        "Install PyTorch and NumPy from one source only, in an environment of their own.",
    ),
    _row(
        LIMIT,
        r"Too many open files",
        "the system's limit of open files was reached",
        "Use fewer loading processes, or raise the limit (ulimit -n 4096).",
    ),
    _row(
        LIMIT,
        r"can't start new thread|pthread_create failed|Resource temporarily unavailable",
        "the system's limit of processes and threads was reached",
        "Use fewer loading processes, and close other programs.",
    ),
)
"""The first row that matches a line wins: what is more special stands above."""


def recognise(text: str) -> Known | None:
    """What the last line of `text` that is known means."""
    for line in reversed(text.splitlines()):
        for row in ROWS:
            if match := row.pattern.search(line[:LINE_CHARS]):
                names = {name: found or "" for name, found in match.groupdict().items()}
                return Known(row.kind, _filled(row.clause, names), row.hint, line[:LINE_CHARS].strip())
    return None


def _filled(clause: str, names: dict[str, str]) -> str:
    """With the names that were found; empty brackets go."""
    return clause.format(**names).replace(" ()", "").replace("  ", " ")
