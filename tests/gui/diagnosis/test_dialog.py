"""The diagnosis: which worker hangs on which photo since when, and a report of it."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QTreeWidgetItemIterator
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.conftest import WAIT_MS, show_run
from tests.gui.diagnosis.conftest import Show
from tests.monitor import transcripts
from waste_gui.dataset.demo import draw_dataset
from waste_gui.gui.common import resources
from waste_gui.gui.diagnosis import photo_panel
from waste_gui.gui.diagnosis.dialog import DiagnosisDialog, photo_in_question
from waste_gui.gui.diagnosis.photo_panel import CANNOT
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.cures import Offer
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.timeline import Timeline
from waste_gui.monitor.verdict import Action
from waste_gui.protocol import Progress

Make = Callable[[str], MainWindow]

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def lines_of(dialog: DiagnosisDialog) -> list[str]:
    """The stack tree, from above."""
    lines, walk = [], QTreeWidgetItemIterator(dialog.stacks)
    while (item := walk.value()) is not None:
        lines.append(item.text(0))
        walk += 1
    return lines


def test_stuck_worker_its_photo_and_the_time_are_said(show: Show) -> None:
    dialog = show(pictures.snapshot(pictures.waits_for_drive()))
    assert dialog.title.text().startswith("Likely stuck")
    assert dialog.photo.name.text() == "IMG_0042.jpg"
    assert dialog.photo.folder.text() == "/data/waste/glass_beverage_bottles"
    assert dialog.photo.held.text().startswith("Worker 4311: 1 min 4")
    lane = next(lane for lane in dialog.timeline.view.timeline.lanes if lane.title == "Worker 4311")  # type: ignore[union-attr]
    assert lane.segments().names[-1] == pictures.PHOTO


def test_run_on_schedule_has_no_photo_in_question(show: Show) -> None:
    dialog = show(pictures.snapshot(pictures.training()))
    assert dialog.title.text() == "On schedule"
    assert not dialog.photo.isVisible()
    assert dialog.no_stacks.isVisible()


def test_of_a_run_of_hours_the_silence_is_shown_first(show: Show) -> None:
    script = pictures.waits_for_drive()
    snapshot = pictures.snapshot(script)
    low, _ = show(snapshot).timeline.view._box.viewRange()[0]
    assert low == 0
    later = Snapshot(script.run, snapshot.now + 36_000, view=snapshot.view, timeline=Timeline())
    for message in transcripts.healthy(2).messages[:40]:
        later.timeline.receive(message)
    later.timeline.look(later.evidence, later.now)
    script.run.moved_at = later.now - 100
    low, high = show(later).timeline.view._box.viewRange()[0]
    assert later.now - 400 < low < script.run.moved_at and high > later.now


@pytest.mark.parametrize("script", [pictures.stuck, pictures.training, pictures.deadlock])
def test_timeline_has_the_room_that_it_needs_as_soon_as_it_is_shown(
    script: Callable[[], pictures.Script], show: Show, qtbot: QtBot
) -> None:
    """Also where nothing more is heard."""
    dialog = show(pictures.snapshot(script()))
    timeline = dialog.timeline

    def is_whole() -> bool:
        return timeline._area.viewport().height() >= timeline.view.needed_height

    qtbot.waitUntil(is_whole, timeout=WAIT_MS)
    for size in ((700, 560), (1080, 760)):
        dialog.resize(*size)
    qtbot.waitUntil(is_whole, timeout=WAIT_MS)


def test_crashed_run_is_told_with_how_it_ended(show: Show) -> None:
    snapshot = pictures.snapshot(pictures.crashed())
    dialog = show(snapshot)
    assert dialog.title.text() == snapshot.run.exit_words


def test_nothing_has_run(show: Show) -> None:
    dialog = show(Snapshot(Run()))
    assert dialog.title.text() == "Nothing is running"


def test_dialog_goes_with_the_run_while_it_is_open(show: Show) -> None:
    script = pictures.waits_for_drive()
    dialog = show(pictures.snapshot(script))
    script.workers = ()
    script.say(Progress(stage="train", done=469, total=7800))
    script.wait(1)
    dialog.show_snapshot(pictures.snapshot(script))
    assert dialog.title.text().startswith("Slower than usual")
    assert not dialog.photo.isVisible()


def test_stacks_are_a_tree_with_the_key_line_marked(show: Show) -> None:
    lines = lines_of(show(pictures.snapshot(pictures.waits_for_drive())))
    assert lines[0] == "Engine, process 4242"
    assert "Worker, process 4311" in lines
    assert sum(line.startswith("▸ ") for line in lines) == 3


def test_photo_that_is_a_pipe_is_said_and_does_not_hang(show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    if sys.platform == "win32":
        pytest.skip("there are no pipes among its files")
    pipe = tmp_path / "photo.jpg"
    os.mkfifo(pipe)
    dialog = show(pictures.snapshot(pictures.waits_for_drive(str(pipe))))
    qtbot.waitUntil(lambda: dialog.photo.facts.text() == "a pipe, not a file", timeout=WAIT_MS)
    assert dialog.photo.frame.words == CANNOT


def test_photo_is_shown_with_its_size(show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    draw_dataset(tmp_path / "waste", per_class=1, damaged=0)
    photo = next((tmp_path / "waste").glob("*/*.jpg"))
    dialog = show(pictures.snapshot(pictures.waits_for_drive(str(photo))))
    qtbot.waitUntil(lambda: dialog.photo.frame.picture is not None, timeout=WAIT_MS)
    assert dialog.photo.facts.text().startswith("256 × 256 px, ")


def test_photo_that_does_not_come_in_time_cannot_be_shown(
    show: Show, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_panel, "PATIENCE_MS", 20)
    monkeypatch.setattr(photo_panel, "look_at", lambda path: (_ for _ in ()).throw(OSError))
    dialog = show(pictures.snapshot(pictures.waits_for_drive()))
    qtbot.waitUntil(lambda: dialog.photo.frame.words == CANNOT, timeout=WAIT_MS)
    assert dialog.photo.facts.text() == "the drive does not answer"


def test_photo_in_question_is_that_of_the_longest_waiting_worker() -> None:
    script = pictures.waits_for_drive()
    snapshot = pictures.snapshot(script)
    path, held = photo_in_question(snapshot)
    assert path == pictures.PHOTO and held.startswith("Worker 4311")


def test_size_is_remembered(show: Show) -> None:
    dialog = show(Snapshot(Run()))
    dialog.resize(760, 600)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert show(Snapshot(Run())).size() == dialog.size()


def shown_in_window(window: MainWindow) -> DiagnosisDialog:
    show_run(window, pictures.snapshot(pictures.waits_for_drive()))
    window.rooms.where.show()
    assert window.rooms.where.dialog is not None
    return window.rooms.where.dialog


def test_window_keeps_one_diagnosis_up_to_date_and_esc_closes_only_it(make_window: Make) -> None:
    window = make_window("finishes")
    dialog = shown_in_window(window)
    window.rooms.where.show()
    assert window.rooms.where.dialog is dialog and not dialog.isModal()
    show_run(window, pictures.snapshot(pictures.training()))
    assert dialog.title.text() == "On schedule"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.rooms.where.dialog is None and window.isVisible()


def test_copy_report_puts_it_on_the_clipboard(make_window: Make) -> None:
    window = make_window("finishes")
    dialog = shown_in_window(window)
    dialog.copy_button.click()
    assert "Worker 4311: reading" in QApplication.clipboard().text()
    assert dialog.said.text() == "Copied"


def test_copying_is_called_the_same_in_menu_bar_dialog_and_guide(make_window: Make) -> None:
    window = make_window("finishes")
    window.rooms.where.show()
    dialog = window.rooms.where.dialog
    assert dialog is not None
    guide = resources.path("guide/where.md").read_text("utf-8")
    called = {
        window.menus.actions["copy_report"].text().replace("&", ""),
        dialog.copy_button.text().replace("&", ""),
        Action.COPY_DETAILS.value,
        Offer.COPY_DETAILS.value,
    }
    assert called == {"Copy details"} and "*Copy details*" in guide


def test_save_report_writes_a_zip_beside_the_window(
    make_window: Make, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = make_window("finishes")
    dialog = shown_in_window(window)
    path = tmp_path / "report.zip"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    dialog.save_button.click()
    qtbot.waitUntil(lambda: dialog.said.text() == f"Saved {path}", timeout=WAIT_MS)
    with zipfile.ZipFile(path) as archive:
        assert b"Likely stuck" in archive.read("report.txt")


def test_report_that_cannot_be_saved_is_said(
    make_window: Make, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = make_window("finishes")
    path = tmp_path / "nowhere" / "report.zip"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.rooms.where.save_report()
    qtbot.waitUntil(lambda: window.frame.bar.notice is not None, timeout=WAIT_MS)
    assert window.frame.bar.notice is not None and "cannot be written" in window.frame.bar.notice.title
