"""Files, folders, patterns and lists that a person names to have them classified."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.dataset.test_scan import plant
from waste_gui.dataset.named_photos import named_photos
from waste_gui.dataset.samples import DatasetError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plant(tmp_path, "p/glass/2", "p/paper/1", "p/#recycle/3", "p/notes.txt", "p/a[1].jpg", "p/.hidden.jpg")


@pytest.mark.parametrize(
    ("arguments", "photos"),
    [
        (["p/glass"], ["p/glass/0.jpg", "p/glass/1.jpg"]),
        (["p"], ["p/a[1].jpg", "p/glass/0.jpg", "p/glass/1.jpg", "p/paper/0.jpg"]),
        (["p/glass/*.jpg"], ["p/glass/0.jpg", "p/glass/1.jpg"]),
        (["p/**/0.*"], ["p/#recycle/0.jpg", "p/glass/0.jpg", "p/paper/0.jpg"]),
        (["p/a[1].jpg"], ["p/a[1].jpg"]),
        (["p/paper/0.jpg", "p/*/0.jpg", "p/paper"], ["p/paper/0.jpg", "p/#recycle/0.jpg", "p/glass/0.jpg"]),
    ],
)
def test_what_is_named_is_found_once_in_the_order_named(arguments: list[str], photos: list[str]) -> None:
    assert [each.replace(os.sep, "/") for each in named_photos(arguments)] == photos


def test_list_names_paths_beside_it_or_from_here_and_what_is_gone(tmp_path: Path) -> None:
    lines = "\ufeff# two\nglass/0.jpg\np/paper/0.jpg\n\ngone.jpg\n"
    (tmp_path / "p" / "todo.txt").write_text(lines, encoding="utf-8")
    assert named_photos(["p/todo.txt"]) == ["p/glass/0.jpg", "p/paper/0.jpg", "p/gone.jpg"]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("nowhere.jpg", "There is no such file: nowhere.jpg."),
        ("p/*.bmp", "There is no file that fits p/*.bmp."),
        ("empty", "There are no photos in empty."),
        ("p/notes.txt", "The list p/notes.txt names no photos."),
    ],
)
def test_what_is_not_there_is_told_and_the_rest_goes_on(tmp_path: Path, argument: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "p/notes.txt").write_text("# nothing\n")
    with pytest.raises(DatasetError, match=words.replace("*", r"\*")):
        named_photos([argument])
    told: list[str] = []
    single = argument.startswith("nowhere")  # The reader tells of it as of any photo that has vanished.
    assert named_photos(["p/paper", argument], told.append) == ["p/paper/0.jpg", *[argument] * single]
    assert told == [words] * (not single)
