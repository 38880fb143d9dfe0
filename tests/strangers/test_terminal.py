"""Our commands on folders and photos whose names are codes for a terminal: none reaches it as such."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.photos import make_photos
from tests.strangers.traps import environment
from waste_gui import protocol
from waste_gui.plain_text import plain
from waste_gui.protocol import Warned

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names that Windows does not take")

NAME = "a\x1b[31mb\x1b]0;owned\x07\u202ec\nd\x9be\x7f\u2066f"
ENGINE, MONITOR, WINDOW = "waste_gui.engine", "waste_gui.monitor", "waste_gui.gui.app"
ERRORS = {
    "a folder that is no photos'": (ENGINE, "check", "--source", "{gone}", "--format", "text"),
    "an option": (ENGINE, "train", "--{name}"),
    "a number": (ENGINE, "train", "--epochs", "{name}"),
    "a command": (ENGINE, "{name}"),
    "a model": (ENGINE, "train", "--model", "{name}", "--source", ".", "--format", "text"),
    "settings": (ENGINE, "train", "{photos}/settings.json", "--format", "text"),
    "settings that are not there": (ENGINE, "train", "{gone}/settings.json", "--format", "text"),
    "a run to resume": (ENGINE, "train", "--resume", "{gone}", "--format", "text"),
    "a mapping": (ENGINE, "check", "--source", ".", "--map", "{name}", "--format", "text"),
    "a run's folder": (ENGINE, "export", "{gone}", "--to", "csv", "--format", "text"),
    "a kind of file": (ENGINE, "export", "{gone}", "--to", "{name}", "--format", "text"),
    "a photo to leave out": (ENGINE, "set-aside", "{gone}"),
    "photos": (ENGINE, "set-aside", "{bad}", "--reason", "{name}", "--list"),
    "a run to watch": (MONITOR, "{gone}"),
    "an option of the monitor": (MONITOR, "x", "--{name}"),
    "an option of the window": (WINDOW, "--{name}"),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, two classes and a damaged photo, all named for a terminal."""
    folder = tmp_path_factory.mktemp("scratch") / NAME
    make_photos(folder, ("glass", "metal"))
    (folder / "metal").rename(folder / NAME)
    (folder / NAME / f"{NAME}.jpg").write_bytes(b"no photo")
    (folder / "settings.json").write_text(json.dumps({NAME: 1}))
    return folder


def say(photos: Path, command: Sequence[str], timeout: float = 60) -> tuple[int, str]:
    """What a command says, in whatever way, and how it ends."""
    photo, bad = photos / "glass" / "glass_00.jpg", photos / NAME / f"{NAME}.jpg"
    words = {"name": NAME, "photos": photos, "gone": photos / NAME / NAME, "photo": photo, "bad": bad}
    done = subprocess.run(
        [sys.executable, "-m", *(part.format(**words) for part in command)],
        cwd=photos,
        env=environment(photos.parent / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout.decode()


def assert_plain(text: str) -> None:
    found = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"}
    assert not found, text
    assert "\nd\\" not in text, text


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[pytest.mark.slow] * (what == "a model")) for what in ERRORS]
)
def test_errors_are_plain_text(what: str, photos: Path) -> None:
    _, said = say(photos, ERRORS[what])
    assert "\\x1b[31mb" in said or "\\u202e" in said or "{name}" not in "".join(ERRORS[what]), said
    assert said and "Traceback" not in said
    assert_plain(said)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
def test_whole_runs_are_plain_text(form: str, photos: Path) -> None:
    run, how = f"{{photos}}/run-{form}", ("--format", form)
    small = ("--model", "resnet18", "--pretrained", "none", "--epochs", "1", "--image-size", "32")
    for command in (
        (ENGINE, "check", "--source", "{photos}", *how),
        (ENGINE, "train", "--source", "{photos}", *small, "--name", "{name}", "--run-dir", run, *how),
        (ENGINE, "predict", run, "{photo}", "{bad}", *how),
        (ENGINE, "evaluate", run, *how),
        (ENGINE, "export", run, "--to", "csv", *how),
        (MONITOR, run, *how),
    ):
        status, said = say(photos, command, timeout=200)
        assert status == 0, said
        assert_plain(said)


def test_a_message_is_the_same_after_it() -> None:
    told = Warned(text=NAME + "–Größe 😀", hint="")
    line = protocol.encode(told)
    assert plain(line.decode().rstrip("\n")) == line.decode().rstrip("\n")
    assert protocol.decode(line) == told
