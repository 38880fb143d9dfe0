"""How the C library's allocator treats large blocks, set before torch is imported.

glibc gives each large block back to the system when it is freed, and asks for it again: a forward pass of
EfficientNet-Lite0 on 32 photos was 300,000 page faults, 2.3–3.7 times as long as without. Windows and macOS
keep large blocks by themselves; nothing is set there, nor where the C library is another (musl), nor where
the person has set glibc's own variables.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Numbers of glibc's <malloc.h>."""

KEPT_BYTES = 512 * 2**20
"""Free memory at the heap's end that is kept, rather than given back."""

PAD_BYTES = 64 * 2**20
"""By how much more than is needed the heap grows."""


def keep_large_blocks() -> bool:
    """Whether it could be set, for this process and none that it starts."""
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # AttributeError where it is not glibc.
        options = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, KEPT_BYTES), (M_TOP_PAD, PAD_BYTES))
        return all(library.mallopt(option, value) for option, value in options)
    return False


def give_back() -> None:
    """To the system, what was freed: a library that maps memory of its own finds none otherwise where a limit
    is set (oneDNN does, and fails or crashes)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
