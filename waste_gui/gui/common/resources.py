"""The only reader of `resources/`: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def resources_dir() -> Path:
    """In a wheel `waste_gui/resources`, in a checkout (editable or bare) `resources` beside the package."""
    for folder in (PACKAGE / "resources", PACKAGE.parent / "resources"):
        if (folder / "style.qss").is_file():
            return folder
    raise FileNotFoundError(f"The resources of waste-gui are missing beside {PACKAGE}; install it again.")


def path(name: str) -> Path:
    """The file `name` of the resources, e.g. `icons/waste-gui.svg`."""
    return resources_dir() / name


def text(name: str) -> str:
    return path(name).read_text(encoding="utf-8")
