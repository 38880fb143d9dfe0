"""The cache of resized images: each photo is decoded once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection
from pathlib import Path

import PIL
import platformdirs

from waste_gui.dataset.cache_segments import Bytes
from waste_gui.dataset.images import READ_VERSION
from waste_gui.dataset.resized import ResizedImage
from waste_gui.dataset.row_cache import RowCache
from waste_gui.rundir import APP_NAME, HOME_VARIABLE


def user_cache_dir() -> Path:
    """This user's cache folder, by the system's own custom."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home, "cache") if home else Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False))


def cache_dir() -> Path:
    """Where resized images are kept, a folder a resized image size."""
    return user_cache_dir() / "tiles"


def resized_key(path: str, size: int, changed_ns: int) -> bytes:
    """16 bytes that change when the file (its `size` in bytes) or the code that reads it changes."""
    rest = f"{size} {changed_ns} {READ_VERSION} {PIL.__version__}"
    return hashlib.blake2b(os.fsencode(path) + b"\0" + rest.encode(), digest_size=16).digest()


class ResizedImageCache(RowCache):
    """Resized images of one size in `folder`; all else is as `RowCache` says."""

    name = "photo cache"
    goes_on = "Training goes on; photos that are not in the cache are read anew in each epoch."

    def __init__(
        self,
        folder: Path,
        resized_size: int,
        limit_bytes: int,
        keys: Collection[bytes],
        on_problem: Callable[[str, str], object] = lambda text, hint: None,
    ) -> None:
        self._shape = (resized_size, resized_size, 3)
        super().__init__(folder, resized_size * resized_size * 3, limit_bytes, keys, on_problem)

    def read_into(self, key: bytes, resized: ResizedImage) -> bool:
        """Fill `resized`, contiguous (size, size, 3), from any thread; False if it is not there, or not
        undamaged."""
        return self.read_row(key, self._bytes_of(resized))

    def put(self, key: bytes, resized: ResizedImage) -> None:
        """Have a resized image written, from any thread; never waits. The resized image is not copied: leave
        it as it is."""
        self.put_row(key, self._bytes_of(resized))

    def _bytes_of(self, resized: ResizedImage) -> Bytes:
        """The resized image's memory as one row; ValueError for a resized image that does not belong here."""
        if resized.shape != self._shape or resized.dtype != "uint8" or not resized.flags.c_contiguous:
            raise ValueError(
                f"a contiguous uint8 {self._shape} is wanted, not {resized.dtype} {resized.shape}"
            )
        return resized.reshape(-1)
