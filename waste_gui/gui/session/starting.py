"""Every way in which a training begins: Start, its turn in the queue, on from a checkpoint, again with less,
the small example."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui import config as configs
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.common.background import Background
from waste_gui.gui.session import example
from waste_gui.gui.session.changed_settings import again
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.pages import PHOTOS, TRAINING
from waste_gui.monitor.verdict import Action
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, RunFolderError

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow

AGAIN = (Action.SMALLER_BATCH, Action.FEWER_WORKERS, Action.WITHOUT_CACHE, Action.TRY_AGAIN)
"""Each ends the run that hangs, and starts it with what would have helped it."""


class Starting(QObject):
    example_failed = Signal(object)  # The exception.

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._again: Callable[[], RunRequest] | None = None  # What is started once this run has ended.
        self._train_example = False
        self._drawing = Background(self)
        self._drawing.finished.connect(self._on_example_drawn)
        self._drawing.failed.connect(self._on_example_failed)

    @property
    def begins_again(self) -> bool:
        """As soon as the present run is gone."""
        return self._again is not None

    # --- by a person

    def start(self) -> None:
        """What is chosen, as soon as all is ready."""
        window = self._window
        if not window.controller.running and window.readiness().ready:
            self._start(lambda: RunRequest(config=window.config()))

    def resume(self, folder: RunDir) -> None:
        if self._window.controller.running:
            self._window.say(
                "A training runs in this window.", "Stop it, or wait, before you resume another."
            )
            return
        self._start(lambda: RunRequest(config=configs.load(folder.config), resume=str(folder.path)))

    def _start(self, make: Callable[[], RunRequest]) -> None:
        window = self._window
        try:
            self._begin(make)
        except ConfigError as error:
            window.say("The settings cannot be used.", str(error))
        except RunFolderError as error:
            window.say(error.text, error.hint)
        else:
            window.remember_form()
            window.show_page(TRAINING)

    def _begin(self, make: Callable[[], RunRequest]) -> None:
        """Raises ConfigError, RunFolderError: what was said before is gone from the bar then, too."""
        window = self._window
        window.bar_words.clear()
        window.controller.start(make())
        if window.controller.folder is not None:
            window.showing.watch(window.controller.folder)
        window.data.checking.check.stop(for_training=True)  # It goes on where it was, after the training.
        window.results.read(None)

    # --- by the queue

    def start_queued(self, config: RunConfig) -> str:
        """Why it cannot be started; empty if it was. The person stays on the page where they are."""
        try:
            self._begin(lambda: RunRequest(config=config))
        except ConfigError as error:
            return str(error)
        except RunFolderError as error:
            return f"{error.text} {error.hint}"
        return ""

    # --- again

    def again(self, action: Action) -> None:
        """As soon as the run that hangs is gone; its best model is kept, and it goes on from its last one."""
        controller = self._window.controller
        config, folder = controller.config, controller.folder
        if config is None:
            self._window.say("Its settings are not known.", "Start it again from the settings page.")
            return
        self._again = lambda: again(action, config, folder)
        if controller.running:
            controller.stop_now()
        else:
            self._start_again()

    def run_ended(self) -> None:
        if self._again is not None:
            QTimer.singleShot(0, self._start_again)  # Once everybody has heard of the end.

    def _start_again(self) -> None:
        make, self._again = self._again, None
        before = self._window.controller.folder
        if make is not None:
            self._start(make)
            self._window.queue.goes_on_in(before)

    # --- the small example

    def example(self, and_train: bool = False) -> None:
        if self._window.controller.running or self._drawing.working:
            return
        self._train_example = and_train
        self._window.data.say("drawing the example's photos")
        self._drawing.start(example.draw)

    def _on_example_drawn(self, folder: str) -> None:
        window = self._window
        window.form.show_config(example.DEMO_CONFIG)
        if self._train_example:
            window.data.ready_changed.connect(self._start_example_when_ready)
        window.data.set_choice(DatasetChoice(sources=(folder,)))
        window.show_page(PHOTOS)

    def _start_example_when_ready(self) -> None:
        if self._window.data.readiness.ready:
            self._window.data.ready_changed.disconnect(self._start_example_when_ready)
            self.start()

    def _on_example_failed(self, error: Exception) -> None:
        self._window.data.set_choice(DatasetChoice())
        self._window.say("The example's photos cannot be drawn.", str(error))
        self.example_failed.emit(error)
