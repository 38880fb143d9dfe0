"""Names and errors with escape codes, turned direction and formulas: plain text wherever they come out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import torch

from waste_gui.dataset.images import DamagedImage
from waste_gui.dataset.samples import Sample
from waste_gui.engine.evaluation import Evaluation, save_results
from waste_gui.engine.loading import Failures
from waste_gui.gui.alerts.hooks import News, _environment
from waste_gui.gui.alerts.note import Note
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.events import Event
from waste_gui.gui.platform import desktop_entry
from waste_gui.gui.results.page import read_results
from waste_gui.monitor.report import Report
from waste_gui.monitor.run import Run
from waste_gui.protocol import RunFailed
from waste_gui.rundir import RunDir

FORMULA = "=cmd|' /C calc'!A0"
TURNED = (
    *("\x1b]0;owned\x07", "\x9b31m", "\u202egnp.exe", "\u2066x", "\u200fx", "\u061cx"),
    *("\x00", "\x7f", "\x85"),
)


@pytest.mark.parametrize("name", [FORMULA, "+1", "-1", "@SUM(1)", "\t=1", "glass;=1", "\uff1d1"])
def test_a_class_named_like_a_formula_is_text_in_every_table(name: str, tmp_path: Path) -> None:
    run, classes = RunDir(tmp_path), (name, "glass")
    samples = [Sample(path=f"{name}/{i}.jpg", label=i, source="", folder="", split=None) for i in range(2)]
    save_results(run, Evaluation(0.5, 0.5, samples, torch.tensor([[0.9, 0.1], [0.9, 0.1]])), classes)
    failures = Failures(10, lambda message: message, run.failures)
    failures.add(samples[0], DamagedImage(samples[0].path, name), "replaced")
    for path in (*run.results.iterdir(), run.failures):
        for row in csv.reader(io.StringIO(path.read_text(), newline="")):
            assert not [cell for cell in row if cell[:1] in tuple("=+-@\t\r\uff1d") and cell], path
    results = read_results(run)
    assert results is not None and results.classes == classes


@pytest.mark.parametrize("text", TURNED, ids=ascii)
def test_what_moves_a_cursor_or_turns_text_is_shown_as_its_code(text: str) -> None:
    assert one_line(text).isprintable()
    run = Run()
    run.receive(RunFailed(kind="error", text=text, hint=text, traceback=f"a\n{text}\nb"))
    assert all(line.isprintable() for line in Report(run).text().splitlines())
    told = _environment(News(Event.FAILED, text, text, run=text))
    assert told["WASTE_GUI_TEXT"].isprintable() and told["WASTE_GUI_RUN"].isprintable()


def test_a_menu_entry_has_no_lines_of_a_strangers() -> None:
    with pytest.raises(OSError):
        desktop_entry.entry_text(["/home/x\nExec=/tmp/owned"])


def test_what_a_tray_shows_is_no_markup() -> None:
    title, text = Note("<b>x\x1b[1m", "<img src=http://x>\u202e\n").for_tray
    assert title.isprintable() and text.isprintable() and "<" not in title + text
