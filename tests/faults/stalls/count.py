"""How often each kind of evidence named drawn stalls right: `python -m tests.faults.stalls.count FILE …`.

The files are what `python -m tests.faults.stalls --random N --json FILE` kept; what is printed is the table
of `waste_gui/monitor/chances.py`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

from waste_gui.monitor.chances import Basis

SURE = re.compile(r"^How sure: about \d+ % \(by (.+?)\)")


def basis_of(evidence: list[str]) -> Basis | None:
    """As the verdict itself told it; None where it told none."""
    for line in evidence:
        if match := SURE.match(line):
            return next((basis for basis in Basis if basis.value == match[1]), None)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.stalls.count", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    right, of, untold = Counter[Basis](), Counter[Basis](), 0
    for file in parser.parse_args().files:
        for row in json.loads(file.read_text()):
            basis = basis_of(row["evidence"])
            if row["failed"] or basis is None:
                untold += 1
                continue
            of[basis] += 1
            right[basis] += row["right"]
    for basis in Basis:
        if of[basis]:
            print(f"    Basis.{basis.name}: ({right[basis]}, {of[basis]}),")
    print(f"{sum(right.values())} of {sum(of.values())} right; {untold} that told no chance")
    return 0


if __name__ == "__main__":
    sys.exit(main())
