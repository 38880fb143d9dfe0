"""Silence while photos are read: one photo, the drive, the workers, a folder that is away."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath

import psutil

from waste_gui.monitor import formatting
from waste_gui.monitor.context import (
    ALL_BUSY_PERCENT,
    BEAT_S,
    BUSY_CPU_PERCENT,
    LOADING_STAGES,
    LOOP_FACTOR,
    OTHERS_BUSY,
    PHOTO_S,
    RED_SILENCE_S,
    WORKING_CPU_PERCENT,
    Context,
)
from waste_gui.monitor.evidence import ProcessLook
from waste_gui.monitor.rules import waiting
from waste_gui.monitor.verdict import ASK, ASK_DRIVE, ASK_PHOTO, RESTART, Action, Verdict, VerdictState
from waste_gui.monitor.waits import words as wait_words
from waste_gui.monitor.waits.link import Chain, Kind
from waste_gui.plain_text import plain
from waste_gui.protocol import Activity, WorkerState

LARGE_BYTES = 100_000_000
"""A worker takes 30 MB; with this much it has read some twenty-five megapixels of a photo. On a busy computer
even the first part of a larger one may take half a minute."""

LARGE_S = 120.0
"""Even such a photo is read in this time, also on a busy computer."""

ABOUT_TURNS = f"It is being read, but {OTHERS_BUSY}."


def source_gone(context: Context) -> Verdict | None:
    """The engine says itself which folder it waits for."""
    if not context.run.away or context.silence_s <= BEAT_S:
        return None
    gone = next(iter(context.run.away.values()))
    others = len(context.run.away) - 1
    more = f" So {'is 1 more' if others == 1 else f'are {others} more'}." if others else ""
    text = (
        f"{gone.folder} {gone.reason}.{more} Its drive was unplugged, its network was lost, or it was moved. "
        "Bring it back: training goes on by itself, and no photo is lost."
    )
    state = VerdictState.LIKELY_STUCK if context.silence_s >= RED_SILENCE_S else VerdictState.SLOW
    title = f"Waiting for a folder of photos: no progress for {formatting.span(context.silence_s)}"
    return replace(context.silence("source_gone", text, ASK, state=state), title=title)


def one_photo(context: Context) -> Verdict | None:
    """Rows 9, 10, 11: some workers hold a photo, the others do not; or the only one does."""
    stuck = [(worker, held) for worker, held in context.held if held > PHOTO_S]
    if not stuck or context.silence_s <= BEAT_S or (len(stuck) > 1 and len(stuck) * 2 > len(context.workers)):
        return None
    worker, held = stuck[0]
    look = context.evidence.process(worker.pid)
    others = f" {len(stuck) - 1} more are held as well." if len(stuck) > 1 else ""
    on = f"Data worker {worker.pid} has been on {worker.path} for {formatting.span(held)} (usual: 0.01 s)."
    on += others
    if is_large(look) and held < LARGE_S:
        text = f"{on} It is a very large photo, and still being read. You can wait, or exclude it."
        return context.silence("large_photo", text, ASK_PHOTO, state=VerdictState.SLOW, photo=worker.path)
    if gets_no_turn(context, look, held) and held < LARGE_S:
        text = f"{on} {ABOUT_TURNS} You can wait, or exclude it."
        return context.silence("busy_computer", text, ASK_PHOTO, state=VerdictState.SLOW, photo=worker.path)
    name = PurePath(worker.path or "").name
    chain = context.chain_of(worker.pid)
    if chain is not None and chain.first.kind is Kind.RUNS:
        look = None if look is None else replace(look, cpu_percent=100.0)  # It would, if it got its turn.
    why = why_held(look, chain) if chain is None or is_of_photo(chain, worker) else wait_words.waits(chain)
    text = f"{on} {why}{others_part(chain)} Exclude {name}: training goes on without it."
    state = VerdictState.LIKELY_STUCK if context.silence_s >= RED_SILENCE_S else VerdictState.SLOW
    return context.silence("one_photo", text, ASK_PHOTO, state=state, photo=worker.path, chain=chain)


def is_of_photo(chain: Chain, worker: WorkerState) -> bool:
    """Whether what the worker waits for is its photo, or nothing that says more than that."""
    link = chain.first
    own = not link.name or link.name == worker.path or link.kind in (Kind.DISK, Kind.MEMORY)
    return link.kind in (Kind.RUNS, Kind.UNKNOWN, Kind.ENDED) or own and link.kind in OF_PHOTOS


OF_PHOTOS = (Kind.PIPE_READ, Kind.FIFO_OPEN, Kind.DISK, Kind.MEMORY)


def others_part(chain: Chain | None) -> str:
    """Who could write what the photo is to contain."""
    holder = chain.first.holder if chain is not None and chain.first.kind in OF_PHOTOS else None
    if holder is None or not holder.pid:
        return ""
    return f" {plain(holder.command)} ({holder.pid}) {holder.verb}."


def why_held(look: ProcessLook | None, chain: Chain | None = None) -> str:
    """What the process that is on a photo does meanwhile, in a sentence."""
    if look is None:
        return "The photo is damaged, is no ordinary file, or its drive does not answer."
    if look.waits_for_pipe:
        return "It is not an ordinary file, and nothing comes out of it."
    if look.waits_for_drive:
        return "Its drive does not answer for this file."
    if (look.cpu_percent or 0.0) >= BUSY_CPU_PERCENT:
        place = chain.first.place if chain is not None else None
        if place is not None and not DECODING.search(place.file.replace(chr(92), "/")):
            return f"It works without coming to an end {wait_words.at(place)}, which is no decoder of photos."
        return "Its decoder works without coming to an end: the photo is damaged."
    if look.io_bytes_per_s:
        return f"It comes at {formatting.size(look.io_bytes_per_s)}/s, which will not be done soon."
    return "Its decoder sleeps and does not come back, or its drive does not answer."


DECODING = re.compile(r"/(PIL|pillow_\w+|numpy|waste_gui)/")
"""Whose code reads photos, and who calls it."""


def is_large(look: ProcessLook | None) -> bool:
    return look is not None and (look.memory_bytes or 0) >= LARGE_BYTES


def gets_no_turn(context: Context, look: ProcessLook | None, held_s: float) -> bool:
    """Whether it would work but other programs are at it: its share of a processor, over the whole time,
    comes to less than a photo may take. Windows calls a process that sleeps running, too."""
    if look is None or look.state != psutil.STATUS_RUNNING:
        return False
    share = (look.cpu_percent or 0.0) / 100
    all_busy = (context.evidence.machine.cpu_percent or 0.0) >= ALL_BUSY_PERCENT
    return all_busy and share < BUSY_CPU_PERCENT / 100 and share * held_s < PHOTO_S


def storage(context: Context) -> Verdict | None:
    """Rows 7 and 8: the workers wait for photos all at once, so the drive is the suspect."""
    stuck = [(worker, held) for worker, held in context.held if held > PHOTO_S]
    if len(stuck) < 2 or len(stuck) * 2 <= len(context.workers) or context.silence_s <= BEAT_S:
        return None
    path = stuck[0][0].path or ""
    waits = [chain for worker, _ in stuck if (chain := context.chain_of(worker.pid))]
    others = [chain for chain in waits if chain.first.kind not in (*OF_PHOTOS, *UNCLEAR)]
    if len(others) * 2 > len(stuck) and not context.works:
        return waiting.as_it_was_read(context, others[0])
    if context.reads:
        speed = formatting.size(context.evidence.io_bytes_per_s or 0)
        text = (
            f"Reading {path}: {speed}/s. The drive is slow, but it answers. Nothing is wrong; you can wait."
        )
        return context.silence("slow_storage", text, ASK_DRIVE, state=VerdictState.SLOW, photo=path)
    if context.cpu >= WORKING_CPU_PERCENT and context.silence_s < LOOP_FACTOR * context.limit_s:
        text = f"The data workers are busy with large photos, {path} for one. You can wait."
        return context.silence("large_photos", text, ASK_PHOTO, state=VerdictState.SLOW, photo=path)
    looks = [(context.evidence.process(worker.pid), held) for worker, held in stuck]
    if stuck[0][1] < LARGE_S and any(gets_no_turn(context, look, held) for look, held in looks):
        text = f"Reading {path}. {ABOUT_TURNS} Nothing is wrong; you can wait."
        return context.silence("busy_computer", text, ASK_PHOTO, state=VerdictState.SLOW, photo=path)
    state = VerdictState.LIKELY_STUCK if context.silence_s >= RED_SILENCE_S else VerdictState.SLOW
    return context.silence("storage", drive_text(context, stuck), ASK_DRIVE, state=state, photo=path)


UNCLEAR = (Kind.RUNS, Kind.UNKNOWN, Kind.ENDED, Kind.SLEEP)


def drive_text(context: Context, stuck: list[tuple[WorkerState, float]]) -> str:
    path = stuck[0][0].path or ""
    many = "Both" if len(context.workers) == len(stuck) == 2 else f"{len(stuck)} of {len(context.workers)}"
    same = len({worker.path for worker, _ in stuck}) == 1
    text = (
        f"{many} data workers wait for {path if same else f'their photos, {path} for one'}. "
        "Often a network drive went away. Check the drive; when it answers, training goes on by itself."
    )
    if "disk-sleep" in context.evidence.states:
        text += " Stopping may not work until the drive answers."
    return text


def workers_starting(context: Context) -> Verdict | None:
    """Row 18: slow while they work at it, stuck once they do nothing for longer than the stage may take."""
    starting = [worker for worker in context.workers if worker.state == "starting"]
    if context.beat_age_s > BEAT_S:  # The engine itself says nothing: what it said of them is old.
        return None
    if not starting or not context.silent or context.silence_s >= 2 * context.limit_s and context.works:
        return None
    ready = len(context.workers) - len(starting)
    if context.works or not context.red or ready:
        text = f"Starting the data workers: {ready} of {len(context.workers)} ready."
        return context.silence("workers_starting", text, ASK, state=VerdictState.SLOW)
    waits = next((chain for worker in starting if (chain := context.chain_of(worker.pid))), None)
    if waits is not None and waits.first.kind not in (*OF_PHOTOS, *UNCLEAR):
        return waiting.as_it_was_read(context, waits, "workers_starting")
    text = (
        f"None of the {len(starting)} data workers has started, and they do nothing. Often an antivirus "
        "program holds new programs up, or the disk with Python does not answer. Restart the data workers."
    )
    return context.silence("workers_starting", text, RESTART)


def handover(context: Context) -> Verdict | None:
    """Row 13: every worker idle, nothing in flight, and the main thread waits."""
    beat, stage = context.run.heartbeat, context.stage
    if beat is None or not beat.workers or stage is None or stage.id not in LOADING_STAGES:
        return None
    if context.held or not context.red or context.works or not context.beats:
        return None
    if any(worker.state != "idle" for worker in beat.workers):
        return None
    if beat.activity is not Activity.WAITING_FOR_PHOTOS:
        return None
    text = (
        "The data workers are idle, but photos that were asked for did not arrive: they were lost between "
        f"them and the training. Press {Action.RESTART_WORKERS.value}: the photos are asked for again."
    )
    return context.silence("handover", text, RESTART)
