"""Runs are killed at random moments and resumed, until each ends as if nobody had touched it.

    python -m tests.faults.torture [--rounds 200] [--seed 1] [--at-once 2]

A round kills the engine, its workers or the window with SIGKILL, at any moment from its start on (checkpoints
are made all the time), looks that nothing is left behind and that every file can be read, and resumes or
attaches. A run that has come to its end is compared with one that was never interrupted: weights bit for bit,
results, every message there once.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.torture.chain import MUCH_TO_LOSE, Chain, Victim, same_weights
from tests.photos import make_photos
from waste_gui.rundir import RunDir


class Torture:
    def __init__(self, scratch: Path, rounds: int, seed: int) -> None:
        self.scratch, self.rounds, self.seed = scratch, rounds, seed
        self.photos = make_photos(scratch / "photos", per_class=20)
        self.killed: Counter[str] = Counter()
        self.finished, self.run_s = 0, 0.0
        self.broken: list[str] = []
        self._lock = threading.Lock()
        self._chains = 0

    @property
    def done(self) -> int:
        return sum(self.killed.values())

    def reference(self) -> RunDir:
        """A run that nobody touches; it tells how long one takes."""
        chain, began = self._chain(), time.monotonic()
        started = chain.start(through_window=False)
        assert started.wait(600) == 0, (chain.scratch / "stderr.txt").read_text()
        self.run_s = time.monotonic() - began
        return chain.folder

    def lane(self, reference: RunDir) -> None:
        """Run after run, each to its end, until all rounds are played."""
        while self.done < self.rounds:
            chain = self._chain()
            try:
                chain.play(self._count)
                same_weights(chain.folder, reference)
                self.finished += 1
            except Exception:
                self.broken.append(f"{chain.scratch.name}: {traceback.format_exc(limit=3)}")
            shutil.rmtree(chain.scratch, ignore_errors=True)

    def _count(self, victim: Victim) -> None:
        with self._lock:
            self.killed[victim] += 1
            print(f"{self.done:4} of {self.rounds}: {victim}", flush=True)

    def _chain(self) -> Chain:
        with self._lock:
            number, self._chains = self._chains, self._chains + 1
        folder = self.scratch / f"chain_{number}"
        folder.mkdir()
        return Chain(folder, self.photos, random.Random(f"{self.seed} {number}"), MUCH_TO_LOSE, self.run_s)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.torture", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture-") as scratch:
        torture = Torture(Path(scratch), options.rounds, options.seed)
        reference = torture.reference()
        with ThreadPoolExecutor(options.at_once) as lanes:
            list(lanes.map(lambda _: torture.lane(reference), range(options.at_once)))
    killed = ", ".join(f"{count} × {victim}" for victim, count in sorted(torture.killed.items()))
    print(
        f"\n{torture.done} rounds ({killed}); {torture.finished} runs came to their end with the same weights"
    )
    for broken in torture.broken:
        print(f"BROKEN {broken}")
    return 1 if torture.broken or not torture.finished else 0


if __name__ == "__main__":
    sys.exit(main())
