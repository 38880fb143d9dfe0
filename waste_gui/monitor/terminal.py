"""A watched run in a terminal: JSON lines for programs, or a log in words with a progress bar."""

from __future__ import annotations

from typing import TextIO

from waste_gui import files
from waste_gui.monitor import formatting
from waste_gui.monitor.countdown import usual
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Run, Stage
from waste_gui.monitor.verdict import Verdict, VerdictState
from waste_gui.monitor.watch import View
from waste_gui.plain_text import plain
from waste_gui.protocol import (
    AnyMessage,
    EpochFinished,
    ImageFailed,
    StageFinished,
    StageStarted,
    Unreadable,
    Warned,
    escaped,
)

BAR = 24
MARKS = {
    VerdictState.ON_SCHEDULE: "●",
    VerdictState.SLOW: "▲",
    VerdictState.LIKELY_STUCK: "■",
    VerdictState.ENDED: "○",
}


class JsonPrinter:
    """A line whenever the verdict changes."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told: object = None

    def took(self, run: Run, messages: list[AnyMessage | Unreadable]) -> None:
        """Messages are in the run's folder already."""

    def show(self, run: Run, view: View, now: float) -> None:
        verdict = view.verdict
        if self._told == (told := changed_by(verdict)):
            return
        self._told = told
        stage = run.current
        line = {
            "verdict": verdict.state.value,
            "stage": stage.id if stage else None,
            "cause": verdict.cause,
            "text": verdict.text,
            "evidence": verdict.evidence,
            "actions": [action.value for action in verdict.actions],
            "photo": verdict.photo,
            "sure": verdict.sure,
            "second": verdict.second,
            "at": round(now, 3),
        }
        self._out.write(escaped(files.encode_json(line)).decode() + "\n")
        self._out.flush()


class TextPrinter:
    """The start-up line by line with what to expect, then a bar for the epochs; verdicts as they change."""

    def __init__(self, out: TextIO, history: History) -> None:
        self._out, self._history = out, history
        self._live = out.isatty()
        self._bar = ""
        self._told: object = None

    def took(self, run: Run, messages: list[AnyMessage | Unreadable]) -> None:
        for message in messages:
            line = self._line(run, message)
            if line:
                self._print(line)

    def show(self, run: Run, view: View, now: float) -> None:
        verdict = view.verdict
        if self._told != (told := changed_by(verdict)):
            first, self._told = self._told is None, told
            if not (first and verdict.state is VerdictState.ON_SCHEDULE):
                self._print(f"{MARKS[verdict.state]} {verdict.text or verdict.title}")
                if verdict.state is not VerdictState.ON_SCHEDULE:
                    for fact in verdict.evidence:
                        self._print(f"    {fact}")
        self._draw(_bar(run.current, view) if verdict.state is not VerdictState.ENDED else "")

    def _line(self, run: Run, message: AnyMessage | Unreadable) -> str:
        match message:
            case StageStarted(stage=name):
                stage = run.stages.get(name)
                if stage is None or stage.inside_train:
                    return ""
                band = usual(run, name, self._history) if name != "train" or not run.epochs else None
                takes = f" (usually {formatting.band(*band)})" if band else ""
                return f"  {stage.title} …{takes}"
            case StageFinished(stage=name, summary=summary, elapsed_s=elapsed_s):
                stage = run.stages.get(name)
                if stage is None or stage.inside_train:
                    return ""
                return f"✓ {stage.title}: {summary} ({elapsed_s:.1f} s)"
            case EpochFinished(epoch=epoch, val_accuracy=right, elapsed_s=elapsed_s, best=best):
                share = "–" if right is None else f"{100 * right:.1f} %"
                star = ", the best so far" if best else ""
                took = formatting.clock(elapsed_s)
                what, star = ("The last layer", "") if run.head_only else (f"Epoch {epoch}", star)
                return f"✓ {what}: {share} of validation photos right{star} ({took})"
            case ImageFailed(path=path, reason=reason):
                return f"  Cannot read {path}: {reason}"
            case Warned(text=text, hint=hint):
                return f"  {text} {hint}".rstrip()
        return ""

    def _print(self, line: str) -> None:
        bar, self._bar = self._bar, ""
        if bar:
            self._out.write("\r\033[K")
        self._out.write(plain(line) + "\n")
        self._out.flush()

    def _draw(self, bar: str) -> None:
        if not self._live or bar == self._bar:
            return
        self._out.write(f"\r\033[K{plain(bar)}")
        self._out.flush()
        self._bar = bar


def changed_by(verdict: Verdict) -> object:
    """What makes a verdict another one: not its seconds. Of a chain, who waits for what and who has that."""
    links = verdict.chain.links if verdict.chain else ()
    waits = [(link.pid, link.tid, link.kind, link.name, [h.pid for h in link.holders]) for link in links[:2]]
    return verdict.state, verdict.cause, verdict.photo, tuple(map(str, waits))


def _bar(stage: Stage | None, view: View) -> str:
    if stage is None or not stage.total:
        return ""
    filled = min(BAR, BAR * stage.done // stage.total)
    left = view.remaining.stage_s
    ends = "" if left is None else f"  {formatting.about(left)}" + (" left" if round(left) > 0 else "")
    return f"  {'█' * filled}{'·' * (BAR - filled)}  {stage.detail or f'{stage.done} of {stage.total}'}{ends}"
