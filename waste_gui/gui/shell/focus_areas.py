"""The areas of the window, which F6 goes through with the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow


def move_focus(window: MainWindow, step: int) -> None:
    """To the next area that can take the keyboard."""
    areas = _areas(window)
    focus = QApplication.focusWidget()
    now = next((i for i, a in enumerate(areas) if focus and (a is focus or a.isAncestorOf(focus))), -1)
    area = areas[(now + step) % len(areas)]
    if area is window.bar:
        window.bar.focus_first()
    elif area is window.run_page and len(window.snapshot.run.loss):
        window.run_page.plots.focus_first()
    else:
        _first_focusable(area).setFocus(Qt.FocusReason.ShortcutFocusReason)


def _areas(window: MainWindow) -> list[QWidget]:
    header = window.header
    button = header.stop_button if window.snapshot.run.phase.running else header.start_button
    areas: list[QWidget] = [button if button.isEnabled() else window.menuBar(), window.stages, window.tabs]
    areas += [page for page in [window.pages.currentWidget()] if page]
    if window.log.isVisible():
        areas.append(window.log.text)
    if window.bar.isVisible():
        areas.insert(1, window.bar)
    return areas


def _first_focusable(area: QWidget) -> QWidget:
    if area.focusPolicy() != Qt.FocusPolicy.NoFocus:
        return area
    for child in area.findChildren(QWidget):
        if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.isVisible() and child.isEnabled():
            return child
    return area
