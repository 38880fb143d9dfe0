"""One question at a time over the window, while the training goes on behind it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from waste_gui.gui.session.interfaces import Answer, Question
from waste_gui.gui.shell.dialogs import QuestionDialog


class Prompts:
    """A later question takes the place of one that is open, to which the safe answer is given."""

    def __init__(self, over: QWidget) -> None:
        self._over = over
        self.question: QuestionDialog | None = None

    def ask(self, question: Question, then: Callable[[Answer], object]) -> None:
        self.withdraw()
        self.question = dialog = QuestionDialog(self._over, question)

        def on_answered(answer: Answer) -> None:
            if self.question is dialog:
                self.question = None
                then(answer)

        dialog.answered.connect(on_answered)
        dialog.open()

    def withdraw(self) -> None:
        """What it asked has settled itself."""
        if self.question is not None:
            self.question.reject()
