"""A bar that says what went wrong begins with the action that helps, and names none that it does not offer.

What can go wrong is read from the source, so that a new kind is looked at, too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import waste_gui
from tests.gui import pictures
from waste_gui import known_errors
from waste_gui import protocol as p
from waste_gui.config import STARTER_MODEL, RunConfig
from waste_gui.engine import errors
from waste_gui.gui.session.changed_settings import changed
from waste_gui.gui.session.cures import CURES, Offer, offers, useful, with_pages
from waste_gui.gui.session.run_text import notice
from waste_gui.gui.session.training_session import AGAIN
from waste_gui.monitor import crash, verdict
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.verdict import Action

PACKAGE = Path(waste_gui.__file__).parent
Button = Action | Offer
ONLY_TOLD: set[Button] = {Offer.COPY_DETAILS, Offer.SHOW_LOG, Offer.HIDE, Action.COPY_DETAILS}
ANEW: set[Button] = {
    Action.TRY_AGAIN,
    Offer.RESUME_RUN,
    Action.SMALLER_BATCH,
    Action.FEWER_WORKERS,
    Action.STARTER_WEIGHTS,
    Action.FROM_SCRATCH,
    Action.ON_PROCESSOR,
    Offer.SHOW_SETTINGS,
}
NAMED: dict[str, set[Button]] = {
    r"\b[Ss]tart (it )?again\b|\b[Tt]ry again\b": ANEW,
    r"\b[Rr]esume\b": {Offer.RESUME_RUN, Action.TRY_AGAIN, Offer.SHOW_SETTINGS},
    r"\bsmaller batch\b": {Action.SMALLER_BATCH},
    r"smaller (image size|model)|another (model|image size)|learning rate|[Cc]hoose the device|the mapping|"
    r"another run folder|run folder on another|Resume with the settings|more loading processes": {
        Offer.SHOW_SETTINGS,
        Action.ON_PROCESSOR,
    },
    r"device cpu|device auto": {Action.ON_PROCESSOR},
    r"[Uu]se fewer (loading processes|data workers)|or fewer (loading processes|data workers)": {
        Action.FEWER_WORKERS
    },
    r"from scratch": {Action.FROM_SCRATCH},
    r"[Uu]se the starter weights": {Action.STARTER_WEIGHTS},
    r"[Cc]opy the details|send the details": {Offer.COPY_DETAILS, Action.COPY_DETAILS},
    r"lines of the log": {Offer.SHOW_LOG},
    r"\bexclude (it|them)\b|\bExclude\b": {Action.EXCLUDE, Offer.CHECK_PHOTOS, Offer.SHOW_PHOTOS},
    r"(\. |^)Stop\b|[Ss]top it\b|you can stop\b": {Action.STOP},
    r"[Rr]estart the data workers": {Action.RESTART_WORKERS},
    r"Force it\?": {Action.FORCE_STOP},
}
"""What a text may name as something to do here, and which buttons do it."""


def unoffered(text: str, buttons: tuple[Button, ...]) -> list[str]:
    return [
        found[0]
        for named, does in NAMED.items()
        if (found := re.search(named, text)) and not does & set(buttons)
    ]


def words_in(tree: ast.AST) -> str:
    """All text in it, as near as can be read without running it."""
    parts = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return " ".join(parts)


def calls(folder: str, names: set[str]) -> Iterator[tuple[str, ast.Call]]:
    for file in sorted((PACKAGE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield node.func.id, node


def kinds_of_errors() -> dict[str, str]:
    return {
        name: each.kind
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.EngineError)
    }


def failures() -> Iterator[tuple[str, str]]:
    """(kind, words) of all that the engine gives as the reason of its end, and the monitor of a crash."""
    kinds = kinds_of_errors()
    for name, call in calls("engine", set(kinds)):
        yield kinds[name], " ".join(map(words_in, call.args))
    yield "bug", "Nothing saved is lost. Copy the details and send them to us."
    for row in known_errors.ROWS:
        yield row.kind, row.hint
    for way in crash._WAYS.values():
        yield way.cause, way.hint
    constants = {name: value for name, value in vars(crash).items() if isinstance(value, str)}
    constants |= {name: value for name, value in vars(known_errors).items() if isinstance(value, str)}
    for _, call in calls("monitor", {"Crash"}):
        if isinstance(call.args[0], ast.Constant):
            names = (n for a in call.args for n in ast.walk(a) if isinstance(n, ast.Name | ast.Attribute))
            told = (n.id if isinstance(n, ast.Name) else n.attr for n in names)
            hints = " ".join(constants[name] for name in told if name in constants)
            yield str(call.args[0].value), f"{words_in(call)} {hints}"


@pytest.mark.parametrize("resumable", [True, False])
@pytest.mark.parametrize(("kind", "words"), sorted(set(failures())))
def test_failure_begins_with_what_helps_and_names_nothing_else(
    kind: str, words: str, resumable: bool
) -> None:
    buttons = offers(kind, None, resumable=resumable)
    assert buttons[0] not in ONLY_TOLD
    assert len(set(buttons)) == len(buttons)
    assert not unoffered(words, buttons), words


def verdicts() -> Iterator[tuple[str, str, tuple[Button, ...]]]:
    """(function, its words, the buttons) of each rule of the diagnosis."""
    sets = {name: value for name, value in vars(verdict).items() if isinstance(value, tuple)}
    for file in sorted((PACKAGE / "monitor/rules").glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        for node in ast.walk(tree):
            made = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else node
            if isinstance(node, ast.FunctionDef):
                yield from _verdict(f"{file.stem}.{node.name}", node, sets)
            elif isinstance(made, ast.Dict):
                for value in made.values:
                    yield from _verdict(words_in(value)[:30], value, sets)


def _verdict(
    name: str, node: ast.AST, sets: dict[str, tuple[Button, ...]]
) -> Iterator[tuple[str, str, tuple[Button, ...]]]:
    named = [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and each.id in sets]
    single = [
        Action[each.attr]
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "Action"
    ]
    buttons = (*(button for each in named for button in sets[each]), *single)
    words = words_in(node)
    notes = any(isinstance(each, ast.Name) and each.id == "note" for each in ast.walk(node))
    if notes:
        cause = "validation_at_chance" if "validation_at_chance" in words else "loss"
        yield name, words, with_pages(cause, (Action.STOP, Action.KEEP_GOING, Action.COPY_DETAILS))
    elif buttons:
        yield name, words, buttons


@pytest.mark.parametrize(("name", "words", "buttons"), [(n, w, b) for n, w, b in verdicts()])
def test_verdict_names_no_action_that_it_does_not_offer(
    name: str, words: str, buttons: tuple[Button, ...]
) -> None:
    assert not unoffered(words, buttons), words


def test_sets_of_actions_begin_with_one_that_leads_on() -> None:
    sets = [value for value in vars(verdict).values() if isinstance(value, tuple)]
    assert len(sets) >= 8
    assert all(actions[0] not in ONLY_TOLD | {Action.KEEP_WAITING} for actions in sets)


def test_weights_that_could_not_be_downloaded_lead_on_with_those_that_are_here() -> None:
    first, *others = offers("weights", RunConfig(model="ViT-B-16"), resumable=False)
    assert first is Action.STARTER_WEIGHTS
    assert Action.TRY_AGAIN in others
    assert offers("weights", RunConfig(), resumable=False)[0] is Action.TRY_AGAIN, "they are these"


configs = st.builds(
    RunConfig,
    model=st.sampled_from([STARTER_MODEL, "resnet18"]),
    pretrained=st.sampled_from(["default", "none"]),
    batch_size=st.integers(1, 9),
    workers=st.sampled_from([None, 1, 4]),
    cache_gb=st.sampled_from([0, 50]),
    device=st.sampled_from(["auto", "cpu"]),
)


@given(config=configs, kind=st.sampled_from(sorted(CURES)), resumable=st.booleans())
def test_each_button_would_make_another_run_that_can_be_trained(
    config: RunConfig, kind: str, resumable: bool
) -> None:
    """A batch of one photo is refused by all models with batch norm."""
    actions = [each for each in offers(kind, config, resumable=resumable) if isinstance(each, Action)]
    for action in useful((*actions, *Action), config):
        if action in AGAIN and action is not Action.TRY_AGAIN:
            made = changed(action, config)
            assert made != config and (made.batch_size >= 2 or made.batch_size == config.batch_size)
    assert set(useful(tuple(actions), config)) == set(actions)


def test_best_model_is_spoken_of_only_once_there_is_one() -> None:
    told = notice(pictures.snapshot(pictures.stuck()))
    assert told is not None and told.label(Action.STOP) == "Stop"
    told = notice(pictures.snapshot(pictures.deadlock()))
    assert told is not None and told.label(Action.STOP) == "Stop, keep best model"


def test_kill_while_memory_was_free_offers_nothing_for_memory() -> None:
    script = pictures.training()
    machine = Machine(memory_bytes=16 * 10**9, free_memory_bytes=9 * 10**9)
    seen = Evidence(free_memory=9 / 16, machine=machine)
    crash_ = crash.explain(crash.ProcessOutcome(signal=9), before=(seen, seen))
    script.run.process_gone(crash_.text, crash_)
    told = notice(pictures.snapshot(script))
    assert told is not None and "Memory was not short" in told.title
    assert not {Action.SMALLER_BATCH, Action.FEWER_WORKERS} & set(told.offers)
    assert told.offers[0] in (Action.TRY_AGAIN, Offer.RESUME_RUN)


def test_crash_can_be_resumed_from_what_was_saved_last() -> None:
    script = pictures.crashed()
    script.run.checkpoint = p.CheckpointSaved(path="last", epoch=2, step=780, best=True)
    told = notice(pictures.snapshot(script))
    assert told is not None and Offer.RESUME_RUN in told.offers
    assert told.label(Offer.RESUME_RUN) == "Resume from epoch 2"
