"""Runs as their messages, made up: a healthy one, and one for each way that a run goes wrong.

`python -m tests.monitor.transcripts` writes them to `tests/transcripts/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from waste_gui import protocol
from waste_gui.monitor.run import Run
from waste_gui.protocol import AnyMessage, WorkerDoing, WorkerState
from waste_gui.stages import STAGES, training_stages

FOLDER = Path(__file__).parents[1] / "transcripts"
PHOTO = "/data/waste/glass/IMG_0042.jpg"
DRIVE = "/media/usb"
STEPS = 50
"""Of an epoch."""

TIMING = protocol.Timing(wait_s=0.01, copy_s=0.01, compute_s=0.08)
NO_TIMING = protocol.Timing(wait_s=0.0, copy_s=0.0, compute_s=0.0)
BEFORE_TRAINING = tuple(s.id for s in STAGES if s.id not in ("train", "validate", "save"))
TOOK = {"import": 6.0, "scan": 4.0, "model": 5.0, "first_train_batch": 8.0, "first_val_batch": 6.0}
SUMMARY = "32 × 3 × 224 × 224, labels 0–29, 18 classes"


def worker(
    pid: int, state: WorkerDoing = "idle", path: str | None = None, since_s: float = 0.0
) -> WorkerState:
    return WorkerState(pid=pid, state=state, path=path, since_s=since_s)


class Transcript:
    """Messages with a clock that the script moves. A heartbeat comes each second by itself."""

    def __init__(
        self,
        epochs: int = 2,
        command: str = "train",
        resumed_from: str | None = None,
        asked: str = "",
        tune: str = "",
    ) -> None:
        """`asked` and `tune`: what of the network is trained, as asked for and as decided by the device."""
        self.messages: list[AnyMessage] = []
        self.at = 0.0
        self.beats = True
        self.workers: tuple[WorkerState, ...] = (worker(11), worker(12))
        self.gpu: protocol.GpuState | None = None
        self.queued = 0
        self.where = "waiting for photos"
        self.epochs = epochs
        self.tune = tune
        self._next_beat = 1.0
        self.say(
            protocol.RunStarted(
                protocol=1,
                run="test",
                pid=4242,
                host="lab",
                started_at=1_700_000_000.0,
                device="auto",
                world_size=1,
                stages=training_stages(embeds=asked not in ("", "all")),
                versions={},
                resumed_from=resumed_from,
                model="mobilenet",
                epochs=epochs,
                command=command,
                tune=asked,
            )
        )

    def say(self, message: AnyMessage) -> None:
        self.messages.append(msgspec.structs.replace(message, seq=len(self.messages), at=round(self.at, 3)))

    def wait(self, seconds: float) -> None:
        """Time passes, with a beat each second while the heart beats."""
        until = round(self.at + seconds, 3)
        while self._next_beat <= until:
            self.at, self._next_beat = self._next_beat, self._next_beat + 1
            if self.beats:
                self.beat()
        self.at = until

    def beat(self) -> None:
        """`since_s` of a worker is its time since this second's beat began to tell it."""
        workers = tuple(
            msgspec.structs.replace(w, since_s=self.at - w.since_s) if w.path else w for w in self.workers
        )
        self.say(protocol.Heartbeat(where=self.where, workers=workers, queued=self.queued, gpu=self.gpu))

    def reads(self, *pids: int, path: str = PHOTO) -> None:
        """From now on these workers read this photo; the others are idle."""
        self.workers = tuple(
            worker(w.pid, "reading", path, self.at) if w.pid in pids else worker(w.pid) for w in self.workers
        )

    def start(self, stage: str, total: int | None = None, unit: str = "") -> None:
        self.say(protocol.StageStarted(stage=stage, total=total, unit=unit))

    def progress(self, stage: str, done: int, total: int | None = None, detail: str = "") -> None:
        self.say(protocol.Progress(stage=stage, done=done, total=total, detail=detail))

    def finish(self, stage: str, elapsed_s: float, summary: str = SUMMARY) -> None:
        self.say(protocol.StageFinished(stage=stage, elapsed_s=round(elapsed_s, 3), summary=summary))

    def whole(self, stage: str, seconds: float, total: int | None = None, unit: str = "") -> None:
        """A stage from its start to its end, with even progress."""
        self.start(stage, total, unit)
        for done in range(1, (total or 0) + 1):
            self.wait(seconds / (total or 1))
            self.progress(stage, done, total)
        if not total:
            self.wait(seconds)
        self.finish(stage, seconds)

    def start_up(self, until: str = "train", photos: int = 2000) -> Transcript:
        """The stages before `until`."""
        totals = {"scan": (photos, 8), "first_train_batch": (32, 32), "first_val_batch": (64, 32)}
        for stage in BEFORE_TRAINING:
            if stage == until:
                break
            seconds = TOOK.get(stage, 0.2)
            total, parts = totals.get(stage, (None, 0))
            self.start(stage, total, "photos" if total else "")
            for part in range(1, parts + 1):
                self.wait(seconds / parts)
                self.progress(stage, (total or 0) * part // parts, total)
            if not parts:
                self.wait(seconds)
            if stage == "import":
                self.say(
                    protocol.DeviceChosen(
                        device="cpu",
                        name="Test CPU",
                        memory_bytes=8 * 10**9,
                        world_size=1,
                        tune=self.tune,
                        epochs=1 if self.tune == "head" else 0,
                    )
                )
            self.finish(stage, seconds)
        return self

    def begin_training(self) -> Transcript:
        self.start("train", self.epochs * STEPS, "steps")
        return self

    def go_on(self, step: int) -> Transcript:
        """Training, where an earlier start had made so many steps."""
        self.begin_training()
        self.progress("train", step, self.epochs * STEPS)
        return self

    def steps(self, first: int, last: int, each_s: float = 0.1, loss: float | None = 1.0) -> Transcript:
        """The steps from `first` to `last`, counted over all epochs from 1."""
        for step in range(first, last + 1):
            self.wait(each_s)
            epoch = (step - 1) // STEPS + 1
            self.say(
                protocol.Metric(
                    step=step, epoch=epoch, values={"loss": loss}, timing=TIMING, images_per_s=32 / each_s
                )
            )
            words = f"epoch {epoch} of {self.epochs}, step {(step - 1) % STEPS + 1} of {STEPS}"
            self.progress("train", step, self.epochs * STEPS, words)
        return self

    def epoch(self, number: int, each_s: float = 0.1) -> Transcript:
        """A whole epoch: steps, validation, checkpoint."""
        began = self.at
        self.steps((number - 1) * STEPS + 1, number * STEPS, each_s)
        self.whole("validate", 2.0, 10, "photos")
        self.say(
            protocol.EpochFinished(
                epoch=number,
                train_loss=1.0,
                val_loss=1.0,
                val_accuracy=0.5 + number / 100,
                elapsed_s=self.at - began,
                best=True,
                step=number * STEPS,
            )
        )
        self.whole("save", 0.5)
        path = "checkpoints/best"
        self.say(protocol.CheckpointSaved(path=path, epoch=number, step=number * STEPS, best=True))
        return self

    def embed(self, photos: int = 2000, known: int = 0, each_s: float = 0.05) -> Transcript:
        """Both stages of the last layer."""
        self.embedding(photos, known, each_s, until=photos)
        self.finish("embed", 0.1 + (photos - known) * each_s)
        self.whole("fit", photos * 0.001, 3000, "steps")
        self.say(protocol.HeadFitted(val_loss=0.4, val_accuracy=0.85, decay=3e-5))
        return self

    def embedding(self, photos: int, known: int, each_s: float, until: int) -> Transcript:
        """The stage up to so many photos."""
        self.start("embed", photos, "photos")
        self.wait(0.1)
        self.progress("embed", known, photos)
        for begin in range(known, until, 32):
            done = min(until, begin + 32)
            self.wait((done - begin) * each_s)
            self.progress("embed", done, photos)
        return self

    def end_head(self) -> Transcript:
        """The one step and epoch of a training of the last layer."""
        self.start("train", 1, "steps")
        self.say(
            protocol.Metric(
                step=1, epoch=1, values={"loss": 0.1, "accuracy": 0.86}, timing=NO_TIMING, images_per_s=0.0
            )
        )
        self.progress("train", 1, 1)
        self.whole("save", 0.2)
        self.say(protocol.CheckpointSaved(path="checkpoints/best", epoch=1, step=1, best=True))
        self.say(
            protocol.EpochFinished(
                epoch=1, train_loss=0.1, val_loss=0.4, val_accuracy=0.85, elapsed_s=1.0, best=True, step=1
            )
        )
        self.finish("train", 0.2)
        metrics: dict[str, float | None] = {"val_accuracy": 0.85, "best_epoch": 1.0, "val_photos": 120.0}
        self.say(protocol.RunFinished(checkpoint="checkpoints/best", metrics=metrics, elapsed_s=self.at))
        return self

    def end(self) -> Transcript:
        self.finish("train", self.at)
        self.say(protocol.RunFinished(checkpoint="checkpoints/best", metrics={}, elapsed_s=self.at))
        return self


def healthy(epochs: int = 2) -> Transcript:
    run = Transcript(epochs).start_up().begin_training()
    for number in range(1, epochs + 1):
        run.epoch(number)
    return run.end()


def last_layer(photos: int = 600, known: int = 0, each_s: float = 0.05) -> Transcript:
    """By default, on a processor."""
    run = Transcript(20, asked="auto", tune="head").start_up("embed", photos)
    return run.embed(photos, known, each_s).end_head()


def last_layer_first(photos: int = 600, known: int = 0, epochs: int = 2) -> Transcript:
    """And all layers after it."""
    run = Transcript(epochs, asked="head_then_all", tune="head_then_all").start_up("embed", photos)
    run.embed(photos, known).begin_training()
    for number in range(1, epochs + 1):
        run.epoch(number)
    return run.end()


def silent_first_batch(silence_s: float = 100) -> Transcript:
    """The heart beats, of workers nothing is known, no photo comes any more."""
    run = Transcript().start_up("first_train_batch")
    run.workers = ()
    run.start("first_train_batch", 32, "photos")
    run.wait(silence_s)
    return run


def stuck_photo(silence_s: float = 100) -> Transcript:
    """After 9 photos of the first batch one worker does not come back from one."""
    run = Transcript().start_up("first_train_batch")
    run.start("first_train_batch", 32, "photos")
    for done in range(1, 10):
        run.wait(0.2)
        run.progress("first_train_batch", done, 32)
    run.reads(11)
    run.wait(silence_s)
    return run


def dead_drive(silence_s: float = 100) -> Transcript:
    """In the first epoch both workers wait for their photos and no step comes."""
    run = Transcript().start_up().begin_training().steps(1, 30)
    run.reads(11, 12)
    run.wait(silence_s)
    return run


def unplugged(silence_s: float = 100) -> Transcript:
    """In the first epoch the drive with the photos goes away, and the engine says so."""
    run = Transcript().start_up().begin_training().steps(1, 30)
    run.say(protocol.SourceGone(folder=DRIVE, reason="is not there"))
    run.where = f"waiting for {DRIVE}"
    run.wait(silence_s)
    return run


def slow_epoch() -> Transcript:
    """The third epoch's steps take three times as long."""
    run = Transcript(4).start_up().begin_training().epoch(1).epoch(2)
    return run.steps(2 * STEPS + 1, 3 * STEPS, each_s=0.3)


def failing() -> Transcript:
    run = Transcript().start_up("first_train_batch")
    run.start("first_train_batch", 32, "photos")
    run.wait(1)
    run.say(
        protocol.RunFailed(
            kind="TooManyBadPhotos",
            text="101 photos could not be read.",
            hint="Check the drive, or set the photos aside.",
            traceback="Traceback (most recent call last):\nTooManyBadPhotos: 101",
        )
    )
    return run


def crash() -> Transcript:
    """The last line is a step's; nothing comes after it."""
    return Transcript().start_up().begin_training().steps(1, 20)


ALL = {
    make.__name__: make
    for make in (healthy, silent_first_batch, stuck_photo, dead_drive, slow_epoch, failing, crash)
}


def replay(messages: Iterable[AnyMessage], until: float = float("inf")) -> Run:
    """A run as it was known at a moment of its clock."""
    run = Run()
    run.launched()
    for message in messages:
        if message.at <= until:
            run.receive(message)
    return run


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, make in ALL.items():
        (FOLDER / f"{name}.jsonl").write_bytes(b"".join(map(protocol.encode, make().messages)))


if __name__ == "__main__":
    main()
