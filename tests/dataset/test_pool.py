"""Reading goes on whatever happens to a worker: real processes, stopped and killed for real."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from waste_gui.dataset import pool as pool_module
from waste_gui.dataset import shared_buffer as shared_buffer_module
from waste_gui.dataset import workers as workers_module
from waste_gui.dataset.pool import PoolError, Read, ReadingPool, Spare, drive_is_suspect
from waste_gui.dataset.resized import read_resized
from waste_gui.dataset.shared_buffer import SharedBuffer
from waste_gui.protocol import WorkerState

SIZE = 32
PATIENCE_S = 60.0
"""Only ever waited for if the test is about to fail."""


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = []
    for i in range(24):
        Image.new("RGB", (40 + i, 40), (i * 10, 255 - i * 10, 128)).save(tmp_path / f"{i}.png")
        paths.append(str(tmp_path / f"{i}.png"))
    return paths


@pytest.fixture(scope="session")
def slow_photo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """100 million pixels: it takes long enough that a worker can be caught reading it."""
    path = tmp_path_factory.mktemp("slow") / "slow.png"
    Image.new("L", (10_000, 10_000), 200).save(path, compress_level=1)
    return str(path)


@pytest.fixture
def pool() -> Iterator[ReadingPool]:
    with ReadingPool(workers=2, resized_size=SIZE, slots=8, deadline_s=20) as pool:
        yield pool


def submit(pool: ReadingPool, paths: list[str]) -> None:
    for ticket, path in enumerate(paths):
        pool.submit(ticket, path)


def take(pool: ReadingPool) -> Read:
    read = pool.take(PATIENCE_S)
    assert read is not None, f"nothing came: {pool.states()}"
    return read


def take_all(pool: ReadingPool, count: int) -> dict[int, Read]:
    """The reads by ticket, their slots released."""
    reads = {}
    for _ in range(count):
        read = take(pool)
        pool.release(read)
        assert read.ticket not in reads
        reads[read.ticket] = read
    return reads


def catch_reading(pool: ReadingPool, path: str) -> WorkerState:
    """Wait until a worker is on this photo."""
    for _ in range(int(PATIENCE_S * 1000)):
        for state in pool.states():
            if state.path == path:
                return state
        assert pool.take(0.001) is None
    raise AssertionError(f"nobody reads {path}: {pool.states()}")


def test_every_photo_comes_once_with_its_own_tile(pool: ReadingPool, photos: list[str]) -> None:
    submit(pool, photos)
    for _ in photos:
        read = take(pool)
        assert read.path == photos[read.ticket]
        assert read.error is None and read.resized is not None
        assert np.array_equal(read.resized, read_resized(read.path, SIZE))
        pool.release(read)
    assert pool.queued() == 0
    assert pool.take(0) is None


def test_no_more_tiles_than_slots_are_out(photos: list[str]) -> None:
    with ReadingPool(workers=1, resized_size=SIZE, slots=2, deadline_s=20) as pool:
        submit(pool, photos)
        one, two = take(pool), take(pool)
        assert pool.take(0.05) is None
        assert pool.queued() == len(photos) - 2
        pool.release(one)
        assert take(pool).slot == one.slot
        assert two.resized is not None and np.array_equal(two.resized, read_resized(two.path, SIZE))


def test_slot_released_twice_is_not_given_twice(photos: list[str]) -> None:
    with ReadingPool(workers=1, resized_size=SIZE, slots=2, deadline_s=20) as pool:
        submit(pool, photos)
        one = take(pool)
        pool.release(one)
        pool.release(one)
        assert len({take(pool).slot, take(pool).slot}) == 2


def test_bad_photos_come_back_with_their_errors(pool: ReadingPool, photos: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    os.mkfifo(tmp_path / "pipe.jpg")
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/new\nline\xe9.png")
    os.rename(photos[0], odd)
    submit(pool, [str(tmp_path / "empty.jpg"), str(tmp_path / "pipe.jpg"), photos[0], odd, photos[1]])
    reads = take_all(pool, 5)
    kinds = [error.kind if (error := reads[i].error) else None for i in range(5)]
    assert kinds == ["damaged", "not_an_image", "vanished", None, None]
    assert str(reads[0].error) == f"{tmp_path / 'empty.jpg'} is empty"


def test_killed_worker_is_replaced_and_its_photo_read_elsewhere(
    pool: ReadingPool, photos: list[str], slow_photo: str
) -> None:
    submit(pool, [slow_photo])
    first = catch_reading(pool, slow_photo)
    os.kill(first.pid, signal.SIGKILL)
    assert take(pool).error is None
    submit(pool, photos)
    assert not any(read.error for read in take_all(pool, len(photos)).values())
    assert len(pool.states()) == 2
    assert first.pid not in {state.pid for state in pool.states()}


@pytest.mark.parametrize(("number", "times"), [(signal.SIGSEGV, 2), (signal.SIGKILL, 3)])
def test_photo_that_takes_down_several_workers_is_damaged(
    pool: ReadingPool, photos: list[str], slow_photo: str, number: int, times: int
) -> None:
    pool.submit(99, slow_photo)
    killed: set[int] = set()
    while len(killed) < times:
        assert pool.take(0.001) is None
        pids = {state.pid for state in pool.states() if state.path == slow_photo} - killed
        for pid in pids:  # no state shows the killed one's row any more once another is on it
            os.kill(pid, number)
        killed |= pids
    submit(pool, photos)
    reads = take_all(pool, len(photos) + 1)
    error = reads.pop(99).error
    assert error is not None and (error.kind, error.reason) == ("damaged", "makes the reading program crash")
    assert not any(read.error for read in reads.values())


def test_stuck_photo_holds_up_no_other(photos: list[str], slow_photo: str) -> None:
    with ReadingPool(workers=1, resized_size=SIZE, slots=8, deadline_s=PATIENCE_S) as pool:
        pool.submit(99, slow_photo)
        stuck = catch_reading(pool, slow_photo)
        os.kill(stuck.pid, signal.SIGSTOP)
        submit(pool, photos)
        assert not any(read.error for read in take_all(pool, len(photos)).values())
        assert {state.path for state in pool.states() if state.pid == stuck.pid} == {slow_photo}
        os.kill(stuck.pid, signal.SIGCONT)
        assert take(pool).ticket == 99
        submit(pool, photos)
        assert not any(read.error for read in take_all(pool, len(photos)).values())
        assert len(pool.states()) == 1, "the spare worker, or the one it stood in for, has gone"


@pytest.mark.slow
def test_worker_that_is_slow_again_and_again_answers_each_photo_once(
    monkeypatch: pytest.MonkeyPatch, photos: list[str], slow_photo: str, tmp_path: Path
) -> None:
    """What is taken back from it comes back to it when there is no other: the last photo twice."""
    monkeypatch.setattr(pool_module, "SPARES", 0)
    paths = [str(tmp_path / f"slow {i}.png") for i in range(3)]
    for path in paths:
        os.symlink(slow_photo, path)
    tickets: list[int] = []
    with ReadingPool(workers=1, resized_size=SIZE, slots=8, deadline_s=PATIENCE_S) as pool:

        def take_until(met: Callable[[], object]) -> None:
            while not met():
                if (read := pool.take(0.001)) is not None:
                    tickets.append(read.ticket)
                    pool.release(read)

        submit(pool, paths)
        for reading in paths[:2]:
            take_until(lambda: [state.path for state in pool.states()] == [reading])  # noqa: B023
            (worker,) = pool.states()
            os.kill(worker.pid, signal.SIGSTOP)
            take_until(pool.slow)
            os.kill(worker.pid, signal.SIGCONT)
        take_until(lambda: len(tickets) == 3)
        assert sorted(tickets) == [0, 1, 2]
        submit(pool, photos[:8])
        assert len({take(pool).slot for _ in range(8)}) == 8, "every slot is free again"


@pytest.fixture
def gone() -> list[str]:
    return []


@pytest.fixture
def patient_pool(gone: list[str]) -> Iterator[ReadingPool]:
    """One that writes down which folders went away and came back."""
    with ReadingPool(
        2,
        SIZE,
        8,
        deadline_s=20,
        on_away=lambda folder, why: gone.append(f"{Path(folder).name} {why}"),
        on_back=lambda folder, seconds: gone.append(f"{Path(folder).name} is back"),
    ) as pool:
        yield pool


def wait_for(pool: ReadingPool, arrived: list[str], count: int) -> None:
    for _ in range(int(PATIENCE_S * 100)):
        if len(arrived) >= count:
            return
        assert pool.take(0.01) is None
    raise AssertionError(f"only {arrived} came")


@pytest.mark.parametrize("emptied", [False, True])
def test_photos_of_a_folder_that_went_away_are_waited_for(
    patient_pool: ReadingPool, photos: list[str], gone: list[str], tmp_path: Path, emptied: bool
) -> None:
    drive, elsewhere = tmp_path / "drive", tmp_path / "unplugged"
    (drive / "a").mkdir(parents=True)
    (drive / "b").mkdir()
    there = [str(Path(p).rename(drive / "ab"[i % 2] / Path(p).name)) for i, p in enumerate(photos)]
    drive.rename(elsewhere)
    if emptied:
        drive.mkdir()
    submit(patient_pool, there)
    wait_for(patient_pool, gone, 1)
    assert patient_pool.queued() == len(there) and patient_pool.away() == (str(drive),)
    if emptied:
        drive.rmdir()
    elsewhere.rename(drive)
    assert not any(read.error for read in take_all(patient_pool, len(there)).values())
    assert gone == [f"drive {'is empty' if emptied else 'is not there'}", "drive is back"]
    assert patient_pool.away() == ()


@pytest.mark.slow
def test_a_drive_that_comes_back_without_one_of_its_folders_waits_for_that_folder_alone(
    patient_pool: ReadingPool, photos: list[str], gone: list[str], tmp_path: Path
) -> None:
    drive, elsewhere, missing = tmp_path / "drive", tmp_path / "unplugged", tmp_path / "missing"
    for name in "ab":
        (drive / name).mkdir(parents=True)
    a = [str(Path(p).rename(drive / "a" / Path(p).name)) for p in photos[:4]]
    b = [str(Path(p).rename(drive / "b" / Path(p).name)) for p in photos[4:8]]
    drive.rename(elsewhere)
    patient_pool.submit(99, a[0])  # the one that is looked for
    wait_for(patient_pool, gone, 1)
    submit(patient_pool, a[1:] + b)
    (elsewhere / "a").rename(missing)
    elsewhere.rename(drive)
    assert {read.path for read in take_all(patient_pool, 4).values()} == set(b)
    assert sorted(patient_pool.away()) == [str(drive / "a")]
    missing.rename(drive / "a")
    assert not any(read.error for read in take_all(patient_pool, 4).values())
    assert gone == ["drive is not there", "drive is back", "a is not there", "a is back"]
    assert patient_pool.away() == ()


def test_a_photo_that_is_gone_while_its_folder_is_there_has_vanished(
    patient_pool: ReadingPool, photos: list[str], gone: list[str]
) -> None:
    os.unlink(photos[3])
    submit(patient_pool, photos)
    errors = {n: read.error for n, read in take_all(patient_pool, len(photos)).items() if read.error}
    assert [(n, error.kind) for n, error in errors.items()] == [(3, "vanished")]
    assert gone == []


def test_links_to_photos_on_a_drive_that_went_away_are_waited_for(
    patient_pool: ReadingPool, photos: list[str], gone: list[str], tmp_path: Path
) -> None:
    drive, links = tmp_path / "drive", tmp_path / "links"
    drive.mkdir()
    links.mkdir()
    for photo in photos:
        (links / Path(photo).name).symlink_to(Path(photo).rename(drive / Path(photo).name))
    drive.rename(tmp_path / "unplugged")
    submit(patient_pool, [str(links / Path(photo).name) for photo in photos])
    wait_for(patient_pool, gone, 1)
    (tmp_path / "unplugged").rename(drive)
    assert not any(read.error for read in take_all(patient_pool, len(photos)).values())
    assert gone[0] == "drive is not there"


def test_a_photo_of_an_absent_folder_can_be_set_aside(
    patient_pool: ReadingPool, gone: list[str], tmp_path: Path
) -> None:
    lost = str(tmp_path / "drive" / "1.png")
    patient_pool.submit(7, lost)
    wait_for(patient_pool, gone, 1)
    patient_pool.skip(lost)
    error = take(patient_pool).error
    assert error is not None and error.reason == "excluded by you"


def test_the_size_of_the_photo_comes_with_its_tile(pool: ReadingPool, photos: list[str]) -> None:
    submit(pool, photos[:3])
    reads = take_all(pool, 3)
    assert [(reads[n].width, reads[n].height) for n in range(3)] == [(40, 40), (41, 40), (42, 40)]


def test_stuck_photo_times_out_and_the_others_are_read(photos: list[str], slow_photo: str) -> None:
    with ReadingPool(workers=2, resized_size=SIZE, slots=8, deadline_s=2) as pool:
        pool.submit(99, slow_photo)
        stuck = catch_reading(pool, slow_photo)
        os.kill(stuck.pid, signal.SIGSTOP)
        submit(pool, photos)
        reads = take_all(pool, len(photos) + 1)
        error = reads.pop(99).error
        assert error is not None and error.kind == "timed_out"
        assert "not read within 2 s" in error.reason
        assert not any(read.error for read in reads.values())
        left = [psutil.Process(stuck.pid)] if psutil.pid_exists(stuck.pid) else []
        assert not psutil.wait_procs(left, timeout=PATIENCE_S)[1]


def test_photo_that_timed_out_is_not_tried_for_who_else_wants_it(photos: list[str], slow_photo: str) -> None:
    """As a photo that takes the place of a bad one may have been asked for already."""
    with ReadingPool(workers=2, resized_size=SIZE, slots=8, deadline_s=2) as pool:
        pool.submit(99, slow_photo)
        first = catch_reading(pool, slow_photo).pid
        os.kill(first, signal.SIGSTOP)
        pool.submit(100, slow_photo)
        while not (second := {s.pid for s in pool.states() if s.path == slow_photo} - {first}):
            assert pool.take(0.001) is None
        os.kill(second.pop(), signal.SIGSTOP)
        reads = take_all(pool, 2)
        pool.submit(101, slow_photo)
        submit(pool, photos)
        reads |= take_all(pool, len(photos) + 1)
    said = [str(reads.pop(number).error) for number in (99, 100, 101)]
    assert said == [f"{slow_photo} was not read within 2 s"] * 3
    assert not any(read.error for read in reads.values())


def test_drive_is_suspected_when_many_are_silent_and_nothing_was_read_since() -> None:
    assert drive_is_suspect([21, 20, 12], none_read_s=22, deadline_s=20)
    assert drive_is_suspect([21, 20, 12, 0, 3], none_read_s=22, deadline_s=20)
    assert not drive_is_suspect([21, 20, 12], none_read_s=15, deadline_s=20)
    assert not drive_is_suspect([21, 20, 3], none_read_s=22, deadline_s=20)
    assert not drive_is_suspect([21, 20], none_read_s=22, deadline_s=20)


def test_slow_drive_raises_the_time_limit(pool: ReadingPool) -> None:
    assert pool._current_deadline_s() == 20
    pool._recent_s.extend([5.0] * 10)
    assert pool._current_deadline_s() == 50


def test_worker_frozen_between_two_photos_costs_no_photo(photos: list[str]) -> None:
    with ReadingPool(workers=1, resized_size=SIZE, slots=8, deadline_s=1) as pool:
        pool.submit(99, photos[0])
        pool.release(take(pool))
        os.kill(pool.states()[0].pid, signal.SIGSTOP)
        submit(pool, photos)
        assert not any(read.error for read in take_all(pool, len(photos)).values())


def test_photo_set_aside_comes_back_at_once_and_for_good(
    pool: ReadingPool, photos: list[str], slow_photo: str
) -> None:
    pool.submit(99, slow_photo)
    stuck = catch_reading(pool, slow_photo)
    os.kill(stuck.pid, signal.SIGSTOP)
    pool.skip(slow_photo)
    for ticket in (99, 100):
        read = take(pool)
        assert read.ticket == ticket and read.error is not None
        assert (read.error.kind, read.error.reason) == ("timed_out", "excluded by you")
        pool.submit(100, slow_photo)
    submit(pool, photos)
    take_all(pool, len(photos) + 1)


def test_restart_replaces_all_workers_and_loses_no_photo(
    pool: ReadingPool, photos: list[str], slow_photo: str
) -> None:
    pool.submit(99, slow_photo)
    stuck = catch_reading(pool, slow_photo)
    before = {state.pid for state in pool.states()}
    os.kill(stuck.pid, signal.SIGSTOP)
    pool.restart()
    submit(pool, photos)
    assert not any(read.error for read in take_all(pool, len(photos) + 1).values())
    assert before.isdisjoint(state.pid for state in pool.states())


def test_states_tell_who_reads_what_since_when(pool: ReadingPool, slow_photo: str) -> None:
    pool.submit(0, slow_photo)
    state = catch_reading(pool, slow_photo)
    assert state.state == "reading" and 0 <= state.since_s < PATIENCE_S
    take_all(pool, 1)
    assert {state.state for state in pool.states()} <= {"idle", "starting"}
    assert {state.path for state in pool.states()} == {None}


def test_workers_that_cannot_start_are_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    monkeypatch.setattr(pool_module, "START_AGAIN_S", 0.01)
    with ReadingPool(workers=1, resized_size=SIZE, slots=2, deadline_s=20) as pool:
        with pytest.raises(PoolError, match="cannot be started.*No such file") as caught:
            pool.take(PATIENCE_S)
        assert caught.value.hint
        with pytest.raises(PoolError):
            pool.take(0)


def test_a_moment_without_a_process_to_spare_costs_nothing(
    pool: ReadingPool, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(pool, photos[:1])
    pool.release(take(pool))
    monkeypatch.setattr(pool_module, "START_AGAIN_S", 0.01)
    start, refused = workers_module._start_process, [OSError(errno.EAGAIN, "no process")] * 5

    def start_late(shared_buffer: SharedBuffer, row: int) -> subprocess.Popen[bytes]:
        if refused:
            raise refused.pop()
        return start(shared_buffer, row)

    monkeypatch.setattr(workers_module, "_start_process", start_late)
    os.kill(pool.states()[0].pid, signal.SIGKILL)
    submit(pool, photos)
    assert not any(read.error for read in take_all(pool, len(photos)).values())
    while refused or len(pool.states()) < 2:
        assert pool.take(0.01) is None


def test_a_worker_that_gets_no_thread_is_not_left_behind(
    photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused = threading.Thread.start, [RuntimeError("can't start new thread")] * 2

    def start_late(thread: threading.Thread) -> None:
        if thread.name == "photo replies" and refused:
            raise refused.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    monkeypatch.setattr(pool_module, "START_AGAIN_S", 0.01)
    with ReadingPool(workers=1, resized_size=SIZE, slots=8, deadline_s=20) as pool:
        submit(pool, photos)
        assert not any(read.error for read in take_all(pool, len(photos)).values())
        assert len(psutil.Process().children()) == 1 == len(pool.states())


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "PIL.py").write_text("raise ImportError('No module named PIL')")
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}:$PYTHONPATH" exec {sys.executable} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with ReadingPool(workers=1, resized_size=SIZE, slots=2, deadline_s=20) as pool:
        with pytest.raises(PoolError, match="No module named PIL"):
            pool.take(PATIENCE_S)


def test_fault_of_our_own_is_not_waited_for_in_vain(
    monkeypatch: pytest.MonkeyPatch, photos: list[str]
) -> None:
    raised = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: raised.set())
    monkeypatch.setattr(pool_module.ReadingPool, "_hand_out", lambda _: 1 / 0)
    with ReadingPool(workers=1, resized_size=SIZE, slots=2, deadline_s=20) as pool:
        with pytest.raises(PoolError, match="ZeroDivisionError"):
            pool.take(PATIENCE_S)
    assert raised.is_set()


def test_close_ends_every_worker_even_a_stopped_one(photos: list[str]) -> None:
    pool = ReadingPool(workers=2, resized_size=SIZE, slots=8, deadline_s=20)
    submit(pool, photos)
    read = take(pool)
    processes = [psutil.Process(state.pid) for state in pool.states()]
    os.kill(processes[0].pid, signal.SIGSTOP)
    pool.close()
    pool.close()
    assert not psutil.wait_procs(processes, timeout=PATIENCE_S)[1]
    assert read.resized is not None and np.array_equal(read.resized, read_resized(read.path, SIZE))
    with pytest.raises(PoolError, match="closed"):
        pool.take(0)


ENGINE = """
import os, sys, time
from waste_gui.dataset.pool import ReadingPool
pool = ReadingPool(2, 32, 8, 20)
pool.submit(0, sys.argv[1])
assert pool.take(60).resized is not None
while any(state.state == "starting" for state in pool.states()):
    time.sleep(0.01)  # who still starts has not yet asked to end with its parent
pids = [state.pid for state in pool.states()]
os.kill(pids[0], 19)
print(*pids, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_no_worker_outlives_a_killed_engine(photos: list[str]) -> None:
    command = [sys.executable, "-c", ENGINE, photos[0]]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S
    )  # a worker keeps it open
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    left = [psutil.Process(int(pid)) for pid in ended.stdout.split() if psutil.pid_exists(int(pid))]
    alive = psutil.wait_procs(left, timeout=PATIENCE_S)[1]
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_too_little_memory_is_an_error_before_any_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", lambda *_: pytest.fail("this could kill other programs"))
    monkeypatch.setattr(shared_buffer_module, "free_memory", lambda: 1_000_000)
    with pytest.raises(OSError, match="2 MB of memory are needed for photos and 1 MB are free"):
        ReadingPool(workers=1, resized_size=SIZE, slots=500, deadline_s=20)


def test_limit_of_the_container_counts_and_what_it_keeps_of_files_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shared_buffer_module, "CGROUP", str(tmp_path))
    free = shared_buffer_module.free_memory()
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 100\nfile 650\ninactive_file 200\nactive_file 100\n")
    assert shared_buffer_module.free_memory() > 1000 < free
    (tmp_path / "memory.max").write_text("1000\n")
    assert shared_buffer_module.free_memory() == 400


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the arena is a file with a name")
def test_engine_without_a_standard_input_reads_photos(photos: list[str]) -> None:
    """Then the shared buffer's descriptor must not become 0, where a worker has its requests."""
    code = (
        "import os, sys; os.close(0)\n"
        "from waste_gui.dataset.pool import ReadingPool\n"
        "with ReadingPool(1, 32, 2, 20) as pool:\n"
        "    pool.submit(0, sys.argv[1])\n"
        "    print(pool.take(60).error)"
    )
    assert subprocess.check_output([sys.executable, "-c", code, photos[0]], text=True) == "None\n"


def test_worker_imports_pillow_only() -> None:
    heavy = ["msgspec", "numpy", "psutil", "torch", "waste_gui.protocol", "pi_heif", "tifffile", "PIL._avif"]
    code = (
        "import sys, waste_gui.dataset.worker, waste_gui.dataset.images, waste_gui.dataset.source_outage;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


# --- an outage that concerns few photos


class Told:
    """What a pool says of photos that it does without."""

    def __init__(self, paths: list[str], most: int) -> None:
        self.spared: list[tuple[str, int]] = []
        self.back: list[set[str]] = []
        self.spare = Spare(
            paths,
            lambda lacking: len(lacking) <= most,
            lambda folder, photos: self.spared.append((Path(folder).name, photos)),
            self.back.append,
        )


def on_a_drive(photos: list[str], tmp_path: Path, linked: int) -> tuple[list[str], Path, Path]:
    """The photos, the first of them links to a drive that is away; that drive, and where it is meanwhile."""
    drive, away = tmp_path / "drive", tmp_path / "unplugged"
    drive.mkdir()
    for photo in photos[:linked]:
        Path(photo).symlink_to(Path(photo).rename(drive / Path(photo).name))
    drive.rename(away)
    return photos, drive, away


@pytest.mark.slow
def test_few_photos_on_a_drive_that_is_away_hold_up_nothing_and_come_back(
    photos: list[str], tmp_path: Path
) -> None:
    photos, drive, away = on_a_drive(photos, tmp_path, 2)
    told = Told(photos, most=2)
    with ReadingPool(2, SIZE, 8, 1.0, lambda *_: None, spare=told.spare) as pool:
        submit(pool, photos)
        errors = {read.path: read.error for read in take_all(pool, len(photos)).values() if read.error}
        assert set(errors) == set(photos[:2])
        assert {error.kind for error in errors.values()} == {"vanished"}
        assert "drive is not there" in str(next(iter(errors.values())))
        assert told.spared == [("drive", 1)] or told.spared == [("drive", 2)]
        assert pool.away() == ()
        away.rename(drive)
        end = time.monotonic() + PATIENCE_S
        while set().union(*told.back) != set(photos[:2]) and time.monotonic() < end:
            time.sleep(0.02)
        assert set().union(*told.back) == set(photos[:2])
        submit(pool, photos)
        assert not any(read.error for read in take_all(pool, len(photos)).values())


@pytest.mark.slow
@pytest.mark.parametrize(("lost", "most"), [(4, 3), (7, 100)], ids=["the budget", "a quarter of all"])
def test_more_photos_than_a_run_can_spare_are_waited_for(
    photos: list[str], tmp_path: Path, lost: int, most: int
) -> None:
    drive, away = tmp_path / "drive", tmp_path / "unplugged"
    drive.mkdir()
    photos = [str(Path(p).rename(drive / Path(p).name)) for p in photos[:lost]] + photos[lost:]
    drive.rename(away)
    told = Told(photos, most)
    with ReadingPool(2, SIZE, 8, 1.0, lambda *_: None, spare=told.spare) as pool:
        submit(pool, photos)
        others = take_all(pool, len(photos) - lost)
        assert {read.path for read in others.values()} == set(photos[lost:])
        assert pool.take(2.0) is None and pool.away() == (str(drive),)
        away.rename(drive)
        assert not any(read.error for read in take_all(pool, lost).values())
