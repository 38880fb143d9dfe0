"""Training that runs and does not learn, or wastes its time: notes beside the pace, never a stall.

The thresholds are wide on purpose: a healthy training must never be accused, however noisy or small it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from waste_gui.monitor import best_model, formatting
from waste_gui.monitor.context import Context
from waste_gui.monitor.curves import (
    chance_accuracy,
    curvature,
    epoch_of,
    epoch_steps,
    guessing,
    knows_something,
    learned,
    lr_at,
    noise,
    peak_rate,
    planned_epochs,
    settled_epochs,
    waited,
    warm_from,
)
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.monitor.verdict import Action, Verdict, VerdictState
from waste_gui.protocol import Baseline, EpochFinished

ACTIONS = (Action.STOP, Action.KEEP_GOING, Action.COPY_DETAILS)
NOT_LEARNING = "Not learning"
FOLLOW = "Follow the advice below."

USUAL_RATE = 1e-3

EXPLODED_FACTOR = 3.0
"""Times the loss of guessing, or of the start: a fresh or badly scaled head begins at 1 to 2 times."""
EXPLODED_POINTS = 20

POINTS = 600
"""As many points of a curve are looked at, however long it is."""
AT_CHANCE = 0.9
"""Of the loss of guessing: what has learned is below this soon; a lucky start may be at 0.95."""
HIDDEN_FALL = 0.1
"""Of the loss of guessing: noise must not be able to hide more."""
FLAT_STEPS = 60
FLAT_EPOCHS = 2
FLAT_STEPS_ENOUGH = 1000
"""Or so many steps, where an epoch is long."""
FLAT_SHARE = 0.1
"""Of the planned steps: who plans 100 epochs expects slow learning."""

FEWEST_PHOTOS = 20
"""With fewer for validation, chance and skill look the same."""
SWALLOWED = 0.9
SWALLOWED_TOO_MUCH = 0.3
VAL_AT_CHANCE = 0.95
STILL_EPOCHS = 6
STILL_SHARE = 0.3
"""Of the planned epochs: so long a slow learner may guess."""
FELL_WELL = 0.5
"""Of the way from guessing to the lowest loss possible."""

OVERFIT_EPOCHS = 5
OVERFIT_PLANNED = 0.1
"""Of the planned epochs, at least."""
OVERFIT_RISE = 0.15
"""Of the best validation loss."""
OVERFIT_LEAST_RISE = 0.05
NOISES = 4.0
"""Standard deviations from epoch to epoch; the best of many lies two below the rest by chance."""
EPOCHS_SEEN = 500


def loss_is_nan(context: Context) -> Verdict | None:
    run, loss = context.run, context.run.loss
    if run.phase is not RunPhase.TRAINING or not len(loss) or loss.last_finite == len(loss) - 1:
        return None
    if loss.last_finite is None:
        text = (
            f"The loss has not been a number since step {count(loss.x[0])}, the first one. Training goes on "
            "but will not learn. The model that it began from is broken, or its numbers are too large for "
            "the precision: choose other weights, or float32."
        )
        evidence: tuple[str, ...] = (f"Loss is NaN since step {count(loss.x[0])}",)
        return note("loss_is_nan", "Training goes on, but does not learn", text, evidence)
    step, last = loss.x[loss.last_finite + 1], loss.x[loss.last_finite]
    rate = lr_at(run, last)
    was = f"{figure(loss.y[loss.last_finite])}{f' at a learning rate of {rate:.2g}' if rate else ''}"
    text = (
        f"The loss is no longer a number since step {count(step)}. Before, in epoch {epoch_of(run, last)}, "
        f"it was {was}. Training goes on but will not learn: stop it, and start again with a lower learning "
        f"rate{lower(rate)}.{kept(run)}"
    )
    evidence = (f"Loss is NaN since step {count(step)}", f"Loss at step {count(last)}: {was}")
    return note("loss_is_nan", "Training goes on, but does not learn any more", text, evidence)


def loss_explodes(context: Context) -> Verdict | None:
    """The last points lie far above the start, nearly all of them."""
    run, loss = context.run, context.run.loss
    if run.phase is not RunPhase.TRAINING or len(loss) < EXPLODED_POINTS:
        return None
    recent, start, guess = loss.y[-EXPLODED_POINTS:], float(loss.y[0]), guessing(run)
    usual = max(0.0 if math.isnan(start) else start, guess or 0.0)
    if not usual or not np.quantile(recent, 0.25) > EXPLODED_FACTOR * usual:
        return None
    rate = peak_rate(run)
    text = (
        f"The loss is {figure(np.median(recent))}, and began at {figure(start)}: each step overshoots. The "
        f"learning rate{f', {rate:.2g},' if rate else ''} is too high. Stop it, and start again with a lower "
        f"one{lower(rate)}.{kept(run)}"
    )
    evidence = [f"Loss of the last {EXPLODED_POINTS} points: {figure(min(recent))} to {figure(max(recent))}"]
    evidence += [f"Loss at step {count(loss.x[0])}: {figure(start)}"]
    evidence += [f"Guessing gives {figure(guess)}"] if guess else []
    return note("loss_explodes", "The loss has exploded", text, (*evidence, *rate_fact(run)))


def loss_does_not_move(context: Context) -> Verdict | None:
    """After warm-up, over a good stretch: the recent third is no lower than the first, and as by guessing.

    Lower means by more than three standard errors of the difference of two medians, with the noise from point
    to point, which a trend does not enlarge. Where noise could hide a real fall, nothing is said yet.
    """
    run, guess, warm = context.run, guessing(context.run), warm_from(context.run)
    if run.phase is not RunPhase.TRAINING or not guess or warm is None or run.step - warm < good_stretch(run):
        return None
    steps, losses = run.loss.sampled(int(np.searchsorted(run.loss.x, warm)), POINTS)
    third = len(losses) // 3
    if third < 10 or knows_something(run):
        return None
    first, last = (float(np.median(part)) for part in (losses[:third], losses[-third:]))
    unsure, fell = noise(losses) * 1.2533 * math.sqrt(2 / third), first - last
    if last < AT_CHANCE * guess or fell > max(3 * unsure, 0.01 * guess):
        return None
    if fell + 2 * unsure > HIDDEN_FALL * guess:
        return None
    text = (
        f"The loss is {figure(last)} after {count(run.step)} steps, and guessing gives {figure(guess)}: the "
        f"model has learned nothing yet, and does not get better. {rate_advice(run)}{kept(run)}"
    )
    evidence = (
        f"Loss around step {count(np.median(steps[:third]))}: {figure(first)}",
        f"Loss around step {count(np.median(steps[-third:]))}: {figure(last)}",
        f"Guessing gives {figure(guess)}",
    )
    return note("loss_is_flat", "The loss does not fall", text, (*evidence, *rate_fact(run)))


def good_stretch(run: Run) -> float:
    """Steps after warm-up from which a loss that does not move is told."""
    train = run.stages.get("train")
    total = train.total if train and train.total else 0
    few_epochs = FLAT_EPOCHS * epoch_steps(run) or FLAT_STEPS_ENOUGH
    return max(FLAT_STEPS, FLAT_SHARE * total, min(few_epochs, FLAT_STEPS_ENOUGH))


def one_class_predicted(context: Context) -> Verdict | None:
    run, epochs = context.run, settled_epochs(context.run)
    named = [(epoch.epoch, epoch.most_predicted) for epoch in epochs if epoch.most_predicted]
    if run.phase is not RunPhase.TRAINING or not named or len(named) < len(epochs):
        return None
    if run.baseline is None or run.baseline.val_photos < FEWEST_PHOTOS:
        return None
    if any(m.share < SWALLOWED or m.share - m.true_share < SWALLOWED_TOO_MUCH for _, m in named):
        return None
    most = named[-1][1]
    text = (
        f"The model calls {percent(most.share)} of the validation photos “{most.label}”; "
        f"{percent(most.true_share)} are. It has been so for {len(epochs)} epochs. Often the learning rate "
        "is too high, or one class has far more photos than the others: start again with a tenth of "
        "it, or with the classes balanced."
    )
    evidence = tuple(f"Epoch {n}: {percent(m.share)} called {m.label}" for n, m in named)
    return note("one_class", "Nearly all photos get the same answer", text, (*evidence, *rate_fact(run)))


def validation_at_chance(context: Context) -> Verdict | None:
    """The training loss falls well, and new photos are answered as by guessing."""
    run, epochs, guess = context.run, settled_epochs(context.run), context.run.baseline
    if run.phase is not RunPhase.TRAINING or not guess or not guesses(epochs, guess):
        return None
    train_loss, way = epochs[-1].train_loss, guess.train_loss - guess.least_loss
    if train_loss is None or way <= 0 or guess.train_loss - train_loss < FELL_WELL * way:
        return None
    text = (
        f"Only {percent(epochs[-1].val_accuracy)} of the validation photos are right, as by guessing, "
        "although the training loss falls well: what is learned does not hold for new photos. Look whether "
        "photos lie in the folder of a wrong class, and whether the validation photos are of another kind. "
        "With few photos, begin with pretrained weights."
    )
    title = "Training gets better, but new photos are answered as by guessing"
    return note("validation_at_chance", title, text, guessing_facts(epochs, guess))


def still_guesses(context: Context) -> Verdict | None:
    """For a third of the plan new photos have been answered as by guessing, whatever the training loss."""
    run, guess = context.run, context.run.baseline
    epochs = settled_epochs(run, max(STILL_EPOCHS, math.ceil(STILL_SHARE * planned_epochs(run))))
    if run.phase is not RunPhase.TRAINING or not guess or not guesses(epochs, guess):
        return None
    text = (
        f"For {len(epochs)} epochs new photos have been answered as by guessing, now "
        f"{percent(epochs[-1].val_accuracy)} right. {rate_advice(run)}"
    )
    facts = (*guessing_facts(epochs, guess), *rate_fact(run))
    return note("validation_at_chance", "New photos are still answered as by guessing", text, facts)


def guesses(epochs: Sequence[EpochFinished], guess: Baseline) -> bool:
    """Whether validation is no better than chance over these epochs, by its accuracy and by its loss."""
    rights = [epoch.val_accuracy for epoch in epochs if epoch.val_accuracy is not None]
    if not epochs or len(rights) < len(epochs) or guess.classes < 2 or guess.val_photos < FEWEST_PHOTOS:
        return False
    if sum(rights) / len(rights) > chance_accuracy(guess):
        return False
    return all(e.val_loss is None or e.val_loss >= VAL_AT_CHANCE * guess.val_loss for e in epochs)


def guessing_facts(epochs: Sequence[EpochFinished], guess: Baseline) -> tuple[str, ...]:
    last = epochs[-3:]
    train_loss, rights = last[-1].train_loss, ", ".join(percent(e.val_accuracy) for e in last)
    facts = [
        f"Validation right in the last {len(last)} epochs: {rights}",
        f"Always naming the commonest class gives {percent(guess.val_accuracy)}",
    ]
    if train_loss is not None:
        facts.append(f"Training loss {figure(train_loss)}; guessing gives {figure(guess.train_loss)}")
    return tuple(facts)


def overfits(context: Context) -> Verdict | None:
    """Validation's loss has risen clearly since its best, in each of the last epochs, while training's fell,
    and none of these was the best by accuracy. Its best is of three neighbours' median: one lucky epoch is
    none."""
    run, epochs = context.run, context.run.epochs[-EPOCHS_SEEN:]
    if run.phase is not RunPhase.TRAINING or len(epochs) < OVERFIT_EPOCHS + 3:
        return None
    val = np.array([math.nan if e.val_loss is None else e.val_loss for e in epochs])
    train = np.array([math.nan if e.train_loss is None else e.train_loss for e in epochs])
    if not (np.isfinite(val).all() and np.isfinite(train).all()):
        return None
    calm = np.array([np.median(val[max(0, i - 1) : i + 2]) for i in range(len(val))])
    best = int(calm.argmin())
    if len(val) - 1 - best < max(OVERFIT_EPOCHS, OVERFIT_PLANNED * planned_epochs(run)):
        return None
    margin = max(OVERFIT_RISE * calm[best], OVERFIT_LEAST_RISE, NOISES * curvature(val[max(0, best - 3) :]))
    if val[-OVERFIT_EPOCHS:].min() < calm[best] + margin:
        return None
    if train[-OVERFIT_EPOCHS:].mean() > 0.95 * train[best]:
        return None
    if not learned(run) or run.best is not None and run.best.epoch > epochs[-OVERFIT_EPOCHS].epoch:
        return None
    since = epochs[max(0, best - 1) + int(val[max(0, best - 1) : best + 2].argmin())].epoch
    text = (
        f"The validation loss rises since epoch {since}, while the training loss falls: the model learns its "
        f"photos by heart. More epochs will hardly help; you can stop.{kept(run)} More photos or more "
        "augmentation would help."
    )
    evidence = (
        f"Validation loss: {figure(calm[best])} about epoch {since}, now {figure(val[-1])}",
        f"Training loss: {figure(train[best])} in epoch {since}, now {figure(train[-1])}",
    )
    title = f"No better on new photos since epoch {since}"
    return note("overfitting", title, text, evidence, "Overfitting", "You can stop it.")


def waits_for_photos(context: Context) -> Verdict | None:
    """In a later epoch, when the photos ought to come from the cache."""
    run, seen = context.run, waited(context.run, context.now)
    if run.phase is not RunPhase.TRAINING or not run.epochs or seen is None:
        return None
    took_s, waited_s = seen
    faster = min(took_s / max(took_s - waited_s, 1e-3), 100)
    text = (
        f"Training waits for photos {100 * waited_s / took_s:.0f} % of the time; without that it would be "
        f"{faster:.1f} times as fast. Copy the photos to this computer's own disk, use more loading "
        "processes or smaller photos, and see that the photo cache is on. Nothing is wrong; you can wait."
    )
    evidence = [
        f"Of the last {formatting.span(took_s)} of training, {formatting.span(waited_s)} were waiting"
    ]
    evidence += [f"{run.images_per_s:.0f} photos/s"] if run.images_per_s else []
    evidence += [f"GPU: {context.gpu_percent:.0f} %"] if context.gpu_percent is not None else []
    title = "Photos arrive too slowly"
    return note("waits_for_photos", title, text, tuple(evidence), "Waits for photos", "You can wait.")


def first_pass(context: Context) -> Verdict | None:
    """A mild word in the first epoch, which fills the cache."""
    run, seen = context.run, waited(context.run, context.now)
    if run.phase is not RunPhase.TRAINING or run.epochs or seen is None:
        return None
    text = (
        f"{context.title}: the first pass reads the photos; later ones come from the cache. "
        "Training waits for "
        f"photos {100 * seen[1] / seen[0]:.0f} % of the time."
    )
    return Verdict(VerdictState.ON_SCHEDULE, "first_pass", "On schedule", text)


def note(
    cause: str,
    title: str,
    text: str,
    evidence: tuple[str, ...],
    headline: str = NOT_LEARNING,
    advice: str = FOLLOW,
) -> Verdict:
    return Verdict(VerdictState.SLOW, cause, title, text, evidence, ACTIONS, headline=headline, advice=advice)


def rate_fact(run: Run) -> tuple[str, ...]:
    rate, peak = lr_at(run, run.step), peak_rate(run)
    if rate is None or peak is None:
        return ()
    return (f"Learning rate {rate:.2g}, at its highest {peak:.2g}",)


def rate_advice(run: Run) -> str:
    """What to do about a loss that does not move."""
    peak = peak_rate(run)
    if peak is not None and peak < 1e-7:
        return f"The learning rate, {peak:.2g}, is too small to move anything: start again with 0.001 or so."
    other = f" another learning rate than {peak:.2g}" if peak else " another learning rate"
    return f"Start again with{other} (a tenth is the best guess), or look whether the classes are right."


def lower(rate: float | None) -> str:
    """A learning rate to try instead of one that is too high: a tenth, of absurd ones a usual one."""
    return f", {min(rate / 10, USUAL_RATE):.1g} for instance" if rate else ""


def kept(run: Run) -> str:
    return best_model.kept(run) if learned(run) else ""


def figure(value: float) -> str:
    """A loss: `1.23`, `45.6`, `3 210`, `1.2e+09`."""
    if abs(value) < 100:
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return count(value) if abs(value) < 1e6 else f"{value:.1e}"


def count(number: float) -> str:
    return f"{round(float(number)):,}".replace(",", "\u202f")


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
