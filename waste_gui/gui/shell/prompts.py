"""One question at a time over the window, while the training goes on behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QWidget

from waste_gui.gui.shell.dialogs import Answer, Question


class Prompts:
    """A later question takes the place of one that is open: whose answer then counts for nothing."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self.question: Question | None = None

    def ask(
        self,
        title: str,
        text: str,
        answers: tuple[Answer, ...],
        then: Callable[[Answer], object],
        notes: Mapping[Answer, str] | None = None,
    ) -> None:
        """The last answer is the safe one; `notes` is added to a button's text."""
        question = Question(self._window, title, text, answers, answers[-1], dict(notes or {}))
        self.question = question

        def on_answered(answer: Answer) -> None:
            if self.question is question:
                self.question = None
                then(answer)

        question.answered.connect(on_answered)
        question.open()

    def withdraw(self) -> None:
        """What it asked has settled itself."""
        if self.question is not None:
            self.question.reject()
