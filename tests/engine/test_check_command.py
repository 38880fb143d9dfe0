"""`waste-engine check` and `set-aside`: the real processes, on real photos."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engine.process import ENVIRONMENT, Finished, command, finish, run, start, wait_for
from tests.faults.decoder import environment, marked
from tests.faults.photos import BAD, make_hostile_dataset
from tests.photos import damage
from waste_gui.dataset.catalog import Catalog
from waste_gui.dataset.file_stats import file_stats
from waste_gui.dataset.photo_cache import open_photo_resized_images
from waste_gui.protocol import (
    Finding,
    Heartbeat,
    ImageFailed,
    Progress,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    StageFinished,
    StageStarted,
    named_path,
)

pytestmark = pytest.mark.slow

SMALL = ("--image-size", "64", "--workers", "1", "--format", "json")


def draw(path: Path, seed: int, size: tuple[int, int] = (120, 90)) -> Path:
    """A picture of its own for each seed."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """30 different ones in 3 classes, the split ready."""
    for number in range(30):
        part = "val" if number % 5 == 0 else "train"
        name = ("glass", "metal", "paper")[number % 3]
        draw(tmp_path / "photos" / part / name / f"{number:02}.jpg", number)
    return tmp_path / "photos"


def check(folder: Path, *more: str | Path, **variables: str) -> Finished:
    finished = run("check", "--source", folder, *SMALL, *more, **variables)
    assert finished.status == 0, (finished.stderr, finished.last)
    return finished


def found(finished: Finished) -> list[tuple[str, set[str]]]:
    """Kind and file names of each finding."""
    return [(f.kind, {os.path.basename(path) for path in f.paths}) for f in finished.of(Finding)]


def remembered(finished: Finished) -> int:
    (stage,) = [m for m in finished.of(StageFinished) if m.stage == "check"]
    _, _, words = stage.summary.partition("; ")
    return int(words.split()[0]) if words else 0


def test_good_photos_are_counted_and_nothing_is_found(photos: Path, tmp_path: Path) -> None:
    finished = check(photos)
    started = finished.messages[0]
    assert isinstance(started, RunStarted)
    assert started.command == "check"
    assert [stage.id for stage in started.stages] == ["scan", "check", "compare"]
    assert [m.stage for m in finished.of(StageStarted)] == ["scan", "check", "compare"]
    assert found(finished) == []
    assert isinstance(finished.last, RunFinished)
    assert finished.last.metrics["photos"] == 30
    assert finished.last.metrics["damaged"] == 0
    progress = [m for m in finished.of(Progress) if m.stage == "check"]
    assert (progress[-1].done, progress[-1].total) == (30, 30)
    assert not (tmp_path / "home" / "runs").exists()


def test_each_kind_of_trouble_is_found(photos: Path) -> None:
    train, val = photos / "train", photos / "val"
    shutil.copy(train / "metal" / "01.jpg", val / "metal" / "leak.jpg")
    shutil.copy(train / "paper" / "02.jpg", train / "glass" / "other.jpg")
    with Image.open(train / "glass" / "03.jpg") as image:
        image.save(train / "glass" / "again.jpg", quality=60)
    shutil.copy(train / "metal" / "04.jpg", train / "metal" / "twice.jpg")
    draw(train / "glass" / "tiny.jpg", 100, (60, 50))
    draw(train / "glass" / "long.jpg", 101, (400, 90))
    damage(draw(train / "paper" / "broken.jpg", 102))
    finished = check(photos)
    assert found(finished) == [
        ("damaged", {"broken.jpg"}),
        ("leak", {"01.jpg", "leak.jpg"}),
        ("two_labels", {"02.jpg", "other.jpg"}),
        ("duplicate", {"04.jpg", "twice.jpg"}),
        ("near_duplicate", {"03.jpg", "again.jpg"}),
        ("tiny", {"tiny.jpg"}),
        ("odd_shape", {"long.jpg"}),
    ]
    (leak,) = [f for f in finished.of(Finding) if f.kind == "leak"]
    assert leak.suggest == (str(train / "metal" / "01.jpg"),)
    (failed,) = finished.of(ImageFailed)
    assert (failed.action, failed.kind, failed.limit) == ("listed", "truncated", 37)
    assert isinstance(finished.last, RunFinished)
    assert finished.last.metrics["leak"] == 1


def test_what_was_read_is_remembered_until_it_changes(photos: Path) -> None:
    broken = damage(draw(photos / "train" / "paper" / "broken.jpg", 102))
    assert remembered(check(photos)) == 0
    again = check(photos)
    assert remembered(again) == 31
    assert found(again) == [("damaged", {"broken.jpg"})]
    assert len(again.of(ImageFailed)) == 1
    os.utime(photos / "train" / "metal" / "01.jpg")
    draw(broken, 102)
    last = check(photos)
    assert remembered(last) == 29
    assert found(last) == []


@pytest.mark.slow
def test_stopped_midway_it_goes_on_where_it_was(photos: Path) -> None:
    for number in range(200):
        draw(photos / "train" / "glass" / f"more{number}.jpg", 1000 + number, (1200, 900))
    process = start(["check", "--source", photos, *SMALL])
    assert process.stdout is not None
    while True:
        progress = wait_for(process.stdout, Progress)
        assert isinstance(progress, Progress)
        if progress.stage == "check" and progress.done > 20:
            break
    command(process, command="stop")
    stopped = finish(process)
    assert stopped.status == 3
    assert isinstance(stopped.last, RunStopped)
    assert 20 < remembered(check(photos)) < 230


def test_killed_midway_it_goes_on_where_it_was(photos: Path) -> None:
    hangs = draw(photos / "train" / "glass" / "hangs.jpg", 1000)
    hangs.write_bytes(marked(hangs.read_bytes(), "sleep"))  # so that the check cannot end before
    process = start(["check", "--source", photos, *SMALL], PYTHONPATH=environment()["PYTHONPATH"])
    assert process.stdout is not None
    catalog = Catalog()
    stats = file_stats([str(path) for path in photos.glob("*/*/*.jpg")])
    while not catalog.recall(stats):
        wait_for(process.stdout, Heartbeat)
    process.kill()
    with process:
        process.communicate()
    known = len(catalog.recall(stats))
    assert 0 < known < len(stats)
    assert remembered(check(photos)) == known


def test_training_finds_the_tiles_of_a_check(photos: Path) -> None:
    check(photos)
    stats = file_stats([str(path) for path in photos.glob("*/*/*.jpg")])
    resized_images = open_photo_resized_images(stats, 80, 1.0)
    assert resized_images is not None
    assert len(resized_images) == 30
    resized_images.cache.close()


def test_dismissed_findings_are_marked(photos: Path) -> None:
    damage(draw(photos / "train" / "paper" / "broken.jpg", 102))
    (finding,) = check(photos).of(Finding)
    assert not finding.dismissed
    Catalog().dismiss(finding.key)
    assert [(f.key, f.dismissed) for f in check(photos).of(Finding)] == [(finding.key, True)]


def test_hostile_photos_are_all_listed_and_no_good_one(tmp_path: Path) -> None:
    hostile = make_hostile_dataset(tmp_path / "hostile", 120)
    finished = check(tmp_path / "hostile", "--photo-timeout", "10")
    failed = {named_path(m.path): m.kind for m in finished.of(ImageFailed)}
    later = {bad.name for bad in BAD if bad.strikes}
    assert failed == {path: kind for path, kind in hostile.bad.items() if hostile.names[path] not in later}
    listed = {named_path(f.paths[0]): f.error for f in finished.of(Finding) if f.kind == "damaged"}
    assert listed == failed


def test_photos_that_crash_or_hang_the_decoder_are_listed(photos: Path) -> None:
    good = io.BytesIO()
    with Image.open(photos / "train" / "metal" / "01.jpg") as image:
        image.save(good, "JPEG")
    for fault in ("abort", "sleep"):
        (photos / "train" / "metal" / f"{fault}.jpg").write_bytes(marked(good.getvalue(), fault))
    variables = {k: v for k, v in environment().items() if os.environ.get(k) != v}
    finished = check(photos, "--photo-timeout", "2", "--workers", "2", **variables)
    kinds = {os.path.basename(m.path): m.kind for m in finished.of(ImageFailed)}
    assert kinds == {"abort.jpg": "damaged", "sleep.jpg": "timed_out"}
    assert remembered(check(photos)) == 31  # whether a photo takes too long may be the drive's fault


def test_torch_is_never_imported(photos: Path) -> None:
    code = (
        "import sys; from waste_gui.engine.__main__ import run\n"
        f"status = run(['check', '--source', {str(photos)!r}, '--workers', '1'])\n"
        "print([name for name in sys.modules if name.startswith(('torch', 'open_clip', 'timm'))])\n"
        "sys.stderr.flush(); import os; sys.stdout.flush(); os._exit(status)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | ENVIRONMENT
    )
    assert ended.returncode == 0, ended.stderr
    assert "[]" in ended.stderr.splitlines(), ended.stderr  # descriptor 1 is stderr by then


def test_a_folder_that_cannot_be_checked_says_why(tmp_path: Path) -> None:
    finished = run("check", "--source", tmp_path / "gone", *SMALL)
    assert finished.status == 1
    assert isinstance(finished.last, RunFailed)
    assert finished.last.kind == "dataset"


def test_one_class_with_one_photo_can_be_checked(tmp_path: Path) -> None:
    draw(tmp_path / "photos" / "glass" / "1.jpg", 1)
    assert found(check(tmp_path / "photos")) == []


# --- as text, and from the shell


def shell(*arguments: str | Path) -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "waste_gui.engine", *map(str, arguments)],
        capture_output=True,
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.DEVNULL,
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def as_text(folder: Path) -> list[str]:
    status, out, error = shell("check", "--source", folder, "--workers", "1", "--format", "text")
    assert status == 0, error
    return out.splitlines()


def test_text_lists_by_kind_and_says_what_to_do(photos: Path) -> None:
    for number in range(13):
        damage(draw(photos / "train" / "glass" / f"broken{number:02}.jpg", 200 + number))
    shutil.copy(photos / "train" / "metal" / "04.jpg", photos / "train" / "metal" / "twice.jpg")
    lines = as_text(photos)
    start_of_list = lines.index("Cannot be read (13)")
    assert lines[start_of_list + 1].endswith(
        "broken00.jpg: Cannot be read: is incomplete, its end is missing."
    )
    assert lines[start_of_list + 11] == "  … and 3 more"
    assert lines[start_of_list + 12] == "The same picture several times (1)"
    assert "waste-engine set-aside" in lines[-2]


def test_names_do_not_reach_the_terminal_as_they_are(photos: Path) -> None:
    for number, name in enumerate([b"caf\xe9.jpg", b"new\nline.jpg", b"red\x1b[31m.jpg"]):
        path = os.path.join(os.fsencode(photos), b"train", b"glass", name)
        damage(Path(shutil.copy(draw(photos / "x.jpg", number), os.fsdecode(path))))
    (photos / "x.jpg").unlink()
    text = "\n".join(as_text(photos))
    for shown in ("caf\\udce9.jpg", "new\\nline.jpg", "red\\x1b[31m.jpg"):
        assert shown in text
    assert "\x1b" not in text


def test_set_aside_photos_are_passed_over_until_they_are_taken_back(photos: Path) -> None:
    broken = damage(draw(photos / "train" / "paper" / "broken.jpg", 102))
    assert shell("set-aside", broken, "--reason", "half grey") == (0, "", "")
    assert shell("set-aside", "--list", "--source", photos) == (0, f"{broken}: half grey\n", "")
    assert shell("set-aside", "--list", "--source", photos / "val") == (0, "", "")
    finished = check(photos)
    assert found(finished) == []
    assert "excluded photos (1)" in finished.of(StageFinished)[0].summary
    assert shell("set-aside", "--undo", broken) == (0, "", "")
    assert found(check(photos)) == [("damaged", {"broken.jpg"})]


def test_set_aside_refuses_what_is_no_photo(tmp_path: Path) -> None:
    status, _, error = shell("set-aside", tmp_path / "gone.jpg")
    assert status == 1
    assert "There is no photo" in error
    assert shell("set-aside")[0] == 1
