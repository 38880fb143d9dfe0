"""The menu entry, written into a folder of the test's own."""

from __future__ import annotations

import configparser
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from waste_gui.gui import app
from waste_gui.gui.platform import desktop_entry
from waste_gui.rundir import data_dir

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has such entries")

ENTRY = "applications/waste-gui.desktop"
ICON = "icons/hicolor/scalable/apps/waste-gui.svg"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """XDG_DATA_HOME."""
    folder = tmp_path / "with space"
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return folder


def files(folder: Path) -> set[str]:
    """The cache that some systems keep beside the entries is not ours."""
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    return found - {"applications/mimeinfo.cache"}


def test_entry_and_icon_are_written_and_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # The second time changes nothing.
        assert app.main(["--install-desktop"]) == 0
        assert files(home) == {ENTRY, ICON}
        out = capsys.readouterr().out
        assert str(home / ENTRY) in out and str(home / ICON) in out
    assert (home / ICON).read_bytes().startswith(b"<svg")


def test_entry_starts_this_environment_from_anywhere(home: Path) -> None:
    assert app.main(["--install-desktop"]) == 0
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(home / ENTRY)
    entry = parser["Desktop Entry"]
    assert entry["Exec"] == " ".join(f'"{part}"' for part in desktop_entry.program()) + " %F"
    assert (entry["Name"], entry["Icon"], entry["Terminal"]) == ("waste-gui", "waste-gui", "false")
    ended = subprocess.run(
        [*desktop_entry.program(), "--help"], capture_output=True, text=True, timeout=60, cwd=home
    )
    assert ended.returncode == 0 and "--install-desktop" in ended.stdout


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="desktop-file-utils is missing")
def test_entry_is_valid(home: Path) -> None:
    assert app.main(["--install-desktop"]) == 0
    subprocess.run(["desktop-file-validate", str(home / ENTRY)], check=True)


def test_uninstall_takes_away_what_was_written_and_no_more(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["--uninstall-desktop"]) == 0
    assert "There is no menu entry." in capsys.readouterr().out
    app.main(["--install-desktop"])
    (home / "applications/other.desktop").touch()
    data_dir().mkdir(parents=True)
    (data_dir() / "window.ini").touch()
    assert app.main(["--uninstall-desktop"]) == 0
    assert files(home) == {"applications/other.desktop"}
    assert (data_dir() / "window.ini").exists()


def test_list_of_programs_is_refreshed_where_that_is_known(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin/update-desktop-database"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/refreshed"\n')
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    assert app.main(["--install-desktop"]) == 0
    assert (tmp_path / "refreshed").read_text().strip() == str(home / "applications")


def test_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert app.main(["--install-desktop"]) == 1
    assert "cannot be made" in capsys.readouterr().out


def test_signs_in_a_path_stay_what_they_are() -> None:
    """By the desktop entry specification: the string's escapes around the argument's."""
    assert desktop_entry.quoted("/opt/a b") == '"/opt/a b"'
    assert desktop_entry.quoted('/a"b$c`d') == '"/a\\\\"b\\\\$c\\\\`d"'
    assert desktop_entry.quoted("/a\\b") == '"/a\\\\\\\\b"'
    assert desktop_entry.quoted("/100%") == '"/100%%"'
