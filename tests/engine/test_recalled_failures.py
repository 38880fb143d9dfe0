"""A run that goes on remembers which photos could not be read: they count, and cost no time again."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from tests.engine.process import SMALL, Finished, run
from tests.photos import damage, make_photos
from waste_gui.dataset.images import DamagedImage, TimedOutImage, VanishedImage
from waste_gui.dataset.samples import Sample
from waste_gui.engine.errors import TooManyFailures
from waste_gui.engine.loading import Failures
from waste_gui.protocol import ImageFailed, Warned
from waste_gui.rundir import RunDir


def rows(folder: RunDir) -> dict[str, str]:
    with open(folder.failures, encoding="utf-8", newline="") as file:
        return {Path(row["path"]).name: row["kind"] for row in csv.DictReader(file)}


def resumed(folder: RunDir, epochs: int) -> Finished:
    ended = run("train", "--resume", folder.path, "--epochs", str(epochs))
    assert ended.status == 0, ended.last
    return ended


@pytest.mark.slow
def test_run_that_goes_on_does_not_try_a_bad_photo_again_until_it_is_repaired(tmp_path: Path) -> None:
    photos, folder = make_photos(tmp_path / "photos", per_class=8), RunDir(tmp_path / "run")
    bad = photos / "paper" / "paper_03.jpg"
    whole = bad.read_bytes()
    damage(bad)
    first = run("train", "--source", photos, "--run-dir", folder.path, "--epochs", "1", *SMALL)
    assert [Path(m.path).name for m in first.of(ImageFailed)] == [bad.name]
    second = resumed(folder, 2)
    assert not second.of(ImageFailed)
    assert [m.text for m in second.of(Warned) if "could not be read before" in m.text]
    assert rows(folder) == {bad.name: "truncated"}
    other = photos / "glass" / "glass_05.jpg"
    damage(other)
    third = resumed(folder, 3)
    failed = {Path(m.path).name: m.failures for m in third.of(ImageFailed)}
    assert failed == {other.name: 2}, "counted on from the one before"
    assert rows(folder) == {bad.name: "truncated", other.name: "truncated"}
    told = folder.failures.stat().st_mtime - 1.5  # As if a moment had passed: times of files are coarse.
    os.utime(folder.failures, (told, told))
    old = bad.stat()
    bad.write_bytes(whole)
    os.utime(bad, ns=(old.st_atime_ns, 0))  # As a copy that keeps its time.
    fourth = resumed(folder, 4)
    assert not fourth.of(ImageFailed)
    assert rows(folder) == {other.name: "truncated"}


def failures(path: Path, limit: int = 9) -> Failures:
    return Failures(limit, lambda message: None, path)


def test_what_may_come_back_is_tried_again_and_its_times_go_on(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("slow.jpg", "gone.jpg", "of another dataset.jpg")]
    for name in names:
        Path(name).write_bytes(b"photo")
        os.utime(name, (1, 1))
    before = failures(tmp_path / "failures.csv")
    kinds = (TimedOutImage, VanishedImage, DamagedImage)
    for name, kind in zip(names, kinds, strict=True):
        before.add(Sample(name, 0, "", ""), kind(name, "x"), "replaced")
    before._failed_at += 100
    before.write_csv()
    after = failures(tmp_path / "failures.csv")
    assert after.recall(names[:2]) == 1
    assert [after.known(name) for name in names] == [True, False, False]
    after.add(Sample(names[1], 0, "", ""), VanishedImage(names[1], "x"), "replaced")
    after.write_csv()
    with open(tmp_path / "failures.csv", newline="") as file:
        assert {row["path"]: row["times"] for row in csv.DictReader(file)} == {names[0]: "1", names[1]: "2"}


def test_budget_goes_on(tmp_path: Path) -> None:
    photos = [tmp_path / f"{i}.jpg" for i in range(3)]
    before = failures(tmp_path / "failures.csv")
    for photo in photos:
        photo.write_bytes(b"")
        before.add(Sample(str(photo), 0, "", ""), DamagedImage(str(photo), "is empty"), "replaced")
    before._failed_at += 100
    before.write_csv()
    paths = [str(photo) for photo in photos]
    with pytest.raises(TooManyFailures, match="3 photos cannot be read, more than the 2"):
        failures(tmp_path / "failures.csv", limit=2).recall(paths)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff", b"path,kind,reason,times\n/a,damaged,x,many\n", b"a\nb,c\n", b"/a,no kind,x,1,1\n"],
)
def test_list_that_cannot_be_read_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "failures.csv").write_bytes(content)
    assert failures(tmp_path / "failures.csv").recall(["/a"]) == 0
