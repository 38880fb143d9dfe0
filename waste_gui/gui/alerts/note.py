"""What a desktop is to show: a title and a line."""

from __future__ import annotations

from dataclasses import dataclass

from waste_gui.gui.common.escaping import one_line, shorten

DESKTOP_ENTRY = "waste-gui"
MOST_CHARS = 400
"""A longer text fills a screen on some desktops."""


@dataclass(frozen=True)
class Note:
    title: str
    text: str
    urgent: bool = False

    @property
    def for_tray(self) -> tuple[str, str]:
        """Title and text for Qt, which hands them to desktops that may take them for markup."""
        return one_line(self.title).replace("<", "‹"), self.line.replace("<", "‹")

    @property
    def line(self) -> str:
        return shorten(one_line(self.text), MOST_CHARS)
