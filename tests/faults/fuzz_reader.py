"""Spoils picture files of every format and reads them through real workers.

    python -m tests.faults.fuzz_reader --minutes 10 --seed 1

A library that crashes costs a worker and names the photo (libheif did, on 2 of 86,560 files): it is counted.
No photo may come later than the deadline, and no worker may take more memory than a photo of the largest
allowed size needs. Exit status 1 otherwise; `--keep DIR` keeps the files that did it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
from PIL import Image

from tests.dataset.differential import MAKERS, drawn
from tests.faults.formats import encoded
from waste_gui.dataset.pool import ReadingPool

DEADLINE_S, PATIENCE_S = 20.0, 90.0
AT_ONCE, RESIZED = 32, 64
MOST_BYTES = 3_000_000_000
"""Of a worker: 180 million pixels of RGBA and one more copy of them, and what it takes itself."""

PICTURES = Path(__file__).parents[1] / "dataset" / "pictures"


def originals(draw: random.Random) -> list[tuple[str, bytes]]:
    """One or more of every format."""
    found = {odd.kind: odd.data for odd, _ in zip(drawn(draw.randrange(10**9)), range(60), strict=False)}
    picture = Image.effect_mandelbrot((96, 80), (-2, -1, 1, 1), 40).convert("RGB")
    found |= {kind: encoded(picture, kind) for kind in ("AVIF", "JPEG2000")}
    found |= {path.name: path.read_bytes() for path in PICTURES.glob("*.heic")}
    assert len(found) > len(MAKERS)
    return sorted(found.items())


def spoiled(draw: random.Random, data: bytes, others: list[tuple[str, bytes]]) -> bytes:
    """Bytes turned over, a number made huge, a piece cut out, doubled, exchanged or from another file."""
    new = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5, 30))):
        at = draw.randrange(min(len(new), draw.choice((64, 1000, 10**9))) or 1)
        length = draw.choice((1, 2, 4, 8, 100))
        way = draw.randrange(7)
        if way == 0:
            new[at : at + 1] = bytes([draw.randrange(256)])
        elif way == 1:
            new[at : at + 4] = draw.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\0\0\xff\xff"))
        elif way == 2:
            del new[at : at + length]
        elif way == 3:
            new[at:at] = new[at : at + length]
        elif way == 4:
            new[at : at + length] = draw.randbytes(length)
        elif way == 5:
            other = draw.choice(others)[1]
            new[at : at + length] = other[at : at + length]
        else:
            del new[draw.randrange(len(new) or 1) :]
        if not new:
            new += b"\xff"
    return bytes(new)


def fuzz(seconds: float, seed: int, keep: Path | None = None) -> tuple[Counter[str], list[str]]:
    """How often each outcome was, and what must not have been."""
    draw, outcomes, wrong = random.Random(seed), Counter[str](), list[str]()
    ends = time.monotonic() + seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        ReadingPool(workers=2, resized_size=RESIZED, slots=AT_ONCE, deadline_s=DEADLINE_S) as pool,
    ):
        while time.monotonic() < ends:
            known = originals(draw)
            for _ in range(8):
                files = {}
                for ticket in range(AT_ONCE):
                    name, data = draw.choice(known)
                    files[ticket] = name, Path(folder, f"{ticket}.jpg")
                    files[ticket][1].write_bytes(spoiled(draw, data, known))
                    pool.submit(ticket, str(files[ticket][1]))
                for _ in range(AT_ONCE):
                    read = pool.take(PATIENCE_S)
                    if read is None:
                        return outcomes, [*wrong, f"nothing came: {pool.states()}"]
                    pool.release(read)
                    name, path = files[read.ticket]
                    reason = read.error.reason if read.error else "read"
                    outcomes[read.error.kind if read.error else "read"] += 1
                    late = read.error is not None and read.error.kind == "timed_out"
                    crashed = "crash" in reason
                    outcomes["crashed a worker"] += crashed
                    if late:
                        wrong.append(f"{name}: {reason} ({read.seconds:.1f} s)")
                    if late or crashed:
                        if keep:
                            keep.mkdir(parents=True, exist_ok=True)
                            (keep / f"{seed}_{outcomes.total()}_{name}").write_bytes(path.read_bytes())
                wrong += too_large()
                if time.monotonic() >= ends:
                    break
    return outcomes, wrong


def too_large() -> list[str]:
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            size = child.memory_info().rss
        except psutil.Error:
            continue
        if size > MOST_BYTES:
            found.append(f"a worker has {size / 1e9:.1f} GB")
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz_reader", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(arguments)
    outcomes, wrong = fuzz(options.minutes * 60, options.seed, options.keep)
    print("\n".join(wrong))
    print(f"{outcomes.total()} files: {dict(outcomes.most_common())}; {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
