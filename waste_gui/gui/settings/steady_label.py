"""A label that has room for all that it may say, so that nothing moves when it says something else."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QWidget

from waste_gui.gui.common.escaping import breakable
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import Role, Size


class SteadyLabel(PlainLabel):
    def __init__(
        self,
        texts: Sequence[str],
        *,
        size: Size = "body",
        role: Role = "text",
        parent: QWidget | None = None,
    ) -> None:
        self._texts = tuple(texts)
        super().__init__(size=size, role=role, wrap=True, parent=parent)

    def heightForWidth(self, width: int) -> int:
        box, flags = QRect(0, 0, max(1, width), 1 << 20), int(Qt.TextFlag.TextWordWrap)
        measure = self.fontMetrics().boundingRect
        return max(measure(box, flags, breakable(text)).height() for text in (*self._texts, self.text(), "x"))
