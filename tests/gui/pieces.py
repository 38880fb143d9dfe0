"""Every page and dialog by itself, filled with something of each kind: for what must hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.preview_pictures import photos_of, play, preview_script
from tests.gui.runs_pictures import write_runs
from waste_gui.config import RunConfig
from waste_gui.dataset.demo import draw_dataset
from waste_gui.gui.alerts.dialog import NotificationsDialog
from waste_gui.gui.alerts.notifier import Notifier
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.diagnosis.dialog import DiagnosisDialog
from waste_gui.gui.photos.gallery import Gallery
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.platform.self_test import SelfTestDialog
from waste_gui.gui.queue.queue_list import QueueList
from waste_gui.gui.queue.queue_text import row
from waste_gui.gui.results.page import ResultsPage, read_results
from waste_gui.gui.runs.compare import CompareDialog
from waste_gui.gui.runs.page import RunsPage
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.interfaces import Answer, Question
from waste_gui.gui.session.queue_store import QueuedRun, QueueState
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_text import Readiness, notice
from waste_gui.gui.settings.page import SettingsPage
from waste_gui.gui.shell.banner import Banner
from waste_gui.gui.shell.dialogs import DetailsDialog, QuestionDialog
from waste_gui.gui.shell.guide import GuideDialog
from waste_gui.gui.shell.header import Header
from waste_gui.gui.shell.keys import KEYS
from waste_gui.gui.shell.tabs import Tabs
from waste_gui.gui.training.facts import Facts
from waste_gui.gui.training.log import Log
from waste_gui.gui.training.page import RunPage
from waste_gui.gui.training.plots import Plots
from waste_gui.gui.training.stage_list import StageList
from waste_gui.monitor.run_list import read_runs
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.rundir import RunDir

WAIT_MS = 20_000
QUEUED: tuple[QueueState, ...] = ("done", "failed", "stopped", "running", "waiting")
CONFIG = RunConfig(source=("/data/waste",))


class Pieces:
    """Makes them. Each is shown and stays until the test ends."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self._qtbot, self._folder = qtbot, folder
        self.parent = QWidget()
        qtbot.addWidget(self.parent)
        self._thumbnails = Thumbnails(self.parent)
        self.drawn = folder / "drawn"

    def close(self) -> None:
        self._thumbnails.close()

    def make(self, name: str) -> QWidget:
        made = MAKERS[name](self)
        if made.parent() is None:
            self._qtbot.addWidget(made, before_close_func=_end)
        if not made.isWindow() or made.parent() is None:
            made.resize(900, 620)
        made.show()
        self._qtbot.wait(1)
        return made

    def until(self, true: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(true, timeout=WAIT_MS)

    # --- the parts of the window

    def header(self) -> QWidget:
        header = Header(336)
        header.show_snapshot(stuck(), Readiness(True, "", ""))
        return header

    def banner(self, snapshot: Snapshot) -> Banner:
        banner = Banner()
        banner.show_notice(notice(snapshot))
        banner.show_now()
        return banner

    def tabs(self) -> QWidget:
        tabs = Tabs()
        for name in ("&Photos", "Trainin&g"):
            tabs.addTab(name)
        return tabs

    def stages(self) -> QWidget:
        stages = StageList()
        stages.show_snapshot(stuck())
        return stages

    def facts(self) -> QWidget:
        facts = Facts()
        facts.show_snapshot(stuck(), CONFIG)
        return facts

    def log(self) -> QWidget:
        log = Log()
        log.show_snapshot(pictures.snapshot(pictures.full_cache()))
        return log

    # --- pages

    def plots(self) -> QWidget:
        plots = Plots()
        plots.choose("loss", "accuracy", "rate")
        plots.resize(900, 620)
        plots.show()
        plots.show_run(pictures.training().run)
        self.until(lambda: not plots._behind)
        return plots

    def waiting(self) -> QWidget:
        page = RunPage()
        page.show_snapshot(stuck())
        return page

    def drop_zone(self) -> QWidget:
        page = DataPage(Preferences())
        page.drop_zone.show_recent(["/data/waste", "/data/a & b"])
        return page

    def photos(self) -> DataPage:
        if not self.drawn.exists():
            draw_dataset(self.drawn, per_class=4)
        page = DataPage(Preferences())
        self._qtbot.addWidget(page, before_close_func=_end)
        page.set_choice(DatasetChoice((str(self.drawn),)))
        page.show()
        self.until(lambda: page.found is not None)
        return page

    def gallery(self) -> QWidget:
        page = self.photos()
        page.classes.opened.emit(0)
        (gallery,) = page.findChildren(Gallery)
        return gallery

    def findings(self) -> QWidget:
        page = self.photos()
        part = page.checking
        part.check._reset(part._choice)
        part.check.run.launched()
        for message in pictures.check_script("found", self.drawn).said:
            part.check.receive(message)
        part.check.ended_at = 1_763_906_512.0
        part.check._zero = 0.0
        part.browse(True)
        return page

    def preview(self) -> QWidget:
        page = self.photos()
        script = preview_script("preview_three_sources", photos_of(page))
        play(page.previewing, script)
        page.previewing.browse(True)
        return page

    def settings(self) -> QWidget:
        page = SettingsPage()
        page.fields.more.setChecked(True)
        return page

    def results(self) -> QWidget:
        folder = self._folder / "results"
        if not folder.exists():
            pictures.write_results(folder)
        page = ResultsPage()
        page._show(read_results(RunDir(folder)))
        return page

    def runs(self) -> QWidget:
        write_runs()
        page = RunsPage()
        page.show()
        page.refresh()
        self.until(lambda: bool(page.library.runs))
        return page

    # --- dialogs

    def compare(self) -> QWidget:
        write_runs()
        dialog = CompareDialog(self.parent, list(read_runs())[:6])
        self.until(lambda: bool(dialog.past))
        return dialog

    def queue(self) -> QWidget:
        queue = QueueList()
        entries = (
            QueuedRun(config=RunConfig(model="resnet18", source=("/data/waste",)), state=state, words="words")
            for state in QUEUED
        )
        queue.show_rows([row(entry, 900.0) for entry in entries])
        return queue

    def diagnosis(self) -> QWidget:
        dialog = DiagnosisDialog(self.parent, Preferences(), self._thumbnails)
        dialog.show_snapshot(pictures.snapshot(pictures.waits_for_drive()))
        return dialog

    def self_test(self) -> QWidget:
        dialog = SelfTestDialog(self.parent, first=True)
        dialog._looking.cancel()
        dialog.found = []
        for check in pictures.checks_of_a_bad_day():
            dialog._on_check(check)
        dialog._on_finished()
        return dialog

    def notifications(self) -> QWidget:
        settings = Preferences()
        return NotificationsDialog(self.parent, settings, Notifier(self.parent, settings, RunController()))

    def guide(self) -> QWidget:
        return GuideDialog(self.parent, "photos")

    def question(self) -> QWidget:
        answers = (Answer.STOP_NOW, Answer.AFTER_EPOCH, Answer.KEEP_TRAINING)
        question = Question("Stop training?", "Epoch 7 is not finished.", answers)
        return QuestionDialog(self.parent, question)

    def keys(self) -> QWidget:
        return DetailsDialog(self.parent, "Keyboard shortcuts", KEYS)


def _end(widget: QWidget) -> None:
    if isinstance(widget, DataPage):
        widget.works.close()
    if isinstance(widget, RunsPage):
        widget.finish_writing()


def stuck() -> Snapshot:
    return pictures.snapshot(pictures.stuck())


MAKERS: dict[str, Callable[[Pieces], QWidget]] = {
    "header": Pieces.header,
    "banner_slow": lambda pieces: pieces.banner(pictures.snapshot(pictures.slow())),
    "banner_stuck": lambda pieces: pieces.banner(stuck()),
    "banner_done": lambda pieces: pieces.banner(pictures.snapshot(pictures.done())),
    "tabs": Pieces.tabs,
    "stages": Pieces.stages,
    "facts": Pieces.facts,
    "log": Pieces.log,
    "plots": Pieces.plots,
    "waiting": Pieces.waiting,
    "drop_zone": Pieces.drop_zone,
    "photos": Pieces.photos,
    "gallery": Pieces.gallery,
    "findings": Pieces.findings,
    "preview": Pieces.preview,
    "settings": Pieces.settings,
    "results": Pieces.results,
    "no_results": lambda pieces: ResultsPage(),
    "runs": Pieces.runs,
    "compare": Pieces.compare,
    "queue": Pieces.queue,
    "diagnosis": Pieces.diagnosis,
    "self_test": Pieces.self_test,
    "notifications": Pieces.notifications,
    "guide": Pieces.guide,
    "question": Pieces.question,
    "keys": Pieces.keys,
}
