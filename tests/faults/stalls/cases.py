"""The faults: each strikes, and says what the person would do about it.

A case is a generator: up to its `yield` it starts the run and lets the fault strike; after it, when the
verdict has come, it does what one of the verdict's buttons does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.faults import decoder
from tests.faults.decoder import marked
from tests.faults.stalls.faulty_engine import AT_STAGE, IN_TRAINING
from tests.faults.stalls.ride import Ride
from waste_gui.config import RunConfig
from waste_gui.owner import child, kill_tree
from waste_gui.stages import EMBEDS, training_stages

LIMIT_S = {info.id: info.stuck_after_s for info in training_stages(embeds=True)}
RED_S = 30.0
"""Nothing is called stuck after less silence."""

NO_CACHE = ("--cache-gb", "0")
LAST_LAYER = ("--tune", "head")

Act = Iterator[None]
Result = Literal["goes on", "ends", "crashed"]


@dataclass(frozen=True)
class Case:
    """`causes` are the right names of it; `known_after_s` is from the fault until it could be known; `result`
    is what the action brings: the run goes on or ends in order. After a crash there is no action."""

    run: Callable[[Ride], Act]
    causes: tuple[str, ...]
    known_after_s: float
    action: str
    result: Result
    needs_drive: bool = False

    @property
    def name(self) -> str:
        return self.run.__name__


CASES: dict[str, Case] = {}


def case(
    *causes: str, after_s: float = RED_S, action: str, result: Result = "goes on", drive: bool = False
) -> Callable[[Callable[[Ride], Act]], Callable[[Ride], Act]]:
    def add(run: Callable[[Ride], Act]) -> Callable[[Ride], Act]:
        CASES[run.__name__] = Case(run, causes, after_s, action, result, drive)
        return run

    return add


# --- photos and drives


def bad_photo(ride: Ride, behaviour: str) -> Act:
    """One file on a drive, in the middle of training."""
    drive = ride.drive()
    ride.start(*NO_CACHE)
    ride.until_training()
    drive.behave("glass/glass_00.jpg", behaviour)  # type: ignore[arg-type]
    ride.until_held("glass_00.jpg")
    yield
    ride.command(command="skip_photo", path=str(ride.photos / "glass/glass_00.jpg"))


@case("one_photo", "storage", action="set that photo aside", drive=True)
def photo_that_never_comes(ride: Ride) -> Act:
    yield from bad_photo(ride, "silent")


@case("one_photo", "storage", action="set that photo aside", drive=True)
def photo_that_cannot_be_let_go(ride: Ride) -> Act:
    yield from bad_photo(ride, "unkillable")


@case("one_photo", "slow_photo", action="set that photo aside", drive=True)
def photo_of_a_byte_a_second(ride: Ride) -> Act:
    yield from bad_photo(ride, "slow")


def marked_photo(ride: Ride, fault: str) -> Act:
    photo = ride.make_photos() / "glass/glass_00.jpg"
    photo.write_bytes(marked(photo.read_bytes(), fault))
    ride.start(environment=decoder.environment())
    ride.until_held("glass_00.jpg")
    yield
    ride.command(command="skip_photo", path=str(photo))


@case("one_photo", "decoder", action="set that photo aside")
def decoder_without_end(ride: Ride) -> Act:
    yield from marked_photo(ride, "spin")


@case("one_photo", "decoder", "deadlock", action="set that photo aside")
def decoder_asleep(ride: Ride) -> Act:
    yield from marked_photo(ride, "sleep")


@case("storage", "source_gone", action="the drive answers again", drive=True)
def drive_falls_silent(ride: Ride) -> Act:
    drive = ride.drive()
    ride.start(*NO_CACHE, timeout_s=20)
    ride.until_training()
    drive.vanish("silent")
    ride.strike()
    yield
    drive.come_back()


@case("source_gone", action="the drive is plugged in again", drive=True)
def drive_is_unplugged(ride: Ride) -> Act:
    drive = ride.drive()
    ride.start(*NO_CACHE, timeout_s=20)
    ride.until_training()
    drive.vanish("unplugged")
    ride.strike()
    yield
    drive.come_back()


@case("source_gone", action="the folder is brought back")
def folder_is_moved(ride: Ride) -> Act:
    folder = ride.make_photos() / "glass"
    ride.start(*NO_CACHE, timeout_s=20)
    ride.until_training()
    folder.rename(ride.scratch / "away")
    ride.strike()
    yield
    (ride.scratch / "away").rename(folder)


@case("source_gone", action="the drive is plugged in again", drive=True)
def drive_is_unplugged_while_embedding(ride: Ride) -> Act:
    drive = ride.drive(per_class=64)
    ride.start(*NO_CACHE, *LAST_LAYER, timeout_s=20)
    ride.until(lambda: ride.done("embed") > 0, "the first embedding")
    drive.vanish("unplugged")
    ride.strike()
    yield
    drive.come_back()


# --- workers


@case("workers_starting", after_s=LIMIT_S["first_train_batch"], action="force stop", result="ends")
def workers_never_start(ride: Ride) -> Act:
    ride.make_photos()
    folder = ride.scratch / "slow_python"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys, time\nif 'waste_gui.dataset.worker' in sys.orig_argv: time.sleep(100000)\n"
    )
    ride.start(environment={"PYTHONPATH": f"{folder}{os.pathsep}{os.getcwd()}"})
    ride.until(ride.workers, "workers")
    ride.strike()
    yield
    kill_tree(child(ride.engine.pid))


@case("handover", action="restart the workers")
def photos_are_lost_on_their_way(ride: Ride) -> Act:
    ride.make_photos()
    ride.start(*NO_CACHE, fault="lost_photos")
    ride.until_struck()
    yield
    ride.command(command="restart_workers")


@case("cache", action="force stop", result="ends")
def cache_disk_is_silent(ride: Ride) -> Act:
    ride.make_photos()
    ride.start(fault="cache_disk_is_silent")
    ride.until_struck()
    yield
    kill_tree(child(ride.engine.pid))


# --- the engine itself


def in_training(fault: str) -> Callable[[Ride], Act]:
    def run(ride: Ride) -> Act:
        ride.make_photos()
        embeds = fault in AT_STAGE and AT_STAGE[fault][0] in EMBEDS
        ride.start(*(LAST_LAYER if embeds else ()), fault=fault)
        ride.until_struck()
        yield
        if CASES[fault].result == "ends":
            kill_tree(child(ride.engine.pid))

    run.__name__ = fault
    return run


for _name, _causes in {
    "python_loop": ("loop", "one_operation"),
    "regular_expression": ("loop", "one_operation"),
    "loop_in_c_holding_the_gil": ("loop", "one_operation"),
    "sleep_in_c_holding_the_gil": ("frozen",),
    "loop_in_c": ("loop", "one_operation"),
    "lock_taken_twice": ("deadlock",),
    "build_lock_of_a_crashed_run": ("lock_file",),
    "other_gpu_never_comes": ("other_gpus",),
}.items():
    case(*_causes, action="force stop", result="ends")(in_training(_name))
for _name, _causes in {
    "gives_up": ("ended_from_outside", "killed", "gone", "killed_for_memory"),
    "crashes": ("segmentation_fault", "crashed", "gone"),
    "illegal_instruction": ("illegal_instruction", "gone"),
}.items():
    case(*_causes, after_s=0, action="", result="crashed")(in_training(_name))
for _name, (_stage, _) in AT_STAGE.items():
    _right = "lock_file" if "file_lock" in _name else "deadlock"
    case(_right, after_s=LIMIT_S[_stage], action="force stop", result="ends")(in_training(_name))
assert set(IN_TRAINING) | set(AT_STAGE) <= set(CASES)


@case("paused", action="go on (SIGCONT)")
def engine_is_stopped(ride: Ride) -> Act:
    ride.make_photos()
    ride.start()
    ride.until_training()
    ride.signal(signal.SIGSTOP)
    ride.strike()
    yield
    ride.signal(signal.SIGCONT)


# --- the network


@contextlib.contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Accepts, says this much, and then nothing any more. Gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    kept.append(connection)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        for connection in kept:
            connection.close()


def weights_from(ride: Ride, answer: bytes) -> Act:
    ride.make_photos()
    with server(answer) as port:
        ride.start(
            *("--model", "timm:resnet10t", "--pretrained", RunConfig().pretrained),
            environment={
                "HF_ENDPOINT": f"http://127.0.0.1:{port}",
                "HF_HOME": str(ride.scratch / "hub"),
                "HF_HUB_ETAG_TIMEOUT": "600",
            },
        )
        ride.until(lambda: any(getattr(m, "stage", "") == "model" for m in ride.messages()), "the model")
        ride.strike()
        yield
        ride.command(command="stop", when="now")
        time.sleep(1)


@case("network", after_s=LIMIT_S["model"], action="stop", result="ends")
def server_is_silent(ride: Ride) -> Act:
    yield from weights_from(ride, b"")


@case("network", after_s=LIMIT_S["model"], action="stop", result="ends")
def server_falls_silent(ride: Ride) -> Act:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    yield from weights_from(ride, head + b"x" * 1024)


# --- the disk


@case("disk_full", "not_saved", action="free some space", drive=True)
def disk_is_full(ride: Ride) -> Act:
    """The run's folder is on a disk that something else fills, and whatever becomes free of it: training goes
    on, but nothing of it can be read any more."""
    import ctypes

    ride.make_photos()
    ride.folder.path.mkdir()
    ctypes.CDLL(None).mount(b"tmpfs", os.fsencode(ride.folder.path), b"tmpfs", 0, b"size=600m")
    ride.start("--epochs", "100000")
    ride.until_training()
    filler, enough = ride.folder.path / "filler", threading.Event()

    def fill() -> None:
        with open(filler, "ab", buffering=0) as file:
            while not enough.wait(0.01):
                with contextlib.suppress(OSError):
                    while not enough.is_set():
                        file.write(bytes(1_000_000))

    filling = threading.Thread(target=fill)
    filling.start()
    ride.strike()
    try:
        yield
    finally:
        enough.set()
        filling.join()
        filler.unlink()


def why_not(case: Case) -> str | None:
    """Why it cannot be made here."""
    from tests.faults.drive import why_no_drive

    return why_no_drive() if case.needs_drive else None


def clean(scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
