"""A real process that plays a check of photos: `fake_check.py CONFIG SCENARIO`. It finds what names say."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui.protocol import FindingKind, decode_command
from waste_gui.reporting import Reporter, claim_stdout, pipe_output
from waste_gui.rundir import data_dir

report = Reporter()


def begin(photos: int) -> None:
    names = ("scan", "check", "compare")
    stages = tuple(p.StageInfo(id=n, title=n, expected_s=None, stuck_after_s=60) for n in names)
    report(
        p.RunStarted(
            protocol=1,
            run="check",
            pid=os.getpid(),
            host="here",
            started_at=time.time(),
            device="auto",
            world_size=1,
            stages=stages,
            versions={},
            resumed_from=None,
            command="check",
        )
    )
    report(p.StageStarted(stage="scan"))
    report(p.StageFinished(stage="scan", elapsed_s=0.1, summary=""))
    report(p.StageStarted(stage="check", total=photos, unit="photos"))


def read(photos: list[str], already: int) -> None:
    for done in range(already + 1, len(photos) + 1):
        path = photos[done - 1]
        report(p.Progress(stage="check", done=done, detail=path))
        if "damaged" in path:
            reason = "is cut off at its end"
            report(
                p.ImageFailed(
                    path=path,
                    source="",
                    reason=reason,
                    kind="truncated",
                    action="listed",
                    failures=1,
                    limit=9,
                )
            )


def find(photos: list[str]) -> None:
    """`damaged_1` is damaged; `twin_1_a` and `twin_1_b` are copies; `both_1` is in two classes; `tiny_1`."""
    groups: dict[tuple[FindingKind, str], list[str]] = {}
    kinds: dict[str, FindingKind] = {
        "damaged": "damaged",
        "both": "two_labels",
        "twin": "duplicate",
        "tiny": "tiny",
    }
    for path in photos:
        word, _, rest = os.path.basename(path).partition("_")
        if word in kinds:
            groups.setdefault((kinds[word], rest[:1]), []).append(path)
    for (kind, number), paths in sorted(groups.items()):
        suggest = {"two_labels": [], "duplicate": paths[1:]}.get(kind, paths)
        words = "Cannot be read: is cut off at its end." if kind == "damaged" else f"This is {kind} <b>&amp;"
        finding = p.Finding(
            kind=kind, paths=tuple(paths), words=words, suggest=tuple(suggest), key=f"{kind} {number}"
        )
        report(finding)


def wait_for_stop() -> int:
    for line in sys.stdin.buffer:
        if isinstance(decode_command(line), p.Stop):
            report(p.RunStopped(checkpoint=None, reason="Stopped as asked."))
            return 3
    return 9


def play(scenario: str, source: Path) -> int:
    photos = sorted(os.fsdecode(path) for path in source.glob("*/*.jpg"))
    begin(len(photos))
    memory = data_dir() / "fake_check_memory"
    match scenario:
        case "finds":
            read(photos, 0)
        case "in two parts":
            known = memory.exists()
            memory.parent.mkdir(parents=True, exist_ok=True)
            memory.touch()
            read(photos if known else photos[:4], 4 if known else 0)
            if not known:
                return wait_for_stop()
        case "waits":
            read(photos[:4], 0)
            return wait_for_stop()
        case "gone":
            report(p.SourceGone(folder=str(source), reason="is not there"))
            return wait_for_stop()
        case "fails":
            hint = "Choose another folder."
            report(p.RunFailed(kind="x", text="No <b>photos</b> & co.", hint=hint, traceback=""))
            return 1
        case "crashes":
            print("the last words of the log", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            report(p.Warned(text="deaf"))
            time.sleep(600)
    report(p.StageFinished(stage="check", elapsed_s=0.1, summary=""))
    find(photos)
    report(p.RunFinished(checkpoint=None, metrics={}, elapsed_s=0.1))
    return 0


if __name__ == "__main__":
    report.add_output(pipe_output(claim_stdout()))
    settings = configs.load(Path(sys.argv[1]))
    status = play(sys.argv[2], Path(settings.source[0]))
    report.close()
    sys.exit(status)
