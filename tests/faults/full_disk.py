"""Runs on disks that are too small, each full at another write: `python -m tests.faults.full_disk`.

Each run trains into a file system of its own, of so many kilobytes. Where that is full, the run refuses to
start in one sentence, or trains on without saving, and loses nothing that was safe. Then the disk gets room,
and the run must come to the end of one that never lacked any: same weights, same results, every message.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.faults.drive import own_namespace
from tests.faults.torture.chain import MUCH_TO_LOSE, Broken, same_weights
from tests.photos import make_photos
from waste_gui import protocol
from waste_gui import request as requests
from waste_gui.engine import checkpoint
from waste_gui.protocol import NotSaved, RunFailed, RunFinished, SavedAgain, Unreadable
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir

SETTINGS = msgspec.structs.replace(
    MUCH_TO_LOSE, epochs=3, workers=1, accumulate=1, balance="none", save_minutes=0.005
)
SIZES_KB = (
    *(0, 4, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 200, 300, 500, 1000),
    *range(2_000, 60_000, 3_500),
)
"""From nothing over each of the small files at the start to the last checkpoint of the run."""

ENOUGH_KB = 200_000
LONGER_S, END_S = 2.0, 180.0
MS_REMOUNT = 32


@dataclass
class Outcome:
    size_kb: int
    said: str = ""
    broken: str = ""


def mount(at: Path, size_kb: int, flags: int = 0) -> None:
    """A file system in memory; with MS_REMOUNT, the one that is there gets another size."""
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={max(1, size_kb)}k,nr_inodes=1000".encode()
    if libc.mount(b"tmpfs", os.fsencode(at), b"tmpfs", flags, options):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(at))


def unmount(at: Path) -> None:
    """Now for the names, and whenever nobody uses it any more for the rest."""
    MNT_DETACH = 2
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(os.fsencode(at), MNT_DETACH):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(at))


def train(scratch: Path, photos: Path, folder: RunDir) -> subprocess.Popen[bytes]:
    config = msgspec.structs.replace(SETTINGS, source=(str(photos),))
    file = scratch / "request.json"
    file.write_bytes(requests.dump(RunRequest(config=config, run_dir=str(folder.path))))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "WASTE_GUI_HOME": str(scratch / "home")}
    with open(scratch / "stdout.jsonl", "wb") as stdout, open(scratch / "stderr.txt", "wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "waste_gui.engine", "train", str(file), "--format", "json"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            start_new_session=True,
        )


def run_on(size_kb: int, scratch: Path, photos: Path, reference: RunDir) -> Outcome:
    """In a mount namespace of the thread's own."""
    outcome, folder = Outcome(size_kb), RunDir(scratch / "run")
    folder.path.mkdir(parents=True)
    mount(folder.path, size_kb)
    engine = train(scratch, photos, folder)
    try:
        until_it_is_full(engine, scratch)
        checkpoints_are_whole(folder)
        mount(folder.path, ENOUGH_KB, MS_REMOUNT)
        engine.wait(END_S)
        outcome.said = judge(engine.returncode, scratch, folder, reference)
    except (Broken, OSError, subprocess.TimeoutExpired) as error:
        outcome.broken = f"{type(error).__name__}: {error}"
    finally:
        engine.kill()
        engine.wait()
    return outcome


def until_it_is_full(engine: subprocess.Popen[bytes], scratch: Path) -> None:
    """And a little longer: what is full at one write is tried again at the next. A run that says nothing of
    it ends by itself."""
    end = time.monotonic() + END_S
    while engine.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
        if b'"not_saved"' in (scratch / "stdout.jsonl").read_bytes():
            end = min(end, time.monotonic() + LONGER_S)


def checkpoints_are_whole(folder: RunDir) -> None:
    """Also the JSON beside them; a temporary file may be half."""
    for file in folder.checkpoints.glob("*.safetensors"):
        checkpoint.load(file)
    for file in (*folder.checkpoints.glob("*.json"), *folder.path.glob("*.json")):
        json.loads(file.read_bytes())


def judge(status: int, scratch: Path, folder: RunDir, reference: RunDir) -> str:
    """What became of it, in words; Broken if something was lost."""
    told = [protocol.decode(line) for line in (scratch / "stdout.jsonl").read_bytes().splitlines()]
    if not told:
        raise Broken(f"It said nothing: {(scratch / 'stderr.txt').read_text()[-500:]}")
    last = told[-1]
    if status == 1 and isinstance(last, RunFailed):
        if "full" not in last.text and "space" not in last.text.lower():
            raise Broken(f"It failed with: {last.text}")
        return f"refused: {last.text}"
    if status != 0 or not isinstance(last, RunFinished):
        raise Broken(f"It ended with {status}: {last}")
    kept = [protocol.decode(line) for line in folder.events.read_bytes().splitlines()]
    if any(isinstance(message, Unreadable) for message in kept) or kept != told:
        raise Broken(f"The events file has {len(kept)} lines, and {len(told)} were said.")
    checkpoints_are_whole(folder)
    same_weights(folder, reference)
    trouble = [m for m in told if isinstance(m, NotSaved)]
    if trouble and not any(isinstance(m, SavedAgain) for m in told):
        raise Broken("Nobody said that all is saved again.")
    return f"trained on: {trouble[0].text}" if trouble else "had room enough"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.full_disk", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[*SIZES_KB], metavar="KILOBYTES")
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="full-disk-") as path:
        scratch = Path(path)
        photos, reference = make_photos(scratch / "photos", per_class=12), RunDir(scratch / "whole/run")
        reference.path.parent.mkdir()
        assert train(reference.path.parent, photos, reference).wait(END_S) == 0

        def one(size_kb: int) -> Outcome:
            own_namespace()
            return run_on(size_kb, scratch / f"of_{size_kb}", photos, reference)

        broken = 0
        with ThreadPoolExecutor(options.at_once) as threads:
            for outcome in threads.map(one, options.sizes):
                broken += bool(outcome.broken)
                said = f"BROKEN {outcome.broken}" if outcome.broken else outcome.said
                print(f"{outcome.size_kb:8} kB  {said}", flush=True)
    print(f"\n{len(options.sizes) - broken} of {len(options.sizes)} disks cost nothing that was safe")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
