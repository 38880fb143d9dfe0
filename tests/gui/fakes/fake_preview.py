"""A real process that plays a preview: `fake_preview.py CONFIG SCENARIO`. It tells of what is there."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from tests.gui.fakes.fake_check import report, wait_for_stop
from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui.config import RunConfig
from waste_gui.dataset.catalog import Catalog
from waste_gui.reporting import claim_stdout, pipe_output
from waste_gui.stages import PREVIEW_STAGES


def begin() -> None:
    report(
        p.RunStarted(
            protocol=1,
            run="preview",
            pid=os.getpid(),
            host="here",
            started_at=time.time(),
            device="auto",
            world_size=1,
            stages=PREVIEW_STAGES,
            versions={},
            resumed_from=None,
            command="preview",
        )
    )
    for stage in ("import", "scan", "model"):
        report(p.StageStarted(stage=stage))
        report(p.StageFinished(stage=stage, elapsed_s=0.1, summary=""))


def embed(photos: list[str], until: int) -> None:
    report(p.StageStarted(stage="embed", total=len(photos), unit="photos"))
    for done in range(1, until + 1):
        report(p.Progress(stage="embed", done=done))


def tell(photos: list[str], config: RunConfig) -> None:
    """Classes are the folders that are not left out; the first photo of each is doubted."""
    labels = sorted({Path(path).parent.name for path in photos})
    labels = [label for label in labels if config.mapping.get(label, label) is not None]
    first = {label: next(path for path in photos if Path(path).parent.name == label) for label in labels}
    report(p.StageFinished(stage="embed", elapsed_s=0.1, summary=""))
    report(p.StageStarted(stage="forecast"))
    report(p.StageFinished(stage="forecast", elapsed_s=0.1, summary=""))
    report(
        p.Previewed(
            accuracy=0.85,
            interval=(0.81, 0.89),
            photos=len(photos),
            per_class=tuple(p.ClassForecast(label=each, photos=8, accuracy=0.9) for each in labels),
            curve=(p.CurvePoint(photos=4, accuracy=0.7), p.CurvePoint(photos=8, accuracy=0.8)),
            with_twice=(0.87, 0.91),
            suspects=tuple(
                p.Suspect(path=path, label=label, suggested="something <b>else", confidence=0.9)
                for label, path in first.items()
            ),
        )
    )


def play(scenario: str, config: RunConfig) -> int:
    excluded = Catalog().aside(config.source)
    found = sorted(os.fsdecode(path) for path in Path(config.source[0]).glob("*/*.jpg"))
    photos = [path for path in found if path not in excluded]
    begin()
    match scenario:
        case "waits":
            embed(photos, 4)
            return wait_for_stop()
        case "waits once":
            mark = Path(config.source[0]) / "waited"
            if not mark.exists():
                mark.touch()
                embed(photos, 4)
                return wait_for_stop()
        case "gone":
            embed(photos, 4)
            report(p.SourceGone(folder=config.source[0], reason="is not there"))
            return wait_for_stop()
        case "fails":
            hint = "Add photos of another class."
            report(p.RunFailed(kind="dataset", text="There is one <b>class</b>.", hint=hint, traceback=""))
            return 1
        case "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "says nothing":
            report(p.RunFinished(checkpoint=None, metrics={}, elapsed_s=0.1))
            return 0
        case "warns":
            report(p.Warned(text="These settings train from nothing.", hint="It is right less often."))
    embed(photos, len(photos))
    tell(photos, config)
    report(p.RunFinished(checkpoint=None, metrics={}, elapsed_s=0.1))
    return 0


if __name__ == "__main__":
    report.add_output(pipe_output(claim_stdout()))
    status = play(sys.argv[2], configs.load(Path(sys.argv[1])))
    report.close()
    sys.exit(status)
