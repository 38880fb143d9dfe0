"""Every photo is read once, whatever the others do; how it went is all that is needed later."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.photos import damage, make_photos
from waste_gui.dataset.catalog import Checked
from waste_gui.dataset.check import read_photos
from waste_gui.dataset.file_stats import file_stats
from waste_gui.dataset.pool import ReadingPool
from waste_gui.dataset.resized import ResizedImage, read_resized

SIZE = 32


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    make_photos(tmp_path / "photos", per_class=10)
    return sorted(str(path) for path in (tmp_path / "photos").glob("*/*.jpg"))


def test_every_photo_is_read_once(paths: list[str]) -> None:
    damage(Path(paths[3]))
    os.unlink(paths[5])
    resized_images: dict[str, ResizedImage] = {}
    calls: list[int] = []
    stats = file_stats(paths)
    with ReadingPool(2, SIZE, 4, deadline_s=20) as pool:
        read = read_photos(
            paths, stats, pool, 4, lambda: calls.append(1), lambda p, t: resized_images.update({p: t.copy()})
        )
        checked = {photo.path: photo for photo in read}
    assert set(checked) == set(paths)
    bad = {path: photo.kind for path, photo in checked.items() if photo.kind}
    assert bad == {paths[3]: "truncated", paths[5]: "vanished"}
    good = checked[paths[0]]
    assert (good.width, good.height) == (48, 40)
    assert (good.size, good.changed_ns) == stats[paths[0]]
    assert set(resized_images) == set(paths) - set(bad)
    assert np.array_equal(resized_images[paths[0]], read_resized(paths[0], SIZE))
    assert len(calls) >= len(paths)


def test_identical_pictures_have_the_same_digest_only(paths: list[str]) -> None:
    copy = f"{paths[0]}.copy.jpg"
    Path(copy).write_bytes(Path(paths[0]).read_bytes())
    with ReadingPool(1, SIZE, 4, deadline_s=20) as pool:
        asked = [*paths, copy]
        checked = {c.path: c for c in read_photos(asked, file_stats(asked), pool, 4, lambda: None)}
    assert checked[copy].digest == checked[paths[0]].digest
    assert len({c.digest for c in checked.values()}) == len(paths)


def test_a_photo_that_changes_while_it_is_read_counts_as_it_was_before(paths: list[str]) -> None:
    stats = file_stats(paths)
    Path(paths[0]).write_bytes(Path(paths[1]).read_bytes() + b"more")
    with ReadingPool(1, SIZE, 4, deadline_s=20) as pool:
        checked = {c.path: c for c in read_photos(paths, stats, pool, 4, lambda: None)}
    assert checked[paths[0]].size == stats[paths[0]].size != os.stat(paths[0]).st_size


def test_waiting_may_stop_it(paths: list[str]) -> None:
    read: list[Checked] = []

    def stop() -> None:
        if len(read) == 5:
            raise InterruptedError

    with ReadingPool(1, SIZE, 4, deadline_s=20) as pool, pytest.raises(InterruptedError):
        for photo in read_photos(paths, {}, pool, 4, stop):
            read.append(photo)
    assert len(read) == 5
