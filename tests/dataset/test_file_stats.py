"""Size and time of change, of many files side by side."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from waste_gui.dataset.file_stats import CHUNK, FileStat, file_stats


def test_every_file_that_is_there_has_its_size_and_time(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}.jpg") for number in range(2 * CHUNK + 3)]
    for number, path in enumerate(paths[:-1]):
        Path(path).write_bytes(b"x" * (number % 7))
        os.utime(path, ns=(0, 10**18 + number))
    told: list[int] = []
    stats = file_stats([*paths, "no\0name"], told.append)
    assert stats == {path: FileStat(n % 7, 10**18 + n) for n, path in enumerate(paths[:-1])}
    assert told[-1] == len(paths) + 1


def test_nothing_asked_for_is_nothing_found() -> None:
    assert file_stats([]) == {}


def test_whoever_listens_may_stop_it(tmp_path: Path) -> None:
    def stop(looked: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        file_stats([str(tmp_path)] * 3 * CHUNK, stop)
