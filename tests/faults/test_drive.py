"""The drives made for tests do what they are said to do."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.drive import Behaviour, Drive, SourceOutage, in_own_namespace
from tests.photos import make_photos
from waste_gui.dataset.images import UnreadableImage, VanishedImage
from waste_gui.dataset.resized import read_resized
from waste_gui.dataset.scan import scan_sources

READER = "import sys; print(len(open(sys.argv[1], 'rb').read()))"


def wait_until(true: Callable[[], bool]) -> None:
    """At most a minute: a guard against hanging, no measurement."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def state(process: subprocess.Popen[str]) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]


def drive_of(folder: Path) -> Drive:
    make_photos(folder / "mirrored", per_class=3)
    return Drive(folder / "drive", folder / "mirrored")


def reader_of(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", READER, str(path)], stdout=subprocess.PIPE, text=True)


@in_own_namespace
def test_drive_shows_the_folder(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        scan = scan_sources([str(drive.at)])
        assert scan.photos_per_class() == {"glass": 3, "metal": 3, "paper": 3}
        for sample in scan.samples:
            mirrored = tmp_path / "mirrored" / Path(sample.path).relative_to(drive.at)
            assert (read_resized(sample.path, 32) == read_resized(str(mirrored), 32)).all()
            assert os.stat(sample.path).st_mtime_ns == os.stat(mirrored).st_mtime_ns


@in_own_namespace
def test_silent_photo_is_never_read_and_its_reader_can_be_killed(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        drive.behave("glass/glass_00.jpg", "silent")
        with reader_of(drive.at / "glass/glass_00.jpg") as reader:
            wait_until(lambda: drive.waiting() > 0)
            assert read_resized(str(drive.at / "glass/glass_01.jpg"), 32).shape == (32, 32, 3)
            assert reader.poll() is None
            reader.kill()
            assert reader.wait() == -9


@in_own_namespace
def test_unkillable_reader_ends_when_the_drive_answers(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        drive.behave("glass/glass_00.jpg", "unkillable")
        with reader_of(drive.at / "glass/glass_00.jpg") as reader:
            wait_until(lambda: drive.waiting() > 0)
            reader.kill()
            wait_until(lambda: state(reader) == "D")
            assert reader.poll() is None
            drive.behave("glass/glass_00.jpg", "normal")
            assert reader.wait() == -9


@in_own_namespace
def test_unkillable_reader_ends_when_the_drive_goes(tmp_path: Path) -> None:
    drive = drive_of(tmp_path)
    drive.behave("glass/glass_00.jpg", "unkillable")
    with reader_of(drive.at / "glass/glass_00.jpg") as reader:
        wait_until(lambda: drive.waiting() > 0)
        reader.kill()
        drive.close()
        assert reader.wait() == -9
    assert not os.path.ismount(drive.at)


@in_own_namespace
def test_slow_photo_comes_byte_by_byte(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        drive.behave("glass/glass_00.jpg", "slow")
        descriptor = os.open(drive.at / "glass/glass_00.jpg", os.O_RDONLY)
        assert [os.read(descriptor, 4096) for _ in range(2)] == [b"\xff", b"\xd8"]
        os.close(descriptor)


@in_own_namespace
def test_delayed_photo_comes_whole(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        drive.behave("glass/glass_00.jpg", "delayed")
        assert read_resized(str(drive.at / "glass/glass_00.jpg"), 32).shape == (32, 32, 3)


@in_own_namespace
def test_silent_photo_is_read_when_the_drive_answers_after_all(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        drive.behave("glass/glass_00.jpg", "silent")
        with reader_of(drive.at / "glass/glass_00.jpg") as reader:
            wait_until(lambda: drive.waiting() > 0)
            drive.behave("glass/glass_00.jpg", "normal")
            assert reader.communicate()[0] == f"{(drive.at / 'glass/glass_00.jpg').stat().st_size}\n"


@in_own_namespace
def test_failing_photo_is_unreadable(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        drive.behave("glass/glass_00.jpg", "failing")
        with pytest.raises(UnreadableImage, match="Input/output error"):
            read_resized(str(drive.at / "glass/glass_00.jpg"), 32)


@pytest.mark.parametrize(("how", "error"), [("unmounted", VanishedImage), ("unplugged", UnreadableImage)])
@in_own_namespace
def test_drive_vanishes_and_returns(tmp_path: Path, how: SourceOutage, error: type[Exception]) -> None:
    with drive_of(tmp_path) as drive:
        photo = str(drive.at / "glass/glass_00.jpg")
        drive.vanish(how)
        with pytest.raises(error):
            read_resized(photo, 32)
        if how == "unmounted":
            assert os.listdir(drive.at) == []
        else:
            with pytest.raises(OSError) as caught:
                os.listdir(drive.at)
            assert caught.value.errno == errno.EIO
        drive.come_back()
        assert read_resized(photo, 32).shape == (32, 32, 3)


@in_own_namespace
def test_drive_without_any_answer_goes_on_when_it_returns(tmp_path: Path) -> None:
    with drive_of(tmp_path) as drive:
        drive.vanish("silent")
        with reader_of(drive.at / "glass/glass_00.jpg") as reader:
            wait_until(lambda: drive.waiting() > 0)
            assert reader.poll() is None
            drive.come_back()
            assert int(reader.communicate()[0]) > 0


BEHAVIOURS: tuple[Behaviour, ...] = ("slow", "silent", "unkillable")


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@in_own_namespace
def test_photo_reached_by_a_link_behaves_as_on_the_drive(tmp_path: Path, behaviour: Behaviour) -> None:
    make_photos(tmp_path / "waste", per_class=3)
    with drive_of(tmp_path) as drive:
        drive.behave("glass/glass_00.jpg", behaviour)
        link = tmp_path / "waste/glass/linked.jpg"
        link.symlink_to(drive.at / "glass/glass_00.jpg")
        assert str(link) in {sample.path for sample in scan_sources([str(tmp_path / "waste")]).samples}
        with reader_of(link) as reader:
            wait_until(lambda: drive.waiting() > 0)
            reader.kill()
            drive.close()
