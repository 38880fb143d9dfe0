"""The model cards: chosen by mouse and keyboard, true about weights, network and time, and never moving."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel
from pytestqt.qtbot import QtBot

from tests.past_runs import make_run
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.settings import card_text
from waste_gui.gui.settings.checked import TimeHere
from waste_gui.gui.settings.page import SettingsPage
from waste_gui.gui.settings.run_dialog import BEST as BEST_FILE
from waste_gui.gui.settings.run_dialog import RunDialog
from waste_gui.gui.settings.start_from import ASKS, StartFrom
from waste_gui.gui.settings.surroundings import Surroundings
from waste_gui.model_choices import BALANCED, BEST, CHOICES, FAST
from waste_gui.monitor.gpu import graphics_card
from waste_gui.monitor.run_list import RunSummary

HERE = frozenset({FAST.model})
ONLINE, OFFLINE = Surroundings(HERE, "", ""), Surroundings(HERE, "no network", "")
WITH_CARD = Surroundings(HERE | {BALANCED.model}, "", "NVIDIA RTX A4000")
EVERYTHING = [
    Surroundings(here, network, card)
    for here in (None, frozenset[str](), HERE, frozenset(c.model for c in CHOICES))
    for network in (None, "", "no network", "HF_HUB_OFFLINE is set")
    for card in (None, "", "NVIDIA RTX A4000")
]
Show = Callable[[Surroundings], SettingsPage]


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Show]:
    """The page, once it knows that the computer has this."""
    pages = []

    def show_(seen: Surroundings) -> SettingsPage:
        page = SettingsPage()
        pages.append(page)
        qtbot.addWidget(page)
        watch = page.fields.model_part.watch
        watch.look = lambda tell, before: seen
        page.resize(900, 700)
        page.show()
        page.activateWindow()
        qtbot.waitUntil(lambda: watch.seen == seen and not watch._looking.working)
        return page

    yield show_
    pages.clear()


def look(page: SettingsPage, seen: Surroundings) -> None:
    page.fields.model_part.watch._on_seen(seen)


# --- chosen


def test_card_is_chosen_by_mouse_and_stands_in_the_settings(show: Show, qtbot: QtBot) -> None:
    page = show(ONLINE)
    fast, balanced, best = page.fields.model_part.cards.cards
    assert fast.isChecked(), "the default"
    QTest.mouseClick(balanced, Qt.MouseButton.LeftButton, pos=balanced.time.geometry().center())
    assert (page.config().model, page.config().pretrained) == (BALANCED.model, "default")
    assert balanced.isChecked() and not fast.isChecked() and not best.isChecked()


def test_cards_are_one_stop_of_tab_and_arrows_choose_among_those_that_can_be(
    show: Show, qtbot: QtBot
) -> None:
    page = show(ONLINE)
    cards = page.fields.model_part.cards.cards
    cards[0].setFocus(Qt.FocusReason.TabFocusReason)
    for key, index in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1)):
        QTest.keyClick(next(card for card in cards if card.hasFocus()), key)
        assert page.config().model == CHOICES[index].model
        assert cards[index].hasFocus()
    reached = [card for card in cards if card.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert reached == [cards[1]]


def test_tab_reaches_a_card_where_the_chosen_one_is_grey(show: Show, qtbot: QtBot) -> None:
    page = show(OFFLINE)
    page.show_config(RunConfig(model=BEST.model))
    fast, _, best = page.fields.model_part.cards.cards
    assert best.isChecked() and not best.isEnabled()
    assert fast.focusPolicy() & Qt.FocusPolicy.TabFocus
    fast.setFocus()
    QTest.keyClick(fast, Qt.Key.Key_Space)
    assert page.config().model == FAST.model


def test_any_other_name_leaves_all_cards_unchosen_and_may_be_typed(show: Show) -> None:
    page = show(ONLINE)
    editor = page.fields.editors["model"]
    assert isinstance(editor, QComboBox)
    editor.setEditText("resnet50")
    assert not any(card.isChecked() for card in page.fields.model_part.cards.cards)
    editor.setEditText("timm:convnext_tiny")
    assert page.fields.model_part.cards.cards[1].isChecked()


def test_weights_of_another_model_are_left_with_it_but_from_scratch_stays(show: Show) -> None:
    page = show(ONLINE)
    page.show_config(RunConfig(model="resnet18", pretrained="IMAGENET1K_V1"))
    page.fields.model_part.cards.cards[1].click()
    assert page.config().pretrained == "default"
    page.show_config(RunConfig(model="resnet18", pretrained="none"))
    page.fields.model_part.cards.cards[2].click()
    assert (page.config().model, page.config().pretrained) == (BEST.model, "none")


# --- true


def test_offline_what_is_not_here_is_grey_and_says_why(show: Show) -> None:
    page = show(OFFLINE)
    fast, balanced, best = page.fields.model_part.cards.cards
    assert fast.isEnabled() and fast.state.text() == "Comes with the program"
    for card in (balanced, best):
        assert not card.isEnabled() and card.state.text() == "Can't be downloaded: no network"
        assert "no network" in card.accessibleDescription()
    look(page, WITH_CARD)
    assert balanced.isEnabled() and balanced.state.text() == "Downloaded, needs no network"
    assert best.isEnabled() and best.state.text() == "Will be downloaded once: 598 MB"


def test_what_changes_meanwhile_is_seen_while_the_form_is_looked_at_and_only_then(
    show: Show, qtbot: QtBot
) -> None:
    page = show(OFFLINE)
    watch, best = page.fields.model_part.watch, page.fields.model_part.cards.cards[2]
    assert not best.isEnabled() and watch._timer.isActive()
    watch.look = lambda tell, before: ONLINE
    watch._timer.timeout.emit()
    qtbot.waitUntil(best.isEnabled)
    page.hide()
    assert not watch._timer.isActive()


def test_from_scratch_no_card_needs_weights(show: Show) -> None:
    page = show(OFFLINE)
    page.show_config(RunConfig(pretrained="none"))
    assert all(card.isEnabled() for card in page.fields.model_part.cards.cards)


def test_card_says_what_it_is_how_large_and_under_which_licence(show: Show) -> None:
    page = show(ONLINE)
    for card in page.fields.model_part.cards.cards:
        interface = QAccessible.queryAccessibleInterface(card)
        assert interface.role() is QAccessible.Role.RadioButton
        assert card.choice.title in interface.text(QAccessible.Text.Name)
        told = interface.text(QAccessible.Text.Description)
        assert " MB" in told and card.choice.licence in told and card.time.text() in told


def test_time_is_that_of_this_computers_past_or_says_what_it_rests_on(show: Show) -> None:
    page = show(ONLINE)
    fast, balanced, best = page.fields.model_part.cards.cards
    assert fast.time.text().startswith("Not yet run here.") and best.time.text().startswith("Slow without")
    page.forecast = lambda config: TimeHere(250, 2527, 3) if config.model == BALANCED.model else None
    look(page, WITH_CARD)
    assert balanced.time.text() == "About 4:10 for 2\u202f527 photos, by 3 runs on this computer."
    assert best.time.text() == "Not yet run here. Made for a graphics card."


def test_card_asks_what_the_photos_page_and_the_history_say(
    make_window: Callable[[str], MainWindow], photos: Path, qtbot: QtBot
) -> None:
    from tests.gui.conftest import ready

    window = ready(make_window("finishes"), photos, qtbot)
    window.rooms.inputs._expected = lambda config, photos: (60.0, 2) if config.model == FAST.model else None
    window.show_page("settings")
    card = window.rooms.form.fields.model_part.cards.cards[0]
    found = window.rooms.data.found
    assert found is not None and f"About 1:00 for {found.photos} photos, by 2 runs" in card.time.text()


class Nvml:
    """As much of pynvml as is asked."""

    NVMLError = RuntimeError

    def __init__(self, *memory: int) -> None:
        self._memory = memory

    def nvmlDeviceGetCount(self) -> int:
        return len(self._memory)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, index: int) -> str:
        return f"card {index}"

    def nvmlDeviceGetMemoryInfo(self, index: int) -> object:
        return type("Memory", (), {"used": 0, "total": self._memory[index]})


def test_graphics_card_is_the_largest_that_the_driver_tells_of() -> None:
    assert graphics_card(Nvml(2, 16, 8)) == "card 1"
    assert graphics_card(Nvml()) == ""


# --- steady


@pytest.mark.parametrize("width", [480, 700, 900, 1600])
def test_nothing_moves_whatever_is_found_out(show: Show, width: int) -> None:
    page = show(Surroundings())
    page.resize(width, 700)
    QApplication.processEvents()
    cards = page.fields.model_part.cards.cards
    parts: list[QLabel] = [label for card in cards for label in card.findChildren(QLabel)]
    places = [(part, part.geometry()) for part in parts]
    below = page.fields.editors["epochs"].mapTo(page, page.fields.editors["epochs"].rect().topLeft())
    for seen in EVERYTHING:
        look(page, seen)
        QApplication.processEvents()
        assert [(part, part.geometry()) for part in parts] == places, seen
    after = page.fields.editors["epochs"].mapTo(page, page.fields.editors["epochs"].rect().topLeft())
    assert after == below
    assert len({card.height() for card in cards}) == 1
    for part in ("facts", "what", "state", "time"):
        assert len({getattr(card, part).y() for card in cards}) == 1, f"{part} stand side by side"
    for card in cards:
        for label in (card.facts, card.what, card.state, card.time):
            assert label.heightForWidth(label.width()) <= label.height(), f"cut off: {label.text()}"


def test_every_text_of_a_card_is_among_those_it_has_room_for() -> None:
    for choice, seen, scratch in itertools.product(CHOICES, EVERYTHING, (False, True)):
        states, times = card_text.may_say()
        text = card_text.card_text(choice, seen, None, scratch=scratch)
        assert text.state in states and text.time in times


# --- what it starts from


@pytest.fixture
def start(show: Show) -> tuple[SettingsPage, StartFrom]:
    page = show(ONLINE)
    return page, page.fields.model_part.start


def test_entries_that_ask_are_never_its_value(
    start: tuple[SettingsPage, StartFrom], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, box = start
    asked: list[None] = []
    box.run_asked.disconnect()
    box.run_asked.connect(lambda: asked.append(None))
    box.setEditText("laion2b_s34b_b88k")
    values: list[str] = []
    page.changed.connect(lambda: values.append(page.config().pretrained))
    index = box.findText(ASKS[0])
    box.setCurrentIndex(index)
    box.textActivated.emit(ASKS[0])
    assert asked and set(values) <= {"laion2b_s34b_b88k"}
    assert page.config().pretrained == "laion2b_s34b_b88k"
    opened: list[StartFrom] = []
    monkeypatch.setattr(StartFrom, "showPopup", lambda self: opened.append(self))  # There is no screen.
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert opened and len(asked) == 1, "an arrow opens the list and chooses nothing"


def test_earlier_run_is_chosen_by_its_name_and_brings_its_model(
    start: tuple[SettingsPage, StartFrom], tmp_path: Path, qtbot: QtBot
) -> None:
    page, box = start
    folder = tmp_path / "run"
    (folder / BEST_FILE).parent.mkdir(parents=True)
    (folder / BEST_FILE).write_bytes(b"weights")
    runs = [
        RunSummary(folder=str(tmp_path), name="other", model="RN50"),
        RunSummary(folder=str(folder), name="night <b>run</b>", model="resnet50", best=0.92),
    ]
    box.run_asked.emit()
    (dialog,) = page.findChildren(RunDialog)
    qtbot.waitUntil(lambda: not dialog._reading.working)
    assert "No run of this computer" in dialog.note.text() and not dialog.use.isEnabled()
    dialog._on_read(runs)
    QTest.keyClicks(dialog.search, "NIGHT")
    assert dialog.list.count() == 1
    dialog.use.click()
    assert (page.config().model, page.config().pretrained) == ("resnet50", str(folder / BEST_FILE))
    assert "night <b>run</b>" in page.fields._helps["pretrained"].text()
    (folder / BEST_FILE).unlink()
    page.hide()
    page.show()
    assert "there is no file" in page.fields._helps["pretrained"].text() and box.property("wrong")
    with pytest.raises(ConfigError, match="there is no file"):
        page.config()


def test_runs_that_saved_a_model_are_offered_from_the_disk(
    start: tuple[SettingsPage, StartFrom], qtbot: QtBot
) -> None:
    page, box = start
    with_weights = make_run("with", config=RunConfig(model="timm:convnext_tiny", source=("/data/waste",)))
    (with_weights.path / BEST_FILE).write_bytes(b"weights")
    make_run("without")
    box.run_asked.emit()
    (dialog,) = page.findChildren(RunDialog)
    qtbot.waitUntil(lambda: dialog.list.count() == 1)
    item = dialog.list.item(0)
    assert item is not None and "timm:convnext_tiny" in item.text()
    dialog.list.itemActivated.emit(item)
    assert page.config().pretrained == str(with_weights.path / BEST_FILE)
    assert page.config().model == "timm:convnext_tiny"
    assert page.fields.model_part.cards.cards[1].isChecked()


def test_line_beside_it_says_where_the_weights_are(start: tuple[SettingsPage, StartFrom]) -> None:
    page, box = start
    told = page.fields._helps["pretrained"]
    assert told.text() == "Comes with the program."
    page.fields.model_part.cards.cards[2].click()
    assert told.text() == "Will be downloaded once: 598 MB."
    look(page, OFFLINE)
    assert told.text() == "Can't be downloaded: no network."
    box.setEditText("Train from scratch")
    assert "From nothing" in told.text()


def test_look_that_hangs_holds_nothing_up(qtbot: QtBot) -> None:
    """Nor is the window's thread the one that looks."""
    import threading

    page, hang, threads = SettingsPage(), threading.Event(), []
    qtbot.addWidget(page)

    def looks(tell: Callable[[object], None], before: Surroundings) -> Surroundings:
        threads.append(threading.current_thread())
        tell(ONLINE)
        hang.wait(60)
        return before

    page.fields.model_part.watch.look = looks
    page.show()
    qtbot.waitUntil(lambda: page.fields.model_part.watch.seen == ONLINE)
    page.hide()
    page.show()
    assert len(threads) == 1 and threads[0] is not threading.main_thread()
    hang.set()
