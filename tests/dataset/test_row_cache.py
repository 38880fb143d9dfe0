"""The cache of resized images gives the right resized image or none, whatever befalls its files; real disks
and processes."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from tests.rights import opens_everything
from waste_gui.dataset import cache_segments, resized_cache, row_cache
from waste_gui.dataset.cache_segments import IDLE_S, RECORD, SegmentReader, checksum
from waste_gui.dataset.resized import ResizedImage
from waste_gui.dataset.resized_cache import ResizedImageCache, cache_dir, resized_key

SIZE = 8
RESIZED_BYTES = SIZE * SIZE * 3
PATIENCE_S = 60.0
"""Only ever waited for if the test is about to fail."""

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tiles" / str(SIZE)


def key_of(number: int) -> bytes:
    return resized_key(f"/photos/{number}.jpg", 1000 + number, number)


def resized_of(number: int) -> ResizedImage:
    return np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


class Problems(list[str]):
    """What `on_problem` was told."""

    def __call__(self, text: str, hint: str) -> None:
        assert text.endswith(".") and hint.endswith("."), (text, hint)
        self.append(text)


def open_cache(
    folder: Path,
    numbers: Iterable[int] = range(1000),
    limit_bytes: int = 10**9,
    problems: Problems | None = None,
) -> ResizedImageCache:
    keys = {key_of(number) for number in numbers}
    return ResizedImageCache(
        folder, SIZE, limit_bytes, keys, problems if problems is not None else Problems()
    )


def put(cache: ResizedImageCache, numbers: Iterable[int]) -> None:
    for count, number in enumerate(numbers, start=1):
        cache.put(key_of(number), resized_of(number))
        if count % row_cache.QUEUE_ROWS == 0:
            cache.flush(PATIENCE_S)
    cache.flush(PATIENCE_S)


def fill(folder: Path, numbers: Iterable[int]) -> None:
    """Write a segment with these resized images, whatever other segments hold."""
    with open_cache(folder, numbers=()) as cache:
        put(cache, numbers)


def readable(cache: ResizedImageCache, numbers: Iterable[int] = range(1000)) -> set[int]:
    """Those that are read, after a check that they are right."""
    resized, found = np.empty((SIZE, SIZE, 3), np.uint8), set()
    for number in numbers:
        if cache.read_into(key_of(number), resized):
            assert np.array_equal(resized, resized_of(number)), f"tile {number} is wrong"
            found.add(number)
        assert (key_of(number) in cache) == (number in found)
    return found


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*{suffix}"))


def only_file(folder: Path, suffix: str) -> Path:
    (path,) = files(folder, suffix)
    return path


def age(folder: Path, days: float, paths: Iterable[Path] | None = None) -> None:
    then = time.time() - days * 86400
    for path in folder.iterdir() if paths is None else paths:
        os.utime(path, (then, then), follow_symlinks=False)


def assert_heals(folder: Path, numbers: Collection[int]) -> None:
    """Whatever is there is right, and what is not can be put again, for this run and the next."""
    with open_cache(folder) as cache:
        readable(cache)
        put(cache, numbers)
        assert readable(cache) >= set(numbers)
    with open_cache(folder) as cache:
        assert readable(cache) >= set(numbers)


def child(call: str, *before: str) -> subprocess.Popen[str]:
    """A process that runs a function of this file."""
    code = f"from pathlib import Path; from tests.dataset.test_row_cache import *; {call}"
    return subprocess.Popen(
        [*before, sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def run_child(call: str, *before: str) -> None:
    with child(call, *before) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output


def on_small_disk(call: str, disk: Path) -> None:
    """Run a function of this file in a process that sees 256 KB of disk at `disk`."""
    script = 'mount -t tmpfs -o size=256k tmpfs "$0" && exec "$@"'
    mount = ("unshare", "-m", "--propagation", "private", "sh", "-c", script, str(disk))
    disk.mkdir()
    if shutil.which("unshare") is None or subprocess.run([*mount, "true"], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    run_child(call, *mount)


# --- keys and places


def test_key_changes_with_path_size_and_time() -> None:
    keys = {
        resized_key("/photos/a.jpg", 1, 2),
        resized_key("/photos/b.jpg", 1, 2),
        resized_key("/photos/a.jpg", 2, 2),
        resized_key("/photos/a.jpg", 1, 3),
        resized_key("/photos/a.jpg", 12, 2),
        resized_key(os.fsdecode(b"/photos/\xff.jpg"), 1, 2),
        resized_key(os.fsdecode(b"/photos/\xfe.jpg"), 1, 2),
    }
    assert {len(key) for key in keys} == {16}
    assert len(keys) == 7


def test_key_changes_with_the_code_that_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(1)
    assert key_of(1) == before
    monkeypatch.setattr(resized_cache, "READ_VERSION", -1)
    assert key_of(1) != before


def test_cache_lies_in_the_home_that_is_set_or_where_the_system_keeps_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_dir() == tmp_path / "home" / "cache" / "tiles"
    monkeypatch.delenv("WASTE_GUI_HOME")
    assert cache_dir() == Path(platformdirs.user_cache_dir("waste-gui", appauthor=False)) / "tiles"


# --- round trips


def test_tile_comes_back_in_this_run_and_the_next(folder: Path) -> None:
    problems = Problems()
    with open_cache(folder, problems=problems) as cache:
        assert len(cache) == 0 and not readable(cache)
        put(cache, range(100))
        assert len(cache) == 100 and readable(cache) == set(range(100))
    with open_cache(folder, problems=problems) as cache:
        assert len(cache) == 100 and readable(cache) == set(range(100))
    assert not problems


def test_tile_is_written_at_closing_without_a_flush(folder: Path) -> None:
    with open_cache(folder) as cache:
        cache.put(key_of(1), resized_of(1))
    with open_cache(folder) as cache:
        assert readable(cache) == {1}


def test_tile_is_written_soon_without_anything_else_happening(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_cache, "COMMIT_S", 0.0)
    synced = threading.Event()
    sync = cache_segments.sync

    def noted_sync(*args: object) -> None:
        sync(*args)  # type: ignore[arg-type]
        synced.set()

    monkeypatch.setattr(cache_segments, "sync", noted_sync)
    with open_cache(folder) as cache:
        cache.put(key_of(1), resized_of(1))
        assert synced.wait(PATIENCE_S)


def test_only_wanted_tiles_are_kept_in_memory(folder: Path) -> None:
    fill(folder, range(100))
    with open_cache(folder, numbers=range(90, 110)) as cache:
        assert len(cache) == 10 and readable(cache) == set(range(90, 100))


def test_tile_that_is_there_or_on_its_way_is_not_written_twice(folder: Path) -> None:
    with open_cache(folder) as cache:
        for _ in range(3):
            put(cache, range(10))
        put(cache, [*range(10, 20), *range(10, 20)])
    assert [path.stat().st_size for path in files(folder, ".tiles")] == [20 * RESIZED_BYTES]


def test_closed_cache_holds_nothing_and_takes_nothing(folder: Path) -> None:
    cache = open_cache(folder)
    put(cache, [1])
    cache.close()
    cache.close()
    cache.put(key_of(2), resized_of(2))
    assert not readable(cache)


def test_run_that_adds_nothing_leaves_nothing(folder: Path) -> None:
    with open_cache(folder):
        pass
    assert not folder.exists()


def test_array_of_another_shape_is_a_bug(folder: Path) -> None:
    with open_cache(folder) as cache:
        with pytest.raises(ValueError, match="contiguous"):
            cache.put(key_of(1), np.zeros((SIZE + 1, SIZE, 3), np.uint8))
        with pytest.raises(ValueError, match="contiguous"):
            cache.read_into(key_of(1), np.zeros((SIZE, SIZE, 6), np.uint8)[..., ::2])


def test_tile_bytes_need_not_be_a_multiple_of_eight(folder: Path) -> None:
    resized, key = np.full((7, 7, 3), 255, np.uint8), key_of(1)
    with ResizedImageCache(folder, 7, 10**9, [key]) as cache:
        cache.put(key, resized)
        cache.flush(PATIENCE_S)
        read = np.zeros_like(resized)
        assert cache.read_into(key, read) and np.array_equal(read, resized)


@pytest.mark.parametrize("size", [192, 147])
def test_checksum_changes_with_every_bit(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    sums = {checksum(data)}
    for bit in range(size * 8):
        data[bit // 8] ^= 1 << bit % 8
        sums.add(checksum(data))
        data[bit // 8] ^= 1 << bit % 8
    assert len(sums) > 64 and checksum(data) in sums
    data[:] = 0
    assert checksum(data) not in sums


def test_threads_read_while_tiles_are_added(folder: Path) -> None:
    fill(folder, range(100))
    with open_cache(folder) as cache, ThreadPoolExecutor(4) as threads:
        reads = [threads.submit(readable, cache, range(number, 100)) for number in range(0, 50, 5)]
        put(cache, range(100, 300))
        assert all(read.result() for read in reads)
        assert readable(cache) == set(range(300))


def test_system_without_reads_at_an_offset_reads_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SegmentReader, "read", SegmentReader._seek_and_read)
    fill(folder, range(100))
    with open_cache(folder) as cache, ThreadPoolExecutor(4) as threads:
        assert all(found == set(range(100)) for found in threads.map(lambda _: readable(cache), range(4)))


# --- several processes


def test_other_process_sees_the_tiles(folder: Path) -> None:
    run_child(f"fill(Path({str(folder)!r}), range(50))")
    with open_cache(folder) as cache:
        assert readable(cache) == set(range(50))


def test_two_processes_write_at_once_and_a_third_reads_all(folder: Path) -> None:
    writers = [child(f"fill(Path({str(folder)!r}), range({first}, {first + 150}))") for first in (0, 100)]
    for writer in writers:
        with writer:
            writer.communicate(timeout=PATIENCE_S)
    assert len(files(folder, ".tiles")) == 2
    with open_cache(folder) as cache:
        assert readable(cache) == set(range(250))


def write_for_ever(folder: Path) -> None:
    """Add resized images as fast as they are written; a line for each."""
    cache = open_cache(folder)
    for number in range(100_000):
        cache.put(key_of(number), resized_of(number))
        print(number, flush=True)
        if number % 100 == 99:
            cache.flush(PATIENCE_S)


@pytest.mark.parametrize("seed", range(4))
def test_killed_writer_leaves_no_wrong_tile(folder: Path, seed: int) -> None:
    with child(f"write_for_ever(Path({str(folder)!r}))") as writer:
        assert writer.stdout is not None
        for _ in range(random.Random(seed).randrange(1, 600)):
            writer.stdout.readline()
        writer.kill()
    assert_heals(folder, range(700))


# --- damage


def cuts(record_bytes: int, count: int) -> set[int]:
    boundaries = {record_bytes * number for number in range(count)}
    around = {cut + step for cut in boundaries for step in (-1, 0, 1, record_bytes // 2)}
    return {cut for cut in around if cut >= 0}


@pytest.mark.parametrize("suffix", [".tiles", ".index"])
def test_cut_file_loses_only_what_was_cut_off(folder: Path, suffix: str) -> None:
    record_bytes = {".tiles": RESIZED_BYTES, ".index": RECORD.itemsize}[suffix]
    fill(folder, range(5))
    for cut in sorted(cuts(record_bytes, 5)):
        copy = folder.with_name(f"cut at {cut}")
        shutil.copytree(folder, copy)
        os.truncate(only_file(copy, suffix), cut)
        with open_cache(copy) as cache:
            assert len(cache) == cut // record_bytes
            assert readable(cache) == set(range(cut // record_bytes))
        assert_heals(copy, range(5))


def test_file_cut_while_it_is_read_is_a_miss(folder: Path) -> None:
    fill(folder, range(5))
    with open_cache(folder) as cache:
        os.truncate(only_file(folder, ".tiles"), 2 * RESIZED_BYTES + 1)
        assert len(cache) == 5
        assert readable(cache) == {0, 1} and len(cache) == 2
        put(cache, range(5))
        assert readable(cache) == set(range(5))


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1 << position % 8
    path.write_bytes(data)


def test_flipped_bit_in_a_tile_costs_that_tile(folder: Path) -> None:
    fill(folder, range(5))
    with open_cache(folder) as cache:
        for position in range(3, 5 * RESIZED_BYTES, 50):
            flip(only_file(folder, ".tiles"), position)
            assert len(readable(cache, [position // RESIZED_BYTES])) == 0
            flip(only_file(folder, ".tiles"), position)
            cache.close()
            cache = open_cache(folder)
        assert readable(cache) == set(range(5))
        flip(only_file(folder, ".tiles"), 0)
        cache.close()
    assert_heals(folder, range(5))


def test_flipped_bit_in_the_index_costs_that_tile(folder: Path) -> None:
    fill(folder, range(5))
    for position in range(0, 5 * RECORD.itemsize, 5):  # each byte of a record once
        flip(only_file(folder, ".index"), position)
        with open_cache(folder) as cache:
            assert readable(cache) == set(range(5)) - {position // RECORD.itemsize}
        flip(only_file(folder, ".index"), position)


def test_garbage_is_passed_over_and_other_files_are_left_alone(folder: Path) -> None:
    fill(folder, range(5))
    noise = np.random.default_rng(0).bytes(5000)
    names = (f"{1:020}-1.tiles", f"{1:020}-1.index", f"{2:020}-1.index", f"{3:020}-1.tiles")
    for name in (*names, "notes.txt", "1-2.tiles", f"{4:020}-1.index.old"):
        (folder / name).write_bytes(noise)
    (folder / f"{5:020}-1.tiles").mkdir()
    os.mkfifo(folder / f"{6:020}-1.index")
    (folder / f"{7:020}-1.tiles").symlink_to(folder / "notes.txt")
    with open_cache(folder) as cache:
        assert readable(cache) == set(range(5))
    assert all((folder / name).exists() for name in names), "too young to be removed"
    age(folder, days=2)
    with open_cache(folder) as cache:
        assert readable(cache) == set(range(5))
    assert not any((folder / name).exists() for name in names)
    assert (folder / "notes.txt").read_bytes() == noise
    assert len(list(folder.iterdir())) == 8


# --- disks that refuse


def fill_a_full_disk(folder: Path) -> None:
    problems = Problems()
    with open_cache(folder, problems=problems) as cache:
        put(cache, range(20))
        with pytest.raises(OSError, match="No space"), open(folder / "other", "wb", buffering=0) as other:
            while True:
                other.write(bytes(1000))
        put(cache, range(20, 300))
        assert readable(cache) >= set(range(20)) and len(cache) < 300
        assert len(problems) == 1 and problems[0].startswith("The disk is full, so")
    assert [path.stat().st_size % RESIZED_BYTES for path in files(folder, ".tiles")] == [0]
    (folder / "other").unlink()
    assert_heals(folder, range(300))


def test_full_disk_ends_adding_and_nothing_else(tmp_path: Path) -> None:
    on_small_disk(f"fill_a_full_disk(Path({str(tmp_path / 'disk')!r}, 'tiles', '8'))", tmp_path / "disk")


def fill_half_a_disk(folder: Path) -> None:
    problems = Problems()
    free = shutil.disk_usage(folder.parent.parent).free
    with open_cache(folder, problems=problems) as cache:
        for first in range(0, 1000, 100):
            put(cache, range(first, first + 100))
        assert readable(cache) and len(problems) == 1
    used = sum(path.stat().st_size for path in folder.iterdir())
    assert free // 2 - 20_000 < used <= free // 2, (used, free)


def test_half_of_the_free_disk_is_left(tmp_path: Path) -> None:
    on_small_disk(f"fill_half_a_disk(Path({str(tmp_path / 'disk')!r}, 'tiles', '8'))", tmp_path / "disk")


def fill_a_read_only_disk(disk: Path) -> None:
    problems, folder = Problems(), disk / "tiles" / "8"
    fill(folder, range(20))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with open_cache(folder, problems=problems) as cache:
        assert readable(cache) == set(range(20)) and not problems
        put(cache, range(20, 50))
        put(cache, range(50, 90))
        assert readable(cache) == set(range(20))
    assert len(problems) == 1 and os.strerror(errno.EROFS) in problems[0]


def test_read_only_disk_is_read(tmp_path: Path) -> None:
    on_small_disk(f"fill_a_read_only_disk(Path({str(tmp_path / 'disk')!r}))", tmp_path / "disk")


def fill_up_to_the_file_size_limit(folder: Path) -> None:
    problems = Problems()
    limit = 26 * RESIZED_BYTES + RESIZED_BYTES // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with open_cache(folder, problems=problems) as cache:
        put(cache, range(100))
        assert readable(cache) == set(range(26))
    assert len(problems) == 1 and os.strerror(errno.EFBIG) in problems[0]


def test_write_that_stops_midway_is_cut_back_to_the_last_whole_tile(folder: Path) -> None:
    run_child(f"fill_up_to_the_file_size_limit(Path({str(folder)!r}))")
    assert [path.stat().st_size for path in files(folder, ".tiles")] == [26 * RESIZED_BYTES]
    assert_heals(folder, range(100))


def test_index_that_cannot_be_written_costs_only_its_tiles(folder: Path) -> None:
    run_child(f"fill_beyond_the_index(Path({str(folder)!r}))")
    assert not list(folder.iterdir())
    assert_heals(folder, range(10))


def fill_beyond_the_index(folder: Path) -> None:
    """Resized images of 3 bytes: their index is the longer file, so it is the one that meets the limit."""
    problems = Problems()
    resource.setrlimit(resource.RLIMIT_FSIZE, (RECORD.itemsize * 3 // 2,) * 2)
    with ResizedImageCache(folder, 1, 10**9, [], problems) as cache:
        for number in range(10):
            cache.put(key_of(number), np.full((1, 1, 3), number, np.uint8))
        cache.flush(PATIENCE_S)
        assert len(cache) == 0 and len(problems) == 1


@pytest.mark.skipif(opens_everything(), reason="rights do not bind this user")
def test_folder_without_the_right_to_write_is_read(folder: Path) -> None:
    problems = Problems()
    fill(folder, range(5))
    folder.chmod(0o500)
    try:
        with open_cache(folder, problems=problems) as cache:
            put(cache, range(9))
            assert readable(cache) == set(range(5))
    finally:
        folder.chmod(0o700)
    assert len(problems) == 1


def test_file_in_the_place_of_the_folder_is_said_once(tmp_path: Path) -> None:
    problems = Problems()
    (tmp_path / "file").touch()
    with open_cache(tmp_path / "file" / "8", problems=problems) as cache:
        put(cache, range(5))
        assert not readable(cache)
    assert len(problems) == 1 and "Not a directory" in problems[0]


def test_disk_that_does_not_answer_holds_up_neither_put_nor_close(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Event(), threading.Event()

    def silent(file: object) -> None:
        asked.set()
        assert answered.wait(PATIENCE_S)

    monkeypatch.setattr(cache_segments, "sync", silent)
    monkeypatch.setattr(row_cache, "CLOSE_S", 0.01)
    cache = open_cache(folder)
    for number in range(row_cache.COMMIT_ROWS):
        cache.put(key_of(number), resized_of(number))
    assert asked.wait(PATIENCE_S)
    for number in range(1000):
        cache.put(key_of(number), resized_of(number))
    cache.close()
    answered.set()
    for thread in threading.enumerate():
        if thread.name == "tile cache":
            thread.join(PATIENCE_S)
    monkeypatch.undo()
    assert_heals(folder, range(1000)[:200])


# --- bounds


def test_limit_is_kept_to_the_tile(folder: Path) -> None:
    problems = Problems()
    with open_cache(folder, limit_bytes=100 * (RESIZED_BYTES + RECORD.itemsize), problems=problems) as cache:
        put(cache, range(90))
        assert not problems
        put(cache, range(90, 200))
        assert readable(cache) == set(range(100))
    assert len(problems) == 1


def test_segments_not_used_for_longest_make_room_for_new_tiles(folder: Path) -> None:
    other_size = folder.with_name("16")
    for days, where, numbers in (
        (3, folder, range(100)),
        (4, other_size, range(50)),
        (2, folder, range(100, 200)),
    ):
        before = set(where.glob("*"))
        fill(where, numbers)
        age(where, days, set(where.glob("*")) - before)
    fill(folder, range(200, 300))
    resized_cost = RESIZED_BYTES + RECORD.itemsize
    problems = Problems()
    with open_cache(folder, [*range(300, 500)], limit_bytes=370 * resized_cost, problems=problems) as cache:
        put(cache, range(300, 360))  # the other size goes: used last four days ago
        assert not list(other_size.iterdir()) and len(files(folder, ".tiles")) == 4
        put(cache, range(360, 400))  # then the older segment of this one
        assert len(files(folder, ".tiles")) == 3 and not problems
    with open_cache(folder) as cache:
        assert readable(cache) == set(range(100, 400))


def test_segments_that_this_run_uses_stay(folder: Path) -> None:
    fill(folder, range(100))
    fill(folder, range(100, 200))
    problems = Problems()
    with open_cache(folder, limit_bytes=1000, problems=problems) as cache:
        age(folder, days=9)  # a run may take days
        put(cache, range(300, 400))
        assert readable(cache) == set(range(200)) and len(problems) == 1


def test_segments_that_others_used_within_the_hour_stay(folder: Path) -> None:
    fill(folder, range(100))
    age(folder, days=0.03)
    problems = Problems()
    with open_cache(folder, range(300, 400), limit_bytes=1000, problems=problems) as cache:
        put(cache, range(300, 400))
        assert len(problems) == 1
    with open_cache(folder) as cache:
        assert readable(cache) == set(range(100))


def test_use_makes_a_segment_young(folder: Path) -> None:
    fill(folder, range(5))
    age(folder, days=9)
    with open_cache(folder, numbers=range(5, 9)):
        assert files(folder, ".tiles")[0].stat().st_mtime < time.time() - IDLE_S
    with open_cache(folder, numbers=range(4, 9)):
        assert files(folder, ".tiles")[0].stat().st_mtime > time.time() - IDLE_S


def test_lower_limit_holds_from_the_next_opening(folder: Path) -> None:
    fill(folder, range(100))
    age(folder, days=9)
    with open_cache(folder, numbers=[], limit_bytes=1000):
        assert not list(folder.iterdir())


def test_segment_that_newer_ones_hold_too_is_removed_when_idle(folder: Path) -> None:
    fill(folder, range(10))
    fill(folder, range(6))
    fill(folder, range(5, 12))
    for count in (3, 2):
        with open_cache(folder) as cache:
            assert readable(cache) == set(range(12))
        assert len(files(folder, ".tiles")) == len(files(folder, ".index")) == count
        age(folder, days=1)


def test_smallest_segments_go_when_there_are_too_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for first, count in ((0, 10), (10, 2), (20, 9), (30, 3), (40, 8)):
        fill(folder, range(first, first + count))
    monkeypatch.setattr(row_cache, "MAX_SEGMENTS", 3)
    large = {*range(10), *range(20, 29), *range(40, 48)}
    for left in (5, 3):
        with open_cache(folder) as cache:
            assert readable(cache) == large
        assert len(files(folder, ".tiles")) == left
        age(folder, days=1)
