"""Trainings of the last layer, of all layers, and of one after the other: what one teaches of another."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.monitor.transcripts import Transcript, healthy, last_layer, last_layer_first, replay
from waste_gui.config import STARTER_MODEL, RunConfig
from waste_gui.monitor.countdown import remaining, usual, usual_epoch
from waste_gui.monitor.forecast import expected, fine_tuning, tune_here
from waste_gui.monitor.history import History, Record, record_of
from waste_gui.monitor.run import StageState

CONFIG = RunConfig(model="mobilenet", epochs=2)
START_UP_S = 6 + 4 + 5 + 8 + 6 + 4 * 0.2


def record(script: Transcript, **changes: object) -> Record:
    return msgspec.structs.replace(record_of(replay(script.messages)), **changes)


def tuned(tune: str, **changes: object) -> RunConfig:
    return msgspec.structs.replace(CONFIG, tune=tune, **changes)


def at(script: Transcript, past: History) -> float:
    """Seconds that are left of the run."""
    left = remaining(replay(script.messages, script.at), script.at, past).run_s
    assert left is not None
    return left


def test_record_says_how_it_was_tuned_and_what_a_photo_took() -> None:
    head = record(last_layer(600, each_s=0.05))
    assert (head.tune, head.photos, head.epochs) == ("head", 600, 1)
    assert head.embed_each_s == pytest.approx(0.05)
    assert record(last_layer(600, known=600)).embed_each_s is None
    assert record(last_layer_first()).tune == "head_then_all"
    assert record(healthy()).tune == "all", "told by a version that knew no other way"
    assert msgspec.json.decode(b'{"command":"train","model":"m","device":"d","photos":1,"epochs":1,'
                               b'"steps":1,"stages":{}}', type=Record).tune == "all"  # fmt: skip


@pytest.mark.parametrize("tune", ["head", "all", "head_then_all"])
def test_one_way_of_tuning_teaches_no_epoch_of_another(tune: str) -> None:
    scripts = {"head": last_layer(2000), "all": healthy(), "head_then_all": last_layer_first(2000)}
    others = History([record(script) for name, script in scripts.items() if name != tune] * 3)
    run = replay(Transcript(2, asked=tune, tune=tune).start_up("embed").messages)
    assert run.tune == tune and usual_epoch(run, others) is None
    mine = History([*others.records, record(scripts[tune])])
    band = usual_epoch(run, mine)
    assert band is not None and (band[1] < 2 if tune == "head" else band[0] > 3)
    assert usual(run, "import", others) is not None, "what comes before is the same"


@pytest.mark.parametrize(
    ("tune", "took"),
    [
        ("head", START_UP_S + 1200 * 0.05 + 1.2),
        ("head_then_all", START_UP_S + 1200 * 0.05 + 1.2 + 2 * 7.5),
        ("all", START_UP_S + 2 * 7.25),
    ],
)
def test_forecast_holds_what_comes_before_training(tune: str, took: float) -> None:
    scripts = [last_layer(1200), last_layer_first(1200), healthy()]
    past = History([record(script, photos=photos) for script in scripts for photos in (1201, 1202)])
    found = expected(tuned(tune), 1200, past)
    assert found is not None and found[0] == pytest.approx(took, rel=0.05) and found[1] == 2


def test_photos_that_were_trained_on_before_are_known() -> None:
    past = History([record(last_layer(600))])
    found = expected(tuned("head"), 600, past)
    assert found is not None and found[0] == pytest.approx(START_UP_S + 0.6, abs=1)
    other = expected(tuned("head"), 620, past)
    assert other is not None and other[0] > found[0] + 25


def test_nothing_is_forecast_of_what_nobody_did() -> None:
    assert expected(tuned("head_then_all"), 600, History([record(last_layer(600))])) is None
    assert expected(tuned("head"), 2000, History([record(healthy())])) is None


def test_automatic_means_what_this_computer_has() -> None:
    cpu, gpu = record(last_layer()), record(last_layer_first(), device="NVIDIA H200")
    assert tune_here(CONFIG, History()) == tune_here(CONFIG, History([cpu])) == "head"
    assert tune_here(CONFIG, History([gpu, cpu])) == "head_then_all"
    assert tune_here(msgspec.structs.replace(CONFIG, device="cpu"), History([gpu])) == "head"
    assert tune_here(msgspec.structs.replace(CONFIG, pretrained="none"), History([gpu])) == "all"


@given(st.integers(40, 4000), st.integers(300, 3000), st.integers(1, 200))
def test_embedding_is_counted_down_by_photos_from_runs_of_any_size(before: int, now: int, ms: int) -> None:
    past = History([record(last_layer(before, each_s=ms / 1000), photos=before)] * 5)
    known = random.Random(now).randrange(now) if before != now else 0
    script = Transcript(20, asked="auto", tune="head").start_up("embed", now)
    script.embedding(now, known, ms / 1000, until=known)
    view = remaining(replay(script.messages, script.at), script.at, past)
    took = (now - known) * ms / 1000
    if before >= 64:
        assert view.stage_s == pytest.approx(took, abs=0.6)
        assert view.usual_s is not None and view.usual_s[0] <= took <= view.usual_s[1]
        assert at(script, past) == pytest.approx(took + now * 0.001, abs=1.5)


def test_embedding_counts_down_live_and_only_what_is_not_known() -> None:
    script = Transcript(20, asked="auto", tune="head").start_up("embed", 600)
    script.embedding(600, 200, 0.05, until=400)
    view = remaining(replay(script.messages, script.at), script.at, History())
    assert view.basis == "live" and view.stage_s == pytest.approx(200 * 0.05, abs=0.5)


def test_before_the_device_is_known_it_is_as_the_last_time() -> None:
    past = History([record(last_layer(600)), record(healthy(), photos=600)] + [record(last_layer(600))])
    script = Transcript(20, asked="auto", tune="head")
    script.start("import")
    whole = START_UP_S + 0.6
    assert at(script, past) == pytest.approx(whole, abs=2), "not 20 epochs of it"


def test_stages_that_are_not_needed_are_not_shown() -> None:
    run = replay(Transcript(2, asked="auto", tune="all").start_up("model").messages)
    assert "embed" not in run.stages and "fit" not in run.stages and "train" in run.stages
    script = last_layer()
    assert all(stage.state is StageState.DONE for stage in replay(script.messages).stages.values())
    script.messages.pop()
    script.whole("validate", 2.0, 10, "photos")
    stage = replay(script.messages).stages["validate"]
    assert stage.title == "Validate", "of test photos, after all"


def test_fine_tuning_is_forecast_from_runs_that_did_it_else_from_the_pace_of_this_one() -> None:
    config, run = tuned("head", epochs=20), replay(last_layer(600, each_s=0.04).messages)
    by_pace = fine_tuning(run, config, History())
    assert by_pace == pytest.approx(START_UP_S + 0.6 + 20 * 600 * 0.02 * 2.6, rel=0.1)
    starter = msgspec.structs.replace(config, model=STARTER_MODEL)
    assert fine_tuning(run, starter, History()) == pytest.approx(
        START_UP_S + 0.6 + 20 * 600 * 0.02 * 1.5, rel=0.1
    ), "its first blocks stay as they are"
    known = replay(last_layer(600, known=600).messages)
    assert fine_tuning(known, config, History()) is None
    assert fine_tuning(known, config, History([record_of(run)])) == pytest.approx(by_pace, rel=0.05)
    past = History([record_of(run), record(last_layer_first(600))])
    by_past = fine_tuning(run, config, past)
    assert by_past == pytest.approx(START_UP_S + 0.6 + 20 * 7.5, rel=0.1)


def test_stall_while_embedding_does_not_count_down() -> None:
    script = Transcript(20, asked="auto", tune="head").start_up("embed", 600)
    script.embedding(600, 0, 0.05, until=192)
    began = script.at
    script.wait(200)
    left = [
        remaining(replay(script.messages, now), now, History()).stage_s for now in (began + 5, began + 190)
    ]
    assert left[0] == left[1] == pytest.approx(408 * 0.05, abs=3)
