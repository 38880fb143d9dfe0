"""What an engine writes in a long run: `python -m tests.benchmarks.long_run MESSAGES HOURS` to its stdout.

In each beat ten metrics, ten counts of steps and a heartbeat of eight workers, as a GPU at work tells them;
48 epochs, each validated and saved; some photos cannot be read. More messages than such hours have are told
closer together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from waste_gui import protocol as p
from waste_gui.stages import STAGES

STEPS_A_BEAT, WORKERS, EPOCHS = 10, 8, 48
A_BEAT = 2 * STEPS_A_BEAT + 1
FAILS_EVERY, WARNS_EVERY = 500, 5000
"""Beats from one photo that cannot be read to the next, and from warning to warning."""

Said = tuple[type[Any], dict[str, Any]]


def lines(messages: int, hours: float) -> Iterator[bytes]:
    """About so many lines, numbered and timed; the last says that the run has finished."""
    beats = max(EPOCHS, messages // A_BEAT)
    beat_s, at, seq = 3600 * hours / beats, 0.0, 0
    for beat in range(beats + 1):
        said = _end(at) if beat == beats else [*(_begin(beats) if beat == 0 else ()), *_beat(beat, beats)]
        for i, (kind, content) in enumerate(said):
            at = beat_s * (beat + i / len(said))
            yield p.encode(kind(seq=seq, at=round(at, 6), **content))
            seq += 1


def _begin(beats: int) -> list[Said]:
    started = {
        "protocol": p.PROTOCOL_VERSION,
        "run": "long",
        "pid": os.getpid(),
        "host": "here",
        "started_at": 1.0,
        "device": "auto",
        "world_size": 1,
        "stages": STAGES,
        "versions": {},
        "resumed_from": None,
        "model": "resnet18",
        "epochs": EPOCHS,
    }
    guess = {"train_loss": 3.4, "least_loss": 0.1, "val_loss": 3.4, "val_accuracy": 0.1}
    return [
        (p.RunStarted, started),
        (p.Baseline, {"classes": 30, "train_photos": 10_000, "val_photos": 1000, **guess}),
        (p.StageStarted, {"stage": "train", "total": STEPS_A_BEAT * beats, "unit": "steps"}),
    ]


def _beat(beat: int, beats: int) -> list[Said]:
    said: list[Said] = []
    epoch = beat * EPOCHS // beats + 1
    for i in range(STEPS_A_BEAT):
        said += _step(STEPS_A_BEAT * beat + i + 1, epoch, STEPS_A_BEAT * beats)
    workers = tuple(_worker(pid, beat) for pid in range(WORKERS))
    gpu = p.GpuState(utilisation=60.0 + beat * 7 % 40, memory_used=7 * 10**9, memory_total=24 * 10**9)
    said.append((p.Heartbeat, {"where": "training step", "workers": workers, "queued": 64, "gpu": gpu}))
    if beat % FAILS_EVERY == FAILS_EVERY - 1:
        said.append((p.ImageFailed, _failure(beat)))
    if beat % WARNS_EVERY == WARNS_EVERY - 1:
        said.append((p.Warned, {"text": f"The loader fell behind in beat {beat}.", "hint": "Add a worker."}))
    if (beat + 1) * EPOCHS // beats + 1 > epoch:
        said += _epoch_end(epoch, STEPS_A_BEAT * (beat + 1))
    return said


def _step(step: int, epoch: int, total: int) -> list[Said]:
    loss = 3.4 / (1 + step / 50_000) + 0.1 * ((step * 7919) % 1000) / 1000
    timing = p.Timing(wait_s=0.002 + step % 7 / 1000, copy_s=0.0004, compute_s=0.0713)
    values = {"loss": loss, "accuracy": 1 - loss / 4, "lr": 0.001 * (1 - step / (total + 1))}
    metric = {"step": step, "epoch": epoch, "values": values, "timing": timing, "images_per_s": 812.4}
    return [(p.Progress, {"stage": "train", "done": step, "total": total}), (p.Metric, metric)]


def _worker(pid: int, beat: int) -> p.WorkerState:
    reads = (beat + pid) % 5 > 0
    path = f"/data/waste/glass_bottle/IMG_{beat % 10_000:05}_{pid}.jpg" if reads else None
    return p.WorkerState(
        pid=4000 + pid, state="reading" if reads else "idle", path=path, since_s=0.012 * reads
    )


def _failure(beat: int) -> dict[str, Any]:
    return {
        "path": f"/data/waste/glass_bottle/IMG_{beat:07}.jpg",
        "source": "/data/waste",
        "reason": "the file ends too early",
        "kind": "truncated",
        "action": "replaced",
        "failures": beat // FAILS_EVERY + 1,
        "limit": 100_000,
    }


def _epoch_end(epoch: int, step: int) -> list[Said]:
    said: list[Said] = []
    for stage in ("validate", "save"):
        said.append((p.StageStarted, {"stage": stage, "total": 1000, "unit": "photos"}))
        said.append((p.Progress, {"stage": stage, "done": 1000, "total": 1000}))
        said.append((p.StageFinished, {"stage": stage, "elapsed_s": 4.0, "summary": ""}))
    figures = {"train_loss": 2 / epoch, "val_loss": 2.2 / epoch, "val_accuracy": 1 - 0.9 / epoch}
    ended = {"epoch": epoch, "step": step, "elapsed_s": 900.0, "best": True, **figures}
    saved = {
        "path": f"/runs/long/checkpoints/{epoch}.safetensors",
        "epoch": epoch,
        "step": step,
        "best": True,
    }
    return [*said, (p.EpochFinished, ended), (p.CheckpointSaved, saved)]


def _end(at: float) -> list[Said]:
    stage = {"stage": "train", "elapsed_s": at, "summary": ""}
    finished = {"checkpoint": None, "metrics": {"val_accuracy": 0.9, "val_photos": 1000.0}, "elapsed_s": at}
    return [(p.StageFinished, stage), (p.RunFinished, finished)]


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]), float(sys.argv[2])):
        sys.stdout.buffer.write(line)
