"""The store of embeddings by itself: killed, on a disk that is full, and by two runs at once.

    python -m tests.faults.embedding_store [--kills 10] [--seed 1]

A run with the default settings is killed with SIGKILL again and again while it embeds, or the disk of its
store is filled up at another moment each time. Whatever happens to the store, the run comes to the very file
`best.safetensors` of one that nobody disturbed, and so does the next one, which finds no wrong row in it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.drive import own_namespace
from tests.faults.full_disk import mount, unmount
from tests.faults.torture.chain import Broken
from tests.photos import make_photos
from waste_gui import protocol
from waste_gui.engine.embeddings import VIEWS
from waste_gui.protocol import AnyMessage, RunFinished, StageFinished, StageStarted, Unreadable, Warned

PER_CLASS = 60
SMALL = ("--image-size", "64", "--workers", "1", "--device", "cpu", "--format", "json")
"""Small photos; all that decides on the way is the default."""

DISK_KB, ROW_BYTES = 40_000, 4864

END_S = 300.0
NOT_KEPT = "The disk is full, so the store of embeddings cannot grow."
NO_ROOM = "The store of embeddings has grown as far as it may"


@dataclass
class Watched:
    """An engine, with all that it says in a file."""

    process: subprocess.Popen[bytes]
    said: Path

    def messages(self) -> list[AnyMessage | Unreadable]:
        return [protocol.decode(line) for line in self.said.read_bytes().splitlines(keepends=True)[:-1]]

    def until_it_embeds(self) -> None:
        end = time.monotonic() + END_S
        while not any(isinstance(m, StageStarted) and m.stage == "embed" for m in self.messages()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Broken(f"It never embedded: {self.said.read_text()[-500:]}")
            time.sleep(0.02)

    def end(self) -> list[AnyMessage | Unreadable]:
        """All messages of a run that came to its end; Broken if it did not."""
        status = self.process.wait(END_S)
        told = [protocol.decode(line) for line in self.said.read_bytes().splitlines()]
        if status != 0 or not isinstance(told[-1], RunFinished):
            raise Broken(f"It ended with {status}: {told[-1:]}")
        return told


class Laboratory:
    """Photos, a home of its own with the store in it, and what an undisturbed run came to."""

    def __init__(self, scratch: Path, per_class: int = PER_CLASS) -> None:
        self.scratch, self.runs = scratch, 0
        self.photos = make_photos(scratch / "photos", per_class=per_class)
        self.home = scratch / "home of the reference"
        began = time.monotonic()
        engine = self.start(scratch / "reference")
        engine.until_it_embeds()
        embedding = time.monotonic()
        engine.end()
        self.run_s, self.embed_s = time.monotonic() - began, time.monotonic() - embedding
        self.best = best_of(scratch / "reference")

    def new_home(self, name: str) -> Path:
        self.home = self.scratch / f"home of {name}"
        return self.home

    @property
    def store(self) -> Path:
        return self.home / "cache/embeddings"

    def start(self, folder: Path, *, resume: bool = False) -> Watched:
        where = ("--resume", folder) if resume else ("--source", self.photos, "--run-dir", folder)
        self.runs += 1
        said = self.scratch / f"said_{self.runs}.jsonl"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "WASTE_GUI_HOME": str(self.home)}
        settings = () if resume else SMALL[:-2]
        command = [sys.executable, "-m", "waste_gui.engine", "train", *where, *settings, *SMALL[-2:]]
        with open(said, "wb") as stdout:
            process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        return Watched(process, said)

    def judge(self, folder: Path) -> None:
        if best_of(folder) != self.best:
            raise Broken(f"{folder.name} came to another head.")


def best_of(folder: Path) -> bytes:
    return (folder / "checkpoints/best.safetensors").read_bytes()


def known_before(told: list[AnyMessage | Unreadable]) -> int:
    """How many photos of the stage `embed` were in the store."""
    summary = next(m.summary for m in told if isinstance(m, StageFinished) and m.stage == "embed")
    _, found, rest = summary.partition(" photos, ")
    return int(rest.split(" of them known before")[0]) if "known before" in rest and found else 0


def killed_again_and_again(laboratory: Laboratory, kills: int, seed: int) -> str:
    """At any moment of the stage; some come after its end."""
    chance = random.Random(seed)
    laboratory.new_home(f"the killed {seed}")
    folder, inside = laboratory.scratch / f"killed_{seed}", 0
    for number in range(kills):
        engine = laboratory.start(folder, resume=number > 0)
        engine.until_it_embeds()
        time.sleep(chance.uniform(0, laboratory.embed_s / 4))
        inside += not any(isinstance(m, StageFinished) and m.stage == "embed" for m in engine.messages())
        engine.process.kill()
        engine.process.wait()
    told = laboratory.start(folder, resume=True).end()
    laboratory.judge(folder)
    return f"killed {kills} times, {inside} of them while it embedded; {known_before(told)} photos were kept"


def full_at(laboratory: Laboratory, seed: int) -> str:
    """In a mount namespace of the thread's own: the disk of the store, filled up by somebody else once the
    store has grown so far."""
    chance = random.Random(seed)
    laboratory.new_home(f"the full {seed}")
    laboratory.store.mkdir(parents=True)
    mount(laboratory.store, DISK_KB)
    try:
        return full_on(laboratory, seed, chance)
    finally:
        unmount(laboratory.store)


def full_on(laboratory: Laboratory, seed: int, chance: random.Random) -> str:
    if seed % 8 == 1:
        fill_its_list_of_files(laboratory.store)
    grown = 0 if seed % 8 == 0 else chance.randint(1, 3 * PER_CLASS * VIEWS * ROW_BYTES)
    folder = laboratory.scratch / f"full_{seed}"
    engine = laboratory.start(folder)
    fill_when_grown(engine, laboratory.store, grown)
    told = engine.end()
    laboratory.judge(folder)
    said = [m.text for m in told if isinstance(m, Warned) and m.text.startswith((NOT_KEPT, NO_ROOM))]
    for ballast in laboratory.store.glob("ballast*"):
        ballast.unlink()
    following = laboratory.scratch / f"after_full_{seed}"
    known = known_before(laboratory.start(following).end())
    laboratory.judge(following)
    if not said and known < 3 * PER_CLASS:
        raise Broken(f"{3 * PER_CLASS - known} photos were not kept, and nobody said so.")
    return f"full at {grown} bytes: {said[0] if said else 'it was through by then.'} {known} photos were kept"


def fill_when_grown(engine: Watched, store: Path, grown: int) -> None:
    if grown:
        engine.until_it_embeds()
    while engine.process.poll() is None and size_of(store) < grown:
        time.sleep(0.005)
    with contextlib.suppress(OSError), open(store / "ballast", "wb", buffering=0) as ballast:
        while ballast.write(b"\1" * 65536) == 65536:  # Less of it where the disk ends.
            pass
        while ballast.write(b"\1"):
            pass


def fill_its_list_of_files(store: Path) -> None:
    """A disk may have room, and none for another file."""
    with contextlib.suppress(OSError):
        for number in range(100_000):
            (store / f"ballast_{number}").touch()


def size_of(store: Path) -> int:
    size = 0
    for file in store.rglob("*"):
        with contextlib.suppress(OSError):
            size += file.stat().st_blocks * 512 if file.is_file() else 0
    return size


def two_at_once(laboratory: Laboratory, seed: int) -> str:
    """Both on an empty store, the second a moment after the first."""
    laboratory.new_home(f"both {seed}")
    folders = [laboratory.scratch / f"both_{seed}_{which}" for which in "ab"]
    first = laboratory.start(folders[0])
    time.sleep(random.Random(seed).uniform(0, 1))
    second = laboratory.start(folders[1])
    for engine in (first, second):
        engine.end()
    third = laboratory.scratch / f"both_{seed}_after"
    known = known_before(laboratory.start(third).end())
    for folder in (*folders, third):
        laboratory.judge(folder)
    if known < 3 * PER_CLASS:
        raise Broken(f"Of two runs {known} photos were kept.")
    return f"two at once: {known} photos were kept"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.embedding_store", description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--disks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    own_namespace()
    broken = 0
    with tempfile.TemporaryDirectory(prefix="embedding-store-") as path:
        laboratory = Laboratory(Path(path))
        took = f"{laboratory.run_s:.1f} s, {laboratory.embed_s:.1f} s of them from embedding on"
        print(f"undisturbed: {took}", flush=True)
        seeds = range(options.seed, options.seed + options.disks)
        trials: list[Callable[[], str]] = [
            lambda: killed_again_and_again(laboratory, options.kills, options.seed),
            lambda: two_at_once(laboratory, options.seed),
            *(partial(full_at, laboratory, seed) for seed in seeds),
        ]
        for trial in trials:
            try:
                print(trial(), flush=True)
            except Broken as error:
                broken += 1
                print(f"BROKEN {error}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
