"""What strangers prepare, each with a place that shows whether it did harm."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = frozenset(
    "xdg-open nvidia-smi py-spy journalctl update-desktop-database lspci uname lsb_release gcc cc c++ ld "
    "objdump ldconfig git sh python python3 which env".split()
)
OWN = {"waste_gui", "tests", "__main__", "__pycache__"}


@functools.cache
def module_names() -> frozenset[str]:
    """Of Python's own library and of all that is installed."""
    installed = {name for name in importlib.metadata.packages_distributions() if name.isidentifier()}
    return frozenset({*sys.stdlib_module_names, *installed, "sitecustomize", "usercustomize"} - OWN)


@functools.cache
def loaded_before_us() -> frozenset[str]:
    """What `python -m` itself imports, from the current folder too, before it comes to any program. Who
    starts `waste-engine` or `waste-gui` is safe from that as well."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "empty.py").write_text("import sys; print(*sys.modules)")
        done = subprocess.run([sys.executable, "-m", "empty"], cwd=folder, capture_output=True, text=True)
    return frozenset(name.partition(".")[0] for name in done.stdout.split())


class Canary:
    """A file that every trap writes its name to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def sang(self) -> set[str]:
        return set(self.path.read_text().split()) if self.path.exists() else set()

    def modules(self, folder: Path, names: Iterable[str] | None = None) -> None:
        """A module, or a package, that says that it was imported, for each name; by default for all that we
        could import."""
        names = module_names() - loaded_before_us() if names is None else names
        for number, name in enumerate(sorted(names)):
            code = (
                f"import builtins\nwith builtins.open({str(self.path)!r}, 'a') as f: f.write('{name}.py ')\n"
            )
            file = folder / f"{name}.py"
            if number % 7 == 0:
                (folder / name).mkdir(exist_ok=True)
                file = folder / name / "__init__.py"
            file.write_text(code)

    def programs(self, folder: Path) -> None:
        for name in PROGRAMS:
            (folder / name).write_text(f"#!/bin/sh\necho {name} >> '{self.path}'\n")
            (folder / name).chmod(0o755)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of a person who works in a folder of photos, with a home of their own."""
    home.mkdir(exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "PYTHON"))}
    clean.pop("WASTE_GUI_HOME", None)
    own = {"HOME": str(home), "PYTHONPATH": str(REPOSITORY), "QT_QPA_PLATFORM": "offscreen"}
    return clean | own | more
