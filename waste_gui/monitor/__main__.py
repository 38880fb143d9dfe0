"""The diagnosis without a window: `python -m waste_gui.monitor RUN_FOLDER` says whenever the verdict changes.

It needs nothing but the run's folder, and ends when the run does: 0 finished, 3 stopped, 1 failed, 2 crashed
or no such run. `--pid PID` says instead what any process waits for, once.
"""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import psutil

from waste_gui import isolation
from waste_gui.monitor.follow import Follow
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.terminal import JsonPrinter, TextPrinter
from waste_gui.monitor.waits import by_pid
from waste_gui.plain_text import PlainParser, say_error

WAIT_FOR_EVENTS_S = 10.0
LOOK_EACH_S = 1.0
POLL_S = 0.1
EXIT = {RunPhase.FINISHED: 0, RunPhase.STOPPED: 3, RunPhase.FAILED: 1}
NO_RUN = 2


def main(arguments: list[str] | None = None) -> int:
    parser = PlainParser(
        prog="python -m waste_gui.monitor",
        description="Say what a training is doing and whether it is stuck.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("folder", type=Path, metavar="RUN_FOLDER", nargs="?")
    what.add_argument(
        "--pid", type=int, help="say what this process and its threads wait for, and who could end it"
    )
    parser.add_argument("--format", choices=("json", "text"), help="by default text on a terminal, else json")
    options = parser.parse_args(arguments)
    isolation.clean_environment()
    text = sys.stdout.isatty() if options.format is None else options.format == "text"
    if isinstance(sys.stdout, io.TextIOWrapper):  # A console of another encoding must not end the watching.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if options.pid is not None:
        return _tell_of(options.pid, as_json=not text)
    if not options.folder.is_dir():
        say_error(f"There is no run folder {options.folder}.")
        return NO_RUN
    follow = Follow(options.folder)
    if not _wait_for_events(follow):
        say_error(f"No training has begun in {options.folder}: it has no events.jsonl.")
        return NO_RUN
    printer = TextPrinter(sys.stdout, follow.session.past) if text else JsonPrinter(sys.stdout)
    _watch(follow, printer)
    if follow.run.started is None and not follow.run.phase.ended:
        say_error(f"{options.folder / 'events.jsonl'} tells of no training.")
    return EXIT.get(follow.run.phase, NO_RUN)


def _tell_of(pid: int, *, as_json: bool) -> int:
    if not 0 < pid < 2**31 or not psutil.pid_exists(pid):
        say_error(f"There is no process {pid}.")
        return NO_RUN
    by_pid.tell(pid, sys.stdout, as_json=as_json)
    return 0


def _watch(follow: Follow, printer: JsonPrinter | TextPrinter) -> None:
    """Until the run has ended, or none began in time."""
    deadline = time.monotonic() + WAIT_FOR_EVENTS_S
    next_look = 0.0
    while True:
        printer.took(follow.run, follow.read())
        soon = follow.run.phase.ended or not follow.session.located
        if soon or time.monotonic() >= next_look:
            next_look = time.monotonic() + LOOK_EACH_S
            printer.took(follow.run, follow.look())
            view, begun = follow.session.view, follow.run.started is not None or follow.run.phase.ended
            if begun and view is not None and follow.session.located and follow.session.explained:
                printer.show(follow.run, view, follow.now)
            elif time.monotonic() > deadline and follow.silent_folder:
                return
            if follow.ended:
                return
        follow.wait(POLL_S)


def _wait_for_events(follow: Follow) -> bool:
    deadline = time.monotonic() + WAIT_FOR_EVENTS_S
    while not follow.exists:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `| head` has read enough; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
