"""A heap of photos gets its classes: real files, real keys, what stands in labels.csv after each."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, end_check
from waste_gui.dataset.labels_file import read_labels, write_labels
from waste_gui.dataset.samples import DatasetError
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.photos.labelling import look_at_heap
from waste_gui.gui.photos.labelling_dialog import LabellingDialog
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.session.dataset_choice import DatasetChoice


@pytest.fixture
def heap(tmp_path: Path) -> Path:
    folder = tmp_path / "heap"
    (folder / "more").mkdir(parents=True)
    for name in ("-1.jpg", 'a, "b".jpg', "grün.jpg", "more/c.jpg"):
        (folder / name).write_bytes(b"no photo at all")
    return folder


def open_dialog(folder: Path, qtbot: QtBot) -> LabellingDialog:
    thumbnails = Thumbnails()
    dialog = LabellingDialog(None, look_at_heap(str(folder), lambda _: None), thumbnails)  # type: ignore[arg-type]
    dialog.destroyed.connect(thumbnails.close)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog, before_close_func=lambda _: thumbnails.close())
    dialog.show()
    return dialog


def say(dialog: LabellingDialog, name: str) -> None:
    dialog.new_class.setText(name)
    QTest.keyClick(dialog.new_class, Qt.Key.Key_Return)


def press(dialog: LabellingDialog, key: str) -> None:
    QTest.keyClick(dialog.picture, Qt.Key(ord(key)))


def lines(folder: Path) -> list[str]:
    file = folder / "labels.csv"
    return file.read_text("utf-8").splitlines() if file.exists() else []


def test_one_key_labels_shows_the_next_and_writes_and_undo_takes_back(
    heap: Path, qtbot: QtBot, theme: Theme
) -> None:
    before = sorted(os.listdir(heap))
    dialog = open_dialog(heap, qtbot)
    for name in ("glass", "Papier, weiß"):
        say(dialog, name)
    assert [b.text() for b in dialog.buttons] == ["1   glass", "2   Papier, weiß"]
    with qtbot.waitSignal(dialog.labelling.saved, timeout=WAIT_MS):
        press(dialog, "1")
    assert lines(heap) == ["path,label", "./-1.jpg,glass"] and dialog.title.text() == "1 of 4 labelled"
    with qtbot.waitSignal(dialog.labelling.saved, timeout=WAIT_MS):
        for key in "212":
            press(dialog, key)
    assert lines(heap)[2:] == [
        '"a, ""b"".jpg","Papier, weiß"',
        "grün.jpg,glass",
        'more/c.jpg,"Papier, weiß"',
    ]
    assert dialog.title.text() == "All 4 photos labelled"
    with qtbot.waitSignal(dialog.labelling.saved, timeout=WAIT_MS):
        dialog.labelling.undo_stack.undo()
    assert len(lines(heap)) == 4 and dialog.labelling.photo == str(heap / "more/c.jpg")
    assert sorted(os.listdir(heap)) == sorted([*before, "labels.csv"])


def test_it_goes_on_where_it_stopped_and_keeps_labels_of_photos_that_are_away(
    heap: Path, qtbot: QtBot, theme: Theme
) -> None:
    write_labels(heap / "labels.csv", {str(heap / "gone.jpg"): "foil", str(heap / "-1.jpg"): "glass"})
    dialog = open_dialog(heap, qtbot)
    assert dialog.labelling.classes == ["foil", "glass"] and dialog.title.text() == "1 of 4 labelled"
    assert dialog.labelling.photo == str(heap / 'a, "b".jpg')
    QTest.keyClick(dialog.picture, Qt.Key.Key_Space)
    assert dialog.labelling.photo == str(heap / "grün.jpg")
    with qtbot.waitSignal(dialog.labelling.saved, timeout=WAIT_MS):
        press(dialog, "2")
    assert set(read_labels(heap / "labels.csv")) == {
        str(heap / n) for n in ("gone.jpg", "-1.jpg", "grün.jpg")
    }


def test_class_that_differs_in_case_or_spaces_only_is_not_added_twice(
    heap: Path, qtbot: QtBot, theme: Theme
) -> None:
    dialog = open_dialog(heap, qtbot)
    for name in ("Glass", " glass ", "=cmd", "  "):
        say(dialog, name)
    assert dialog.labelling.classes == ["Glass"]


@pytest.mark.skipif(os.name == "nt", reason="a folder that is a file instead")
def test_where_nothing_can_be_written_another_place_is_offered(
    heap: Path, tmp_path: Path, qtbot: QtBot, theme: Theme
) -> None:
    dialog = open_dialog(heap, qtbot)
    say(dialog, "glass")
    (tmp_path / "file").touch()
    dialog.labelling.file = tmp_path / "file" / "labels.csv"
    with qtbot.waitSignal(dialog.labelling.failed, timeout=WAIT_MS):
        press(dialog, "1")
    assert dialog.elsewhere.isVisible() and "cannot be saved" in dialog.note.text()
    with qtbot.waitSignal(dialog.labelling.saved, timeout=WAIT_MS):
        dialog.labelling.save_as(tmp_path / "labels.csv")
    assert lines(tmp_path) == ["path,label", "heap/-1.jpg,glass"] and not dialog.elsewhere.isVisible()


@pytest.mark.parametrize(
    "content", [b"image,class,x\na.jpg,b,c\n", b"path,label\n\xff,a\n", b"path,label\na\n"]
)
def test_table_of_another_kind_is_never_written_over(heap: Path, content: bytes) -> None:
    (heap / "labels.csv").write_bytes(content)
    with pytest.raises(DatasetError, match="not a table of paths and labels"):
        look_at_heap(str(heap), lambda _: None)
    assert (heap / "labels.csv").read_bytes() == content


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such name")
def test_photo_whose_name_is_no_text_is_left_out_and_said(heap: Path, qtbot: QtBot, theme: Theme) -> None:
    Path(os.fsdecode(os.fsencode(heap) + b"/\xff.jpg")).touch()
    dialog = open_dialog(heap, qtbot)
    assert len(dialog.labelling.photos) == 4 and "Left out: 1 photo" in dialog.note.text()


def test_page_offers_labelling_for_a_folder_without_classes(heap: Path, qtbot: QtBot, theme: Theme) -> None:
    page = DataPage(Preferences())
    qtbot.addWidget(page, before_close_func=lambda _: end_check(page, qtbot))
    page.show()
    page.set_choice(DatasetChoice((str(heap),)))
    qtbot.waitUntil(page.label.isVisible, timeout=WAIT_MS)
    page.label.click()
    qtbot.waitUntil(lambda: bool(page.findChildren(LabellingDialog)), timeout=WAIT_MS)
    (dialog,) = page.findChildren(LabellingDialog)
    assert dialog.isVisible() and dialog.title.text() == "0 of 4 labelled"
    for name in ("glass", "paper"):
        say(dialog, name)
    for key in "1212":
        press(dialog, key)
    next(b for b in dialog.findChildren(QPushButton) if b.text() == "&Close").click()
    qtbot.waitUntil(lambda: page.found is not None and len(page.found.classes) == 2, timeout=WAIT_MS)
    assert page.found is not None and page.found.photos_per_class == {"glass": 2, "paper": 2}
    assert page.readiness.ready and "labels of labels.csv" in page.words.text() and page.label.isVisible()
