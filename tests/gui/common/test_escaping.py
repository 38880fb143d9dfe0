"""Text from outside: shown as it is, in one line, never as markup."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from waste_gui.gui.common import escaping
from waste_gui.gui.common.formatting import count, many, percent
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import Theme


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("two\nlines", "two lines"),
        ("bell\x07", "bell\\x07"),
        ("turned \u202egpj.exe", "turned \\u202egpj.exe"),
        ("lone \udcff byte", "lone \\udcff byte"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
    ],
)
def test_one_line_shows_what_cannot_be_seen(raw: str, shown: str) -> None:
    assert escaping.one_line(raw) == shown


def test_tooltip_is_escaped() -> None:
    assert escaping.tooltip("<img src='x'>\n&") == "<qt>&lt;img src=&#x27;x&#x27;&gt;<br>&amp;</qt>"
    assert escaping.tooltip("") == ""


def test_ampersand_makes_no_mnemonic() -> None:
    assert escaping.label("glass & paper") == "glass && paper"


def test_long_words_are_shortened_in_the_middle() -> None:
    assert escaping.shorten("abcdefghij", 5) == "ab…ij"
    assert len(escaping.breakable("x" * 500)) < 100


def test_numbers_read_well() -> None:
    assert count(12450) == "12\u202f450"
    assert many(1, "photo") == "1 photo" and many(2, "class", "classes") == "2 classes"
    assert percent(0.914) == "91.4\u202f%"


def test_label_elides_and_keeps_the_whole_in_its_tooltip(qtbot: QtBot, theme: Theme) -> None:
    label = PlainLabel("/data/<b>waste</b>/" + "x" * 200)
    qtbot.addWidget(label)
    label.resize(100, 20)
    label.show()
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert "&lt;b&gt;waste" in label.toolTip()
    label.resize(4000, 20)
    QApplication.sendPostedEvents()
    assert label.toolTip() == ""


def test_wrapped_label_never_needs_more_width_than_it_has(qtbot: QtBot, theme: Theme) -> None:
    label = PlainLabel("word " * 50 + "y" * 400, wrap=True)
    qtbot.addWidget(label)
    assert label.heightForWidth(200) > label.heightForWidth(800) > 0


@pytest.mark.parametrize("piece", [" ", "\n", " \n", "\t", "\x00", "a ", "\u202e", "<", "_", "/"])
def test_endless_text_is_cut_at_once(piece: str) -> None:
    """Each of these once cost the square of its length."""
    text = f"x{piece * 2_000_000}y"
    for form in (escaping.one_line, escaping.tooltip, escaping.label, escaping.breakable):
        assert len(form(text)) < 200_000
    assert escaping.one_line(text).endswith("y")


def test_tooltip_has_few_lines() -> None:
    assert escaping.tooltip("a\n" * 5_000).count("<br>") < 60
