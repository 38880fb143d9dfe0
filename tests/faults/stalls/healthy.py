"""Runs that are slow, odd, and healthy: nobody may call one of them stuck.

`python -m tests.faults.stalls --healthy`. Each is a real run of the engine, watched for as long as its
slowness lasts, at least a minute beyond the shortest silence that could be called stuck.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
    with others_computing(16):
        ride.start(*NO_CACHE)
        watch()


@contextlib.contextmanager
def others_computing(count: int) -> Iterator[None]:
    work = f"import time\nend = time.time() + {2 * WATCHED_S}\nwhile time.time() < end: pass"
    others = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(count)]
    try:
        yield
    finally:
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


def with_waits_that_pass(fault: str) -> None:
    def run(ride: Ride) -> None:
        ride.make_photos()
        ride.start(fault=fault)
        ride.until_struck()
        watch()

    run.__name__ = fault
    healthy(run)


for _fault in (
    "file_lock_for_moments",
    "program_that_takes_long",
    "holds_the_gil_in_bursts",
    "sleeps_between_epochs",
):
    with_waits_that_pass(_fault)


@healthy
def paused_and_resumed(ride: Ride) -> None:
    """By the person, for a minute."""
    ride.make_photos()
    ride.start()
    ride.until_training()
    ride.command(command="pause")
    watch(60)
    ride.command(command="resume")
    watch(40)


@on_a_drive
def drive_that_stutters(ride: Ride) -> None:
    """Silent for 15 s, again and again."""
    drive = ride.drive()
    ride.start(*NO_CACHE, timeout_s=60)
    ride.until_training()
    for _ in range(4):
        drive.vanish("silent")
        watch(15)
        drive.come_back()
        watch(10)


@on_a_drive
def embedding_from_a_slow_drive(ride: Ride) -> None:
    """The last layer first: each photo takes a second."""
    delayed_drive(ride, 1.0)
    ride.start(*NO_CACHE, "--tune", "head", timeout_s=20)
    watch()


@healthy
def slow_steps(ride: Ride) -> None:
    """A large model on photos of the usual size, on a processor that others want, too."""
    ride.make_photos(per_class=40)
    ride.start("--model", "resnet50", "--image-size", "224", "--batch-size", "32")
    watch(150)


@healthy
def low_priority(ride: Ride) -> None:
    """`nice -n 19`, while four others compute."""
    ride.make_photos()
    ride.start()
    ride.until_training()
    for pid in (ride.engine.pid, *ride.workers()):
        os.setpriority(os.PRIO_PROCESS, pid, 19)
    with others_computing(4):
        watch()


@healthy
def workers_restarted_by_hand(ride: Ride) -> None:
    ride.make_photos()
    ride.start(*NO_CACHE)
    ride.until_training()
    for _ in range(10):
        ride.command(command="restart_workers")
        watch(10)


@healthy
def many_damaged_photos(ride: Ride) -> None:
    """A third of them; others take their places."""
    folder = ride.make_photos(per_class=30)
    for photo in sorted(folder.rglob("*.jpg"))[::3]:
        photo.write_bytes(photo.read_bytes()[:200])
    ride.start(*NO_CACHE)
    watch()


@healthy
def workers_that_start_slowly(ride: Ride) -> None:
    """An antivirus program looks at each new one for 20 s."""
    ride.make_photos()
    slow_python(ride, "if 'waste_gui.dataset.worker' in sys.orig_argv: time.sleep(20)")
    watch()


SLOW_IMPORT = """
class Slow:
    def find_spec(*_):
        time.sleep(0.03)
if 'waste_gui.engine' in sys.orig_argv: sys.meta_path.insert(0, Slow())
"""


@healthy
def slow_import(ride: Ride) -> None:
    """A network home: everything that Python imports comes late."""
    ride.make_photos()
    slow_python(ride, SLOW_IMPORT)
    watch()


def slow_python(ride: Ride, line: str) -> None:
    folder = ride.scratch / "slow_python"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import sys, time\n{line}\n")
    ride.start(environment={"PYTHONPATH": f"{folder}{os.pathsep}{os.getcwd()}"})


@healthy
def other_runs_beside(ride: Ride) -> None:
    """A second engine that starts, ends and starts again: imports are heavy."""
    ride.make_photos()
    ride.start()
    ride.until_training()
    end = time.monotonic() + WATCHED_S
    while time.monotonic() < end:
        subprocess.run([sys.executable, "-c", "import torch"], check=True)


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
