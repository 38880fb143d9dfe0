"""The tile cache by photo: which tile belongs to a photo as it was when the folders were scanned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from waste_gui.dataset.file_stats import FileStats
from waste_gui.dataset.tile import Tile
from waste_gui.dataset.tiles import TileCache, cache_dir, tile_key

GB = 1_000_000_000


class PhotoTiles:
    """The tiles of one dataset, kept in `cache`.

    A photo that changes later on keeps, in this run, its tile of before; the next run reads it anew."""

    def __init__(self, cache: TileCache, keys: dict[str, bytes]) -> None:
        self.cache, self._keys = cache, keys

    def __len__(self) -> int:
        return len(self.cache)

    def __contains__(self, path: str) -> bool:
        key = self._keys.get(path)
        return key is not None and key in self.cache

    def read_into(self, path: str, tile: Tile) -> bool:
        """Fill `tile` (size, size, 3); False if it is not there."""
        key = self._keys.get(path)
        return key is not None and self.cache.read_into(key, tile)

    def put(self, path: str, tile: Tile) -> None:
        """Have it written; never waits. The tile is not copied: leave it as it is."""
        key = self._keys.get(path)
        if key is not None:
            self.cache.put(key, tile)


def open_photo_tiles(
    stats: FileStats,
    tile_size: int,
    limit_gb: float,
    on_problem: Callable[[str, str], object] = lambda text, hint: None,
    folder: Path | None = None,
) -> PhotoTiles | None:
    """The tiles of these photos, in the user's own cache folder or another; None if it is switched off.

    Reads the disk of the cache, which may hang: not for a thread that must answer.
    """
    if limit_gb <= 0:
        return None
    keys = {path: tile_key(path, stat.size, stat.mtime_ns) for path, stat in stats.items()}
    root = folder or cache_dir()
    cache = TileCache(root / f"{tile_size}px", tile_size, int(limit_gb * GB), keys.values(), on_problem)
    return PhotoTiles(cache, keys)
