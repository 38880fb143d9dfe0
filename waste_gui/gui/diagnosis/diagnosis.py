"""Where the training waits: its dialog, kept up to date, and the report of it, copied or saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from waste_gui.gui.common.background import Background
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.session.interfaces import Shell
from waste_gui.gui.session.session_text import trouble
from waste_gui.gui.session.shown_run import ShownRun
from waste_gui.monitor.report import save
from waste_gui.monitor.snapshot import Snapshot

if TYPE_CHECKING:
    from waste_gui.gui.diagnosis.dialog import DiagnosisDialog


class WhereItWaits(QObject):
    help_asked = Signal()
    done = Signal(str)  # What came of a report, where no dialog says it.

    def __init__(
        self, shown: ShownRun, shell: Shell, preferences: Preferences, thumbnails: Thumbnails, over: QWidget
    ) -> None:
        """`over` is the window that the dialog lies over."""
        super().__init__(over)
        self._shown, self._shell, self._over = shown, shell, over
        self._preferences, self._thumbnails = preferences, thumbnails
        self.dialog: DiagnosisDialog | None = None
        self._saving = Background(lambda error: self._tell("", str(error)), self)
        self._saving.finished.connect(lambda path: self._tell(f"Saved {path}"))
        shown.changed.connect(self.show_snapshot)

    def show(self) -> None:
        """Timeline, photo, evidence, stacks."""
        from waste_gui.gui.diagnosis.dialog import (
            DiagnosisDialog,  # pyqtgraph takes longer than all the rest.
        )

        self._ask_for_stacks()
        if self.dialog is not None:
            self.dialog.activateWindow()
            return
        dialog = DiagnosisDialog(self._over, self._preferences, self._thumbnails)
        dialog.copy_asked.connect(self.copy_report)
        dialog.save_asked.connect(self.save_report)
        dialog.stacks_asked.connect(self._ask_for_stacks)
        dialog.finished.connect(self._on_closed)
        QShortcut(QKeySequence("F1"), dialog, self.help_asked.emit)
        dialog.show_snapshot(self._shown.snapshot)
        self.dialog = dialog
        dialog.show()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        if self.dialog is not None:
            self.dialog.show_snapshot(snapshot)

    def _ask_for_stacks(self) -> None:
        self._shown.controller.ask_for_stacks()

    def _on_closed(self) -> None:
        self.dialog = None

    def copy_report(self) -> None:
        QApplication.clipboard().setText(self._shown.snapshot.report().text())
        self._tell("Copied")

    def save_report(self) -> None:
        snapshot = self._shown.snapshot
        folder = snapshot.folder
        name = f"report_{folder.name}.zip" if folder else "report.zip"
        parent = self.dialog or self._over
        path, _ = QFileDialog.getSaveFileName(parent, "Save report", str(Path.home() / name), "Zip (*.zip)")
        if path:
            records = snapshot.report().records()
            self._tell("Saving…")
            self._saving.start(lambda tell: save(records, folder, Path(path)))

    def _tell(self, done: str, wrong: str = "") -> None:
        """Where it was asked for: in the diagnosis, else in the status line or the bar."""
        if self.dialog is not None:
            self.dialog.say(wrong or done)
        elif wrong:
            self._shell.notify(trouble(wrong, "Choose another folder."))
        else:
            self.done.emit(done)
