"""Each side of a comparison runs in a fresh interpreter, so that none inherits what another has warmed.

    python -m tests.benchmarks.child tests.benchmarks.lab:first_batch < ARGUMENTS.json

calls the function with the arguments and prints what it gives as the last line, in JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class ChildFailed(Exception):
    """A side that ended with an error: which, and the end of what it said."""


def in_child(function: str, /, **arguments: Any) -> Any:
    """What `module:function` of this package gives for the arguments, in JSON's types."""
    command = [sys.executable, "-m", __name__, f"{__package__}.{function}"]
    return json.loads(run(command, json.dumps(arguments)).splitlines()[-1])


def run(command: list[str], text: str = "", env: Mapping[str, str] | None = None) -> str:
    """The command's stdout; ChildFailed with the end of its stderr."""
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=ROOT, env=os.environ | (env or {})
    )
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise ChildFailed(f"{' '.join(command[2:])} ended with {done.returncode}:\n{last}")
    return done.stdout


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    function = getattr(importlib.import_module(module), name)
    print(json.dumps(function(**json.load(sys.stdin))))


if __name__ == "__main__":
    main()
