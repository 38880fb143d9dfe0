"""Draw a hostile dataset to look at: python -m tests.faults.make FOLDER [--photos 300] [--seed 0]."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.faults.decoder import DECODER_FAULTS
from tests.faults.photos import make_hostile_dataset


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.make", description=__doc__)
    parser.add_argument("folder", type=Path, help="where; must not hold classes yet")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, help="a folder of which some photos are copied")
    parser.add_argument("--marked", action="store_true", help="also photos marked to crash or hang a decoder")
    parser.add_argument("--strike", action="store_true", help="also do what happens after a scan")
    asked = parser.parse_args()
    hostile = make_hostile_dataset(
        asked.folder,
        asked.photos,
        seed=asked.seed,
        real=asked.real,
        decoder_faults=tuple(DECODER_FAULTS) if asked.marked else (),
    )
    if asked.strike:
        hostile.strike()
    for path, kind in sorted(hostile.bad.items(), key=lambda bad: (bad[1], hostile.names[bad[0]])):
        print(f"{kind:13} {hostile.names[path]:28} {path}")
    for name, reason in hostile.left_out.items():
        print(f"left out      {name:28} {reason}")
    print(f"{len(hostile.bad)} bad, {len(hostile.odd)} odd but good, {len(hostile.good)} ordinary photos")


if __name__ == "__main__":
    main()
