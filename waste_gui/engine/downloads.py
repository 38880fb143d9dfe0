"""The bytes of a download as progress, whichever library downloads.

open_clip, timm (through huggingface_hub) and torchvision show their progress on a terminal only, but all of
them write to a cache folder, into a file that grows. Its size is the progress.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LOOK_S = 0.5
MB = 1e6


@contextlib.contextmanager
def watch_downloads(progress: Callable[[int, str], None]) -> Iterator[None]:
    """While the block runs, tell `progress(bytes, words)` how much has come, each time it grows."""
    ended = threading.Event()
    since = time.time()

    def look() -> None:
        seen = 0
        while not ended.wait(LOOK_S):
            size = _growing_bytes(since)
            if size > seen:
                seen = size
                progress(size, f"downloading weights, {size / MB:.0f} MB")

    watcher = threading.Thread(target=look, name="download progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _growing_bytes(since: float) -> int:
    """The size of the files in the cache folders that were written since then."""
    total = 0
    for folder in _cache_folders():
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                status = path.lstat()
                if status.st_mtime >= since and path.is_file() and not path.is_symlink():
                    total += status.st_size
    return total


def _cache_folders() -> list[Path]:
    from huggingface_hub import constants
    from torch.hub import get_dir

    folders = (Path(constants.HF_HUB_CACHE), Path(get_dir()) / "checkpoints", _open_clip_cache())
    return [folder for folder in folders if folder.is_dir()]


def _open_clip_cache() -> Path:
    return Path(os.path.expanduser("~/.cache/clip"))
