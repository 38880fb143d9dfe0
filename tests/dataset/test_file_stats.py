"""Size and time of change, of many files side by side."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from waste_gui.dataset.file_stats import CHUNK, file_stats


def test_every_file_that_is_there_has_its_size_and_time(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}.jpg") for number in range(2 * CHUNK + 3)]
    for number, path in enumerate(paths[:-1]):
        Path(path).write_bytes(b"x" * (number % 7))
        os.utime(path, ns=(0, 10**18 + number))
    told: list[int] = []
    stats = file_stats([*paths, "no\0name"], told.append)
    assert [stats[path].size for path in paths[:-1]] == [n % 7 for n in range(len(paths) - 1)]
    assert file_stats(paths) == stats and set(stats) == set(paths[:-1])
    assert told[-1] == len(paths) + 1


@pytest.mark.parametrize("way", ["other content", "swapped", "copied over", "touched"])
def test_file_that_is_another_is_known_by_its_numbers_though_size_and_time_are_kept(
    tmp_path: Path, way: str
) -> None:
    """As `exiftool -P` turns a photo, or two pictures of one archive change places."""
    one, other = tmp_path / "one.bmp", tmp_path / "other.bmp"
    for path, content in ((one, b"1" * 100), (other, b"2" * 100)):
        path.write_bytes(content)
        os.utime(path, ns=(0, 1_700_000_000 * 10**9))
    before = file_stats([str(one)])[str(one)]
    if way == "other content":
        one.write_bytes(b"3" * 100)
    elif way == "swapped":
        one.rename(tmp_path / "x")
        other.rename(one)
    elif way == "copied over":
        shutil.copy2(other, one)
    os.utime(one, ns=(0, 1_700_000_000 * 10**9 + (way == "touched")))
    assert file_stats([str(one)])[str(one)] != before


def test_folder_that_is_renamed_changes_no_photo(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(b"1")
    before = file_stats([str(tmp_path / "a" / "1.jpg")])
    (tmp_path / "a").rename(tmp_path / "b")
    assert list(file_stats([str(tmp_path / "b" / "1.jpg")]).values()) == list(before.values())


def test_nothing_asked_for_is_nothing_found() -> None:
    assert file_stats([]) == {}


def test_whoever_listens_may_stop_it(tmp_path: Path) -> None:
    def stop(looked: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        file_stats([str(tmp_path)] * 3 * CHUNK, stop)
