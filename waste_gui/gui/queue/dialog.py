"""The queue in a dialog: what waits, runs and has ended; moved, removed, paused."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from waste_gui.config import RunConfig
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.window_size import open_at
from waste_gui.gui.queue.queue_list import QueueList
from waste_gui.gui.queue.queue_text import headline, row
from waste_gui.gui.session.queue_store import QueuedRun
from waste_gui.gui.session.run_queue import RunQueue

EMPTY = (
    "Choose photos and settings, add them here or with Ctrl+Shift+J, and start the queue. Its runs train one "
    "after another, also over night, and go on when one of them fails."
)


class QueueDialog(QDialog):
    """`expected` gives the seconds that such a training takes here, as far as that is known."""

    add_asked = Signal()

    def __init__(
        self,
        parent: QWidget,
        queue: RunQueue,
        expected: Callable[[RunConfig, int], tuple[float, int] | None],
    ) -> None:
        super().__init__(parent)
        self._queue, self._expected = queue, expected
        self._trains = False
        self.setWindowTitle("Queue")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_at(self, 680, 480)
        self.headline = PlainLabel(role="muted", wrap=True)
        self.list = QueueList()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(PlainLabel("Queue", size="title", bold=True))
        rows.addWidget(self.headline)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self.list)
        rows.addLayout(self._stack, 1)
        rows.addLayout(self._make_order_buttons())
        rows.addLayout(self._make_queue_buttons())
        self._make_undo()
        self._connect()
        self.show_queue()

    def _make_empty(self) -> QWidget:
        empty = QWidget()
        lines = QVBoxLayout(empty)
        lines.setSpacing(UNIT)
        lines.addStretch(2)
        centre = Qt.AlignmentFlag.AlignHCenter
        lines.addWidget(PlainLabel("Nothing waits", size="title", bold=True, align=centre))
        words = PlainLabel(EMPTY, role="muted", align=centre, wrap=True)
        lines.addWidget(words)
        lines.addStretch(3)
        return empty

    def _make_order_buttons(self) -> QHBoxLayout:
        self.up = _button("Move &up", "Alt+Up")
        self.down = _button("Move &down", "Alt+Down")
        self.remove = _button("&Remove", "Delete")
        self.clear = _button("&Clear", "Take all off the queue but the run that trains")
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        for button in (self.up, self.down, self.remove, self.clear):
            line.addWidget(button)
        line.addStretch(1)
        self.undo = _button("U&ndo", "Ctrl+Z")
        line.addWidget(self.undo)
        return line

    def _make_queue_buttons(self) -> QHBoxLayout:
        self.add = _button("&Add the present settings", "Ctrl+Shift+J")
        self.pause = _button("&Pause the queue", "Start nothing more; the run that trains goes on")
        self.close_button = _button("C&lose", "")
        self.close_button.setDefault(True)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(self.add)
        line.addStretch(1)
        line.addWidget(self.pause)
        line.addWidget(self.close_button)
        return line

    def _make_undo(self) -> None:
        undo = self._queue.undo_stack.createUndoAction(self, "&Undo")
        undo.setShortcut(QKeySequence("Ctrl+Z"))
        redo = self._queue.undo_stack.createRedoAction(self, "&Redo")
        redo.setShortcut(QKeySequence("Ctrl+Shift+Z"))
        self.addActions([undo, redo])
        self.undo.setEnabled(self._queue.undo_stack.canUndo())
        self.undo.clicked.connect(self._queue.undo_stack.undo)
        self._queue.undo_stack.canUndoChanged.connect(self.undo.setEnabled)

    def _connect(self) -> None:
        self._queue.changed.connect(self.show_queue)
        self.list.moved.connect(self._queue.move, Qt.ConnectionType.QueuedConnection)  # After the drop.
        self.list.removed.connect(lambda id_: self._queue.remove([id_]))
        self.list.chosen_changed.connect(self._show_buttons)
        self.up.clicked.connect(lambda: self.list.ask_to_move(-1))
        self.down.clicked.connect(lambda: self.list.ask_to_move(1))
        self.remove.clicked.connect(self._on_remove)
        self.clear.clicked.connect(self._queue.clear)
        self.add.clicked.connect(self.add_asked)
        self.pause.clicked.connect(self._on_pause)
        self.close_button.clicked.connect(self.accept)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.list.setFocus()

    def show_window(self, *, trains: bool, can_add: bool) -> None:
        """Whether the window trains, and has photos to add."""
        self.add.setEnabled(can_add)
        if trains != self._trains:
            self._trains = trains
            self.show_queue()

    def show_queue(self) -> None:
        """As the queue is now."""
        queue = self._queue
        seconds = {entry.id: self._seconds(entry) for entry in queue.entries}
        self.list.show_rows([row(entry, seconds[entry.id]) for entry in queue.entries])
        self._stack.setCurrentIndex(1 if queue.entries else 0)
        known = [seconds[entry.id] for entry in queue.waiting]
        words = headline(
            len(queue.waiting),
            queue.running is not None,
            begun=queue.begun,
            paused=queue.paused,
            busy=self._trains or queue.running is not None,
            elsewhere=queue.driven_elsewhere,
            seconds=None if None in known else sum(each or 0.0 for each in known),
        )
        self.headline.set_text(words if queue.entries else "")
        self._show_buttons()

    def _seconds(self, entry: QueuedRun) -> float | None:
        expected = self._expected(entry.config, entry.photos)
        return expected[0] if expected else None

    def _show_buttons(self) -> None:
        queue, chosen = self._queue, self.list.chosen
        pressed = next((b for b in (self.up, self.down, self.remove, self.clear) if b.hasFocus()), None)
        movable = chosen is not None and chosen.movable
        place, begun = self.list.currentIndex().row(), len(queue.entries) - len(queue.waiting)
        self.up.setEnabled(movable and place > begun)
        self.down.setEnabled(movable and place < len(queue.entries) - 1)
        self.remove.setEnabled(chosen is not None and chosen.glyph != "running")
        self.clear.setEnabled(any(entry.state != "running" for entry in queue.entries))
        if pressed is not None and not pressed.isEnabled():  # Else the keyboard goes on to another button.
            self.list.setFocus()
        go_on = "Resu&me the queue" if queue.begun else "S&tart the queue"
        self.pause.setText(go_on if queue.paused else "&Pause the queue")
        self.pause.setEnabled(bool(queue.waiting) or queue.paused)
        self.pause.setProperty("primary", queue.paused)
        self.pause.style().unpolish(self.pause)
        self.pause.style().polish(self.pause)

    def _on_remove(self) -> None:
        if self.list.chosen is not None:
            self._queue.remove([self.list.chosen.id])
            self.list.setFocus()

    def _on_pause(self) -> None:
        if self._queue.paused:
            self._queue.go_on()
        else:
            self._queue.pause()


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    return button
