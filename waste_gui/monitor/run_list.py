"""All runs, each in a summary: from its settings, the head of its split and both ends of its events.

No events file is read whole. What was read of a run is remembered in one file for as long as its folder stays
the same, so that 2,000 runs are listed in a fraction of a second.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from waste_gui import files, protocol
from waste_gui.monitor.annotations import Annotations, read_annotations
from waste_gui.protocol import (
    LAST_MESSAGES,
    AnyMessage,
    EpochFinished,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
)
from waste_gui.run_names import default_name
from waste_gui.rundir import RunDir, data_dir, earlier_events, runs_dir

CACHE_NAME = "run_list.json"
"""In `rundir.data_dir()`."""

VERSION = 3
"""Of the cache: rises when a summary says something else, or is found in another way."""

HEAD_BYTES, TAIL_BYTES, LONG_TAIL_BYTES = 8 * 1024, 16 * 1024, 256 * 1024
"""The long one where the other tells nothing: a traceback may be as long."""
LAST_LINES = 8
"""A run's last message is its last line; after a crash half a line may follow."""

NEWEST = 200
"""As many are told before the others are read."""
FILES = ("config.json", "split.json", "events.jsonl", os.path.join("checkpoints", "last.json"))

Last = RunFinished | RunStopped | RunFailed
RunState = Literal["running", "done", "stopped", "failed", "crashed"]
STATES: dict[type[AnyMessage], RunState] = {
    RunFinished: "done",
    RunStopped: "stopped",
    RunFailed: "failed",
}
"""By the run's last message."""

_FINGERPRINT = re.compile(rb'"fingerprint"\s*:\s*"([^"\\]+)"')


class RunSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A run in a line. `began` is Unix time; `took_s` is without the time between a stop and its resumption;
    `why` is what it said when it stopped or failed; `elsewhere` is the other computer
    on which it runs now."""

    folder: str
    name: str = ""
    began: float = 0.0
    model: str = ""
    epochs: int | None = None
    tune: str = ""
    sources: tuple[str, ...] = ()
    fingerprint: str = ""
    photos: int | None = None
    best: float | None = None
    took_s: float | None = None
    state: RunState = "crashed"
    why: str = ""
    elsewhere: str = ""
    annotations: Annotations = Annotations()

    @property
    def run(self) -> RunDir:
        return RunDir(Path(self.folder))

    @property
    def title(self) -> str:
        """Its name, else what tells it from others, else when it began."""
        known = default_name(self.sources, self.model, self.epochs, self.tune) if self.model else ""
        return self.annotations.name or self.name or known or os.path.basename(self.folder)


Key = tuple[int, ...]


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """What was read of a folder that looked like `key`."""

    key: Key
    summary: RunSummary


class _Cache(msgspec.Struct, frozen=True):
    version: int
    runs: dict[str, _Entry]


def read_runs(
    tell: Callable[[object], None] = lambda _: None, folder: Path | None = None
) -> list[RunSummary]:
    """The runs in a folder (by default the user's own), the newest first. For a thread; `tell` gets the
    newest as soon as they are read."""
    folder = runs_dir() if folder is None else folder
    known = _load_cache()
    looks = [look for name in _subfolders(folder) if (look := _look(os.path.join(folder, name)))]
    new = _summaries([look for look in looks if not _is_known(look, known)])
    entries: dict[str, _Entry] = {}
    found: list[RunSummary] = []
    for look in looks:
        entry = known[look.folder] if _is_known(look, known) else _Entry(look.key, next(new))
        entries[look.folder] = entry
        found.append(_as_it_is_now(look, entry.summary))
        if len(found) == NEWEST:
            tell(tuple(found))
    if entries != known:
        _save_cache(entries)
    return sorted(found, key=lambda run: run.began, reverse=True)


def _subfolders(folder: Path) -> list[str]:
    """The newest first, as their names begin with the date."""
    try:
        return sorted((entry.name for entry in os.scandir(folder) if entry.is_dir()), reverse=True)
    except OSError:
        return []


# --- the cache


def _load_cache() -> dict[str, _Entry]:
    """By folder. One that is broken, or of another version, is as good as none."""
    with contextlib.suppress(OSError, ValueError):
        cache = files.read_json(data_dir() / CACHE_NAME, _Cache, files.LARGE_BYTES)
        if cache.version == VERSION:
            return cache.runs
    return {}


def _is_known(look: _Look, known: dict[str, _Entry]) -> bool:
    return look.folder in known and known[look.folder].key == look.key


def _save_cache(entries: dict[str, _Entry]) -> None:
    """Without the cache, reading only takes longer."""
    with contextlib.suppress(OSError):
        files.write_atomically(
            data_dir() / CACHE_NAME, files.encode_json(_Cache(VERSION, entries)), mode=files.PRIVATE_FILE
        )


# --- one run


@dataclass(frozen=True)
class _Look:
    """A run's folder from outside. `earlier` are the events before each resumption, in order."""

    folder: str
    key: Key
    locked: bool
    marked: bool
    earlier: tuple[str, ...]

    @property
    def events_bytes(self) -> int:
        return self.key[2]


def _look(folder: str) -> _Look | None:
    """None where it is no run's folder."""
    try:
        found = {entry.name: entry for entry in os.scandir(folder)}
        if "config.json" not in found:
            return None
        key: list[int] = []
        for name in ("config.json", "events.jsonl", "marks.json"):
            stat = found[name].stat(follow_symlinks=False) if name in found else None
            key += (stat.st_size, stat.st_mtime_ns) if stat else (-1, 0)
    except OSError:
        return None
    earlier = tuple(os.path.join(folder, name) for name in earlier_events(found))
    return _Look(
        folder,
        (*key, len(earlier), int("split.json" in found)),
        "lock" in found,
        "marks.json" in found,
        earlier,
    )


def _as_it_is_now(look: _Look, summary: RunSummary) -> RunSummary:
    """It runs only if its engine is alive, whatever it said: only who left a lock need be asked."""
    owner = summary.run.owner() if look.locked else None
    if owner is None:
        return summary
    return msgspec.structs.replace(summary, state="running", elsewhere="" if owner.here else owner.host)


class _Settings(msgspec.Struct, frozen=True):
    """What a line shows of `config.json`: also of one that another version wrote."""

    source: tuple[str, ...] = ()
    name: str = ""
    model: str = ""
    epochs: int | None = None
    tune: str = ""


def _summaries(looks: Sequence[_Look]) -> Iterator[RunSummary]:
    """In their order. One thread reads: several would have the window wait for its turn among them."""
    photos = _PhotoCounts()
    if looks and hasattr(os, "posix_fadvise"):
        threading.Thread(target=_ask_ahead, args=(looks,), name="asks ahead", daemon=True).start()
    for look in looks:
        yield _summary(look, photos)


def _ask_ahead(looks: Sequence[_Look]) -> None:
    """Let the system fetch the parts that will be read, all at once: from a cold disk this is three times as
    fast, and no more than they is fetched."""
    for look in looks:
        for name in FILES:
            try:
                file = files.open_to_read(f"{look.folder}{os.sep}{name}")
            except OSError:
                continue
            with file:
                _ask_for(file.fileno(), look.events_bytes if name == "events.jsonl" else 0)


def _ask_for(file: int, size: int) -> None:
    """Its head; of one of this size its tail, too."""
    if sys.platform == "linux":
        os.posix_fadvise(file, 0, HEAD_BYTES, os.POSIX_FADV_WILLNEED)
        if size:
            os.posix_fadvise(file, max(0, size - TAIL_BYTES), TAIL_BYTES, os.POSIX_FADV_WILLNEED)


def _summary(look: _Look, photos: _PhotoCounts) -> RunSummary:
    """File names are put together as text: 2,000 times six paths would take a third of the time."""
    config, split, events, checkpoint = (f"{look.folder}{os.sep}{name}" for name in FILES)
    settings = _settings(config)
    fingerprint = _fingerprint(split)
    ends = [_read_ends(path) for path in (*look.earlier, events)]
    last = ends[-1].last
    return RunSummary(
        folder=look.folder,
        name=settings.name,
        began=_began(ends, config),
        model=settings.model,
        epochs=settings.epochs,
        tune=settings.tune,
        sources=settings.source,
        fingerprint=fingerprint,
        photos=photos.of(fingerprint, split),
        best=_best(last, checkpoint, (*look.earlier, events)),
        took_s=sum(end.at for end in ends) or None,
        state=STATES.get(type(last), "crashed") if last else "crashed",
        why=_why(last),
        annotations=read_annotations(RunDir(Path(look.folder))) if look.marked else Annotations(),
    )


def _read(path: str, most: int = files.SMALL_BYTES) -> bytes:
    return files.read(path, most)


def _settings(path: str) -> _Settings:
    try:
        return files.decode_json(_read(path), _Settings)
    except (OSError, ValueError):
        return _Settings()


def _fingerprint(split: str) -> str:
    """It stands at the beginning of a file of megabytes."""
    try:
        with files.open_to_read(split) as file:
            match = _FINGERPRINT.search(file.read(HEAD_BYTES))
    except OSError:
        return ""
    return match[1].decode("utf-8", "backslashreplace") if match else ""


class _Parts(msgspec.Struct, frozen=True):
    train: tuple[msgspec.Raw, ...] = ()
    val: tuple[msgspec.Raw, ...] = ()
    test: tuple[msgspec.Raw, ...] = ()


class _WholeParts(msgspec.Struct, frozen=True):
    train: tuple[object, ...] = ()
    val: tuple[object, ...] = ()
    test: tuple[object, ...] = ()


class _PhotoCounts:
    """Runs of one fingerprint have the same photos, so only one of their splits is read."""

    def __init__(self) -> None:
        self._known: dict[str, int | None] = {"": None}

    def of(self, fingerprint: str, split: str) -> int | None:
        if fingerprint not in self._known:
            self._known[fingerprint] = _count_photos(split)
        return self._known[fingerprint]


def _count_photos(split: str) -> int | None:
    try:
        content = _read(split, files.LARGE_BYTES)
        parts: _Parts | _WholeParts
        try:
            parts = files.decode_json(content, _Parts)
        except ValueError:  # One with a name that is no UTF-8 must be read whole.
            parts = files.decode_json(content, _WholeParts)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return len(parts.train) + len(parts.val) + len(parts.test)


# --- its events


@dataclass(frozen=True)
class _Ends:
    """Of one events file: its first message, how far its clock came, and its last message."""

    started: RunStarted | None = None
    at: float = 0.0
    last: Last | None = None


def _read_ends(path: str) -> _Ends:
    try:
        with files.open_to_read(path) as file:
            first = protocol.decode(file.read(HEAD_BYTES).partition(b"\n")[0])
            at, last = _read_last(_tail(file, TAIL_BYTES))
            if not at and last is None:
                at, last = _read_last(_tail(file, LONG_TAIL_BYTES))
    except OSError:
        return _Ends()
    return _Ends(first if isinstance(first, RunStarted) else None, at, last)


def _tail(file: BinaryIO, most: int) -> bytes:
    file.seek(max(0, file.seek(0, os.SEEK_END) - most))
    return file.read(most)


def _read_last(tail: bytes) -> tuple[float, Last | None]:
    """When the newest message came, and the run's last one if it said it."""
    at = 0.0
    for line in reversed(tail.rsplit(b"\n", LAST_LINES + 1)[-LAST_LINES - 1 :]):
        if not line:
            continue
        message = protocol.decode(line)
        if not isinstance(message, protocol.Unreadable):
            at = max(at, message.at)
        if isinstance(message, LAST_MESSAGES):
            return at, message
    return at, None


def epochs_in(block: bytes) -> Iterable[EpochFinished]:
    """The ends of epochs in a piece of events: their lines are rare, and found without reading the others."""
    place = block.find(b"epoch_finished")
    while place >= 0:
        begin, end = block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place)
        end = len(block) if end < 0 else end
        message = protocol.decode(block[begin:end])
        if isinstance(message, EpochFinished):
            yield message
        place = block.find(b"epoch_finished", end)


class _Progress(msgspec.Struct, frozen=True):
    best_accuracy: float | None = None


class _Checkpoint(msgspec.Struct, frozen=True):
    progress: _Progress = _Progress()


def _best(last: Last | None, checkpoint: str, events: Sequence[str]) -> float | None:
    """A run that finished says it, for another its checkpoint does; else the last epochs that it told."""
    if isinstance(last, RunFinished) and last.metrics.get("val_accuracy") is not None:
        return last.metrics["val_accuracy"]
    with contextlib.suppress(OSError, ValueError):
        best = files.read_json(
            checkpoint, _Checkpoint, files.SMALL_BYTES, Path(checkpoint).parents[1]
        ).progress.best_accuracy
        if best is not None:
            return best
    accuracies = [epoch.val_accuracy for path in events for epoch in _last_epochs(path)]
    return max((each for each in accuracies if each is not None), default=None)


def _last_epochs(path: str) -> list[EpochFinished]:
    try:
        with files.open_to_read(path) as file:
            return list(epochs_in(_tail(file, LONG_TAIL_BYTES)))
    except OSError:
        return []


def _began(ends: Sequence[_Ends], config: str) -> float:
    started = next((end.started for end in ends if end.started), None)
    if started is not None:
        return started.started_at
    with contextlib.suppress(OSError):
        return os.stat(config).st_mtime
    return 0.0


def _why(last: Last | None) -> str:
    match last:
        case RunFailed():
            return " ".join(filter(None, (last.text, last.hint)))
        case RunStopped():
            return last.reason
    return ""
