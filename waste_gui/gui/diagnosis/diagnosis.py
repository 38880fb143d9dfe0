"""Where the training waits: its dialog, kept up to date, and the report of it, copied or saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFileDialog

from waste_gui.gui.common.background import Background
from waste_gui.monitor.report import save
from waste_gui.monitor.snapshot import Snapshot

if TYPE_CHECKING:
    from waste_gui.gui.diagnosis.dialog import DiagnosisDialog
    from waste_gui.gui.main_window import MainWindow


class WhereItWaits(QObject):
    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: DiagnosisDialog | None = None
        self._saving = Background(self)
        self._saving.finished.connect(lambda path: self._tell(f"Saved {path}"))
        self._saving.failed.connect(lambda error: self._tell("", str(error)))

    def show(self) -> None:
        """Timeline, photo, evidence, stacks."""
        from waste_gui.gui.diagnosis.dialog import (
            DiagnosisDialog,  # pyqtgraph takes longer than all the rest.
        )

        window = self._window
        window.controller.ask_for_stacks()
        if self.dialog is not None:
            self.dialog.activateWindow()
            return
        dialog = DiagnosisDialog(window, window.settings, window.data.checking.thumbnails)
        dialog.copy_asked.connect(self.copy_report)
        dialog.save_asked.connect(self.save_report)
        dialog.stacks_asked.connect(window.controller.ask_for_stacks)
        dialog.finished.connect(self._on_closed)
        QShortcut(QKeySequence("F1"), dialog, lambda: window.show_guide("where"))
        dialog.show_snapshot(window.snapshot)
        self.dialog = dialog
        dialog.show()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        if self.dialog is not None:
            self.dialog.show_snapshot(snapshot)

    def _on_closed(self) -> None:
        self.dialog = None

    def copy_report(self) -> None:
        QApplication.clipboard().setText(self._window.snapshot.report().text())
        self._tell("Copied")

    def save_report(self) -> None:
        snapshot = self._window.snapshot
        folder = snapshot.folder
        name = f"report_{folder.name}.zip" if folder else "report.zip"
        parent = self.dialog or self._window
        path, _ = QFileDialog.getSaveFileName(parent, "Save report", str(Path.home() / name), "Zip (*.zip)")
        if path:
            records = self._window.snapshot.report().records()
            self._tell("Saving…")
            self._saving.start(lambda tell: save(records, folder, Path(path)))

    def _tell(self, done: str, wrong: str = "") -> None:
        """Where it was asked for: in the diagnosis, else in the status line or the bar."""
        if self.dialog is not None:
            self.dialog.say(wrong or done)
        elif wrong:
            self._window.say(wrong, "Choose another folder.")
        else:
            self._window.statusBar().setAccessibleDescription(done)
