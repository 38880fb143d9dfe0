"""Children and programs that find nothing in the current folder: it may be a stranger's folder of photos.

Python's `-P`, an environment whose search paths are absolute, and a folder of the person's own to stand in.
What `python -m waste_gui…` itself imports is seen to in `waste_gui/__init__.py`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import waste_gui
from waste_gui.rundir import HOME_VARIABLE, data_dir

SEARCH_PATHS = (
    "PATH",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "XDG_DATA_DIRS",
    "QT_PLUGIN_PATH",
)
"""An empty entry, easily made by `PATH=$PATH:`, means the current folder to most programs."""


def module_command(module: str, *arguments: str) -> list[str]:
    """A Python that runs a module of ours and imports nothing from the current folder; to be started with
    `environment()`."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """For a child that runs Python: ours, with absolute paths alone, in which this package is found."""
    clean = {**os.environ, **_absolute_paths(os.environ), **(more or {})}
    clean["PYTHONPATH"] = os.pathsep.join(filter(None, (_to_find_us(), clean.get("PYTHONPATH"))))
    clean["PYTHONSAFEPATH"] = "1"  # For the Pythons that libraries start.
    if clean.get(HOME_VARIABLE):
        clean[HOME_VARIABLE] = str(data_dir())
    return {name: value for name, value in clean.items() if value or name not in SEARCH_PATHS}


def clean_environment() -> None:
    """Of this process, so that no library of ours starts a program or a plugin from the current folder."""
    for name, value in _absolute_paths(os.environ).items():
        if value:
            os.environ[name] = value
        else:
            del os.environ[name]
    if sys.platform == "win32":
        os.environ["NoDefaultCurrentDirectoryInExePath"] = "1"


def safe_folder() -> str:
    """Where a child stands: the person's own folder of this program, where there is one."""
    folder = str(data_dir())
    usable = os.path.isdir(folder) and os.access(folder, os.X_OK)
    return folder if usable else Path(sys.executable).anchor


def which(program: str, *more_folders: str) -> str | None:
    """Where a program is, by absolute entries of PATH alone, then in `more_folders`."""
    for folder in (*_absolute(os.environ.get("PATH", "")).split(os.pathsep), *more_folders):
        found = shutil.which(program, path=folder) if folder else None
        if found is not None and os.path.isabs(found):
            return found
    return None


def _absolute_paths(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: _absolute(variables[name]) for name in SEARCH_PATHS if name in variables}


def _absolute(entries: str) -> str:
    return os.pathsep.join(entry for entry in entries.split(os.pathsep) if os.path.isabs(entry))


def _to_find_us() -> str | None:
    """Nothing where this package is installed: before the entry, Python's own library would come second."""
    parent = str(Path(waste_gui.__file__).resolve().parents[1])
    installed = any(part in ("site-packages", "dist-packages") for part in Path(parent).parts)
    return None if installed else parent
