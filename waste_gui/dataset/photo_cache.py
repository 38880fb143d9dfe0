"""The cache of resized images by photo: which resized image belongs to a photo as it was when the folders
were scanned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from waste_gui.dataset.file_stats import FileStats
from waste_gui.dataset.resized import ResizedImage
from waste_gui.dataset.resized_cache import ResizedImageCache, cache_dir, resized_key

GB = 1_000_000_000


class PhotoCache:
    """The resized images of one dataset, kept in `cache`.

    A photo that changes later on keeps, in this run, its resized image of before; the next run reads it
    anew."""

    def __init__(self, cache: ResizedImageCache, keys: dict[str, bytes]) -> None:
        self.cache, self._keys = cache, keys

    def __len__(self) -> int:
        return len(self.cache)

    def __contains__(self, path: str) -> bool:
        key = self._keys.get(path)
        return key is not None and key in self.cache

    def read_into(self, path: str, resized: ResizedImage) -> bool:
        """Fill `resized` (size, size, 3); False if it is not there."""
        key = self._keys.get(path)
        return key is not None and self.cache.read_into(key, resized)

    def put(self, path: str, resized: ResizedImage) -> None:
        """Have it written; never waits. The resized image is not copied: leave it as it is."""
        key = self._keys.get(path)
        if key is not None:
            self.cache.put(key, resized)


def open_photo_resized_images(
    stats: FileStats,
    resized_size: int,
    limit_gb: float,
    on_problem: Callable[[str, str], object] = lambda text, hint: None,
    folder: Path | None = None,
) -> PhotoCache | None:
    """The resized images of these photos, in the user's own cache folder or another; None if it is switched
    off.

    Reads the disk of the cache, which may hang: not for a thread that must answer.
    """
    if limit_gb <= 0:
        return None
    keys = {path: resized_key(path, stat.size, stat.changed_ns) for path, stat in stats.items()}
    root = folder or cache_dir()
    cache = ResizedImageCache(
        root / f"{resized_size}px", resized_size, int(limit_gb * GB), keys.values(), on_problem
    )
    return PhotoCache(cache, keys)
