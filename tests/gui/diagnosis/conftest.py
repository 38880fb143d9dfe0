"""A diagnosis that shows a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.diagnosis.dialog import DiagnosisDialog
from waste_gui.monitor.snapshot import Snapshot

Show = Callable[[Snapshot], DiagnosisDialog]


@pytest.fixture
def show(qtbot: QtBot, theme: Theme) -> Iterator[Show]:
    """A dialog that shows a moment."""
    thumbnails = Thumbnails()
    parent = QWidget()
    qtbot.addWidget(parent)

    def make(snapshot: Snapshot) -> DiagnosisDialog:
        dialog = DiagnosisDialog(parent, Preferences(), thumbnails)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(dialog)
        dialog.show_snapshot(snapshot)
        dialog.show()
        return dialog

    yield make
    thumbnails.close()
