"""A drive that does not answer: a file of it, a page of a file, a folder."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

from tests.faults.stalls.drawn.kinds.kind import NOT_IN_WORKER, Kind, Wait
from tests.faults.stalls.drawn.scene import Scene

if TYPE_CHECKING:  # It brings pytest along, which takes longer than all else here.
    from tests.faults.drive import Drive

drives: dict[str, Drive] = {}
"""By the scene's folder, in the generator's process."""

FILE = "archive/labels.bin"


def a_drive(scene: Scene) -> None:
    from tests.faults.drive import Drive

    behind, at = scene.folder / "behind", scene.path
    (behind / "archive").mkdir(parents=True)
    (behind / FILE).write_bytes(bytes(1_000_000))
    drives[str(scene.folder)] = Drive(at, behind)
    scene.objects, scene.held_by = [[str(at), at.name]], [["re:drive|disk|mount|drive_server"]]


def with_a_silent_file(scene: Scene) -> None:
    a_drive(scene)
    drives[str(scene.folder)].behave(FILE, "silent")


def all_silent(scene: Scene) -> None:
    a_drive(scene)
    drives[str(scene.folder)].vanish("silent")


def close(scene: Scene) -> None:
    """Whoever waits for it gets an error."""
    if drive := drives.pop(str(scene.folder), None):
        drive.close()


def read(scene: Scene) -> Wait:
    file = open(scene.path / FILE, "rb", buffering=0)
    return lambda: file.read(1000)


def touch_a_page(scene: Scene) -> Wait:
    """A read that is no call: the memory is the file's."""
    with open(scene.path / FILE, "rb") as file:
        pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    return lambda: pages[500_000]


def list_folder(scene: Scene) -> Wait:
    return lambda: os.listdir(scene.path / "archive")


def look_at(scene: Scene) -> Wait:
    return lambda: os.stat(scene.path / FILE)


ANSWERS = ("request_wait_answer", "fuse", "folio_wait", "wait_on_page", "io_schedule")
KINDS = (
    Kind("drive_read", read, with_a_silent_file, wchan=ANSWERS, needs_drive=True),
    Kind("drive_page", touch_a_page, with_a_silent_file, wchan=ANSWERS, needs_drive=True),
    Kind("drive_list", list_folder, all_silent, places=NOT_IN_WORKER, wchan=ANSWERS, needs_drive=True),
    Kind("drive_stat", look_at, all_silent, places=NOT_IN_WORKER, wchan=ANSWERS, needs_drive=True),
)
