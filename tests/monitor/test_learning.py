"""Training that does not learn is told with its evidence; a healthy one, however noisy, never."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.monitor.curves import FAST, Training
from tests.photos import make_photos
from waste_gui.config import RunConfig
from waste_gui.monitor.context import Context
from waste_gui.monitor.countdown import remaining
from waste_gui.monitor.evidence import NOTHING_KNOWN
from waste_gui.monitor.history import History
from waste_gui.monitor.rules import learning
from waste_gui.monitor.run import Run
from waste_gui.monitor.stall import diagnose
from waste_gui.monitor.verdict import Action, Verdict, VerdictState
from waste_gui.protocol import AnyMessage, MostPredicted, Timing

LN3 = math.log(3)
EACH_S = 0.01
"""Between two messages of a training on an idle computer."""
RULES = (
    learning.loss_is_nan,
    learning.loss_explodes,
    learning.loss_does_not_move,
    learning.one_class_predicted,
    learning.validation_at_chance,
    learning.still_guesses,
    learning.overfits,
    learning.waits_for_photos,
)
WAITING = Timing(wait_s=0.3, copy_s=0.01, compute_s=0.1)


def judged(run: Run, at: float | None = None) -> Verdict:
    now = run.heard_at if at is None else at
    return diagnose(run, remaining(run, now, History()), NOTHING_KNOWN, now)


def notes(run: Run) -> list[str]:
    """The causes that the rules on learning see, pace aside."""
    context = Context(run, remaining(run, run.heard_at, History()), NOTHING_KNOWN, run.heard_at)
    return [verdict.cause for rule in RULES if (verdict := rule(context))]


def noisy(level: Callable[[int], float], sigma: float = 0.05, seed: int = 0) -> Callable[[int], float]:
    random = np.random.default_rng(seed)
    return lambda step: level(step) * math.exp(random.normal(0, sigma))


def assert_note(verdict: Verdict, cause: str) -> None:
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, cause), verdict
    assert verdict.headline and verdict.advice and verdict.evidence
    assert "!" not in verdict.title + verdict.text


# --- the loss itself


def test_nan_is_told_with_its_step_epoch_and_what_was_before() -> None:
    training = Training(lambda step: 1.23 if step < 120 else None)
    verdict = judged(training.played(150))
    assert_note(verdict, "loss_is_nan")
    assert "since step 120" in verdict.text and "in epoch 3" in verdict.text
    assert "1.23 at a learning rate of 0.0016" in verdict.text and "0.0002 for instance" in verdict.text
    assert "best model so far, epoch 1, is kept" in verdict.text
    assert Action.STOP in verdict.actions


def test_nan_from_the_first_step_blames_what_it_began_from() -> None:
    verdict = judged(Training(lambda step: None).played(5))
    assert_note(verdict, "loss_is_nan")
    assert "the first one" in verdict.text and "weights" in verdict.text


def test_nan_that_goes_away_is_forgotten() -> None:
    training = Training(lambda step: None if step == 30 else 1.0)
    causes = [judged(training.run).cause for _ in training.play(40)]
    assert set(causes) == {"on_schedule", "loss_is_nan"} and causes[-1] == "on_schedule"


def test_exploded_loss_is_told_with_where_it_began() -> None:
    training = Training(lambda step: LN3 * 1.3 ** max(0, step - 20), peak_lr=10)
    verdict = judged(training.played(60))
    assert_note(verdict, "loss_explodes")
    assert "began at 1.10" in verdict.text and "too high" in verdict.text
    assert any("Guessing gives 1.10" in fact for fact in verdict.evidence)


def test_spike_of_a_few_steps_is_no_explosion() -> None:
    training = Training(lambda step: 20.0 if 40 <= step < 48 else 1.0)
    assert all("loss_explodes" not in notes(training.run) for _ in training.play(100))


def test_loss_at_the_level_of_guessing_is_told_after_a_good_stretch() -> None:
    training = Training(noisy(lambda step: LN3, 0.05), peak_lr=1e-12)
    causes = [judged(training.run).cause for _ in training.play(400)]
    first = causes.index("loss_is_flat")
    assert 135 + 100 <= first + 1 <= 150 + 110  # Warm-up of 150 steps, two epochs after it.
    assert set(causes[first:]) == {"loss_is_flat"} and set(causes[:first]) == {"on_schedule"}
    verdict = judged(training.run)
    assert_note(verdict, "loss_is_flat")
    assert "guessing gives 1.10" in verdict.text and "1e-12, is too small" in verdict.text


def test_flat_loss_is_told_within_a_single_long_epoch() -> None:
    training = Training(noisy(lambda step: math.log(100), 0.05), epochs=1, steps=8000, classes=100)
    assert "loss_is_flat" in notes(training.played(4000))


def test_flat_loss_that_begins_to_fall_is_forgotten() -> None:
    training = Training(
        noisy(lambda step: LN3 if step < 300 else LN3 * math.exp(-(step - 300) / 50), 0.05), epochs=12
    )
    causes = [notes(training.run) for _ in training.play()]
    assert ["loss_is_flat"] in causes and causes[-1] == []


def test_loss_that_is_low_and_flat_is_done_not_stuck() -> None:
    training = Training(noisy(lambda step: 0.35, 0.1))
    assert all(not notes(training.run) for _ in training.play())


# --- by validation


def test_one_class_for_all_is_named_with_both_shares() -> None:
    training = Training(
        noisy(lambda step: 0.7, 0.1),
        val_accuracy=lambda epoch: 0.34,
        val_loss=lambda epoch: 2.0,
        most=lambda epoch: MostPredicted(label="glass", share=0.97, true_share=0.33),
    )
    verdict = judged(training.played(300))
    assert_note(verdict, "one_class")
    assert "97 % of the validation photos “glass”; 33 % are" in verdict.text


def test_one_large_class_may_be_answered_often() -> None:
    training = Training(
        noisy(lambda step: 0.5), most=lambda epoch: MostPredicted(label="x", share=0.95, true_share=0.8)
    )
    assert all(not notes(training.run) for _ in training.play())


def test_validation_at_chance_while_training_learns_is_told() -> None:
    training = Training(
        noisy(lambda step: 0.3 + 0.8 * math.exp(-step / 60)),
        smoothing=0.0,
        val_accuracy=lambda epoch: 0.31 + 0.03 * (epoch % 2),
        val_loss=lambda epoch: LN3 + 0.1 * epoch,
    )
    verdict = judged(training.played(350))
    assert_note(verdict, "validation_at_chance")
    assert "34 % of the validation photos are right, as by guessing" in verdict.text
    assert "Always naming the commonest class gives 33 %" in verdict.evidence


def test_guessing_for_a_third_of_the_plan_is_told_though_the_training_loss_comes_down() -> None:
    """As measured with 600 photos of six classes and a learning rate of 0.5."""
    right = (0.17, 0.20, 0.17, 0.17, 0.19, 0.18, 0.18, 0.23, 0.22, 0.22, 0.20, 0.19)
    loss = (2.42, 1.93, 1.84, 1.99, 1.86, 1.82, 1.78, 1.71, 1.69, 1.64, 1.61, 1.60)
    training = Training(
        lambda step: loss[(step - 1) // 15],
        epochs=12,
        steps=15,
        classes=6,
        val_photos=120,
        val_accuracy=lambda epoch: right[epoch - 1],
        val_loss=lambda epoch: 1.9,
        peak_lr=0.5,
    )
    verdict = judged(training.played())
    assert_note(verdict, "validation_at_chance")
    assert "For 6 epochs" in verdict.text and "another learning rate than 0.5" in verdict.text


def test_few_validation_photos_prove_nothing() -> None:
    training = Training(noisy(lambda step: 0.1), smoothing=0.0, val_photos=6, val_accuracy=lambda epoch: 0.33)
    training.val_loss = lambda epoch: 1.2
    assert not notes(training.played(350))


def test_overfitting_names_the_best_epoch_and_mildly_advises_to_stop() -> None:
    training = Training(
        noisy(lambda step: math.exp(-step / 200)),
        epochs=30,
        val_loss=lambda epoch: 0.5 + abs(epoch - 8) * 0.05,
        val_accuracy=lambda epoch: 0.8 - abs(epoch - 8) * 0.01,
    )
    causes = [notes(training.run) for step in training.play(20 * 50) if step % 50 == 0]
    assert causes[-1] == ["overfitting"] and [] in causes and ["overfitting"] not in causes[:12]
    verdict = judged(training.run)
    assert_note(verdict, "overfitting")
    assert verdict.title == "No better on new photos since epoch 8"
    assert "best model so far, epoch 8, is kept" in verdict.text
    assert verdict.headline == "Overfitting"


def test_rising_validation_loss_is_no_note_while_accuracy_gets_better() -> None:
    training = Training(
        noisy(lambda step: math.exp(-step / 200)),
        epochs=30,
        val_loss=lambda epoch: 0.5 + abs(epoch - 8) * 0.05,
        val_accuracy=lambda epoch: 0.6 + epoch * 0.01,
    )
    assert all(not notes(training.run) for _ in training.play())


# --- waiting for photos


def test_first_epoch_that_waits_gets_a_mild_word_only() -> None:
    training = Training(noisy(lambda step: 0.5), epochs=2, steps=1000, timing=lambda step: WAITING)
    verdict = judged(training.played(600))
    assert (verdict.state, verdict.cause) == (VerdictState.ON_SCHEDULE, "first_pass")
    assert "the first pass reads the photos; later ones come from the cache" in verdict.text


def test_later_epoch_that_waits_says_what_to_do_and_is_forgotten_when_it_is_fast() -> None:
    training = Training(
        noisy(lambda step: 0.5),
        epochs=4,
        steps=1000,
        timing=lambda step: WAITING if step < 1800 else FAST,
    )
    causes = [notes(training.run) for _ in training.play(1790)]
    assert [] == causes[1100] and causes[-1] == ["waits_for_photos"]
    verdict = judged(training.run)
    assert "73 % of the time" in verdict.text and "3.7 times as fast" in verdict.text
    assert_note(verdict, "waits_for_photos")


def test_waiting_in_the_first_epoch_does_not_accuse_the_second() -> None:
    training = Training(
        noisy(lambda step: 0.5), epochs=3, steps=1000, timing=lambda s: WAITING if s <= 1000 else FAST
    )
    assert all(not notes(training.run) for _ in training.play())


# --- healthy trainings


@st.composite
def healthy_trainings(draw: st.DrawFn) -> Training:
    """Decay from the start to a plateau with noise, as small sets, many classes and fine-tuning show it."""
    classes = draw(st.sampled_from([2, 3, 6, 18, 30, 100]))
    epochs = draw(st.sampled_from([1, 2, 5, 20, 60]))
    steps = draw(st.sampled_from([2, 7, 30, 120]))
    pretrained = draw(st.booleans())
    chance = math.log(classes)
    start = chance * draw(st.floats(0.3, 1.1) if pretrained else st.floats(1.0, 1.6))
    floor = draw(st.floats(0.1, 0.6)) * min(start, chance)
    warmup = min(3 * steps, 0.3 * epochs * steps)
    tau = draw(st.floats(0.03, 0.25)) * epochs * steps + 3
    sigma = draw(st.floats(0.02, 0.35))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))

    def level(step: float) -> float:
        """Slow while the learning rate rises."""
        learned = step - warmup / 2 if step > warmup else step**2 / (2 * max(warmup, 1))
        return floor + (start - floor) * math.exp(-learned / tau)

    def val_loss(epoch: int) -> float:
        gap = 1.1 + 0.1 * epoch / epochs  # Validation is a little worse, and the more so the longer.
        return level(epoch * steps) * gap * math.exp(random.normal(0, sigma / 2))

    def skill(step: float) -> float:
        return min(1.0, max(0.0, 1 - level(step) / chance))

    def val_accuracy(epoch: int) -> float:
        right = 1 / classes + (0.95 - 1 / classes) * skill(epoch * steps)
        return float(np.clip(right + random.normal(0, 0.03), 0, 1))

    def most(epoch: int) -> MostPredicted:
        """In the first epochs one class may win; later about its share."""
        share = 1 / classes + (1 - 1 / classes) * math.exp(-epoch * steps / 20)
        return MostPredicted(label="glass", share=share, true_share=1 / classes)

    return Training(
        loss=lambda step: level(step) * math.exp(random.normal(0, sigma)),
        accuracy=lambda step: float(np.clip(skill(step) + random.normal(0, 0.1), 0, 1)),
        epochs=epochs,
        steps=steps,
        classes=classes,
        val_photos=max(classes, steps * 8),
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        most=most,
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(healthy_trainings())
def test_healthy_training_is_never_accused(training: Training) -> None:
    every = max(1, training.total // 60)
    for step in training.play():
        if step % every == 0:
            assert notes(training.run) == [], f"step {step} of {training.total}"


@pytest.mark.parametrize(
    "figure, said", [(1.234, "1.23"), (45.62, "45.6"), (3210.4, "3\u202f210"), (1.2e9, "1.2e+09")]
)
def test_loss_is_said_as_people_read_it(figure: float, said: str) -> None:
    assert learning.figure(figure) == said


# --- by the real engine, on a few photos


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple[Run, dict[str, Verdict]]:
    """Train a tiny network, each step told; the run, and what was said on the way, by its cause. The clock is
    that of a computer that has nothing else to do, so that the pace is no matter of what else runs here."""
    from waste_gui import engine
    from waste_gui.engine import training

    monkeypatch.setattr(training, "METRIC_EVERY_S", 0.0)
    run, said = Run(), dict[str, Verdict]()

    def hear(message: AnyMessage) -> None:
        run.receive(msgspec.structs.replace(message, at=message.seq * EACH_S))
        verdict = judged(run)
        said.setdefault(verdict.cause, verdict)

    config = RunConfig(
        source=(str(make_photos(folder / "photos", per_class=24)),),
        model="timm:test_resnet",
        pretrained="none",
        image_size=32,
        batch_size=4,
        workers=1,
        device="cpu",
        cache_gb=0,
        **settings,
    )
    engine.train(config, hear, run_dir=folder / "run")
    return run, said


@pytest.mark.slow
def test_real_training_with_a_huge_learning_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, said = trained(tmp_path, monkeypatch, lr=10.0, clip_norm=0.0, epochs=3)
    assert "loss_explodes" in said or "loss_is_nan" in said
    assert not {"loss_is_flat", "overfitting", "waits_for_photos"} & set(said)


@pytest.mark.slow
def test_real_training_with_no_learning_rate_to_speak_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = trained(tmp_path, monkeypatch, lr=1e-12, epochs=10)
    assert {"loss_is_flat"} <= set(said) <= {"on_schedule", "loss_is_flat", "finished"}
    assert "1e-12, is too small" in said["loss_is_flat"].text


@pytest.mark.slow
def test_real_healthy_training_is_never_accused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, said = trained(tmp_path, monkeypatch, epochs=8)
    assert set(said) == {"on_schedule", "finished"}
    assert run.baseline is not None and (run.baseline.classes, run.baseline.val_photos) == (3, 15)
    assert run.baseline.train_loss == pytest.approx(LN3, abs=1e-3)
    assert run.baseline.val_accuracy == pytest.approx(1 / 3, abs=1e-3)
    last = run.epochs[-1].most_predicted
    assert last is not None and (last.share, last.true_share) == pytest.approx((1 / 3, 1 / 3), abs=0.2)
