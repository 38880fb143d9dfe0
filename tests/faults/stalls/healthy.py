"""Runs that are slow, odd, and healthy: nobody may call one of them stuck.

`python -m tests.faults.stalls --healthy`. Each is a real run of the engine, watched for as long as its
slowness lasts, at least a minute beyond the shortest silence that could be called stuck.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from tests.faults.drive import _in_own_namespace, why_no_drive
from tests.faults.stalls.ride import Ride, TookTooLong

WATCHED_S = 100.0

BLOCK, PHOTO_BYTES = 131_072, 1_300
"""The drive's delay is that of a block; and what a photo of ours has."""

NO_CACHE = ("--cache-gb", "0")

HealthyRun = Callable[[Ride], None]
HEALTHY: dict[str, HealthyRun] = {}
ON_A_DRIVE: set[str] = set()


def healthy(run: HealthyRun) -> HealthyRun:
    HEALTHY[run.__name__] = run
    return run


def on_a_drive(run: HealthyRun) -> HealthyRun:
    ON_A_DRIVE.add(run.__name__)
    return healthy(run)


def watch(seconds: float = WATCHED_S) -> None:
    time.sleep(seconds)


def delayed_drive(ride: Ride, delay_s: float) -> None:
    """A photo takes so long. So many that none is read a second time, from the system's memory."""
    drive = ride.drive(delay_s * BLOCK / PHOTO_BYTES, per_class=70)
    for photo in sorted((ride.scratch / "there").rglob("*.jpg")):
        drive.behave(str(photo.relative_to(ride.scratch / "there")), "delayed")


@on_a_drive
def throttled_disk(ride: Ride) -> None:
    """Each photo takes a second, whichever worker wants it."""
    delayed_drive(ride, 1.0)
    ride.start(*NO_CACHE, timeout_s=20)
    watch()


@on_a_drive
def slow_network_folder(ride: Ride) -> None:
    """Each photo takes six seconds, so a batch takes a minute."""
    delayed_drive(ride, 6.0)
    ride.start(*NO_CACHE, timeout_s=20)
    watch(200)


@healthy
def huge_photos(ride: Ride) -> None:
    """PNGs of 80 megapixels, of which each takes seconds."""
    folder = ride.make_photos()
    noise = Image.effect_noise((3000, 3000), 64).resize((10_000, 8_000)).convert("RGB")
    for name in ("glass", "metal", "paper"):
        noise.save(folder / name / "huge.png", compress_level=1)
        for number in range(7):
            os.link(folder / name / "huge.png", folder / name / f"huge_{number}.png")
    ride.start(*NO_CACHE, timeout_s=60)
    watch(150)


@healthy
def busy_computer(ride: Ride) -> None:
    """Sixteen others want the processors."""
    ride.make_photos()
    others = [
        subprocess.Popen([sys.executable, "-c", f"import time\nend = time.time() + {WATCHED_S}\n"
                          "while time.time() < end: pass"])
        for _ in range(16)
    ]  # fmt: skip
    ride.start(*NO_CACHE)
    watch()
    for other in others:
        other.kill()
        other.wait()


@healthy
def one_worker(ride: Ride) -> None:
    ride.make_photos(per_class=60)
    ride.start(*NO_CACHE, workers=1)
    watch()


@healthy
def long_first_step(ride: Ride) -> None:
    """As when code for the graphics card is compiled: a processor busy for 80 s, once."""
    ride.make_photos()
    ride.start(fault="long_first_step")
    ride.until_struck()
    watch()


@healthy
def stopped_and_continued(ride: Ride) -> None:
    """For 20 s, twice."""
    ride.make_photos()
    ride.start()
    ride.until_training()
    for _ in range(2):
        ride.signal(signal.SIGSTOP)
        watch(20)
        ride.signal(signal.SIGCONT)
        watch(30)


@healthy
def sleep_of_the_computer(ride: Ride) -> None:
    """Engine, workers and monitor stand still for 70 s and go on at the same moment."""
    ride.make_photos()
    ride.start()
    ride.until_training()
    pids = [child.pid for child in ride._children]
    pids += ride.workers()
    for pid in reversed(pids):
        ride.signal(signal.SIGSTOP, pid)
    watch(70)
    for pid in pids:
        ride.signal(signal.SIGCONT, pid)
    watch(30)


@healthy
def checkpoint_to_a_slow_disk(ride: Ride) -> None:
    """Saving takes 70 s, a little being written all the time."""
    ride.make_photos()
    ride.start(fault="slow_save")
    ride.until_struck()
    watch()


@healthy
def long_validation(ride: Ride) -> None:
    """Three times as long as an epoch."""
    ride.make_photos(per_class=200)
    ride.start(*NO_CACHE, "--val-fraction", "0.75", workers=1)
    watch()


@healthy
def window_that_does_not_read(ride: Ride) -> None:
    """The engine's standard output is a pipe that nobody empties."""
    ride.make_photos()
    ride.start(stdout=subprocess.PIPE)
    watch()


@healthy
def workers_that_are_killed(ride: Ride) -> None:
    """One each three seconds, as the system does when memory is short."""
    ride.make_photos(per_class=60)
    ride.start(*NO_CACHE)
    ride.until_training()
    end = time.monotonic() + WATCHED_S
    while time.monotonic() < end:
        for pid in ride.workers()[:1]:
            try:
                ride.signal(signal.SIGKILL, pid)
            except ProcessLookupError:
                continue
        watch(3)


@healthy
def workers_that_are_stopped(ride: Ride) -> None:
    """Others take their photos."""
    ride.make_photos()
    ride.start(*NO_CACHE)
    ride.until_training()
    for pid in ride.workers():
        ride.signal(signal.SIGSTOP, pid)
    watch()


@dataclass
class Row:
    name: str
    alarms: list[str]
    notes: list[str]
    steps: int = 0
    failed: str = ""


def ride_through(name: str, keep: Path | None = None) -> Row:
    if name in ON_A_DRIVE:
        rows: list[Row] = []
        _in_own_namespace(lambda: rows.append(_ride_through(name, keep)))
        return rows[0]
    return _ride_through(name, keep)


def _ride_through(name: str, keep: Path | None) -> Row:
    row = Row(name, [], [])
    with tempfile.TemporaryDirectory(prefix="healthy-", ignore_cleanup_errors=True) as scratch:
        ride = Ride(Path(scratch))
        try:
            HEALTHY[name](ride)
            row.steps = ride.steps()
            row.failed = "" if ride.engine.poll() is None else f"it ended with {ride.engine.returncode}"
        except TookTooLong as late:
            row.failed = str(late)
        finally:
            row.alarms = [said.cause for said in ride.said if said.verdict in ("likely_stuck", "ended")]
            row.notes = sorted({said.cause for said in ride.said if said.verdict == "slow"})
            ride.end()
            if keep is not None and ride.folder.events.exists():
                shutil.copy(ride.folder.events, keep / f"{name}.jsonl")
    return row


def main(names: list[str], at_once: int, keep: Path | None = None) -> int:
    """`keep` is a folder for the messages of these runs: `replay.py` replays them."""
    wanted = [name for name in names or HEALTHY if name not in ON_A_DRIVE or not why_no_drive()]
    rows: list[Row] = []
    with ThreadPoolExecutor(at_once) as threads:
        for row in threads.map(partial(ride_through, keep=keep), wanted):
            rows.append(row)
            alarm = f"ALARM: {', '.join(row.alarms)}" if row.alarms else "no alarm"
            notes = f"; said: {', '.join(row.notes)}" if row.notes else ""
            print(f"{row.name:32} {row.steps:6} steps  {row.failed or alarm}{notes}", flush=True)
    calm = sum(not row.alarms and not row.failed for row in rows)
    print(f"\n{calm} of {len(rows)} healthy runs without an alarm")
    return 0 if calm == len(rows) else 1
