"""Every exception by its true cause, however it was wrapped, and with the file that it was about."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waste_gui import os_errors
from waste_gui.config import RunConfig
from waste_gui.engine.causes import system_error
from waste_gui.engine.errors import WrongCheckpoint
from waste_gui.engine.failures import failed
from waste_gui.protocol import RunFailed

NAMES = sorted(name for name in os_errors.MEANINGS if hasattr(errno, name))
SERIOUS = [name for name in NAMES if os_errors.MEANINGS[name].serious]
FILE = "/data/photos/a b.jpg"

Wrap = Callable[[BaseException], BaseException]


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def from_(error: BaseException, outer: BaseException) -> BaseException:
    try:
        raise outer from error
    except BaseException as caught:
        return caught


def while_handling(error: BaseException, outer: BaseException) -> BaseException:
    try:
        try:
            raise error
        except BaseException:
            raise outer  # noqa: B904  # As a bug in a handler comes about.
    except BaseException as caught:
        return caught


def translated(error: BaseException, outer: BaseException) -> BaseException:
    try:
        try:
            raise error
        except BaseException:
            raise outer from None
    except BaseException as caught:
        return caught


WRAPS: dict[str, Wrap] = {
    "from": lambda error: from_(error, RuntimeError("loading failed")),
    "from a key error": lambda error: from_(error, KeyError("weights")),
    "while handling": lambda error: while_handling(error, ValueError("no photos")),
    "translated": lambda error: translated(error, ValueError("no photos")),
    "as an argument": lambda error: raised(RuntimeError("worker failed", error)),
    "in a group": lambda error: raised(BaseExceptionGroup("all failed", [KeyError("x"), error])),
    "ours": lambda error: from_(error, WrongCheckpoint("The checkpoint a is damaged.", "Choose another.")),
}


def say(failure: BaseException) -> RunFailed:
    return failed(failure, RunConfig(), "train", None, "Scan photos")


def os_error(name: str, file: str | None = FILE) -> OSError:
    number = getattr(errno, name)
    return OSError(number, os.strerror(number), file) if file else OSError(number, os.strerror(number))


def kind_of(name: str) -> str:
    return os_errors.MEANINGS[name].kind


@pytest.mark.parametrize("name", NAMES)
def test_error_of_the_system_is_named_with_its_file_and_stage(name: str) -> None:
    said = say(raised(os_error(name)))
    assert said.kind == kind_of(name)
    assert FILE in said.text or said.kind in ("network", "out_of_memory")
    assert "in the program" not in said.text and said.hint and "{" not in said.text
    if said.kind not in ("disk_full", "out_of_memory"):
        assert "In the stage Scan photos, at test_true_cause.py, line " in said.text


@given(st.sampled_from(SERIOUS), st.lists(st.sampled_from(sorted(WRAPS)), max_size=3))
def test_true_cause_is_found_through_every_wrapping(name: str, wraps: list[str]) -> None:
    failure = raised(os_error(name))
    for wrap in wraps:
        failure = WRAPS[wrap](failure)
    said = say(failure)
    ours = "ours" in wraps[-1:] and kind_of(name) not in (
        "disk",
        "drive",
        "limit",
        "out_of_memory",
        "disk_full",
    )
    assert said.kind == ("checkpoint" if ours else kind_of(name))


TEXTS = (
    "[Errno {number}] something: '{file}'",
    "I/O error (os error {number}): {file}",
    "{words}: '{file}'",
    'cannot read "{file}": {words}',
    "Unable to open file (unable to open file: name = '{file}', errno = {number}, error message = '{words}')",
    "{name}: '{file}'",
    "Error while serializing: {words} (os error {number}), {file}",
)


@given(st.sampled_from(NAMES), st.sampled_from(TEXTS))
def test_number_is_found_where_only_a_text_has_it(name: str, text: str) -> None:
    number = getattr(errno, name)
    file = "/data/weights/resnet.pt"
    text = text.format(number=number, words=os.strerror(number), name=name, file=file)
    said = say(raised(RuntimeError(text)))
    assert said.kind in (kind_of(name), "shared_memory_full"), text
    assert file in said.text or said.kind in ("network", "out_of_memory", "limit")


def test_handled_error_of_ordinary_work_is_no_cause() -> None:
    said = say(while_handling(os_error("ENOENT"), TypeError("not that")))
    assert said.kind == "bug" and "TypeError: not that" in said.text


def test_error_that_was_put_into_other_words_is_the_cause() -> None:
    said = say(translated(os_error("ENOENT"), RuntimeError("no labels")))
    assert said.kind == "missing_file" and FILE in said.text


@pytest.mark.parametrize("file", ["/data/a.jpg", "/data/my photos/IMG 0041 b.jpg", "C:\\data\\a.jpg"])
@pytest.mark.parametrize("text", ["failed: {}", "failed: '{}'", "failed at {}", 'failed: "{}" was lost'])
def test_path_in_a_text_is_found(file: str, text: str) -> None:
    assert os_errors.file_in(text.format(file)) == file


def test_text_of_a_bug_is_not_taken_for_the_system_s() -> None:
    assert say(raised(KeyError("Input/output error"))).kind == "bug"
    assert system_error(ValueError("the label EXIT is unknown")) == ""


def test_file_that_an_error_does_not_name_is_found_where_it_was_raised(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.touch()

    def by_descriptor() -> None:
        fd = os.open(photo, os.O_RDONLY)
        try:
            raise os_error("EIO", None)
        finally:
            os.close(fd)

    def by_file() -> None:
        with open(photo) as opened:
            assert opened.readable()
            raise os_error("EIO", None)

    def by_path(path: Path) -> None:
        raise os_error("EIO", None)

    for read in (by_file, lambda: by_path(photo)):
        with pytest.raises(OSError) as caught:
            read()
        assert str(photo) in say(caught.value).text
    with pytest.raises(OSError) as caught:
        by_descriptor()
    assert say(caught.value).kind == "disk"


def test_drive_is_told_from_the_table_of_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /data/my\\040photos rw shared:2 - nfs4 nas:/photos rw\n"
    )
    monkeypatch.setattr(os_errors, "MOUNTS", table)
    monkeypatch.setattr(sys, "platform", "linux")
    said = say(raised(OSError(errno.ESTALE, "Stale file handle", "/data/my photos/glass/a.jpg")))
    assert "(nas:/photos, nfs4, at /data/my photos)" in said.text


def test_command_that_failed_is_told_with_its_last_words() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        code = "import sys; print('no nvcc here', file=sys.stderr); sys.exit(3)"
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    said = say(from_(caught.value, RuntimeError("Error building extension")))
    assert said.kind == "command"
    assert "exit status 3" in said.text and "no nvcc here" in said.text and sys.executable in said.text
    with pytest.raises(FileNotFoundError) as missing:
        subprocess.run(["no-such-program-7"])
    assert "the program no-such-program-7 is not there" in say(missing.value).text


def test_host_is_named_where_a_connection_fails() -> None:
    with pytest.raises(OSError) as caught:
        urllib.request.urlopen("http://localhost:9/weights.pt", timeout=5)
    said = say(from_(caught.value, RuntimeError("download failed")))
    assert (said.kind, "localhost:9 refused the connection" in said.text) == ("network", True)


def test_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "index.json"
    path.write_text('{"a": ')
    with pytest.raises(ValueError) as caught, open(path) as file:
        json.load(file)
    said = say(caught.value)
    assert said.kind == "file" and str(path) in said.text
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ValueError) as caught, open(path, encoding="utf-8") as file:
        file.read()
    assert say(caught.value).kind == "file"


def test_text_that_is_of_no_file_blames_none() -> None:
    path = "/data/photos"
    with pytest.raises(ValueError) as caught:
        json.loads("{" + path)
    assert say(caught.value).kind == "bug"


@pytest.mark.parametrize(
    ("code", "words"), [(7, "exit status 7"), (None, "exit status 0"), ("no licence", 'saying "no licence"')]
)
def test_library_that_leaves_is_told_with_its_status(code: object, words: str) -> None:
    said = say(raised(SystemExit(code)))
    assert said.kind == "left" and words in said.text
    full = while_handling(os_error("ENOSPC"), SystemExit(code))
    assert say(full).kind == "disk_full"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no")


class Odd:
    @property
    def __dict__(self) -> dict[str, object]:  # type: ignore[override]
        raise RuntimeError("no")

    def read(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_exception_that_cannot_be_looked_at_is_still_told() -> None:
    assert say(raised(Unspeakable())).kind == "bug"
    with pytest.raises(OSError) as caught:
        Odd().read()
    assert say(caught.value).text
    circle = RuntimeError("round")
    circle.__cause__ = circle
    assert say(circle).kind == "bug"


def of_library(tmp_path: Path, code: str) -> BaseException:
    """What is raised in a library that is installed."""
    path = tmp_path / "lib/python3.11/site-packages/foo/bar.py"
    path.parent.mkdir(parents=True)
    path.write_text(code)
    try:
        exec(compile(code, str(path), "exec"), {})
    except Exception as error:
        return error
    raise AssertionError


def test_bug_of_a_library_names_the_library(tmp_path: Path) -> None:
    said = say(of_library(tmp_path, "{}['a']"))
    assert said.kind == "bug" and "an error in the library foo: KeyError: 'a'" in said.text
    assert "foo/bar.py, line 1" in said.text


def test_libraries_of_versions_that_do_not_fit_are_named(tmp_path: Path) -> None:
    said = say(of_library(tmp_path, "import json\njson.float"))
    assert said.kind == "installation" and "foo and json do not fit each other" in said.text
    for text in (
        "operator torchvision::nms does not exist",
        "huggingface-hub>=0.23 is required for a normal functioning of this module, but found "
        "huggingface-hub==0.1.",
    ):
        assert say(raised(RuntimeError(text))).kind == "installation"


NO_NUMBER = [
    (OSError("image file is truncated (7 bytes not processed)"), "file"),
    (
        RuntimeError("PytorchStreamReader failed reading zip archive: failed finding central directory"),
        "file",
    ),
    (OSError("Unable to synchronously open file"), "file"),
    (sqlite3.OperationalError("database is locked"), "busy"),
    (sqlite3.DatabaseError("file is not a database"), "file"),
    (TimeoutError("no answer in 5 s"), "system"),
]


@pytest.mark.parametrize(("error", "kind"), NO_NUMBER, ids=str)
def test_error_of_a_file_without_a_number_names_the_file(error: Exception, kind: str) -> None:
    def read(path: Path) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        read(Path("/data/a.pt"))
    said = say(caught.value)
    assert said.kind == kind and "/data/a.pt" in said.text and "in the program" not in said.text


def test_endless_recursion_is_told_with_its_function() -> None:
    def around_and_around() -> None:
        around_and_around()

    with pytest.raises(RecursionError) as caught:
        around_and_around()
    assert "around_and_around calls itself without end" in say(caught.value).text


def test_error_of_another_thread_is_the_same() -> None:
    caught: list[BaseException] = []

    def read() -> None:
        try:
            raise os_error("EIO")
        except OSError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert say(caught[0]).kind == "disk"
