"""Who imports whom: no circle anywhere in the package, and no room of the window that knows another.

Imports under TYPE_CHECKING and inside functions count. What else holds stands in pyproject.toml."""

from __future__ import annotations

from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import waste_gui

SOURCE = Path(waste_gui.__file__).parent

SHARED = {"common", "session", "shell"}
"""The folders of the window that are no room."""

ON_TOP = {"app", "commands", "headless", "inputs", "looking", "main_window", "rooms", "without_qt"}
"""The files beside the rooms, which connect them: nothing below knows these."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("waste_gui", exclude_type_checking_imports=False, cache_dir=None)


def rooms() -> set[str]:
    """A folder of the window is a room, also one that is added."""
    return {
        child.rpartition(".")[2]
        for child in graph().find_children("waste_gui.gui")
        if graph().find_children(child) and child.rpartition(".")[2] not in SHARED
    }


def test_no_two_files_import_each_other_in_a_circle() -> None:
    imports = {module: graph().find_modules_directly_imported_by(module) for module in graph().modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def test_rooms_of_the_window_know_neither_each_other_nor_what_frames_them() -> None:
    assert {"photos", "settings", "training", "diagnosis", "results", "runs", "queue"} <= rooms()
    wrong = []
    for room in rooms():
        for module in graph().find_descendants(f"waste_gui.gui.{room}"):
            for imported in graph().find_modules_directly_imported_by(module):
                place = imported.split(".")[2] if imported.startswith("waste_gui.gui.") else ""
                if place in (rooms() | ON_TOP | {"shell"}) - {room}:
                    wrong.append(f"{module} imports {imported}")
    assert wrong == []


def test_files_beside_the_rooms_are_those_that_connect_them() -> None:
    beside = {
        child.rpartition(".")[2]
        for child in graph().find_children("waste_gui.gui")
        if not graph().find_children(child)
    }
    assert beside == ON_TOP, "a new file belongs into a room, or into what all of them share"


def test_session_needs_no_widget() -> None:
    for file in (SOURCE / "gui/session").glob("*.py"):
        assert "QtWidgets" not in file.read_text(encoding="utf-8"), file


def test_main_window_lays_out_and_connects_and_nothing_else() -> None:
    assert len((SOURCE / "gui/main_window.py").read_text(encoding="utf-8").splitlines()) <= 300


def test_folder_map_names_every_file() -> None:
    """But for the small widgets that rooms share, and the rules, which it tells of together."""
    told = (SOURCE / "README.md").read_text(encoding="utf-8")
    files = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if path.name != "__init__.py"]
    together = (Path("gui/common"), Path("monitor/rules"))
    missing = [str(p) for p in files if p.parent not in together and f"`{p.name}`" not in told]
    assert not missing
