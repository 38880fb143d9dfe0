"""Pictures of the window in every state: `python -m tests.gui.pictures OUT_DIR [STATE …] [--size 1366x768]`.

Needs a display (`xvfb-run -a -s "-screen 0 1920x1080x24"`). Each state is a made-up run, replayed; light and
dark, at 1100×700 and 1920×1080 or the sizes given (`--size`, as often as wanted); with
QT_SCALE_FACTOR=1.5 one that is larger than such a screen is as large as that (1280×720). `--guide` draws anew
the pictures of the guide.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import numpy as np
from PIL import Image

from tests.gui.card_pictures import CARD_STATES, show_cards, show_online
from tests.gui.caution_pictures import CAUTION_STATES, show_cautions
from tests.gui.chain_pictures import CHAINS
from tests.gui.preview_pictures import PREVIEW_STATES, show_preview
from tests.gui.runs_pictures import RUNS_STATES, show_runs
from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui.config import RunConfig
from waste_gui.monitor.countdown import usual
from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.monitor.evidence import Evidence, ProcessLook
from waste_gui.monitor.forecast import fine_tuning
from waste_gui.monitor.history import History, Record
from waste_gui.monitor.installation import Check, Told, gpu_verdict, qt_verdict, torch_verdict
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.run import Run
from waste_gui.monitor.self_test import SLOW_DISK, disk_check, memory_check, shm_check
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.timeline import Timeline
from waste_gui.monitor.watch import Watch
from waste_gui.protocol import AnyMessage, GpuState, Timing, WorkerState
from waste_gui.stages import training_stages

STEPS, EPOCHS, EPOCH_S = 390, 20, 33.0
TOOK = {
    "import": (3.1, "PyTorch 2.9, CUDA 13.0"),
    "scan": (2.4, "12 450 photos, 30 classes"),
    "model": (4.2, "ViT-B-32, 88 million weights, from the cache"),
    "loaders": (0.2, "390 batches and 98 batches"),
    "single_sample": (0.1, "3 × 224 × 224, label 7 (eggshells)"),
    "first_train_batch": (6.1, "32 × 3 × 224 × 224, labels 0–29, 18 classes"),
    "first_val_batch": (3.3, "64 × 3 × 224 × 224, labels 0–29, 25 classes"),
    "label_check": (0.1, "labels 0–29"),
    "model_check": (0.3, "output 1 × 30"),
}
QUICK = Timing(wait_s=0.001, copy_s=0.001, compute_s=0.06)
BASELINE = p.Baseline(
    classes=30,
    train_photos=12_450,
    val_photos=380,
    train_loss=3.4,
    least_loss=0.9,
    val_loss=3.4,
    val_accuracy=0.08,
)
PHOTO = "/data/waste/glass_beverage_bottles/IMG_0042.jpg"
GPU = GpuState(utilisation=93, memory_used=9_100_000_000, memory_total=17_000_000_000)
CONFIG = RunConfig(source=("/data/waste", "/data/waste_2025"), model="ViT-B-32", image_size=224)


EMBEDDED, EMBED_S = 600, 0.045
TOOK_HERE = {
    "import": (3.1, "PyTorch 2.9"),
    "scan": (0.2, "600 photos in 6 classes: 480 to train, 120 to validate"),
    "model": (1.2, "tf_efficientnet_lite0 (timm), 3.4 M parameters, from default, 224 px"),
    "loaders": (0.1, "15 batches and 2 batches"),
    "first_train_batch": (1.1, "32 × 3 × 224 × 224, labels 0–5, 6 classes"),
    "first_val_batch": (0.6, "64 × 3 × 224 × 224, labels 0–5, 6 classes"),
}
HERE = RunConfig(source=("/data/waste",))


class Script:
    """A run told step by step; it is looked at each second, as the window does."""

    def __init__(self, earlier_runs: int = 6, config: RunConfig = CONFIG, tune: str = "") -> None:
        """`tune` is what the device decides of the network to be trained."""
        self.config, self.tune = config, tune
        self.run = Run()
        self.timeline = Timeline()
        stages = {name: took for name, (took, _) in TOOK.items()}
        record = Record(
            command="train",
            model="ViT-B-32",
            device="NVIDIA RTX A4000",
            photos=None,
            epochs=EPOCHS,
            steps=EPOCHS * STEPS,
            stages={**stages, "validate": 4.0, "save": 0.5},
            epoch_s=EPOCH_S,
        )
        records = []
        for i in range(earlier_runs):
            varied = {name: took * (0.8 + 0.1 * i) for name, took in record.stages.items()}
            epoch_s = EPOCH_S * (0.94 + 0.03 * i)
            records.append(msgspec.structs.replace(record, stages=varied, epoch_s=epoch_s))
        self.watch = Watch(History(records))
        self.evidence = Evidence(cpu_percent=180, io_bytes_per_s=4e7, free_disk_bytes=41_000_000_000)
        self.at, self.next_beat = 0.0, 1.0
        self.workers: tuple[WorkerState, ...] = ()
        self.gpu: GpuState | None = None
        self.where = ""
        self.lr = 1e-4
        self.most_predicted: p.MostPredicted | None = None
        self.say(
            p.RunStarted(
                protocol=1,
                run="2026-11-23_14-01-52",
                pid=4242,
                host="lab",
                started_at=1_763_906_512.0,
                device="auto",
                world_size=1,
                stages=training_stages(embeds=bool(tune)),
                versions={"torch": "2.9.1", "waste-gui": "0.1.0"},
                resumed_from=None,
                model=config.model,
                epochs=EPOCHS,
                tune=config.tune if tune else "",
            )
        )

    def say(self, message: AnyMessage) -> None:
        message = msgspec.structs.replace(message, seq=self.run.next_seq, at=self.at)
        self.run.receive(message)
        self.timeline.receive(message)

    def wait(self, seconds: float) -> None:
        end = self.at + seconds
        while self.next_beat <= end:
            self.at, self.next_beat = self.next_beat, self.next_beat + 1
            aged = tuple(
                msgspec.structs.replace(w, since_s=w.since_s + 1) if w.path else w for w in self.workers
            )
            self.workers = aged
            self.say(p.Heartbeat(where=self.where, workers=aged, queued=0, gpu=self.gpu))
            view = self.watch.look(self.run, self.evidence, self.at)
            self.timeline.look(replace(self.evidence), self.at, view.verdict, self.run.moved_at)
        self.at = end

    def start_up(self, until: str = "train") -> None:
        device = p.DeviceChosen(
            device="cuda", name="NVIDIA RTX A4000", memory_bytes=16_900_000_000, world_size=1
        )
        if self.tune:
            device = p.DeviceChosen(
                device="cpu",
                name="CPU (AMD Ryzen 5, 6 cores)",
                memory_bytes=16_600_000_000,
                world_size=1,
                tune=self.tune,
                epochs=1,
            )
        photos = EMBEDDED if self.tune else 12_450
        for name, (took, summary) in {**TOOK, **(TOOK_HERE if self.tune else {})}.items():
            if name == until:
                return
            self.say(p.StageStarted(stage=name))
            self.wait(took)
            if name == "import":
                self.say(device)
            if name == "scan":
                self.say(p.Progress(stage="scan", done=photos, total=photos))
            self.say(p.StageFinished(stage=name, elapsed_s=took, summary=summary))

    def train(
        self,
        epochs: float,
        curve: Callable[[float], float | None] | None = None,
        timing: Timing = QUICK,
    ) -> None:
        """`curve` is the loss by the epochs passed, where it is another than a healthy one."""
        chance = np.random.default_rng(3)
        self.gpu = GPU
        self.say(p.StageStarted(stage="train", total=STEPS * EPOCHS, unit="steps"))
        per_step = (EPOCH_S - 5) / STEPS
        for step in range(1, int(epochs * STEPS) + 1):
            part = step / STEPS
            loss = 0.25 + 2.9 * np.exp(-part / 1.7) + chance.normal(0, 0.10 + 0.22 * np.exp(-part / 2))
            told = float(loss) if curve is None else curve(part)
            if told is not None and curve is not None:
                told *= float(np.exp(chance.normal(0, 0.05)))
            accuracy = 0.95 - 0.9 * np.exp(-part / 1.6) + chance.normal(0, 0.05)
            self.wait(per_step)
            self.say(p.Progress(stage="train", done=step, total=STEPS * EPOCHS))
            if curve is not None:
                accuracy = 0.06 + chance.normal(0, 0.03)
            values = {"loss": told, "accuracy": float(np.clip(accuracy, 0, 1)), "lr": self.lr}
            epoch = 1 + (step - 1) // STEPS
            self.say(p.Metric(step=step, epoch=epoch, values=dict(values), timing=timing, images_per_s=446))
            if step % STEPS == 0:
                self.end_epoch(step // STEPS, None if curve is None else curve(part))

    def end_epoch(self, epoch: int, told: float | None = None) -> None:
        for stage, took in (("validate", 4.0), ("save", 0.4)):
            self.say(p.StageStarted(stage=stage, total=380 if stage == "validate" else None, unit="photos"))
            self.wait(took)
            self.say(p.StageFinished(stage=stage, elapsed_s=took, summary=""))
        loss, accuracy = 0.38 + 2.6 * float(np.exp(-epoch / 1.6)), 0.925 - 0.85 * float(np.exp(-epoch / 1.5))
        if told is not None:
            loss, accuracy = told, 0.04
        self.say(
            p.EpochFinished(
                epoch=epoch,
                step=epoch * STEPS,
                train_loss=loss,
                val_loss=loss,
                val_accuracy=accuracy,
                elapsed_s=EPOCH_S,
                best=epoch != 5,
                most_predicted=self.most_predicted,
            )
        )


def starting() -> Script:
    script = Script()
    script.start_up("first_train_batch")
    script.say(p.StageStarted(stage="first_train_batch", total=32, unit="photos"))
    script.wait(2.2)
    script.say(p.Progress(stage="first_train_batch", done=9, total=32, detail=PHOTO))
    return script


def first_run() -> Script:
    script = Script(earlier_runs=0)
    script.start_up("model")
    script.say(p.StageStarted(stage="model", unit="bytes"))
    script.wait(7)
    script.say(p.Progress(stage="model", done=120_000_000, detail="downloading weights, 120 of 605 MB"))
    return script


def embedding(photos: int = 252) -> Script:
    """A default run on a computer without a graphics card, for the first time."""
    script = Script(0, HERE, "head")
    script.start_up()
    script.say(p.StageStarted(stage="embed", total=EMBEDDED, unit="photos"))
    script.evidence = Evidence(cpu_percent=560, io_bytes_per_s=2e6, free_disk_bytes=41_000_000_000)
    script.where = "computing embeddings"
    script.workers = tuple(WorkerState(pid=n, state="idle", path=None, since_s=0) for n in (4311, 4312))
    script.wait(0.2)
    script.say(p.Progress(stage="embed", done=0, total=EMBEDDED))
    for done in range(36, photos + 1, 36):
        script.wait(36 * EMBED_S)
        script.say(p.Progress(stage="embed", done=done, total=EMBEDDED, detail=f"{done} of 600 photos"))
    return script


def embedding_slow() -> Script:
    """Other programs need the processors."""
    script = embedding()
    machine = Machine(memory_bytes=16 * 10**9, free_memory_bytes=9 * 10**9, cpu_percent=99.0, processors=6)
    script.evidence = Evidence(cpu_percent=24, free_disk_bytes=41_000_000_000, machine=machine)
    script.wait(28)
    return script


def embedding_stuck() -> Script:
    script = embedding()
    script.workers = tuple(WorkerState(pid=n, state="reading", path=PHOTO, since_s=0) for n in (4311, 4312))
    script.evidence = Evidence(
        cpu_percent=0, io_bytes_per_s=0, states=("disk-sleep",), free_disk_bytes=41 * 10**9
    )
    script.where = "waiting for photos"
    script.wait(95)
    return script


def last_layer_done() -> Script:
    script = embedding(EMBEDDED)
    summary = "600 photos, 2 views each, 1280 features"
    script.say(p.StageFinished(stage="embed", elapsed_s=EMBEDDED * EMBED_S, summary=summary))
    script.say(p.StageStarted(stage="fit", unit="fits"))
    script.wait(1.2)
    script.say(p.StageFinished(stage="fit", elapsed_s=1.2, summary="decay 0.0003"))
    script.say(p.StageStarted(stage="train", total=1, unit="steps"))
    script.say(
        msgspec.structs.replace(BASELINE, classes=6, train_photos=480, val_photos=120, val_accuracy=0.17)
    )
    values = {"loss": 0.033, "accuracy": 0.866}
    still = Timing(wait_s=0, copy_s=0, compute_s=0)
    script.say(p.Metric(step=1, epoch=1, values=dict(values), timing=still, images_per_s=0))
    script.say(p.Progress(stage="train", done=1, total=1))
    script.say(p.StageStarted(stage="save"))
    script.wait(0.2)
    script.say(p.CheckpointSaved(path="checkpoints/best.safetensors", epoch=1, step=1, best=True))
    script.say(p.StageFinished(stage="save", elapsed_s=0.2, summary=""))
    script.say(
        p.EpochFinished(
            epoch=1, step=1, train_loss=0.033, val_loss=0.42, val_accuracy=0.85, elapsed_s=20, best=True
        )
    )
    script.say(p.StageFinished(stage="train", elapsed_s=0.2, summary=""))
    metrics: dict[str, float | None] = {"val_accuracy": 0.85, "best_epoch": 1.0, "val_photos": 120.0}
    script.say(p.RunFinished(checkpoint="best", metrics=metrics, elapsed_s=script.at))
    return script


RECALL = {"cardboard": 0.9, "glass": 0.75, "metal": 0.85, "paper": 0.9, "plastic": 0.8, "trash": 0.9}


def training() -> Script:
    script = Script()
    script.start_up()
    script.train(6.55)
    script.wait(0.1)
    return script


def stuck() -> Script:
    script = Script()
    script.start_up("first_train_batch")
    script.say(p.StageStarted(stage="first_train_batch", total=32, unit="photos"))
    script.wait(2.2)
    script.say(p.Progress(stage="first_train_batch", done=9, total=32, detail=PHOTO))
    script.workers = tuple(WorkerState(pid=n, state="reading", path=PHOTO, since_s=0) for n in (4311, 4312))
    script.evidence = Evidence(
        cpu_percent=0, io_bytes_per_s=0, states=("disk-sleep",), free_disk_bytes=41 * 10**9
    )
    script.where = "waiting for photos"
    script.wait(161)
    return script


def waits_for_drive(photo: str = PHOTO) -> Script:
    """One of four workers is on a photo that does not come; the others have read what was asked for."""
    script = Script()
    script.start_up()
    script.workers = tuple(
        WorkerState(pid=n, state="idle", path=None, since_s=0.0) for n in range(4310, 4314)
    )
    script.train(1.2)
    stuck = WorkerState(pid=4311, state="reading", path=photo, since_s=0.0)
    script.workers = (script.workers[0], stuck, *script.workers[2:])
    processes = (
        ProcessLook(4242, "engine", "sleeping", "poll_schedule_timeout", 1.0, 900.0, 658_000_000, 9),
        ProcessLook(4311, "worker", "disk-sleep", "request_wait_answer", 0.0, 0.0, 27_000_000, 1),
    )
    machine = Machine(memory_bytes=16 * 10**9, free_memory_bytes=9 * 10**9, free_disk_bytes=41 * 10**9)
    script.evidence = Evidence(
        cpu_percent=1, io_bytes_per_s=900, free_disk_bytes=41 * 10**9, processes=processes, machine=machine
    )
    script.where, script.gpu = "waiting for photos", msgspec.structs.replace(GPU, utilisation=0)
    script.wait(70)
    script.say(p.Stacks(threads=STACKS))
    script.wait(30)
    return script


def _stack(pid: int, role: str, thread: str, *frames: tuple[str, int, str]) -> p.ThreadStack:
    lines = tuple(p.Frame(file=file, line=line, function=function) for file, line, function in frames)
    return p.ThreadStack(pid=pid, role=role, thread=thread, frames=lines)


PACKAGE = "/opt/waste-gui/waste_gui"
STACKS = (
    _stack(
        4242,
        "main",
        "MainThread",
        ("<frozen runpy>", 198, "_run_module_as_main"),
        (f"{PACKAGE}/engine/__main__.py", 120, "main"),
        (f"{PACKAGE}/engine/runs.py", 88, "train"),
        (f"{PACKAGE}/engine/training.py", 118, "Training.train_epoch"),
        (f"{PACKAGE}/engine/loading.py", 301, "Batches.__next__"),
        ("/usr/lib/python3.12/queue.py", 180, "Queue.get"),
        ("/usr/lib/python3.12/threading.py", 359, "Condition.wait"),
    ),
    _stack(
        4242,
        "engine",
        "heartbeat",
        ("/usr/lib/python3.12/threading.py", 1012, "Thread._bootstrap"),
        (f"{PACKAGE}/engine/heartbeat.py", 55, "Heart._run"),
    ),
    _stack(
        4311,
        "worker",
        "MainThread",
        (f"{PACKAGE}/dataset/worker.py", 96, "serve"),
        (f"{PACKAGE}/dataset/images.py", 142, "read_tile"),
        ("/usr/lib/python3.12/pathlib.py", 1013, "Path.open"),
    ),
)


def deadlock() -> Script:
    """It hangs in a step; its processes are idle."""
    script = Script()
    script.start_up()
    script.train(2.2)
    script.evidence = Evidence(cpu_percent=1, io_bytes_per_s=0, states=("sleeping",))
    script.where, script.gpu = "training step", msgspec.structs.replace(GPU, utilisation=0)
    script.wait(90)
    script.say(p.Stacks(threads=LOCKED))
    script.wait(40)
    return script


def waits(name: str) -> Script:
    """What it waits for was read."""
    script = deadlock()
    script.run.saw_waits((CHAINS[name],), script.at)
    return script


LOCKED = (
    _stack(
        4242,
        "main",
        "MainThread",
        (f"{PACKAGE}/engine/training.py", 118, "Training.train_epoch"),
        ("/home/lab/plugin/metrics.py", 41, "Metrics.update"),
        ("/usr/lib/python3.12/threading.py", 359, "Lock.acquire"),
    ),
)


def not_learning() -> Script:
    script = Script()
    script.lr = 0.03
    script.start_up()
    script.say(BASELINE)
    script.train(4.3, lambda epochs: 3.41)
    script.wait(0.1)
    return script


def loss_nan() -> Script:
    script = Script()
    script.lr = 0.03
    script.start_up()
    script.say(BASELINE)
    script.train(3.55, lambda epochs: 3.4 - 0.3 * epochs if epochs < 3.1 else None)
    script.wait(0.1)
    return script


def one_class() -> Script:
    script = Script()
    script.lr = 0.003
    script.most_predicted = p.MostPredicted(label="glass_beverage_bottles", share=0.97, true_share=0.08)
    script.start_up()
    script.say(BASELINE)
    script.train(4.3, lambda epochs: 2.9)
    script.wait(0.1)
    return script


def loading_bound() -> Script:
    script = Script()
    script.start_up()
    script.gpu = GPU
    script.say(BASELINE)
    script.train(5.55, timing=Timing(wait_s=0.05, copy_s=0.001, compute_s=0.018))
    script.gpu = msgspec.structs.replace(GPU, utilisation=24)
    script.wait(1)
    return script


def slow() -> Script:
    script = training()
    script.gpu = msgspec.structs.replace(GPU, utilisation=35)
    script.wait(24)
    return script


def failed() -> Script:
    script = training()
    script.say(
        p.RunFailed(
            kind="out_of_memory",
            text="Training stopped: the graphics card ran out of memory.",
            hint="Batch size 64 needs about 9 GB, 6.1 GB was free. Use 32, or close other programs.",
            traceback="Traceback (most recent call last):\n  …\ntorch.OutOfMemoryError: CUDA out of memory.",
        )
    )
    return script


def stopped() -> Script:
    script = training()
    script.say(p.RunStopped(checkpoint="best", reason="Stopped at the end of the epoch, as asked."))
    return script


def crashed() -> Script:
    """Killed by the system for memory."""
    script = training()
    kernel = (
        "Out of memory: Killed process 4711 (python) total-vm:18411184kB, anon-rss:14888528kB, "
        "file-rss:164kB, shmem-rss:0kB, UID:1000 pgtables:36400kB oom_score_adj:0"
    )
    machine = Machine(memory_bytes=16_600_000_000, free_memory_bytes=310_000_000)
    seen = Evidence(free_memory=machine.free_memory, machine=machine)
    crash = explain(ProcessOutcome(signal=9), before=(seen,), kernel=kernel)
    script.run.process_gone(crash.text, crash)
    return script


FATAL = """\
Fatal Python error: Segmentation fault

Current thread 0x00007fc952077b80 (most recent call first):
  File "/opt/env/lib/python3.12/site-packages/torch/nn/modules/conv.py", line 548 in _conv_forward
  File "/opt/env/lib/python3.12/site-packages/torch/nn/modules/module.py", line 1775 in _wrapped_call_impl
  File "/opt/env/lib/python3.12/site-packages/waste_gui/engine/training.py", line 131 in train_epoch
  File "/opt/env/lib/python3.12/site-packages/waste_gui/engine/runs.py", line 96 in _train

Thread 0x00007fc952077b80 (most recent call first):
  File "/opt/env/lib/python3.12/threading.py", line 359 in wait
"""


def crashed_in_library() -> Script:
    script = training()
    crash = explain(ProcessOutcome(signal=11), FATAL)
    script.run.process_gone(crash.text, crash)
    return script


def done() -> Script:
    script = Script()
    script.start_up()
    script.train(20)
    script.say(p.StageFinished(stage="train", elapsed_s=648, summary="best 92.0 %, epoch 20"))
    metrics: dict[str, float | None] = {"val_accuracy": 0.9203, "val_photos": 380.0}
    script.say(p.RunFinished(checkpoint="best", metrics=metrics, elapsed_s=script.at))
    return script


def many_photos(folder: Path, odd: str = "Metal & <b>tins</b>") -> list[str]:
    """Two sources of a few drawn photos, again and again; a folder has an odd name."""
    from waste_gui.dataset.demo import draw_dataset
    from waste_gui.dataset.mapping import LAB_CLASSES

    draw_dataset(folder / "drawn", per_class=4, damaged=0)
    drawn = sorted((folder / "drawn").rglob("*.jpg"))
    rng = np.random.default_rng(1)
    sources = {"waste": LAB_CLASSES[:14], "waste_2025": ("paper", "organic", odd, "trash")}
    for source, names in sources.items():
        for name in names:
            (folder / source / name.replace("/", "_")).mkdir(parents=True)
            for i in range(int(rng.integers(3, 90))):
                photo = drawn[int(rng.integers(len(drawn)))]
                (folder / source / name.replace("/", "_") / f"{i}.jpg").hardlink_to(photo)
    return [str(folder / source) for source in sources]


def full_cache() -> Script:
    script = training()
    script.say(
        p.Warned(
            text="The disk is full, so the photo cache cannot grow. Training goes on; photos that are not in "
            "the cache are read anew in each epoch.",
            hint="Free space on the disk that holds /home/lab/.cache/waste-gui/tiles.",
        )
    )
    return script


def source_gone() -> Script:
    script = training()
    script.say(p.SourceGone(folder="/media/lab/usb drive/waste_2025", reason="is not there"))
    script.where = "waiting for /media/lab/usb drive/waste_2025"
    script.wait(75)
    return script


def checks_of_a_bad_day() -> list[Check]:
    """A self-test with something of each kind."""
    torch = {"torch": "2.9.1+cu130", "cuda": "13.0", "torchvision": "0.24.1", "open_clip": "3.2.0"}
    told = Told({**torch, "driver": "470.256.02", "driver_cuda": 11040, "card": "NVIDIA RTX A4000"})
    missing = {"missing": ["libxcb-cursor.so.0"], "platform": "offscreen"}
    machine = Machine(
        memory_bytes=16_600_000_000,
        free_memory_bytes=9_100_000_000,
        shm_bytes=67_108_864,
        free_shm_bytes=67_108_864,
        free_disk_bytes=8_200_000_000,
    )
    return [
        Check("Python", "ok", "3.12.7 in /home/lab/waste-gui/.venv"),
        Check("PySide6", "ok", "6.12.1"),
        qt_verdict(Told(missing), "ubuntu debian"),
        torch_verdict(told),
        gpu_verdict(told),
        shm_check(machine),
        memory_check(machine),
        Check("Data folder", "ok", "/home/lab/.local/share/waste-gui"),
        disk_check(machine),
        Check("Write speed", "warn", "4.1 MB in a second", SLOW_DISK),
        Check("Clock", "ok", "2026-11-23 14:02"),
    ]


CHECK_STAGES = tuple(
    p.StageInfo(id=name, title=title, expected_s=expected, stuck_after_s=60)
    for name, title, expected in (
        ("scan", "Scan photos", (1, 30)),
        ("check", "Read every photo", None),
        ("compare", "Compare the photos", (0, 5)),
    )
)
CHECKED = 2527
CHECK_STATES: tuple[str, ...] = (
    "not_checked",
    "checking",
    "check_stopped",
    "found",
    "found_more",
    "nothing_found",
)
CHECK_STATES += ("set_aside", "check_failed", "check_waits", "photo", "copies")


class CheckScript:
    """A check told step by step, about drawn photos."""

    def __init__(self, folder: Path) -> None:
        self.photos = sorted(str(photo) for photo in folder.glob("*/*.jpg"))
        self.seq = 0
        self.said: list[AnyMessage] = []
        self.say(
            p.RunStarted(
                protocol=1,
                run="check",
                pid=4242,
                host="lab",
                started_at=1_763_906_512.0,
                device="auto",
                world_size=1,
                stages=CHECK_STAGES,
                versions={},
                resumed_from=None,
                command="check",
            )
        )
        self.say(p.StageStarted(stage="scan"))
        self.say(p.StageFinished(stage="scan", elapsed_s=0.4, summary=""), 0.4)
        self.say(p.StageStarted(stage="check", total=CHECKED, unit="photos"), 0.5)

    def say(self, message: AnyMessage, at: float = 0.0) -> None:
        self.said.append(msgspec.structs.replace(message, seq=self.seq, at=at))
        self.seq += 1

    def read(self, photos: int) -> None:
        for i in range(1, 11):
            self.say(p.Progress(stage="check", done=photos * i // 10), 0.5 + 4.0 * i)

    def fail(self, photos: int) -> None:
        for i, path in enumerate(self.damaged[:photos], 1):
            self.say(
                p.ImageFailed(
                    path=path,
                    source="",
                    reason="is cut off at its end",
                    kind="truncated",
                    action="listed",
                    failures=i,
                    limit=CHECKED,
                ),
                20,
            )

    @property
    def damaged(self) -> list[str]:
        return [path for path in self.photos if os.path.basename(path).startswith("damaged")] or self.photos[
            :3
        ]

    def find(self, *, only_copies: bool = False) -> None:
        """Something of each kind; a long name with markup among them."""
        good = [path for path in self.photos if path not in self.damaged]
        odd = (
            "/data/waste/plastic & <b>foil</b>/IMG_2025-03-14_11-02-41_a very long name_copy of the copy.jpg"
        )
        told: list[tuple[p.FindingKind, list[str], str, bool]] = [
            ("damaged", [path], "Cannot be read: is cut off at its end.", True) for path in self.damaged
        ]
        told.append(("damaged", [odd], "Cannot be read: is no picture but a page of text in HTML.", True))
        told += [
            ("leak", good[0:2], "The same picture is in training and validation.", True),
            ("leak", good[2:4], "Nearly the same picture is in training and validation.", True),
            (
                "two_labels",
                [good[4], good[-1]],
                "The same picture is in the classes glass and paper. It is in training and validation, too.",
                False,
            ),
            ("duplicate", good[6:13], "The same picture is there 7 times.", True),
            ("duplicate", good[13:15], "The same picture is there twice.", True),
            ("near_duplicate", good[15:18], "Nearly the same picture is there 3 times.", True),
            ("tiny", [good[18]], "Is very small: 48 × 40 pixels.", True),
            (
                "odd_shape",
                [good[19]],
                "Is very long and narrow: 3 200 × 400 pixels.",
                True,
            ),
            ("huge", [good[20]], "Is very large: 96 megapixels, 41 MB.", False),
        ]
        for i, (kind, paths, words, cure) in enumerate(told):
            if not only_copies or kind == "duplicate":
                suggest = tuple(paths[1:] or paths) if cure else ()
                finding = p.Finding(kind=kind, paths=tuple(paths), words=words, suggest=suggest, key=str(i))
                self.say(finding, 60)

    def finish(self) -> None:
        self.say(p.StageFinished(stage="check", elapsed_s=41, summary=""), 60)
        self.say(p.RunFinished(checkpoint=None, metrics={}, elapsed_s=60), 60)


def check_script(state: str, folder: Path) -> CheckScript:
    script = CheckScript(folder)
    if state in ("checking", "check_waits", "check_stopped"):
        script.read(1204)
        script.fail(3)
    elif state != "check_failed":
        script.read(CHECKED)
    match state:
        case "check_waits":
            script.say(p.SourceGone(folder="/media/lab/usb drive/waste_2025", reason="is not there"), 45)
        case "check_stopped":
            script.say(p.RunStopped(checkpoint=None, reason="Stopped as asked."), 45)
        case "check_failed":
            text = "The folder /data/waste cannot be read (Permission denied)."
            hint = "Ask whoever owns it to let you read it, or choose another folder."
            script.say(p.RunFailed(kind="dataset", text=text, hint=hint, traceback=""), 1)
        case "found" | "found_more" | "set_aside" | "photo" | "copies":
            script.find()
            script.finish()
        case "nothing_found":
            script.finish()
    return script


def write_results(folder: Path) -> None:
    from waste_gui.dataset.mapping import LAB_CLASSES

    rng = np.random.default_rng(2)
    n = len(LAB_CLASSES)
    counts = np.diag(rng.integers(8, 30, n)) + (rng.random((n, n)) > 0.95) * rng.integers(1, 6, (n, n))
    (folder / "results").mkdir(parents=True)
    with open(folder / "results/confusion.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [["", *LAB_CLASSES], *([c, *r] for c, r in zip(LAB_CLASSES, counts, strict=True))]
        )
    with open(folder / "results/per_class.csv", "w", newline="") as file:
        rows = [
            [c, r.sum(), r[i], r[i] / r.sum(), 0]
            for i, (c, r) in enumerate(zip(LAB_CLASSES, counts, strict=True))
        ]
        csv.writer(file).writerows([["class", "photos", "right", "recall", "precision"], *rows])


def snapshot(script: Script) -> Snapshot:
    view = script.watch.look(script.run, script.evidence, script.at) if script.run.phase.running else None
    folder = Path("/home/lab/.local/share/waste-gui/runs/2026-11-23_14-01-52")
    bands = {name: usual(script.run, name, script.watch.history) for name in script.run.stages}
    start, seen = 1_763_906_512.0, script.evidence
    return Snapshot(
        script.run,
        script.at,
        start,
        view,
        seen,
        script.config,
        folder,
        usual={name: band for name, band in bands.items() if band},
        first_run=not script.watch.history.records,
        live=script.run.phase.running,
        timeline=script.timeline,
        fine_tuning_s=fine_tuning(script.run, script.config, script.watch.history),
    )


GUIDE = {
    "not_checked": "photos",
    "settings": "settings",
    "training": "training",
    "results": "results",
    "runs": "runs",
    "where_waits_for_drive": "where",
}
"""Which state is the picture of which page of the guide."""

GUIDE_WIDTH = 640
SIZES = ((1100, 700), (1920, 1080))


def main(out: Path, wanted: list[str], guide: bool = False, sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    """`guide` makes its pictures only: light, and as small as they are shown."""
    os.environ["WASTE_GUI_HOME"] = tempfile.mkdtemp()
    from PySide6.QtCore import QEventLoop, Qt, QTimer
    from PySide6.QtWidgets import QApplication, QWidget

    from waste_gui.dataset.demo import draw_dataset
    from waste_gui.gui import main_window as mw
    from waste_gui.gui.alerts.dialog import NotificationsDialog
    from waste_gui.gui.alerts.notifier import SendOutcome
    from waste_gui.gui.common.preferences import Preferences
    from waste_gui.gui.common.theme import Theme
    from waste_gui.gui.photos.finding_rows import Entry
    from waste_gui.gui.platform.self_test import SelfTestDialog
    from waste_gui.gui.queue.queue_text import over_notice
    from waste_gui.gui.session import pages
    from waste_gui.gui.session.dataset_choice import DatasetChoice
    from waste_gui.gui.session.engine_process import EngineProcess
    from waste_gui.gui.session.interfaces import Answer, Question
    from waste_gui.gui.session.queue_store import ENDED, Queue, QueuedRun, QueueState
    from waste_gui.gui.session.run_text import stop_question
    from waste_gui.gui.shell.dialogs import QuestionDialog
    from waste_gui.gui.shell.guide import GuideDialog
    from waste_gui.rundir import RunDir

    app = QApplication([])
    theme = Theme(app, "light")
    out.mkdir(parents=True, exist_ok=True)
    scale = app.devicePixelRatio()
    if guide:  # Nobody's folders are of interest there.
        os.chdir(tempfile.mkdtemp())
    photos = many_photos(Path("photos"), "metal") if guide else many_photos(Path(tempfile.mkdtemp()))
    drawn = (Path("drawn") if guide else Path(tempfile.mkdtemp())) / "waste"
    if not wanted or set(wanted) & {*CHECK_STATES, *PREVIEW_STATES, *CAUTION_STATES}:
        draw_dataset(drawn, per_class=8)
    results = Path(tempfile.mkdtemp()) / "2026-11-23_14-01-52"
    write_results(results)
    (results / "config.json").write_bytes(configs.dump(CONFIG))

    def turn(until: Callable[[], bool] = lambda: False, ms: int = 120) -> None:
        """Let the event loop go round."""
        loop = QEventLoop()
        QTimer.singleShot(ms, loop.quit)
        loop.exec()
        for _ in range(40):
            if until() or ms == 120:
                return
            QTimer.singleShot(50, loop.quit)
            loop.exec()

    def show_check(window: mw.MainWindow, state: str) -> QWidget:
        """Its photos come from real reading processes."""
        part = window.rooms.data.checking
        window.rooms.data.set_choice(DatasetChoice((str(drawn),)))
        turn(lambda: window.rooms.data.readiness.ready, 121)
        if state == "not_checked":
            turn()
            turn(lambda: not part.thumbnails._asked, 121)
            return window
        script = check_script(state, drawn)
        part.check._reset(part._choice)
        part.check.run.launched()
        for message in script.said:
            part.check.receive(message)
        part.check.ended_at = 1_763_906_512.0
        part.check._zero = part.check._clock() - script.said[-1].at
        if part.check.run.phase.running:
            engine = SimpleNamespace(running=True, kill_now=lambda: None)
            part.check._engine = cast(EngineProcess, engine)
        part.browse(state != "found")
        if state == "set_aside":
            paths = [path for f in part.findings for path in f.suggest][:9]
            part.lists.exclude({path: "Cannot be read: is cut off at its end." for path in paths})
            part._on_toggled("aside")
        if state in ("photo", "copies"):
            kind = "tiny" if state == "photo" else "duplicate"
            entries = (r for r in part.page.list.found.rows if isinstance(r, Entry) and r.group == kind)
            part.open(next(entries))
            assert part.dialog is not None
            turn(lambda: not part.thumbnails._asked, 121)
            turn()
            turn(lambda: not part.thumbnails._asked, 121)
            return part.dialog
        turn()
        turn(lambda: not part.thumbnails._asked, 121)
        return window

    def show_run(window: mw.MainWindow, snapshot: Snapshot) -> None:
        """As if it were the one that trains."""
        window.rooms.session.controller.snapshot = lambda: snapshot  # type: ignore[method-assign]
        window.rooms.session.controller.changed.emit(snapshot)

    def show_help(window: mw.MainWindow, state: str) -> QWidget:
        """A dialog with words; the self-test is that of a computer that lacks much."""
        if state == "self_test":
            window.commands.show_self_test(first=True)
            (test,) = window.findChildren(SelfTestDialog)
            test._looking.cancel()
            test.found = []
            for check in checks_of_a_bad_day():
                test._on_check(check)
            test._on_finished()
            return test
        if state == "notifications":
            window.commands.show_notifications()
            (dialog,) = window.findChildren(NotificationsDialog)
            dialog.command.setText("/home/lab/bin/tell-the-lab.sh --room 4.12")
            dialog._on_told(SendOutcome("desktop", True, "The desktop shows it.", trial=True))
            failed = "Your command ended with status 1: ssh: Could not resolve hostname lab"
            dialog._on_told(SendOutcome("command", False, failed, trial=True))
            return dialog
        window.commands.show_guide("where" if state == "guide_where" else "photos")
        (guide,) = window.findChildren(GuideDialog)
        return guide

    def show_queue(window: mw.MainWindow, state: str) -> QWidget:
        """Runs in every state; a long name with markup among them."""
        if state == "queue":
            window.rooms.session.controller.expected = lambda config, photos: (  # type: ignore[method-assign]
                None if config.model == "RN50" else ((config.epochs or 20) * EPOCH_S, 3)
            )
            failure = "The graphics card ran out of memory. Batch size 64 needs about 9 GB, 6.1 GB was free."
            odd = "plastic & <b>foil</b> against the background of a very long name of a run in the queue 2"
            told: list[tuple[str, str, int, QueueState, str]] = [
                ("night run", "ViT-B-32", 20, "done", "92.0 %"),
                ("large batch", "ViT-B-16", 20, "failed", failure),
                ("", "resnet18", 30, "stopped", ""),
                ("small images first", "resnet50", 40, "running", ""),
                (odd, "mobilenet_v3_large", 12, "waiting", ""),
                ("no augmentation", "RN50", 20, "waiting", ""),
                ("", "efficientnet_b0", 1, "waiting", ""),
            ]
            source = ("/data/waste", "/media/lab/usb drive/waste_2025")
            entries = tuple(
                QueuedRun(config=RunConfig(name=n, model=m, epochs=e, source=source), state=s, words=w)
                for n, m, e, s, w in told
            )
            window.rooms.session.queue._closed = True
            window.rooms.session.queue._take(Queue(entries=entries))
        window.rooms.queueing.show()
        assert window.rooms.queueing.dialog is not None
        if state == "queue":
            rows = window.rooms.queueing.dialog.list
            rows.setCurrentIndex(rows.rows.index(4, 0))
        return window.rooms.queueing.dialog

    scripts = {
        f.__name__: f
        for f in (
            starting,
            first_run,
            embedding,
            embedding_slow,
            embedding_stuck,
            last_layer_done,
            training,
            not_learning,
            loss_nan,
            one_class,
            loading_bound,
            slow,
            stuck,
            waits_for_drive,
            deadlock,
            full_cache,
            source_gone,
            stopped,
            failed,
            crashed,
            crashed_in_library,
            done,
        )
    }
    scripts |= {f"waits_{name}": partial(waits, name) for name in CHAINS}
    if "where_waits_for_drive" in wanted or not wanted:
        draw_dataset(drawn, per_class=8)
        scripts["waits_for_drive"] = lambda: waits_for_drive(str(next(drawn.glob("*/*.jpg"))))
    snapshots = {
        name: snapshot(f())
        for name, f in scripts.items()
        if not wanted or {name, f"where_{name}", f"queue_{name}"} & set(wanted) or name == "training"
    }
    states = [
        "idle",
        "photos",
        *CHECK_STATES,
        *PREVIEW_STATES,
        *CAUTION_STATES,
        "settings",
        "more_settings",
        *CARD_STATES,
        *scripts,
        "log",
        "results",
        *RUNS_STATES,
        "stop",
        "queue",
        "queue_empty",
        "queue_done",
        "where_training",
        "where_waits_for_drive",
        "where_stuck",
        "where_deadlock",
        *(f"where_waits_{name}" for name in CHAINS),
        "where_crashed",
        "self_test",
        "notifications",
        "guide",
        "guide_where",
    ]
    for dark in (False,) if guide else (False, True):
        theme.choose("dark" if dark else "light")
        for width, height in SIZES[:1] if guide else sizes:
            if scale > 1:
                width, height = min(width, round(1920 / scale)), min(height, round(1080 / scale))
            for state in states:
                if wanted and state not in wanted:
                    continue
                settings = Preferences(Path(tempfile.mkdtemp()))
                for folder in ("/home/lab/trashnet", "/data/waste_2025", "/data/waste"):
                    settings.remember_folder(folder)
                window = mw.MainWindow(settings, theme)
                window.resize(width, height)
                window.show()
                shown: QWidget = window
                if state in snapshots:
                    window.show_page(pages.TRAINING)
                    show_run(window, snapshots[state])
                    if state == "last_layer_done" and (folder_of := snapshots[state].folder):
                        window.rooms.run_page.show_classes(folder_of, RECALL)
                elif state == "photos":
                    window.rooms.data.set_choice(DatasetChoice(tuple(photos), "lab"))
                    turn(lambda window=window: window.rooms.data.readiness.ready, 121)  # type: ignore[misc]
                    turn()
                    shown_photos = window.rooms.data.checking.thumbnails
                    turn(lambda shown_photos=shown_photos: not shown_photos._asked, 121)  # type: ignore[misc]
                elif state in CHECK_STATES:
                    shown = show_check(window, state)
                elif state in PREVIEW_STATES:
                    shown = show_preview(window, state, drawn, turn)
                elif state in CAUTION_STATES:
                    shown = show_cautions(window, state, drawn, Path(tempfile.mkdtemp()), turn)
                elif state in ("settings", "more_settings"):
                    show_online(window)
                    window.show_page(pages.SETTINGS)
                    window.rooms.form.fields.more.setChecked(state == "more_settings")
                elif state in CARD_STATES:
                    shown = show_cards(window, state, turn)
                elif state == "log":
                    window.show_page(pages.TRAINING)
                    window.menus.actions["log"].setChecked(True)
                    show_run(window, snapshots["training"])
                elif state == "results":
                    show_run(window, snapshots["training"])
                    window.show_page(pages.RESULTS)
                    window.rooms.results.read(RunDir(results))
                elif state in RUNS_STATES:
                    shown = show_runs(window, state, turn)
                elif state == "stop":
                    answers = (Answer.STOP_NOW, Answer.AFTER_EPOCH, Answer.KEEP_TRAINING)
                    question = stop_question(snapshots["training"])
                    notes = {Answer.AFTER_EPOCH: ", ~0:20"}
                    shown = QuestionDialog(window, Question("Stop training?", question, answers, notes))
                    shown.show()
                elif state in ("self_test", "notifications", "guide", "guide_where"):
                    shown = show_help(window, state)
                elif state in ("queue", "queue_empty"):
                    shown = show_queue(window, state)
                elif state == "queue_done":
                    show_queue(window, "queue").close()
                    show_run(window, snapshots["done"])
                    ended = [entry for entry in window.rooms.session.queue.entries if entry.state in ENDED]
                    window.notify(over_notice(ended))
                elif state.startswith("where_"):
                    show_run(window, snapshots[state.removeprefix("where_")])
                    window.rooms.where.show()
                    assert window.rooms.where.dialog is not None
                    shown = window.rooms.where.dialog
                    shown.resize(min(width, 1080), min(height, 760)) if width < 1900 else shown.resize(
                        1600, 960
                    )
                    turn(lambda shown=shown: shown.photo.frame.words != "reading…", 121)  # type: ignore[misc]
                turn()
                if state in CHECK_STATES:
                    window.rooms.data.checking._on_work()
                if state == "results":
                    turn(lambda window=window: window.rooms.results.results is not None, 121)  # type: ignore[misc]
                    turn()
                look = "dark" if dark else "light"
                size = f"{width}x{height}" + (f"@{scale:g}" if scale > 1 else "")
                for _ in range(3):  # What is drawn last is laid out a turn later.
                    turn()
                picture = shown.grab()
                if guide:
                    file = out / f"{GUIDE[state]}.png"
                    smooth = Qt.TransformationMode.SmoothTransformation
                    picture.scaledToWidth(GUIDE_WIDTH, smooth).save(str(file))
                    with Image.open(file) as drawn_page:  # With 256 colours, it takes half the room.
                        drawn_page.convert("RGB").quantize(256).save(file, optimize=True)
                else:
                    picture.save(str(out / f"{state}_{look}_{size}.png"))
                window.rooms.data.undo_stack.undo()  # What was set aside.
                window.rooms.data.checking.check._engine = None
                window.rooms.data.previewing.preview._engine = None
                window.close()
                window.deleteLater()
                turn()


def size(text: str) -> tuple[int, int]:
    width, height = text.lower().split("x")
    return int(width), int(height)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, nargs="?", help="where the pictures go")
    parser.add_argument("states", nargs="*", help="only these; all if none is named")
    parser.add_argument(
        "--size", type=size, action="append", metavar="WxH", help="of the window; may be repeated"
    )
    parser.add_argument("--guide", action="store_true", help="those of the guide, and no others")
    asked = parser.parse_intermixed_args()
    if asked.guide:
        main(Path(__file__).resolve().parents[2] / "resources/guide", list(GUIDE), guide=True)
    elif asked.out is None:
        parser.error("where should the pictures go?")
    else:
        main(asked.out, asked.states, sizes=asked.size or SIZES)
