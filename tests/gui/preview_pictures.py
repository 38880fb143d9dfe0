"""The preview in every state, for `pictures.py`: what an engine would tell is made up, about drawn photos."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
from PySide6.QtWidgets import QWidget

from waste_gui import protocol as p
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.photos.preview_part import PreviewPart
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.engine_process import EngineProcess
from waste_gui.protocol import AnyMessage
from waste_gui.stages import PREVIEW_STAGES

Turn = Callable[..., None]

PREVIEW_STATES: tuple[str, ...] = (
    "preview_none",
    "preview_first",
    "preview_running",
    "preview_stopped",
    "preview_failed",
    "preview_waits",
    "preview_one_source",
    "preview_three_sources",
    "preview_in_bar",
    "preview_stale",
    "preview_again",
    "preview_many_classes",
    "preview_few_photos",
    "preview_below",
    "preview_suspects",
    "preview_suspect",
)
SIX = {"cardboard": 0.93, "glass": 0.84, "metal": 0.81, "paper": 0.9, "plastic": 0.78, "trash": 0.64}
PHOTOS = 600


def previewed(photos: list[str], state: str = "preview_three_sources") -> p.Previewed:
    """Of the drawn photos, as if there were a hundred of each class."""
    good = [path for path in photos if "damaged" not in path]
    told = p.Previewed(
        accuracy=0.848,
        interval=(0.812, 0.886),
        photos=PHOTOS,
        per_class=tuple(
            p.ClassForecast(label=k, photos=96 + i, accuracy=v) for i, (k, v) in enumerate(SIX.items())
        ),
        confused=(
            p.Confused(label="plastic", taken_for="glass", photos=11),
            p.Confused(label="glass", taken_for="plastic", photos=7),
            p.Confused(label="trash", taken_for="paper", photos=6),
            p.Confused(label="metal", taken_for="glass", photos=6),
        ),
        curve=tuple(
            p.CurvePoint(photos=n, accuracy=0.93 - 0.9 * math.exp(-0.42 * math.log2(n / 8)))
            for n in (60, 120, 240, 480)
        ),
        with_twice=(0.868, 0.912),
        wanted=tuple(
            p.Wanted(label=label, photos=40, gain=gain)
            for label, gain in (
                ("metal", (0.004, 0.026)),
                ("trash", (0.011, 0.034)),
                ("plastic", (0.001, 0.014)),
                ("paper", (-0.006, 0.004)),
                ("cardboard", (-0.004, 0.003)),
            )
        ),
        sources=(p.SourceForecast(source=str(Path(photos[0]).parents[1]), photos=PHOTOS, accuracy=None),),
        suspects=tuple(
            p.Suspect(path=path, label=Path(path).parent.name, suggested=other, confidence=0.97 - 0.04 * i)
            for i, (path, other) in enumerate(
                zip(
                    good[3::5],
                    ("glass", "plastic", "paper", "trash", "metal", "cardboard", "glass", "paper"),
                    strict=False,
                )
            )
        ),
        outliers=tuple(p.Outlier(path=path, label=Path(path).parent.name) for path in good[5::17]),
        twins=tuple(zip(good[8:30:9], good[9:31:9], strict=True)),
    )
    if state == "preview_three_sources":
        sources = (
            ("/data/waste/camera 1", 0.71),
            ("/data/waste/camera 2", 0.62),
            ("/media/lab/usb drive/site_b", 0.52),
        )
        told = msgspec.structs.replace(
            told, sources=tuple(p.SourceForecast(source=s, photos=200, accuracy=a) for s, a in sources)
        )
    if state == "preview_many_classes":
        from waste_gui.dataset.mapping import LAB_CLASSES

        per_class = tuple(
            p.ClassForecast(label=name, photos=40, accuracy=None if i == 7 else 0.98 - 0.015 * i)
            for i, name in enumerate(LAB_CLASSES)
        )
        odd = "plastic & <b>foil</b> \u202egnp.of an endless name that nobody would give, but somebody does"
        told = msgspec.structs.replace(
            told,
            per_class=(p.ClassForecast(label=odd, photos=12, accuracy=0.31), *per_class),
            confused=(p.Confused(label=odd, taken_for="aluminum_food_cans", photos=7), *told.confused[:1]),
        )
    if state == "preview_few_photos":
        told = p.Previewed(
            accuracy=0.5,
            interval=(0.31, 0.69),
            photos=18,
            per_class=tuple(p.ClassForecast(label=k, photos=3, accuracy=None) for k in SIX),
        )
    return told


class PreviewScript:
    """A preview told step by step."""

    def __init__(self) -> None:
        self.said: list[AnyMessage] = []
        self.say(
            p.RunStarted(
                protocol=1,
                run="preview",
                pid=4242,
                host="lab",
                started_at=1_763_906_512.0,
                device="auto",
                world_size=1,
                stages=PREVIEW_STAGES,
                versions={},
                resumed_from=None,
                command="preview",
            )
        )
        for at, (stage, took) in enumerate((("import", 3.0), ("scan", 0.2), ("model", 0.7))):
            self.say(p.StageStarted(stage=stage), 4.0 * at)
            self.say(p.StageFinished(stage=stage, elapsed_s=took, summary=""), 4.0 * at + took)
        self.say(p.StageStarted(stage="embed", total=PHOTOS, unit="photos"), 12)

    def say(self, message: AnyMessage, at: float = 0.0) -> None:
        self.said.append(msgspec.structs.replace(message, seq=len(self.said), at=at))

    def embed(self, photos: int) -> None:
        for i in range(1, 11):
            self.say(p.Progress(stage="embed", done=photos * i // 10), 12 + 1.5 * i)

    def tell(self, told: p.Previewed) -> None:
        self.embed(PHOTOS)
        self.say(p.StageFinished(stage="embed", elapsed_s=15, summary=""), 27)
        self.say(p.StageStarted(stage="forecast"), 27)
        self.say(p.StageFinished(stage="forecast", elapsed_s=2, summary=""), 29)
        self.say(told, 29)
        self.say(p.RunFinished(checkpoint=None, metrics={}, elapsed_s=29), 29)


def preview_script(state: str, photos: list[str]) -> PreviewScript:
    script = PreviewScript()
    match state:
        case "preview_first":
            script.said = script.said[:2]
        case "preview_running" | "preview_again":
            script.embed(252)
        case "preview_stopped":
            script.embed(252)
            script.say(p.RunStopped(checkpoint=None, reason="Stopped as asked."), 28)
        case "preview_waits":
            script.embed(252)
            script.say(p.SourceGone(folder="/media/lab/usb drive/waste_2025", reason="is not there"), 28)
        case "preview_failed":
            text = "The class trash has only 1 photo, so nothing can be told of it."
            hint = "Add photos of it, or map its folder to another class."
            script.say(p.RunFailed(kind="dataset", text=text, hint=hint, traceback=""), 13)
        case _:
            script.tell(previewed(photos, state))
    return script


def play(part: PreviewPart, script: PreviewScript) -> None:
    """As if an engine had told it."""
    preview = part.preview
    part._wanted, part._began = True, part._basis()
    preview._reset(part._choice)
    preview.run.launched()
    for message in script.said:
        preview.receive(message)
    preview._zero = preview._clock() - script.said[-1].at
    if preview.run.phase.running:
        engine = SimpleNamespace(running=True, kill_now=lambda: None, stop=lambda *_, **__: None)
        preview._engine = cast(EngineProcess, engine)
    else:
        preview.ended_at = 1_763_906_512.0
        preview.ended.emit()
    part._soon.stop()
    part._on_work()


def photos_of(page: DataPage) -> list[str]:
    return sorted(str(photo) for photo in Path(page.choice.sources[0]).glob("*/*.jpg"))


def show_preview(window: MainWindow, state: str, drawn: Path, turn: Turn) -> QWidget:
    page = window.rooms.data
    part, checking = page.previewing, page.checking
    page.set_choice(DatasetChoice((str(drawn),)))
    turn(lambda: page.readiness.ready, 121)
    photos = photos_of(page)
    if state != "preview_none":
        if state == "preview_again":
            play(part, preview_script("preview_three_sources", photos))
        play(part, preview_script(state, photos))
        part.browse(state != "preview_in_bar")
    if state == "preview_stale":
        page.map_folder("trash", None)
        turn(lambda: page.readiness.ready, 121)
        part._soon.stop()
    if state == "preview_below":
        turn()
        part.page.verticalScrollBar().setValue(part.page.verticalScrollBar().maximum())
    if state in ("preview_suspects", "preview_suspect"):
        checking.browse_group("suspect")
    turn()
    turn(lambda: not checking.thumbnails._asked, 121)
    if state == "preview_suspect":
        entry = checking.page.list.current()
        checking.open(entry)  # type: ignore[arg-type]
        turn()
        turn(lambda: not checking.thumbnails._asked, 121)
        assert checking.dialog is not None
        return checking.dialog
    return window
