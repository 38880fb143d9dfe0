"""What is remembered of photos from one run to the next: how they were read, which are set aside.

One SQLite file for all datasets, beside the runs. Every call opens it anew, so any thread and any number of
processes may use it. It holds lists only: no photo is ever moved or changed.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from waste_gui import files
from waste_gui.dataset.file_stats import FileStat
from waste_gui.dataset.images import READ_VERSION
from waste_gui.dataset.photo_identity import Identity, found_again, identity_of, moved
from waste_gui.dataset.samples import Scan
from waste_gui.rundir import data_dir

FILE = "photos.sqlite"
BUSY_S = 10.0
"""Another process writes for some milliseconds a second; a network drive may take its time."""

AT_ONCE = 500
"""Paths asked for in one query; SQLite's oldest limit is 999."""

PUT_ASIDE = "excluded photos"

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# The default journal: WAL needs shared memory, which a home on a network drive does not have.
_TABLES = """
CREATE TABLE IF NOT EXISTS checked (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, version INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
    digest BLOB NOT NULL, thumbnail BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS aside (path BLOB PRIMARY KEY, reason TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS aside_identity (path BLOB PRIMARY KEY, size INTEGER NOT NULL, ends BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dismissed (key TEXT PRIMARY KEY, at REAL NOT NULL);
"""

_THE_SAME = """
SELECT other.path FROM aside_identity AS other JOIN aside_identity AS this
ON other.size = this.size AND other.ends = this.ends WHERE this.path = ?
"""

T = TypeVar("T")


class CatalogError(Exception):
    """What a person asked for cannot be remembered: one sentence that says why, and what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


@dataclass(frozen=True, slots=True)
class Checked:
    """How a photo was read; good for as long as the file's size and time of change are the same.

    `kind` is that of the ImageError, "" for a readable photo. `digest` is that of the resized image and
    `thumbnail` its miniature, both empty for a photo that cannot be read.
    """

    path: str
    size: int
    changed_ns: int
    width: int = 0
    height: int = 0
    kind: str = ""
    reason: str = ""
    digest: bytes = b""
    thumbnail: bytes = b""


class Catalog:
    """What is remembered of photos. A damaged file is moved aside, begun anew, and told to `on_problem`.

    Where it cannot be read or written, `recall`, `remember`, `aside` and `dismissed` go on without, which is
    told to `on_problem` once; what a person asks for raises a CatalogError.
    """

    def __init__(self, path: Path | None = None, on_problem: Callable[[str], object] | None = None) -> None:
        """`path` is by default `photos.sqlite` in this user's own folder. `on_problem` gets a sentence."""
        self.path = data_dir() / FILE if path is None else path
        self._on_problem = on_problem or (lambda text: None)
        self._told = False

    def remember(self, checked: Iterable[Checked]) -> None:
        """Keep how these photos were read. Call it with many at a time: each call waits for the disk."""
        rows = [
            (os.fsencode(c.path), c.size, c.changed_ns, READ_VERSION)
            + (c.width, c.height, c.kind, c.reason, c.digest, c.thumbnail)
            for c in checked
        ]
        insert = "INSERT OR REPLACE INTO checked VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._try(lambda db: db.executemany(insert, rows), None)

    def recall(self, stats: Mapping[str, FileStat]) -> dict[str, Checked]:
        """How photos that have not changed since were read, by path."""
        return self._try(lambda db: dict(_recall(db, stats)), {})

    def exclude(self, paths: Iterable[str], reason: str = "") -> None:
        """Leave these photos out of training from now on. Raises CatalogError."""
        now = time.time()
        full = [os.path.abspath(path) for path in paths]
        rows = [(os.fsencode(path), reason, now) for path in full]
        known = [(os.fsencode(path), *found) for path in full if (found := identity_of(path)) is not None]

        def write(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO aside VALUES (?, ?, ?)", rows)
            db.executemany("INSERT OR REPLACE INTO aside_identity VALUES (?, ?, ?)", known)

        self._must(write)

    def take_back(self, paths: Iterable[str]) -> None:
        """Set these photos aside no longer, by whatever path they were. Raises CatalogError."""
        rows = [(os.fsencode(os.path.abspath(path)),) for path in paths]

        def remove(db: sqlite3.Connection) -> None:
            for (name,) in rows:
                here = os.fsdecode(name)
                others = [os.fsdecode(other) for (other,) in db.execute(_THE_SAME, (name,))]
                same = [other for other in others if os.path.basename(other) == os.path.basename(here)]
                gone = [os.fsencode(other) for other in same if other == here or moved(other, here)]
                db.executemany("DELETE FROM aside WHERE path = ?", [(name,), *((each,) for each in gone)])
            db.execute("DELETE FROM aside_identity WHERE path NOT IN (SELECT path FROM aside)")

        self._must(remove)

    def follow(self, paths: Collection[str]) -> int:
        """Photos that were set aside by another path (their folder was renamed, is mounted elsewhere, or is
        reached by a link) are so by these, too; how many were found so."""

        def known(db: sqlite3.Connection) -> list[tuple[str, Identity, str, float]]:
            rows = db.execute(
                "SELECT path, size, ends, reason, at FROM aside JOIN aside_identity USING (path)"
            )
            return [(os.fsdecode(path), Identity(size, ends), why, at) for path, size, ends, why, at in rows]

        nothing: list[tuple[str, Identity, str, float]] = []
        aside = {path: (identity, why, at) for path, identity, why, at in self._try(known, nothing)}
        there = set(paths)
        lost = [(path, identity) for path, (identity, _, _) in aside.items() if path not in there]
        again = {now: aside[before] for before, now in found_again(lost, there) if now not in aside}
        if not again:
            return 0

        def write(db: sqlite3.Connection) -> None:
            for path, (identity, why, at) in again.items():
                name = os.fsencode(os.path.abspath(path))
                db.execute("INSERT OR IGNORE INTO aside VALUES (?, ?, ?)", (name, why, at))
                db.execute("INSERT OR REPLACE INTO aside_identity VALUES (?, ?, ?)", (name, *identity))

        self._try(write, None)
        return len(again)

    def aside(self, sources: Sequence[str] | None = None) -> dict[str, str]:
        """The photos set aside below these sources (None: all) and why, the earliest first."""

        def find(db: sqlite3.Connection) -> dict[str, str]:
            rows = db.execute("SELECT path, reason FROM aside ORDER BY at, path")
            return {os.fsdecode(path): reason for path, reason in rows}

        nothing: dict[str, str] = {}
        found = self._try(find, nothing)
        if sources is None:
            return found
        folders = tuple(os.path.join(os.path.abspath(source), "") for source in sources)
        return {path: reason for path, reason in found.items() if path.startswith(folders)}

    def dismiss(self, key: str) -> None:
        """Do not show this finding again. Raises CatalogError."""
        row = (key, time.time())
        self._must(lambda db: db.execute("INSERT OR REPLACE INTO dismissed VALUES (?, ?)", row))

    def bring_back(self, key: str) -> None:
        """Show this finding again. Raises CatalogError."""
        self._must(lambda db: db.execute("DELETE FROM dismissed WHERE key = ?", (key,)))

    def dismissed(self) -> set[str]:
        """The keys of all findings that are not to be shown."""
        return self._try(lambda db: {key for (key,) in db.execute("SELECT key FROM dismissed")}, set())

    # --- the file

    def _must(self, work: Callable[[sqlite3.Connection], object]) -> None:
        try:
            self._do(work)
        except (sqlite3.Error, OSError) as error:
            raise CatalogError(
                f"This cannot be remembered in {self.path} ({_words(error)}).",
                "Free some space or make the file writable, then try again.",
            ) from error

    def _try(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            return self._do(work)
        except (sqlite3.Error, OSError) as error:
            if not self._told:
                self._told = True
                self._on_problem(f"What is found cannot be remembered in {self.path} ({_words(error)}).")
            return otherwise

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` in one transaction; once more with a new file where this one turns out to be damaged."""
        file = _inode(self.path)
        try:
            with self._open() as db:
                return work(db)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
                raise
            self._begin_anew(file)
        with self._open() as db:
            return work(db)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The file with its tables; committed at the end, and closed, whatever comes."""
        files.make_private_folder(self.path.parent)
        os.close(files.open_to_append(self.path, mode=files.PRIVATE_FILE))
        with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_S)) as db:
            db.executescript(_TABLES)
            with db:
                yield db

    def _begin_anew(self, damaged: int) -> None:
        """Move the file with this inode aside; what a person entered is saved from it if it still can be."""
        if _inode(self.path) != damaged:  # another process was faster
            return
        kept = self.path.with_name(self.path.name + ".damaged")
        # Its journal first: rolled back into the new file, it would damage that too.
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{self.path}-journal", f"{kept}-journal")
        os.replace(self.path, kept)
        lost = False
        for table in ("aside", "aside_identity", "dismissed"):
            try:
                with contextlib.closing(sqlite3.connect(kept, timeout=BUSY_S)) as old:
                    rows = old.execute(f"SELECT * FROM {table}").fetchall()
                with self._open() as db:
                    for row in rows:
                        db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
            except sqlite3.DatabaseError:
                lost = True
        self._on_problem(
            "What was remembered of photos was damaged and begins anew"
            + (", also which photos were excluded" if lost else "")
            + f"; the old file is kept as {kept}."
        )


def leave_out(scan: Scan, aside: Collection[str]) -> Scan:
    """The scan without the photos that are set aside; `skipped` says how many there were."""
    samples = tuple(sample for sample in scan.samples if sample.path not in aside)
    missing = len(scan.samples) - len(samples)
    return replace(scan, samples=samples, skipped=scan.skipped | {PUT_ASIDE: missing}) if missing else scan


def _recall(db: sqlite3.Connection, stats: Mapping[str, FileStat]) -> Iterator[tuple[str, Checked]]:
    paths = list(stats)
    for start in range(0, len(paths), AT_ONCE):
        some = [os.fsencode(path) for path in paths[start : start + AT_ONCE]]
        places = ", ".join("?" * len(some))
        for name, *values, version in db.execute(
            "SELECT path, size, mtime_ns, width, height, kind, reason, digest, thumbnail, version "
            f"FROM checked WHERE path IN ({places})",
            some,
        ):
            path = os.fsdecode(name)
            if version == READ_VERSION and tuple(values[:2]) == stats[path]:
                yield path, Checked(path, *values)


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
