"""A real process that plays an engine: `fake_engine.py REQUEST SCENARIO`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui import request as requests
from waste_gui.config import ConfigError
from waste_gui.files import write_atomically
from waste_gui.protocol import decode_command
from waste_gui.reporting import Reporter, claim_stdout, pipe_output
from waste_gui.stages import STAGES

START_UP = ("import", "scan", "model", "loaders", "single_sample", "first_train_batch", "first_val_batch")
PHOTO = "/data/waste/glass/<img src='x'>&amp;.jpg"
report = Reporter()


def begin() -> None:
    report(
        p.RunStarted(
            protocol=1,
            run="fake",
            pid=os.getpid(),
            host="here",
            started_at=time.time(),
            device="auto",
            world_size=1,
            stages=STAGES,
            versions={"torch": "0"},
            resumed_from=None,
            model="resnet18",
            epochs=2,
        )
    )


def start_up() -> None:
    for stage in START_UP:
        photos = 6 if stage == "scan" else 2
        report(p.StageStarted(stage=stage, total=photos, unit="photos"))
        report(p.Progress(stage=stage, done=photos, detail=PHOTO))
        report(p.StageFinished(stage=stage, elapsed_s=0.1, summary="fine"))


def epoch(number: int) -> None:
    timing = p.Timing(wait_s=0, copy_s=0, compute_s=0.1)
    for i in range(1, 11):
        step = 10 * (number - 1) + i
        values: dict[str, float | None] = {"loss": 2 / step, "accuracy": 1 - 1 / step, "lr": 0.001}
        report(p.Progress(stage="train", done=step, total=20))
        report(p.Metric(step=step, epoch=number, values=values, timing=timing, images_per_s=300))
    for stage in ("validate", "save"):
        total = 120 if stage == "validate" else None
        report(p.StageStarted(stage=stage, total=total, unit="photos"))
        report(p.StageFinished(stage=stage, elapsed_s=0.1, summary=""))
    report(
        p.EpochFinished(
            epoch=number,
            step=10 * number,
            train_loss=0.5,
            val_loss=0.6,
            val_accuracy=0.9,
            elapsed_s=1,
            best=True,
        )
    )


def wait_for_stop() -> p.Stop:
    """Beat until a stop comes on stdin."""
    for line in sys.stdin.buffer:
        command = decode_command(line)
        if isinstance(command, p.Stop):
            return command
        print("command", command, file=sys.stderr, flush=True)
        if isinstance(command, p.DumpStacks):
            report(p.Stacks(threads=()))
    sys.exit(9)  # The window went without a word.


def finish() -> int:
    report(p.RunFinished(checkpoint=None, metrics={"val_accuracy": 0.92, "val_photos": 120.0}, elapsed_s=2))
    return 0


def stop(command: p.Stop) -> int:
    report(p.RunStopped(checkpoint=None, reason=f"asked ({command.when})"))
    return 3


def play(scenario: str, private: int) -> int:
    begin()
    if scenario == "waits":
        report(p.StageStarted(stage="import"))
        return stop(wait_for_stop())
    start_up()
    report(p.StageStarted(stage="train", total=20, unit="steps"))
    epoch(1)
    match scenario:
        case "finishes":
            epoch(2)
            return finish()
        case "trains":
            return stop(wait_for_stop())
        case "fails":
            report(
                p.ImageFailed(
                    path=PHOTO,
                    source="s",
                    reason="cut",
                    kind="damaged",
                    action="replaced",
                    failures=1,
                    limit=100,
                )
            )
            report(
                p.RunFailed(
                    kind="oom",
                    text="Out of memory on <b>GPU & co</b>.",
                    hint="Use batch 16.",
                    traceback="Traceback: <b>boom</b>",
                )
            )
            return 1
        case "crashes":
            os.kill(os.getpid(), signal.SIGKILL)
        case "leaves":
            return 7
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            report(p.Warned(text="deaf"))
            while True:
                time.sleep(60)
        case "garbage":
            time.sleep(0.01)
            report.close()
            for part in (
                b"no json\n",
                b"\xff\xfe\n",
                b'{"type":"unknown"}\n',
                b'{"type":"war',
                b'ned","seq":99,',
            ):
                os.write(private, part)
                time.sleep(0.05)
            os.write(
                private, b'"text":"whole again"}\n' + b'{"type":"run_stopped","seq":100,"checkpoint":null,'
            )
            os.write(private, b'"reason":"last line without end"}')
            return 3
    return 9


def write_settings(asked: Path) -> None:
    """As every engine, before anything else."""
    with contextlib.suppress(OSError, ConfigError):
        write_atomically(asked.with_name("config.json"), configs.dump(requests.load(asked).config))


if __name__ == "__main__":
    descriptor = claim_stdout()
    write_settings(Path(sys.argv[1]))
    print("a line on stdout that is no message", flush=True)
    report.add_output(pipe_output(descriptor))
    status = play(sys.argv[2], descriptor)
    report.close()
    sys.exit(status)
