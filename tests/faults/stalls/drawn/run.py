"""One drawn fault in a run of the real engine, watched by the real monitor, and what came of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tests.faults.drive import _in_own_namespace
from tests.faults.formats import with_segment
from tests.faults.stalls.cases import LAST_LAYER, LIMIT_S, NO_CACHE, RED_S
from tests.faults.stalls.drawn import programs, scene
from tests.faults.stalls.drawn.draws import Draw
from tests.faults.stalls.drawn.judge import Judgement, judge
from tests.faults.stalls.drawn.kinds import KINDS, drives, system_objects
from tests.faults.stalls.drawn.kinds.kind import OUTSIDE
from tests.faults.stalls.drawn.scene import Facts, Scene
from tests.faults.stalls.ride import Ride, Said, TookTooLong

ROOT = str(Path(__file__).parents[4])
IN_WORKER = Path(__file__).parent / "in_worker"
PATIENCE_S = 60.0
"""How long a verdict is waited for, from when it could be known."""

SETTLED_S = 6.0
"""A verdict may become more precise for so long."""


@dataclass
class Row:
    """What came of one draw; `late_s` is from when it could be known to the first verdict."""

    draw: Draw
    judgement: Judgement | None = None
    late_s: float = float("nan")
    verdict: str = "none"
    cause: str = "–"
    text: str = ""
    evidence: tuple[str, ...] = ()
    facts: Facts | None = None
    failed: str = ""

    @property
    def right(self) -> bool:
        return self.judgement is not None and self.judgement.right

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"right": self.right}


@dataclass
class Trial:
    """A draw being run."""

    draw: Draw
    scratch: Path
    scene: Scene = field(init=False)

    def __post_init__(self) -> None:
        folder = self.scratch / "scene"
        folder.mkdir()
        known = asdict(self.draw)
        python = KINDS[self.draw.kind].told_by_python
        self.scene = Scene(folder=folder, told_by_python=python, **known)

    @property
    def struck(self) -> Path:
        return self.scene.folder / "struck"

    def check(self) -> None:
        """Raises RuntimeError where it was not made as it should be."""
        if self.scene.wrong.exists():
            raise RuntimeError(self.scene.wrong.read_text(encoding="utf-8"))


def run(draw: Draw) -> Row:
    if not KINDS[draw.kind].needs_drive:
        return _run(draw)
    rows: list[Row] = []
    _in_own_namespace(lambda: rows.append(_run(draw)))
    return rows[0]


def _run(draw: Draw) -> Row:
    row = Row(draw)
    with tempfile.TemporaryDirectory(prefix="drawn-", ignore_cleanup_errors=True) as scratch:
        trial, ride = Trial(draw, Path(scratch)), Ride(Path(scratch))
        try:
            set_up(trial.scene)
            start(trial, ride)
            _judge(trial, ride, row)
        except TookTooLong as late:
            row.failed = f"{late}{_stderr(trial)}"
        except Exception:
            row.failed = traceback.format_exc()
        finally:
            drives.close(trial.scene)
            ride.end()
            clean_up(trial.scene)
    return row


def set_up(of: Scene) -> None:
    """The object, and whoever holds it from outside."""
    kind = KINDS[of.kind]
    kind.make(of)
    if of.holder in OUTSIDE and kind.program is not None:
        programs.start_holder(of, kind.program(of), of.holder)
    of.save()


def start(trial: Trial, ride: Ride) -> None:
    """The run, up to where the fault strikes."""
    ride.make_photos()
    if trial.draw.place == "worker":
        start_with_a_photo(trial, ride)
    else:
        options = LAST_LAYER if trial.draw.stage == "embed" else ()
        program = ("tests.faults.stalls.drawn.engine", str(trial.scene.file))
        ride.start(*options, program=program, environment={"PYTHONPATH": ROOT})
    ride.until(lambda: trial.scene.wrong.exists() or trial.struck.exists(), "the fault")
    trial.check()
    ride.struck_at = float(trial.struck.read_text())


def start_with_a_photo(trial: Trial, ride: Ride) -> None:
    """The engine as it is; once it trains, one of its photos is another that its reader gets stuck on."""
    photo = ride.photos / "glass" / f"glass_0{trial.draw.number % 8}.jpg"
    trial.scene.values["photo"] = [str(photo), photo.name]
    trial.scene.save()
    path = os.pathsep.join((str(IN_WORKER), ROOT))
    ride.start(*NO_CACHE, environment={"PYTHONPATH": path, "WASTE_GUI_DRAWN": str(trial.scene.file)})
    ride.until_training()
    marked = trial.scratch / "marked.jpg"
    marked.write_bytes(with_segment(photo.read_bytes(), 0xFE, b"get stuck, please"))
    marked.replace(photo)


def known_after_s(draw: Draw) -> float:
    return KINDS[draw.kind].known_later_s + (RED_S if draw.stage == "train" else LIMIT_S[draw.stage])


def _judge(trial: Trial, ride: Ride, row: Row) -> None:
    row.facts = trial.scene.facts()
    known_at = ride.struck_at + known_after_s(trial.draw)

    def alarms() -> list[Said]:
        late = [said for said in ride.said if said.at > ride.struck_at]
        return [said for said in late if said.verdict in ("likely_stuck", "ended")]

    ride.until(
        lambda: alarms() or trial.scene.wrong.exists(), "a verdict", known_at - time.monotonic() + PATIENCE_S
    )
    trial.check()
    time.sleep(SETTLED_S)
    trial.check()
    last = alarms()[-1]
    row.late_s = alarms()[0].at - known_at
    row.verdict, row.cause, row.text, row.evidence = last.verdict, last.cause, last.text, last.evidence
    row.judgement = judge(last.text, last.evidence, row.facts, family(ride))


def family(ride: Ride) -> list[int]:
    """The engine and all below it."""
    pids = [ride.engine.pid]
    with contextlib.suppress(psutil.Error):
        pids += [child.pid for child in psutil.Process(ride.engine.pid).children(recursive=True)]
    return pids


def clean_up(of: Scene) -> None:
    """Whatever took part, by its number and the moment when it began."""
    with contextlib.suppress(FileNotFoundError):
        for line in (of.folder / "pids.txt").read_text().splitlines():
            pid, _, began = line.partition(" ")
            if began and scene.began(int(pid)) == began:
                end_with_family(int(pid))
    programs.reap()
    system_objects.remove(of)


def end_with_family(pid: int) -> None:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            each.kill()


def _stderr(trial: Trial) -> str:
    with contextlib.suppress(OSError):
        return "\n" + (trial.scratch / "stderr.txt").read_text(errors="replace")[-2000:]
    return ""
