"""Of what a person who looks elsewhere is told, and how; with a trial."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.alerts.hooks import HookFailed, check_address
from waste_gui.gui.alerts.notifier import Channel, Notifier, SendOutcome
from waste_gui.gui.common.events import Event
from waste_gui.gui.common.glyphs import GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import UNIT, font

BOXES = {
    Event.DONE: "It is &done",
    Event.FAILED: "It has &failed or crashed",
    Event.STUCK: "It is &likely stuck",
}
WHEN = (
    "While this window is in front, only the command and the web address are told; "
    "while it is closed, nobody is."
)
COMMAND = (
    "It finds WASTE_GUI_EVENT (done, failed or stuck), WASTE_GUI_TEXT, WASTE_GUI_RUN and WASTE_GUI_FOLDER "
    "in its environment. It is run without a shell and may take a minute."
)
WEBHOOK = "It gets event, text and run as JSON by POST, as chat programs take it (webhook)."


class _OutcomeLine(QWidget):
    """How a trial went by one channel; empty before."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = GlyphMark(side=12)
        self.words = PlainLabel(wrap=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT)
        row.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.words, 1)
        self.hide()

    def show_outcome(self, outcome: SendOutcome) -> None:
        self.mark.set_glyph("done" if outcome.ok else "failed")
        self.words.set_text(f"{outcome.words} {outcome.hint}".strip())
        self.words.set_role("text" if outcome.ok else "stuck")
        self.show()


class NotificationsDialog(QDialog):
    def __init__(self, parent: QWidget, settings: Preferences, notifier: Notifier) -> None:
        super().__init__(parent)
        self._settings = settings
        self._notifier = notifier
        self.setWindowTitle("Notifications")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(560)
        self.boxes = {event: QCheckBox(text) for event, text in BOXES.items()}
        self.command = QLineEdit(settings.on_event_command)
        self.webhook = QLineEdit(settings.on_event_webhook)
        self.outcomes: dict[Channel, _OutcomeLine] = {
            "desktop": _OutcomeLine(),
            "command": _OutcomeLine(),
            "webhook": _OutcomeLine(),
        }
        self.try_button = QPushButton("&Try it")
        self.save_button = QPushButton("&Save")
        self.cancel_button = QPushButton("&Cancel")
        self._lay_out()
        self._connect()
        for event, box in self.boxes.items():
            box.setChecked(event in settings.told_events)
        self.boxes[Event.DONE].setFocus()

    def _lay_out(self) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(3 * UNIT, 3 * UNIT, 3 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(PlainLabel("Tell me about a training when", size="title", bold=True))
        for box in self.boxes.values():
            rows.addWidget(box)
        rows.addWidget(PlainLabel(WHEN, role="muted", wrap=True))
        rows.addWidget(self.outcomes["desktop"])
        rows.addSpacing(UNIT)
        self._add_field(rows, "Run a c&ommand, too", self.command, "/home/me/tell-the-lab.sh", COMMAND)
        rows.addWidget(self.outcomes["command"])
        rows.addSpacing(UNIT)
        self._add_field(rows, "Tell a &web address, too", self.webhook, "https://chat.example.org/…", WEBHOOK)
        rows.addWidget(self.outcomes["webhook"])
        rows.addSpacing(2 * UNIT)
        rows.addStretch(1)
        rows.addLayout(self._make_buttons())

    def _add_field(self, rows: QVBoxLayout, name: str, field: QLineEdit, example: str, help: str) -> None:
        """Its letter stands in its caption, as everywhere."""
        caption = QLabel(name)
        caption.setTextFormat(Qt.TextFormat.PlainText)
        caption.setFont(font(bold=True))
        caption.setBuddy(field)
        field.setPlaceholderText(example)
        field.setAccessibleName(name.replace("&", ""))
        field.setAccessibleDescription(help)
        rows.addWidget(caption)
        rows.addWidget(field)
        rows.addWidget(PlainLabel(help, size="caption", role="muted", wrap=True))

    def _make_buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        self.try_button.setAutoDefault(False)
        line.addWidget(self.try_button)
        line.addStretch(1)
        line.addWidget(self.cancel_button)
        line.addWidget(self.save_button)
        self.save_button.setDefault(True)
        self.save_button.setProperty("primary", True)
        return line

    def _connect(self) -> None:
        self.try_button.clicked.connect(self._on_try)
        self.save_button.clicked.connect(self._on_save)
        self.cancel_button.clicked.connect(self.reject)
        self._notifier.told.connect(self._on_told)

    def _on_try(self) -> None:
        for line in self.outcomes.values():
            line.hide()
        self._notifier.try_out(self.command.text().strip(), self.webhook.text().strip())

    def _on_told(self, outcome: SendOutcome) -> None:
        if outcome.trial:
            self.outcomes[outcome.channel].show_outcome(outcome)

    def _on_save(self) -> None:
        webhook = self.webhook.text().strip()
        try:
            if webhook:
                check_address(webhook)
        except HookFailed as error:
            self.outcomes["webhook"].show_outcome(SendOutcome("webhook", False, error.text))
            self.webhook.setFocus()
            return
        self._settings.told_events = frozenset(e for e, box in self.boxes.items() if box.isChecked())
        self._settings.on_event_command = self.command.text().strip()
        self._settings.on_event_webhook = webhook
        self.accept()
