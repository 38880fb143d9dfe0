"""What is told of the program itself: its keys, its guide, what it is."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QWidget

from waste_gui import __version__
from waste_gui.gui.shell.dialogs import DetailsDialog
from waste_gui.gui.shell.keys import KEYS

WHAT_IT_IS = f"waste-gui {__version__}\n\nTrains a classifier of waste photos, and says why when it is stuck."


def show_keys(over: QWidget) -> None:
    _show(over, "Keyboard shortcuts", KEYS)


def show_about(over: QWidget) -> None:
    _show(over, "About waste-gui", WHAT_IT_IS)


def show_guide(over: QWidget, page: str) -> None:
    from waste_gui.gui.shell.guide import GuideDialog

    dialog = GuideDialog(over, page)
    dialog.keys_button.clicked.connect(lambda: show_keys(over))
    dialog.show()


def _show(over: QWidget, title: str, text: str) -> None:
    dialog = DetailsDialog(over, title, text)
    dialog.copy_asked.connect(lambda text: QApplication.clipboard().setText(text))
    dialog.show()
