"""Stacks come also out of processes that the kernel holds until a drive answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.drive import Behaviour, Drive, in_own_namespace
from tests.photos import make_photos
from tests.stuck import ARMED, eventually, running
from waste_gui import stack_file
from waste_gui.dataset.pool import ReadingPool
from waste_gui.monitor import stacks
from waste_gui.monitor.stack_words import in_words
from waste_gui.monitor.stacks import StackReader
from waste_gui.owner import child

pytestmark = pytest.mark.slow

READ_HOLDING_THE_GIL = """
def read_from_drive(path):
    library, buffer = ctypes.PyDLL(None), ctypes.create_string_buffer(1)
    library.read(library.open(path.encode(), os.O_RDONLY), buffer, 1)
print("ready", flush=True)
while True:
    read_from_drive(sys.argv[2])
"""

PHOTO = "glass/glass_00.jpg"


@pytest.fixture(autouse=True)
def _no_py_spy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "py_spy", lambda: None)


@pytest.mark.parametrize("behaviour", ["silent", "unkillable"])
@in_own_namespace
def test_engine_that_holds_the_gil_in_the_kernel_tells_its_stack(
    tmp_path: Path, behaviour: Behaviour
) -> None:
    with Drive(tmp_path / "drive", mirrors=make_photos(tmp_path / "there", per_class=1)) as drive:
        drive.behave(PHOTO, behaviour)
        arguments = (str(tmp_path), str(drive.at / PHOTO))
        with running(ARMED + READ_HOLDING_THE_GIL, *arguments) as pid:
            reader = StackReader(tmp_path, child(pid))
            functions = eventually(
                lambda: [
                    frame.function for thread in reader.read(stands_still=True)[:1] for frame in thread.frames
                ],
                lambda functions: bool(drive.waiting()) and "read_from_drive" in functions,
            )
            drive.close()
    assert functions == ["<module>", "read_from_drive"]


@pytest.mark.parametrize("behaviour", ["silent", "unkillable"])
@in_own_namespace
def test_worker_on_a_drive_that_does_not_answer_tells_its_stack(
    tmp_path: Path, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(stack_file.VARIABLE, str(tmp_path / "stacks.txt"))
    with Drive(tmp_path / "drive", mirrors=make_photos(tmp_path / "there", per_class=1)) as drive:
        drive.behave(PHOTO, behaviour)
        with ReadingPool(1, 32, 2, deadline_s=100) as pool:
            pool.submit(0, str(drive.at / PHOTO))
            reader = StackReader(tmp_path, child(os.getpid()))

            def words() -> list[str]:
                return [in_words(t) for t in reader.read([each.pid for each in pool.states()])]

            said = eventually(words, lambda said: said == ["reading a photo"])
            drive.close()
    assert said == ["reading a photo"]
