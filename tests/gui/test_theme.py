"""The theme is changed while the window stands: nothing keeps the colours of before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.gui.pieces import MAKERS, Pieces
from waste_gui.gui.common.theme import Theme

SAME = 12
"""So many of 255 may a picture differ: edges are smoothed by what was painted before."""


@pytest.fixture
def pieces(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Pieces]:
    made = Pieces(qtbot, tmp_path)
    yield made
    made.close()


def picture(widget: QWidget) -> NDArray[np.int16]:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    bits = np.frombuffer(image.constBits(), np.uint8)
    return bits.reshape(image.height(), image.width(), 4)[..., :3].astype(np.int16)


@pytest.mark.parametrize(
    ("first", "second"), [("light", "dark"), pytest.param("dark", "light", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", MAKERS)
def test_changed_theme_is_everywhere(
    name: str, first: str, second: str, pieces: Pieces, theme: Theme, qtbot: QtBot
) -> None:
    theme.choose(first)  # type: ignore[arg-type]
    piece = pieces.make(name)
    picture(piece)
    theme.choose(second)  # type: ignore[arg-type]
    qtbot.wait(1)
    fresh = pieces.make(name)
    fresh.resize(piece.size())
    for shown in (piece, fresh):  # Only one of them has the focus.
        for child in shown.findChildren(QWidget):
            child.clearFocus()

    def differing() -> float:
        before, after = picture(piece), picture(fresh)
        assert before.shape == after.shape
        return float((abs(before - after).max(axis=2) > SAME).mean())

    qtbot.waitUntil(lambda: differing() < 0.002, timeout=3000)
