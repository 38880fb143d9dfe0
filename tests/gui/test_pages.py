"""The pages on their own: photos, settings, results, plots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.conftest import WAIT_MS, end_check
from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.photos.page import DataPage, _skipped_words
from waste_gui.gui.results.page import Results, ResultsPage
from waste_gui.gui.session.dataset_choice import DatasetChoice, Found
from waste_gui.gui.session.example import demo_folder
from waste_gui.gui.settings.form import Fields
from waste_gui.gui.settings.page import SettingsPage
from waste_gui.gui.training.plots import ACCURACY, LOSS, CurveView, Plots
from waste_gui.rundir import RunDir


@pytest.fixture
def data_page(qtbot: QtBot, theme: Theme) -> DataPage:
    page = DataPage(Preferences())
    qtbot.addWidget(page, before_close_func=lambda _: end_check(page, qtbot))
    page.resize(800, 500)
    page.show()
    return page


def looked_at(page: DataPage, choice: DatasetChoice, qtbot: QtBot) -> DataPage:
    page.set_choice(choice)
    qtbot.waitUntil(lambda: not page._scan.working, timeout=WAIT_MS)
    return page


def test_folders_are_mapped_onto_the_lab_classes(data_page: DataPage, photos: Path, qtbot: QtBot) -> None:
    looked_at(data_page, DatasetChoice((str(photos),), "lab"), qtbot)
    assert data_page.found is not None
    assert {f.folder: f.mapped for f in data_page.found.folders} == {
        "glass": "glass_beverage_bottles",
        "paper": "office_paper",
    }
    assert data_page.readiness.ready


def test_leaving_a_class_out_is_said_and_can_be_undone(
    data_page: DataPage, photos: Path, qtbot: QtBot
) -> None:
    looked_at(data_page, DatasetChoice((str(photos),)), qtbot)
    data_page.map_folder("paper", None)
    qtbot.waitUntil(lambda: not data_page._scan.working, timeout=WAIT_MS)
    assert not data_page.readiness.ready
    assert "only one class" in data_page.words.text()
    data_page.undo_stack.undo()
    qtbot.waitUntil(lambda: data_page.readiness.ready, timeout=WAIT_MS)


def test_class_is_chosen_in_the_table(data_page: DataPage, photos: Path, qtbot: QtBot) -> None:
    looked_at(data_page, DatasetChoice((str(photos),), "lab"), qtbot)
    cell = data_page.table.cellWidget(0, 2)
    assert cell is not None
    box = cell.findChild(QComboBox)
    assert box is not None
    box.setCurrentIndex(box.findText("shoes"))
    box.activated.emit(box.currentIndex())
    assert data_page.choice.mapping == {"glass": "shoes"}
    qtbot.waitUntil(lambda: not data_page._scan.working, timeout=WAIT_MS)


def test_class_of_another_name_is_typed(data_page: DataPage, photos: Path, qtbot: QtBot) -> None:
    looked_at(data_page, DatasetChoice((str(photos),)), qtbot)
    cell = data_page.table.cellWidget(0, 2)
    assert cell is not None
    box = cell.findChild(QComboBox)
    assert box is not None
    box.setCurrentIndex(box.count() - 1)
    box.activated.emit(box.currentIndex())
    line = box.lineEdit()
    assert line is not None
    line.setText("bottles & jars")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert data_page.choice.mapping == {"glass": "bottles & jars"}
    qtbot.waitUntil(lambda: data_page.readiness.ready, timeout=WAIT_MS)
    assert data_page.found is not None and "bottles & jars" in data_page.found.classes


def test_folder_without_classes_is_explained(data_page: DataPage, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/1.jpg").touch()
    looked_at(data_page, DatasetChoice((str(tmp_path / "flat"),)), qtbot)
    assert data_page.words.text().startswith("This folder has no sub-folders with photos.")
    assert not data_page.readiness.ready


def test_folder_that_went_away_is_explained(data_page: DataPage, tmp_path: Path, qtbot: QtBot) -> None:
    looked_at(data_page, DatasetChoice((str(tmp_path / "gone"),)), qtbot)
    assert "There is no folder" in data_page.words.text()


def test_reading_can_be_cancelled(data_page: DataPage, photos: Path, qtbot: QtBot) -> None:
    data_page.set_choice(DatasetChoice((str(photos),)))
    data_page.cancel.click()
    assert "cancelled" in data_page.words.text()
    assert not data_page.readiness.ready


@pytest.fixture
def form(qtbot: QtBot, theme: Theme) -> Iterator[Fields]:
    page = SettingsPage()
    qtbot.addWidget(page)
    page.show()
    yield page.fields  # The page would be gone with its last name.


def test_form_gives_back_the_settings_it_shows(form: Fields) -> None:
    config = RunConfig(model="resnet18", epochs=7, image_size=64, lr=0.01, workers=3, seed=5, augment="light")
    form.show_config(config)
    assert form.config() == config
    form.more.setChecked(True)
    assert form.config() == config
    form.show_config(RunConfig())
    assert form.config() == RunConfig()


def test_every_setting_stands_in_the_form_with_its_help(form: Fields) -> None:
    form.more.setChecked(True)
    elsewhere = {"source", "classes", "mapping", "class_folders"}
    assert set(form.editors) == {field.name for field in configs.fields()} - elsewhere
    assert all(editor.accessibleDescription() for editor in form.editors.values())


def test_form_says_in_words_what_the_settings_say_in_values(form: Fields) -> None:
    start, device = form.editors["pretrained"], form.editors["device"]
    assert isinstance(start, QComboBox) and isinstance(device, QComboBox)
    assert (start.currentText(), device.currentText()) == (
        "Recommended weights",
        "Automatic (GPU if available)",
    )
    for typed, value in (("none", "none"), ("Train from scratch", "none"), ("laion2b", "laion2b")):
        start.setEditText(typed)
        assert form.config().pretrained == value


def test_numbers_stand_with_their_unit_and_may_be_typed_without(form: Fields) -> None:
    form.more.setChecked(True)
    cache = form.editors["cache_gb"]
    assert isinstance(cache, QLineEdit)
    assert cache.text() == "50 GB"
    for typed, value in (("20", 20), ("7.5GB", 7.5), ("0 GB", 0)):
        cache.setText(typed)
        assert form.config().cache_gb == value
    cache.setText("a lot GB")
    with pytest.raises(ConfigError):
        form.config()


def test_wrong_number_is_marked_where_it_stands(form: Fields) -> None:
    form.more.setChecked(True)
    rate = form.editors["lr"]
    assert isinstance(rate, QLineEdit)
    rate.setText("fast")
    assert rate.property("wrong")
    assert form._helps["lr"].text() == "'Learning rate' needs a number."
    with pytest.raises(ConfigError):
        form.config()
    rate.setText("0,001")
    assert form.config().lr == 0.001 and not rate.property("wrong")


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("model", "", "'Model' is empty"),
        ("pretrained", "", "'Start from' is empty"),
        ("pretrained", "queue B", "there is no file queue B"),
        ("pretrained", "weights/mine.safetensors", "there is no file weights/mine.safetensors"),
    ],
)
def test_model_or_weights_that_cannot_be_are_marked_where_they_stand(
    form: Fields, name: str, typed: str, said: str
) -> None:
    editor = form.editors[name]
    assert isinstance(editor, QComboBox)
    before = form.config()
    editor.setEditText(typed)
    assert editor.property("wrong") and said in form._helps[name].text()
    with pytest.raises(ConfigError, match="."):
        form.config()
    editor.setEditText("resnet18" if name == "model" else "laion2b_s34b_b79k")
    assert not editor.property("wrong")
    assert form.config() != before, "a tag of a library may be typed"


def test_own_photos_take_the_place_of_the_small_example(
    data_page: DataPage, photos: Path, qtbot: QtBot
) -> None:
    demo_folder().mkdir(parents=True)
    looked_at(data_page, DatasetChoice(sources=(str(demo_folder()),)), qtbot)
    data_page.add_folders([str(photos)])
    assert data_page.choice.sources == (str(photos),)
    data_page.undo_stack.undo()
    assert data_page.choice.sources == (str(demo_folder()),)


def test_bounds_are_those_of_the_settings(form: Fields) -> None:
    epochs = form.editors["epochs"]
    assert isinstance(epochs, QSpinBox)
    assert (epochs.minimum(), epochs.maximum()) == (0, 100_000)
    epochs.setValue(epochs.minimum())
    assert epochs.text() == "automatic" and form.config().epochs is None, "none is no number of epochs"
    batch = form.editors["batch_size"]
    assert isinstance(batch, QSpinBox) and (batch.minimum(), batch.maximum()) == (1, 65_536)


def test_results_name_the_weakest_class(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    pictures.write_results(tmp_path)
    page = ResultsPage()
    qtbot.addWidget(page)
    page.show()
    page.read(RunDir(tmp_path))
    qtbot.waitUntil(lambda: page.results is not None, timeout=WAIT_MS)
    assert page.results is not None
    assert page.results.weakest is not None
    name, share = page.results.weakest
    assert name == "coffee_grounds" and share == pytest.approx(0.57, abs=0.01)
    assert "coffee_grounds" in page._summary.text()
    page.grab()


@pytest.mark.parametrize(
    ("recall", "weakest"), [({"a": 1.0, "b": 1.0}, None), ({"a": 1.0, "b": 0.99}, ("b", 0.99)), ({}, None)]
)
def test_no_class_is_the_weakest_where_all_photos_are_right(
    recall: dict[str, float], weakest: tuple[str, float] | None
) -> None:
    assert Results(classes=tuple(recall), confusion=(), recall=recall).weakest == weakest


def test_missing_or_broken_results_are_no_results(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/per_class.csv").write_text("nonsense\n1\n")
    page = ResultsPage()
    qtbot.addWidget(page)
    page.read(RunDir(tmp_path))
    qtbot.waitUntil(lambda: not page._reading.working, timeout=WAIT_MS)
    assert page.results is None


def test_what_was_left_out_is_counted_in_words() -> None:
    found = Found((), (), {}, {"not photos": 1, "folders left out by the mapping": 2, "new reason": 3})
    words = _skipped_words(found)
    assert words == " Left out: 1 file that is no photo, 2 folders without a class, 3 new reason."


@pytest.fixture
def curve(qtbot: QtBot, theme: Theme) -> CurveView:
    view = CurveView(LOSS)
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show()
    view.show_run(pictures.training().run)
    return view


def x_range(view: CurveView) -> tuple[float, float]:
    low, high = view.getPlotItem().getViewBox().viewRange()[0]
    return float(low), float(high)


def test_plot_shows_all_until_it_is_moved(curve: CurveView) -> None:
    shown = x_range(curve)
    assert shown[0] == 0 and shown[1] > 2554
    QTest.keyClick(curve, Qt.Key.Key_Plus)
    assert x_range(curve)[1] < shown[1]
    QTest.keyClick(curve, Qt.Key.Key_Right)
    assert x_range(curve)[0] > 0
    QTest.keyClick(curve, Qt.Key.Key_Home)
    assert x_range(curve) == shown


def test_following_keeps_the_newest_in_sight(curve: CurveView) -> None:
    for _ in range(6):
        QTest.keyClick(curve, Qt.Key.Key_Plus)
    QTest.keyClick(curve, Qt.Key.Key_Space)
    low, high = x_range(curve)
    assert low < 2554 <= high


def test_gap_of_a_nan_breaks_no_plot(qtbot: QtBot, theme: Theme) -> None:
    script = pictures.starting()
    timing = p.Timing(wait_s=0, copy_s=0, compute_s=0)
    for step, loss in enumerate((1.0, None, float("inf"), 0.5)):
        values: dict[str, float | None] = {"loss": loss, "accuracy": None}
        script.say(p.Metric(step=step, epoch=1, values=values, timing=timing, images_per_s=1))
    plots = Plots()
    qtbot.addWidget(plots)
    plots.resize(600, 400)
    plots.show()
    plots.show_run(script.run)
    plots.grab()
    assert np.isfinite(x_range(plots.plots["loss"].view)).all()


def test_accuracy_axis_ends_at_a_hundred(qtbot: QtBot, theme: Theme) -> None:
    view = CurveView(ACCURACY)
    qtbot.addWidget(view)
    view.show_run(pictures.training().run)
    assert view.getPlotItem().getViewBox().viewRange()[1][1] == pytest.approx(102, abs=3)
