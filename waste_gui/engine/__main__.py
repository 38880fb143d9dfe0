"""The process the window starts, and `waste-engine`: settings in, JSON lines out, commands on stdin."""

from __future__ import annotations

import faulthandler
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from waste_gui import files, isolation
from waste_gui.config import ConfigError, RunConfig
from waste_gui.engine import allocator, exits, garbage, signals
from waste_gui.engine.cli import parser, request_from
from waste_gui.engine.errors import BadSettings, EngineError, UnusableFolder
from waste_gui.engine.stacks import write_stacks_to
from waste_gui.protocol import RunFailed, RunFinished, RunStopped, StageInfo
from waste_gui.reporting import (
    Reporter,
    claim_stdout,
    events_output,
    forgiving_stderr,
    open_standard_descriptors,
    pipe_output,
    text_output,
)
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, RunFolderError, cannot_be_written
from waste_gui.stack_file import block_signals

if TYPE_CHECKING:
    from waste_gui.engine.context import Context

FINISHED, FAILED, STOPPED = 0, 1, 3

Last = RunFinished | RunStopped | RunFailed


def main() -> NoReturn:
    """Ends the process itself: a thread that hangs in a library must not keep it alive."""
    open_standard_descriptors()
    sys.stderr = sys.stderr or forgiving_stderr()
    isolation.clean_environment()
    allocator.keep_large_blocks()
    garbage.own_process()
    status = run(sys.argv[1:])
    sys.stderr.flush()
    exits.leave(status)


def run(arguments: list[str]) -> int:
    """The exit status: 0 finished, 3 stopped on request, 1 failed with a `run_failed`."""
    options = parser().parse_args(arguments)
    if options.command == "set-aside":
        from waste_gui.engine.excluding import exclude

        return exclude(options)
    stdout = claim_stdout()
    sys.stderr = forgiving_stderr()
    faulthandler.enable()
    exits.note_ends()
    block_signals()
    signals.ENGINE.start()
    report = Reporter()
    if options.format == "text" or (options.format is None and os.isatty(stdout)):
        from waste_gui.engine.console import Console

        output, text = text_output(stdout)
        report.add_listener(Console(text).show, through=output)
    else:
        report.add_output(pipe_output(stdout))
    jobs = {
        "train": train,
        "check": check,
        "preview": preview,
        "predict": predict,
        "evaluate": evaluate,
        "export": export,
        "demo-data": draw_demo,
    }
    last = jobs[options.command](options, report)
    report(last)
    report.close()
    return {RunFinished: FINISHED, RunStopped: STOPPED, RunFailed: FAILED}[type(last)]


def train(options: Namespace, report: Reporter) -> Last:
    """Open the run folder, so that `run_started` is its first line, then train."""
    from waste_gui.engine import runs
    from waste_gui.engine.supervision import supervise

    request, folder = RunRequest(config=RunConfig()), None
    error: EngineError | None = None
    try:
        request = request_from(options)
        folder = runs.open_folder(request)
        report.add_output(events_output(folder.events))
        write_log_to(folder.log)
        write_stacks_to(folder.stacks)
    except ConfigError as bad:
        error = BadSettings(str(bad), "Change it and start again.")
    except RunFolderError as bad:
        error = UnusableFolder(bad.text, bad.hint)
    except OSError as bad:
        told = cannot_be_written(folder.path if folder else Path(), bad)
        error = UnusableFolder(told.text, told.hint)
    try:
        last = supervise(
            lambda context: runs.train(request, context, folder or RunDir(Path())),
            report,
            command="train",
            config=request.config,
            folder=folder,
            resumed_from=request.resume,
            error=error,
            stages=runs.stages_of(request, folder),
        )
        report(last)
        report.close()
    finally:
        if folder is not None:  # Only now: who follows the file takes a run without an owner for ended.
            folder.release()
    return last


def check(options: Namespace, report: Reporter) -> Last:
    """Read every photo and say what is wrong. No run folder is made, and torch is not imported."""
    from waste_gui.engine.supervision import supervise
    from waste_gui.stages import CHECK_STAGES

    config, error = RunConfig(), None
    try:
        config = request_from(options).config
    except ConfigError as bad:
        error = BadSettings(str(bad), "Change it and start again.")

    def work(context: Context) -> RunFinished:
        from waste_gui.engine import checking  # Here, since `run_started` does not wait for numpy.

        return checking.check(config, context)

    return supervise(work, report, command="check", config=config, error=error, stages=CHECK_STAGES)


def preview(options: Namespace, report: Reporter) -> Last:
    """Say what training on these photos would come to. No run folder is made."""
    from waste_gui.engine import runs
    from waste_gui.engine.supervision import supervise
    from waste_gui.stages import PREVIEW_STAGES

    config, error = RunConfig(), None
    try:
        config = request_from(options).config
    except ConfigError as bad:
        error = BadSettings(str(bad), "Change it and start again.")
    return supervise(
        lambda context: runs.preview(config, context),
        report,
        command="preview",
        config=config,
        error=error,
        stages=PREVIEW_STAGES,
    )


def predict(options: Namespace, report: Reporter) -> Last:
    """Nothing is written to the run folder."""
    from waste_gui.engine import runs
    from waste_gui.engine.supervision import supervise

    config = RunConfig(device=options.device)
    folder = RunDir(Path(options.folder))
    return supervise(
        lambda context: runs.predict(folder, options.photos, context, config),
        report,
        command="predict",
        config=config,
    )


def evaluate(options: Namespace, report: Reporter) -> Last:
    """Writes the results of the run anew, and nothing else."""
    from waste_gui.engine import runs
    from waste_gui.engine.supervision import supervise

    config = RunConfig(device=options.device)
    folder = RunDir(Path(options.folder))
    return supervise(
        lambda context: runs.evaluate(folder, context, config), report, command="evaluate", config=config
    )


def export(options: Namespace, report: Reporter) -> Last:
    """Makes the files for other programs anew from the run's events."""
    from waste_gui import exports
    from waste_gui.engine.supervision import supervise

    def work(context: Context) -> RunFinished:
        with context.stage("export") as stage:
            try:
                made = context.in_thread(lambda: exports.export(RunDir(Path(options.folder)), options.to))
            except exports.ExportError as error:
                raise BadSettings(error.text, error.hint) from None
            stage.summary = ", ".join(str(path) for path in made)
        return RunFinished(checkpoint=None, metrics={}, elapsed_s=round(report.now(), 3))

    stages = (StageInfo(id="export", title="Write the tables", expected_s=None, stuck_after_s=60),)
    return supervise(work, report, command="export", config=RunConfig(), stages=stages)


def draw_demo(options: Namespace, report: Reporter) -> Last:
    from waste_gui.dataset.demo import draw_dataset
    from waste_gui.engine.supervision import supervise

    def work(context: Context) -> RunFinished:
        context.in_thread(lambda: draw_dataset(Path(options.folder)))
        return RunFinished(checkpoint=None, metrics={}, elapsed_s=round(report.now(), 3))

    return supervise(work, report, command="demo-data", config=RunConfig())


def write_log_to(path: Path) -> None:
    """Descriptor 2, and with it prints and tracebacks of every library, goes to the run's log."""
    log = files.open_to_append(path)
    os.dup2(log, 2)
    os.dup2(log, 1)
    os.close(log)


if __name__ == "__main__":
    main()
