"""A run as text for a terminal: the start-up reads like a log, the epochs have a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from waste_gui import protocol
from waste_gui.engine.console_preview import preview_in_words
from waste_gui.plain_text import plain
from waste_gui.protocol import AnyMessage, StageInfo

BAR_WIDTH = 24
CLEAR_LINE = "\r\x1b[2K"
MOST_PATHS = 10
"""Photos named of each kind of finding."""

FOUND: dict[protocol.FindingKind, str] = {
    "damaged": "Cannot be read",
    "leak": "In training and in validation or test",
    "two_labels": "The same picture in several classes",
    "duplicate": "The same picture several times",
    "near_duplicate": "Nearly the same picture several times",
    "one_colour": "Of one colour",
    "tiny": "Very small",
    "odd_shape": "Very long and narrow",
    "huge": "Very large",
}


class Console:
    """Writes each message as people read it. The bar is redrawn in place only on a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._stages: dict[str, StageInfo] = {}
        self._inside_train = False
        self._bar = ""
        self._loss = ""
        self._findings: list[protocol.Finding] = []
        self._warned = 0
        self._checks = self._head_only = False

    def show(self, message: AnyMessage) -> None:
        match message:
            case protocol.RunStarted():
                self._stages = {stage.id: stage for stage in message.stages}
                self._checks = message.command == "check"
                self._line(f"Run {message.run} ({message.folder})" if message.folder else message.run)
            case protocol.DeviceChosen():
                self._head_only = message.tune == "head"
            case protocol.StageStarted():
                self._on_stage(message)
            case protocol.Progress() if message.stage in ("train", "check"):
                self._draw_bar(message)
            case protocol.StageFinished():
                if message.stage == "train":
                    self._inside_train = False
                if not self._inside_train:
                    self._line(f"  ✓ {message.summary or 'done'} ({message.elapsed_s:.1f} s)")
            case protocol.Metric():
                loss = message.values.get("loss")
                self._loss = "loss –" if loss is None else f"loss {loss:.3f}"
            case protocol.EpochFinished():
                self._on_epoch(message)
            case protocol.ImageFailed():
                self._line(f"  ! Cannot read {message.path}: {message.reason} ({message.action})")
            case protocol.SourceGone():
                self._line(f"  ! {message.folder} {message.reason}: waiting for it to come back")
            case protocol.SourceBack():
                self._line(f"  ✓ {message.folder} is back after {message.elapsed_s:.0f} s")
            case protocol.Warned():
                self._warned += 1
                self._line(f"  ! {message.text} {message.hint}".rstrip())
            case protocol.NotSaved():
                self._line(f"  ! Not saved: {message.text} It is tried again. {message.hint}".rstrip())
            case protocol.SavedAgain():
                self._line("  ✓ All is saved again")
            case protocol.Predicted():
                self._line(f"{message.path}: {message.label} ({100 * message.confidence:.1f} %)")
            case protocol.Finding():
                self._findings.append(message)
            case protocol.Previewed():
                for line in preview_in_words(message):
                    self._line(line)
            case protocol.Stacks():
                self._on_stacks(message)
            case protocol.RunFinished() | protocol.RunStopped() | protocol.RunFailed():
                self._on_last(message)

    def _on_stage(self, message: protocol.StageStarted) -> None:
        if self._inside_train:
            return
        stage = self._stages.get(message.stage)
        title = stage.title if stage else message.stage
        expected = stage.expected_s if stage else None
        hint = f" (this may take {expected[0]:g}–{expected[1]:g} s)" if expected else ""
        self._line(f"{title} …{hint}")
        self._inside_train = message.stage == "train"

    def _on_epoch(self, message: protocol.EpochFinished) -> None:
        def loss(value: float | None) -> str:
            return "–" if value is None else f"{value:.3f}"

        accuracy = message.val_accuracy
        right = "–" if accuracy is None else f"{100 * accuracy:.1f} %"
        best = "  ← best so far" if message.best and not self._head_only else ""
        what = "the last layer" if self._head_only else f"epoch {message.epoch}"
        self._line(
            f"  {what}: train loss {loss(message.train_loss)}, validation loss "
            f"{loss(message.val_loss)}, {right} right ({message.elapsed_s:.1f} s){best}"
        )

    def _on_stacks(self, message: protocol.Stacks) -> None:
        for thread in message.threads:
            self._line(f"  thread {thread.thread} of process {thread.pid}:")
            for frame in thread.frames:
                self._line(f"    {frame.file}:{frame.line} {frame.function}")

    def _on_last(self, message: protocol.RunFinished | protocol.RunStopped | protocol.RunFailed) -> None:
        match message:
            case protocol.RunFinished() if self._checks:
                for line in findings_in_words(self._findings, well=not self._warned):
                    self._line(line)
                self._line(f"Done in {message.elapsed_s:.0f} s.")
            case protocol.RunFinished():
                accuracy = message.metrics.get("val_accuracy")
                right = "" if accuracy is None else f": {100 * accuracy:.1f} % of the validation photos right"
                self._line(f"Done in {message.elapsed_s:.0f} s{right}.")
            case protocol.RunStopped():
                kept = f" The model is kept in {message.checkpoint}." if message.checkpoint else ""
                self._line(f"{message.reason}{kept}")
            case protocol.RunFailed():
                self._line(f"{message.text} {message.hint}".rstrip())

    def _draw_bar(self, message: protocol.Progress) -> None:
        if not self._live or not message.total:
            return
        filled = round(BAR_WIDTH * message.done / message.total)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        self._bar = f"  {bar} {message.done / message.total:4.0%}  {message.detail[-70:]}  {self._loss}"
        self._out.write(CLEAR_LINE + self._on_paper(self._bar[:110]))
        self._out.flush()

    def _line(self, text: str) -> None:
        if self._bar:
            self._out.write(CLEAR_LINE)
            self._bar = ""
        self._out.write(self._on_paper(text) + "\n")
        self._out.flush()

    def _on_paper(self, text: str) -> str:
        """With what a file name may hold made visible: line breaks, escape codes, bytes that are no UTF-8."""
        encoding = self._out.encoding or "utf-8"
        return plain(text).encode(encoding, "backslashreplace").decode(encoding)


def findings_in_words(findings: Sequence[protocol.Finding], *, well: bool = True) -> Iterator[str]:
    """What a check found, by kind, with a few examples of each, and what to do. `well` says that nothing was
    warned of."""
    shown = [finding for finding in findings if not finding.dismissed]
    if not shown:
        yield "Nothing is wrong with these photos." if well else "See the warnings above."
        return
    for kind in dict.fromkeys(finding.kind for finding in shown):
        group = [finding for finding in shown if finding.kind == kind]
        yield f"{FOUND[kind]} ({len(group)})"
        yield from _examples(group)
    yield "Training copes with all of these. To leave photos out: waste-engine set-aside PHOTO… (or --undo)."


def _examples(group: Sequence[protocol.Finding]) -> Iterator[str]:
    left = MOST_PATHS
    for finding in group:
        if not left:
            break
        paths = finding.paths[:left]
        left -= len(paths)
        if len(finding.paths) == 1:
            yield f"  {paths[0]}: {finding.words}"
            continue
        yield f"  {finding.words}"
        yield from (f"    {path}" for path in paths)
    more = sum(len(finding.paths) for finding in group) - (MOST_PATHS - left)
    if more:
        yield f"  … and {more} more"
