"""The program among the desktop's own: `waste-gui --install-desktop` and `--uninstall-desktop`.

No Qt: it works where no window opens, too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from waste_gui import files, isolation
from waste_gui.gui.common import resources
from waste_gui.plain_text import plain

ENTRY, ICON = "waste-gui.desktop", "waste-gui.svg"
REFRESH_LIMIT_S = 30.0

SHORTCUT = (
    "$link = (New-Object -ComObject WScript.Shell).CreateShortcut($env:WASTE_GUI_LINK);"
    "$link.TargetPath = $env:WASTE_GUI_PROGRAM; $link.Arguments = $env:WASTE_GUI_ARGUMENTS;"
    "$link.Description = 'Train a classifier of waste photos'; $link.Save()"
)
"""For PowerShell; what it needs stands in the environment, so that no name must be quoted."""

MACOS = """\
macOS keeps no menu of programs that could be added to. To start waste-gui by a double click:
open TextEdit, choose Format, Make Plain Text, write these two lines and save them as waste-gui.command
on the desktop:

    #!/bin/sh
    exec {program}

Then open the Terminal once and write: chmod +x ~/Desktop/waste-gui.command"""


def program() -> list[str]:
    """What starts this environment's waste-gui, from anywhere."""
    python = Path(sys.executable)
    script = python.with_name("waste-gui.exe" if sys.platform == "win32" else "waste-gui")
    return [str(script)] if script.is_file() else [str(python), "-P", "-m", "waste_gui.gui.app"]


def _print(text: str) -> None:
    for line in text.splitlines():
        print(plain(line), flush=True)


def install(say: Callable[[str], object] = _print) -> int:
    """Write the entry and the icon, again if they are there; 1 if that does not work."""
    if sys.platform == "darwin":
        say(MACOS.format(program=" ".join(f"'{part}'" for part in program())))
        return 1
    try:
        if sys.platform == "win32":
            _make_shortcut(say)
        else:
            _write_entry(say)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"The menu entry cannot be made: {error}")
        return 1
    say('Done: look for "waste-gui" among the programs.')
    return 0


def uninstall(say: Callable[[str], object] = _print) -> int:
    """Take away what `install` has written; runs and settings stay."""
    written = [_shortcut()] if sys.platform == "win32" else [_entry(), _icon()]
    found = [file for file in written if file.exists()]
    try:
        for file in found:
            files.remove(file)
            say(f"Removed {file}")
    except OSError as error:
        say(f"It cannot be removed: {error}")
        return 1
    if not found:
        say("There is no menu entry.")
    elif sys.platform != "win32":
        _refresh(say)
    return 0


def data_home() -> Path:
    """Where desktops look for a user's programs; by the XDG base directory specification."""
    home = os.environ.get("XDG_DATA_HOME", "")
    return Path(home) if os.path.isabs(home) else Path.home() / ".local/share"


def _entry() -> Path:
    return data_home() / "applications" / ENTRY


def _icon() -> Path:
    return data_home() / "icons/hicolor/scalable/apps" / ICON


def _write_entry(say: Callable[[str], object]) -> None:
    for file, content in (
        (_icon(), resources.path(f"icons/{ICON}").read_bytes()),
        (_entry(), entry_text(program()).encode()),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(file, content)
        say(f"Wrote {file}")
    _refresh(say)


def entry_text(command: list[str]) -> str:
    """The entry of the resources, with a command that is found from anywhere."""
    if not all(map(str.isprintable, command)):
        raise OSError(f"the program's own path, {command[0]!r}, cannot stand in a menu entry")
    start = " ".join(map(quoted, command))
    lines = resources.text(ENTRY).splitlines()
    return "\n".join(f"Exec={start} %F" if line.startswith("Exec=") else line for line in lines) + "\n"


def quoted(argument: str) -> str:
    """For a line Exec=, by the desktop entry specification: a string in which backslashes count, around an
    argument in which they count once more, and in which % begins a field."""
    for sign in ("\\", '"', "`", "$"):
        argument = argument.replace(sign, f"\\{sign}")
    return '"' + argument.replace("\\", "\\\\").replace("%", "%%") + '"'


def _refresh(say: Callable[[str], object]) -> None:
    """Desktops look by themselves, only later."""
    tool = isolation.which("update-desktop-database")
    if tool is None:
        return
    try:
        subprocess.run(
            [tool, str(_entry().parent)],
            check=True,
            capture_output=True,
            timeout=REFRESH_LIMIT_S,
            cwd=isolation.safe_folder(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        say(f"The list of programs was not refreshed ({error}); it may take until the next login.")


def _shortcut() -> Path:
    return Path(os.environ.get("APPDATA", ""), "Microsoft/Windows/Start Menu/Programs/waste-gui.lnk")


def _make_shortcut(say: Callable[[str], object]) -> None:
    """In the start menu of Windows."""
    first, *rest = program()
    wanted = {
        "WASTE_GUI_LINK": str(_shortcut()),
        "WASTE_GUI_PROGRAM": first,
        "WASTE_GUI_ARGUMENTS": " ".join(rest),
    }
    command = [
        isolation.which("powershell.exe") or "powershell",
        "-NoProfile",
        "-NonInteractive",
        "-Command",
        SHORTCUT,
    ]
    subprocess.run(
        command, check=True, capture_output=True, timeout=REFRESH_LIMIT_S, env={**os.environ, **wanted}
    )
    say(f"Wrote {_shortcut()}")
