"""Read every photo once before training, and remember how that went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from waste_gui.dataset.catalog import Checked
from waste_gui.dataset.file_stats import FileStat
from waste_gui.dataset.near_duplicates import digest, thumbnail
from waste_gui.dataset.pool import Read, ReadingPool
from waste_gui.dataset.resized import ResizedImage

TAKE_S = 0.05

PASSING = frozenset({"timed_out", "unreadable", "vanished"})
"""Kinds of failure that may be the drive's and not the photo's: tried again by the next check."""


def read_photos(
    paths: Sequence[str],
    stats: Mapping[str, FileStat],
    pool: ReadingPool,
    ahead: int,
    waiting: Callable[[], object],
    keep_resized: Callable[[str, ResizedImage], object] = lambda path, resized: None,
) -> Iterator[Checked]:
    """How each photo is read, in any order, asked for in the order given and at most `ahead` ahead.

    `stats` are of before the reading, so a photo that changes meanwhile is read again next time. `waiting` is
    called at least ten times a second and may raise, to stop. `keep_resized` must copy what it keeps.
    """
    submitted = 0
    for done in range(len(paths)):
        while submitted < min(len(paths), done + ahead):
            pool.submit(submitted, paths[submitted])
            submitted += 1
        waiting()
        while (read := pool.take(TAKE_S)) is None:
            waiting()
        yield _checked(read, stats.get(read.path, FileStat(0, 0)), keep_resized)
        pool.release(read)


def _checked(read: Read, stat: FileStat, keep_resized: Callable[[str, ResizedImage], object]) -> Checked:
    if read.resized is None:
        kind, reason = (read.error.kind, read.error.reason) if read.error else ("damaged", "")
        return Checked(read.path, stat.size, stat.changed_ns, kind=kind, reason=reason)
    keep_resized(read.path, read.resized)
    return Checked(
        read.path,
        stat.size,
        stat.changed_ns,
        read.width,
        read.height,
        digest=digest(read.resized),
        thumbnail=thumbnail(read.resized),
    )
