"""What the window says of a run: the header's four answers, the bar below it, the status line. No widgets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from waste_gui.gui.common.escaping import shorten
from waste_gui.gui.common.formatting import count, many, percent, time_of_day
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.session.cures import Offer as Offer
from waste_gui.gui.session.cures import offers, useful, with_pages
from waste_gui.gui.session.run_ends import FORCED, phase_shown
from waste_gui.monitor.best_model import best_of
from waste_gui.monitor.crash import AGAIN
from waste_gui.monitor.formatting import about, band, clock, over, roughly, size
from waste_gui.monitor.last_log import LastLog
from waste_gui.monitor.run import Run, RunPhase, Stage, StageState
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.verdict import Action, VerdictState
from waste_gui.protocol import RunFailed, RunFinished, RunStopped
from waste_gui.stages import EMBEDS

OWN_ERRORS = "waste_gui."

FIRST_RUN = "first run here: times are a guess"
ROW_WORD = len("not learning")
"""What fits beside a stage in the checklist."""
FIRST_PASS = "photos are read the first time"
ADVISED = "Follow the advice below."
ON_REQUEST = "Stopped on request"
"""What the engine calls a stop from the window, or from a terminal."""
FINE_TUNING = "The last layer is trained. Fine-tuning trains all layers after it"
ONCE_IT_GOES_ON = "once it goes on"
WAITS, BRING_BACK = "Waits for a folder", "Bring the folder back."


LETTERS: dict[Action | Offer, str] = {
    Action.SHOW_WHERE: "a",
    Action.EXCLUDE: "d",
    Action.KEEP_WAITING: "K",
    Action.KEEP_GOING: "K",
    Action.STOP: "o",
    Action.FORCE_STOP: "c",
    Action.RESUME: "m",
    Action.RESTART_WORKERS: "d",
    Action.SMALLER_BATCH: "b",
    Action.FEWER_WORKERS: "a",
    Action.WITHOUT_CACHE: "c",
    Action.STARTER_WEIGHTS: "a",
    Action.FROM_SCRATCH: "m",
    Action.ON_PROCESSOR: "o",
    Action.TRY_AGAIN: "y",
    Action.FINE_TUNE: "a",
    Action.COPY_DETAILS: "d",
    Offer.COPY_DETAILS: "d",
    Offer.SHOW_LOG: "l",
    Offer.SHOW_RESULTS: "o",
    Offer.RESUME_RUN: "m",
    Offer.SHOW_SETTINGS: "C",
    Offer.SHOW_PHOTOS: "o",
    Offer.CHECK_PHOTOS: "C",
    Offer.SELF_TEST: "k",
    Offer.SHOW_QUEUE: "q",
    Offer.QUEUE_ON: "m",
    Offer.SHOW_RUN: "o",
    Offer.HIDE: "d",
}
"""The mnemonic of each button of the bar: none that a menu, a tab, Start or Stop has."""


@dataclass(frozen=True)
class ReadingNow:
    """A check or a preview of the photos that runs: what it does, what it is called, how far, how long still,
    and whether it waits for a folder."""

    stage: str
    work: str
    detail: str
    time: str
    waits: bool


@dataclass(frozen=True)
class Readiness:
    """What stands between now and Start, and how long it would take: said while nothing runs."""

    ready: bool
    detail: str
    advice: str
    expected_s: float | None = None
    earlier_runs: int = 0
    first_run: bool = False  # No training has finished on this computer yet.
    reading: ReadingNow | None = None  # What reads the photos beside a training.
    photos: int = 0  # So many would be trained on.


@dataclass(frozen=True)
class HeaderText:
    """The header's four columns, each a headline and a line below it."""

    stage: str
    stage_detail: str
    glyph: Glyph
    normal: str
    normal_detail: str
    time: str
    time_detail: str
    advice: str
    advice_detail: str = ""
    time_caption: str = "Time left"


@dataclass(frozen=True)
class Notice:
    """The bar below the header."""

    tone: Literal["slow", "stuck", "done", "info"]
    glyph: Glyph
    title: str
    text: str
    offers: tuple[Action | Offer, ...] = ()
    lines: tuple[str, ...] = ()  # Of a log, shown between title and text.
    of_queue: bool = False  # It may stand in the place of what a run that has ended says.
    labels: tuple[tuple[Action | Offer, str], ...] = ()  # What a button says instead of its value.

    def label(self, offer: Action | Offer) -> str:
        return next((label for each, label in self.labels if each is offer), str(offer.value))


def header_text(snapshot: Snapshot, readiness: Readiness) -> HeaderText:
    phase = snapshot.run.phase
    if readiness.reading is not None and not phase.running:
        return _reading_header(readiness.reading)
    if phase is RunPhase.IDLE:
        return _idle_header(readiness)
    if phase.ended:
        return _ended_header(snapshot, can_start=readiness.ready)
    if phase is RunPhase.LAUNCHED:
        return HeaderText(
            "Starting", "the engine starts", "ok", "On schedule", "", "a few seconds", "", "Nothing to do."
        )
    return _running_header(snapshot)


def _idle_header(readiness: Readiness) -> HeaderText:
    time, time_detail = "–", ""
    if readiness.expected_s is not None:
        time = f"about {about(readiness.expected_s)}"
        time_detail = f"as {many(readiness.earlier_runs, 'run')} here took"
    elif readiness.ready:
        time_detail = "first run on this computer" if readiness.first_run else "first run of this kind here"
    return HeaderText(
        "Ready",
        readiness.detail,
        "waiting",
        "Nothing is running",
        "",
        time,
        time_detail,
        readiness.advice,
        time_caption="Will take",
    )


def _reading_header(reading: ReadingNow) -> HeaderText:
    glyph: Glyph = "slow" if reading.waits else "ok"
    normal = WAITS if reading.waits else "On schedule"
    advice = BRING_BACK if reading.waits else "Wait, or press Start."
    detail = "" if reading.waits else f"Start stops the {reading.work}"
    return HeaderText(reading.stage, reading.detail, glyph, normal, detail, reading.time, "", advice)


def _running_header(snapshot: Snapshot) -> HeaderText:
    run, stage = snapshot.run, snapshot.run.current
    glyph, normal, normal_detail = _normal(snapshot)
    if snapshot.elsewhere:
        normal_detail = f"on {snapshot.elsewhere}"
    time, time_detail = _time_left(snapshot)
    advice, advice_detail = _advice(snapshot)
    return HeaderText(
        f"{run.number} of {len(run.stages)}  {stage.title}" if stage else "Starting",
        _stage_detail(snapshot, stage),
        glyph,
        normal,
        normal_detail,
        time,
        time_detail,
        advice,
        advice_detail,
    )


def _stage_detail(snapshot: Snapshot, stage: Stage | None) -> str:
    run = snapshot.run
    if stage is None:
        return ""
    if run.head_only and run.phase is RunPhase.TRAINING:
        return "the last layer"
    if stage.id == "train" or (stage.inside_train and run.phase is RunPhase.TRAINING):
        epochs = run.started.epochs if run.started else 0
        epoch = f"epoch {run.epoch_now}" + (f" of {epochs}" if epochs else "")
        return f"{epoch}, {progress(stage)}" if progress(stage) else epoch
    passed = clock(stage_time(snapshot, stage) or 0)
    return f"{progress(stage)}, {passed}" if progress(stage) else passed


def progress(stage: Stage) -> str:
    """`9 of 32 photos`, `step 2 554 of 7 800`, `120 MB`; empty where nothing is counted."""
    if stage.unit == "bytes":
        return size(stage.done) if stage.done else ""
    if stage.total:
        unit = stage.unit or ("steps" if stage.id == "train" else "")
        singular = unit.removesuffix("s")
        if stage.id == "train":
            return f"{singular} {count(stage.done)} of {count(stage.total)}"
        return f"{count(stage.done)} of {count(stage.total)} {unit}".strip()
    return f"{count(stage.done)} {stage.unit}".strip() if stage.done else ""


def stage_time(snapshot: Snapshot, stage: Stage) -> float | None:
    """How long a stage took, or has taken until now."""
    if stage.state is StageState.WAITING:
        return None
    if stage.elapsed_s is not None:
        return stage.elapsed_s
    if stage.started_at is None:
        return None
    end = snapshot.run.heard_at if snapshot.run.phase.ended else snapshot.run.awake(snapshot.now)
    return max(0.0, end - stage.started_at)


def usual(snapshot: Snapshot, stage: Stage) -> tuple[float, float] | None:
    """What a stage usually takes: as counted down, else on this computer, else the table's guess."""
    if snapshot.view and stage is snapshot.run.current and snapshot.view.remaining.usual_s:
        return snapshot.view.remaining.usual_s
    return snapshot.usual.get(stage.id, stage.info.expected_s)


def stage_glyph(snapshot: Snapshot, stage: Stage) -> tuple[Glyph, str]:
    """The sign of a stage in the checklist, and its word."""
    match stage.state:
        case StageState.WAITING:
            return "waiting", "waiting"
        case StageState.DONE:
            return "done", "done"
        case StageState.FAILED:
            match phase_shown(snapshot.run):
                case RunPhase.STOPPED:
                    return "stopped", "stopped"
                case RunPhase.CRASHED:
                    return "failed", "crashed"
            return "failed", "failed"
    if stage is snapshot.run.current and snapshot.view:
        if snapshot.view.verdict.state is VerdictState.LIKELY_STUCK:
            return "stuck", "stuck"
        if snapshot.view.verdict.state is VerdictState.SLOW:
            word = snapshot.view.verdict.headline.lower()
            return "slow", word if 0 < len(word) <= ROW_WORD else "slow"
    return "running", "running"


def _normal(snapshot: Snapshot) -> tuple[Glyph, str, str]:
    view = snapshot.view
    if snapshot.run.paused:
        return "stopped", "Paused", "it goes on when you say so"
    if snapshot.run.stop_asked_at is not None:
        return "ok", "Stopping", f"asked {clock(snapshot.now - snapshot.run.stop_asked_at)} ago"
    if view is None:
        return "ok", "On schedule", ""
    match view.verdict.state:
        case VerdictState.LIKELY_STUCK:
            word = view.verdict.headline or "Likely stuck"
            return "stuck", WAITS if _waits(snapshot) else word, _usual(snapshot)
        case VerdictState.SLOW:
            word = view.verdict.headline or "Slower than usual"
            return "slow", WAITS if _waits(snapshot) else word, _usual(snapshot)
        case _:
            first = view.verdict.cause == "first_pass"
            return "ok", "On schedule", FIRST_PASS if first else _usual(snapshot)


def _waits(snapshot: Snapshot) -> bool:
    """Whether photos are waited for whose folder is away."""
    return snapshot.view is not None and snapshot.view.verdict.cause == "source_gone"


def _usual(snapshot: Snapshot) -> str:
    if snapshot.view is None:
        return ""
    left = snapshot.view.remaining
    if snapshot.first_run and (left.basis == "guess" or left.usual_s is None):
        return FIRST_RUN
    if left.usual_s is None:
        return "times are a guess" if left.basis == "guess" else ""
    usual = band(*left.usual_s)
    stage = snapshot.run.current
    each = " each epoch" if stage and stage.id == "train" else ""
    if left.earlier_runs:
        return f"{many(left.earlier_runs, 'run')} here: {usual}{each}"
    if left.basis == "guess":
        return f"rough guess: {usual}{each}"
    return f"typical {usual}{each}"


def _time_left(snapshot: Snapshot) -> tuple[str, str]:
    view = snapshot.view
    if view is None:
        return "–", ""
    silent = f"last response {clock(snapshot.now - snapshot.run.heard_at)} ago"
    if view.verdict.state is VerdictState.LIKELY_STUCK or _waits(snapshot):
        moved = f"last progress {clock(snapshot.now - snapshot.run.moved_at)} ago"
        return "no estimate", moved if snapshot.now - snapshot.run.heard_at < 3 else silent
    left = view.remaining
    if snapshot.run.stop_asked_at is not None:
        if snapshot.stops_after_epoch and snapshot.epoch_left_s is not None:
            return time_left(snapshot.epoch_left_s), "until this epoch ends"
        return "a few seconds", ""
    if snapshot.run.phase is RunPhase.TRAINING:
        if left.run_s is None:
            return "no estimate yet", ""
        if snapshot.run.paused:
            return time_left(left.run_s), ONCE_IT_GOES_ON
        return time_left(left.run_s), f"done about {time_of_day(snapshot.unix(snapshot.now + left.run_s))}"
    starts = ""
    if snapshot.run.paused:
        starts = ONCE_IT_GOES_ON
    elif snapshot.run.head_only:
        if left.run_s is not None:
            starts = f"done about {time_of_day(snapshot.unix(snapshot.now + left.run_s))}"
    elif left.training_starts_s is not None:
        starts = f"training starts ~{time_of_day(snapshot.unix(snapshot.now + left.training_starts_s))}"
    if left.over_s > 0:
        return over(left.over_s), starts
    if left.stage_s is None:
        return "no estimate yet", starts
    return time_left(left.stage_s), starts


def time_left(seconds: float) -> str:
    """`0:35 left`, `any moment now`."""
    words = about(seconds)
    return f"{words} left" if words[0].isdigit() else words


def _advice(snapshot: Snapshot) -> tuple[str, str]:
    run = snapshot.run
    best = f"Best {best_words(run, 'ep.')}" if best_words(run) else ""
    if run.paused:
        return "Press Resume.", best
    if _waits(snapshot):
        return BRING_BACK, best
    if snapshot.view and snapshot.view.verdict.state is VerdictState.LIKELY_STUCK:
        return "Choose below.", best
    if run.stop_asked_at is not None:
        return "Wait a moment.", best
    if snapshot.view and snapshot.view.verdict.state is VerdictState.SLOW:
        advice = "" if snapshot.view.quiet else snapshot.view.verdict.advice
        return advice or "You can wait.", best
    return "Nothing to do.", best


def best_words(run: Run, epoch: str = "epoch") -> str:
    """`91.4 % (epoch 6)`, empty before there is one."""
    if run.best is None or run.best.val_accuracy is None:
        return ""
    which = best_of(run, epoch)
    return percent(run.best.val_accuracy) + (f" ({which})" if which else "")


def _ended_header(snapshot: Snapshot, *, can_start: bool) -> HeaderText:
    run = snapshot.run
    took = clock(run.took_s)
    at = f"at {time_of_day(snapshot.unix(run.heard_at))}" if snapshot.zero_unix else ""
    best, more = f"best {best_words(run)}" if best_words(run) else "no epoch was finished", ""
    if run.head_only:
        best = best_words(run) or "the last layer is not trained yet"
    glyph: Glyph = "failed"
    match phase_shown(run):
        case RunPhase.FINISHED:
            glyph = "done"
            stage, detail, normal, advice = "Done", best, "Finished", "Look at the results."
            more = "Or fine-tune it." if _can_be_fine_tuned(snapshot) else ""
        case RunPhase.STOPPED:
            glyph = "stopped"
            stage, detail, normal = "Stopped", best, "Stopped by you"
            anew = "start anew" if can_start else "choose photos"
            advice = f"Resume it, or {anew}." if _resumable(run) else f"{anew.capitalize()}."
        case RunPhase.FAILED:
            stage, detail, normal, advice = "Failed", _failed_stage(run), "It ended with an error", ADVISED
        case _:
            stage, detail, normal, advice = "Ended", _failed_stage(run), "Crashed", ADVISED
    return HeaderText(stage, detail, glyph, normal, at, took, "", advice, more, time_caption="Duration")


def _failed_stage(run: Run) -> str:
    failed = [stage.title for stage in run.stages.values() if stage.state is StageState.FAILED]
    return f"during: {failed[-1]}" if failed else ""


def notice(snapshot: Snapshot) -> Notice | None:
    """What the bar says, if anything must be said now."""
    run = snapshot.run
    match run.last:
        case RunFailed() as failed:
            lines = error_lines(failed.traceback)
            return _ended_badly(snapshot, failed.kind, failed.text, failed.hint, lines)
        case RunFinished() as finished:
            return _done(snapshot, finished)
        case RunStopped() as stopped:
            reason = stopped.reason.strip().rstrip(".") or "Stopped"
            title = reason if reason.startswith("Stopped") else f"Stopped: {reason}"
            return _stopped(run, "Stopped by you" if reason == ON_REQUEST else title)
    if run.phase is RunPhase.CRASHED:
        if run.crash is not None and run.crash.cause == FORCED:
            return _stopped(run, run.exit_words.rstrip("."))
        hint, lines = (run.crash.hint, run.crash.lines) if run.crash else ("", ())
        cause = run.crash.cause if run.crash else ""
        return _ended_badly(snapshot, cause, run.exit_words, hint, lines)
    return _live_notice(snapshot)


def _stopped(run: Run, title: str) -> Notice:
    kept = "The last state is saved; training can be resumed from it." if _resumable(run) else ""
    if best_words(run):
        kept = f"The best model so far is kept: {best_words(run)}."
    ask = (Offer.RESUME_RUN,) if _resumable(run) else ()
    return Notice("info", "stopped", f"{title}.", kept, ask, labels=_labels(run))


def _done(snapshot: Snapshot, finished: RunFinished) -> Notice:
    run, next_step = snapshot.run, ""
    more: tuple[Action | Offer, ...] = ()
    if _can_be_fine_tuned(snapshot):
        long = f", about {roughly(snapshot.fine_tuning_s)} here" if snapshot.fine_tuning_s else ""
        next_step = f"{FINE_TUNING}{long}."
        more = (Action.FINE_TUNE,)
    offers = (Offer.SHOW_RESULTS, *more, Offer.HIDE)
    return Notice("done", "done", done_words(run, finished), next_step, offers)


def _can_be_fine_tuned(snapshot: Snapshot) -> bool:
    finished = snapshot.run.phase is RunPhase.FINISHED and snapshot.run.head_only
    return finished and snapshot.config is not None and not snapshot.elsewhere


def _ended_badly(snapshot: Snapshot, kind: str, title: str, text: str, lines: tuple[str, ...]) -> Notice:
    resumable = _resumable(snapshot.run)
    ask = offers(kind, snapshot.config, resumable=resumable)
    if text == AGAIN and not resumable:
        text = "Start it again."
    return Notice("stuck", "failed", title, text, ask, lines, labels=_labels(snapshot.run))


def _labels(run: Run) -> tuple[tuple[Action | Offer, str], ...]:
    """What a button says more exactly of this run."""
    labels: list[tuple[Action | Offer, str]] = []
    if best_words(run):
        labels.append((Action.STOP, "Stop, keep best model"))
    saved = run.checkpoint or run.earlier.checkpoint
    if saved is not None:
        after_head = run.tune == "head_then_all" and not saved.step
        place = "after the last layer" if after_head else f"from epoch {saved.epoch}"
        labels.append((Offer.RESUME_RUN, f"Resume {place}"))
        labels.append((Action.TRY_AGAIN, f"Try again {place}"))
    return tuple(labels)


def error_lines(traceback: str) -> tuple[str, ...]:
    """What a library said; an error of our own is in words already."""
    log = LastLog(traceback, Path.home())
    raised = log.last_exception
    return log.error_lines if raised and not raised.startswith(OWN_ERRORS) else ()


def _resumable(run: Run) -> bool:
    """Whether there is a state to go on from: one was saved, as it is when a run is stopped after a step."""
    train = run.stages.get("train")
    stepped = isinstance(run.last, RunStopped) and train is not None and train.done > 0
    return stepped or (run.checkpoint or run.earlier.checkpoint) is not None


def _live_notice(snapshot: Snapshot) -> Notice | None:
    view = snapshot.view
    if view is None or not snapshot.run.phase.running:
        return None
    verdict, labels = view.verdict, _labels(snapshot.run)
    if snapshot.run.paused:
        title = "Paused. Nothing is computed until it goes on."
        return Notice("info", "stopped", title, "", verdict.actions, labels=labels)
    actions = useful(verdict.actions, snapshot.config)
    ask = with_pages(verdict.cause, actions)
    if verdict.state is VerdictState.LIKELY_STUCK:
        return Notice("stuck", "stuck", verdict.title, verdict.more, actions, labels=labels)
    if verdict.state is VerdictState.SLOW and not view.quiet:
        return Notice("slow", "slow", verdict.title, verdict.more, ask, labels=labels)
    if view.recovered:
        return Notice("info", "ok", view.recovered, "")
    return None


def done_words(run: Run, finished: RunFinished) -> str:
    """`Done: 92.0 % of 380 validation photos right (epoch 17).`"""
    test = finished.metrics.get("test_accuracy")
    accuracy = finished.metrics.get("val_accuracy", run.best.val_accuracy if run.best else None)
    if test is not None:
        return f"Done: {percent(test)} of the test photos right."
    if accuracy is None:
        return "Done."
    photos = finished.metrics.get("val_photos")
    of = f"{count(int(photos))} validation" if photos else "the validation"
    which = best_of(run)
    return f"Done: {percent(accuracy)} of {of} photos right{f' ({which})' if which else ''}."


def status_parts(snapshot: Snapshot) -> list[str]:
    """The status line: last message, GPU, processor, speed, free disk."""
    run, parts = snapshot.run, []
    if run.phase is RunPhase.IDLE:
        return ["Ready"]
    if snapshot.folder:
        parts.append(f"Run {shorten(snapshot.folder.name, 40)}")
    if run.phase.running and run.messages:
        age = max(0.0, snapshot.now - run.heard_at)
        parts.append(f"last response {age:.1f} s ago" if age < 60 else f"last response {clock(age)} ago")
    if run.phase is RunPhase.TRAINING and run.checkpoint is not None:
        parts.append(f"saved {clock(max(0.0, snapshot.now - run.checkpoint.at))} ago")
    told = run.heartbeat.gpu if run.heartbeat else None
    gpu = told and (snapshot.evidence.gpu or told)
    if run.phase.running and gpu and gpu.utilisation is not None and gpu.memory_used is not None:
        parts.append(f"GPU {gpu.utilisation:.0f} %, {size(gpu.memory_used)} in use")
    if run.phase.running and snapshot.evidence.cpu_percent is not None:
        parts.append(f"CPU {snapshot.evidence.cpu_percent / 100:.1f} cores")
    if run.phase is RunPhase.TRAINING and run.images_per_s:
        parts.append(f"{run.images_per_s:,.0f} photos/s".replace(",", "\u202f"))
    if run.failure_count:
        parts.append(f"{many(run.failure_count, 'photo')} not readable")
    if snapshot.evidence.free_disk_bytes is not None:
        parts.append(f"{size(snapshot.evidence.free_disk_bytes)} free")
    return parts


def percent_done(run: Run) -> int | None:
    """Of the whole training, for the title; None before training. Of the last layer alone, of its photos."""
    train, embed = run.stages.get("train"), run.stages.get("embed")
    if run.head_only and embed is not None and embed.total and run.phase.running:
        return min(99, int(100 * embed.done / embed.total))
    if train is None or run.phase is not RunPhase.TRAINING or not train.total:
        return None
    return min(99, int(100 * train.done / train.total))


def window_title(run: Run) -> str:
    """`42 % – waste-gui`, `Paused, 42 % – waste-gui`."""
    done = percent_done(run)
    if run.paused and run.phase.running:
        return "Paused – waste-gui" if done is None else f"Paused, {done} % – waste-gui"
    if done is not None:
        return f"{done} % – waste-gui"
    words = {
        RunPhase.LAUNCHED: "Starting",
        RunPhase.STARTING: "Starting",
        RunPhase.FINISHED: "Done",
        RunPhase.STOPPED: "Stopped",
        RunPhase.FAILED: "Failed",
        RunPhase.CRASHED: "Crashed",
    }
    phase = phase_shown(run)
    return f"{words[phase]} – waste-gui" if phase in words else "waste-gui"


def stop_question(snapshot: Snapshot) -> str:
    """`Epoch 7 is not finished. The best model so far (91.4 %, epoch 6) is kept.`"""
    run = snapshot.run
    if run.current is not None and run.current.id in EMBEDS:
        return "What was computed of the photos until now is kept: the next run goes on from there."
    if run.phase is not RunPhase.TRAINING:
        return "Training has not begun yet; nothing is lost."
    words = f"Epoch {run.epoch_now} is not finished. "
    if run.best is not None and run.best.val_accuracy is not None:
        best = f"{percent(run.best.val_accuracy)}, {best_of(run)}"
        return f"{words}The best model so far ({best}) is kept."
    return words + "No epoch is finished yet; the last state is saved so that it can be resumed."
