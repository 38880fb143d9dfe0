"""A program that tells its stacks when it is asked, as engine and workers do, and runs a script:
`python -m tests.monitor.waits.answering STACKS SCRIPT …`."""

from __future__ import annotations

import runpy
import sys

from waste_gui import stack_file


def main() -> None:
    stacks, script = sys.argv[1:3]
    stack_file.StackFile(stacks, "engine").answer_signals()
    sys.argv = sys.argv[2:]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
