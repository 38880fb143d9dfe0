"""Opening what a stranger may have prepared."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from waste_gui import files

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes links, pipes and modes of POSIX")


def link(trap: Path, victim: Path) -> None:
    trap.symlink_to(victim)


def dangling_link(trap: Path, victim: Path) -> None:
    trap.symlink_to(victim.with_name("new"))


def hard_link(trap: Path, victim: Path) -> None:
    trap.hardlink_to(victim)


def pipe(trap: Path, victim: Path) -> None:
    os.mkfifo(trap)


def device(trap: Path, victim: Path) -> None:
    trap.symlink_to("/dev/full")


def folder(trap: Path, victim: Path) -> None:
    trap.mkdir()


def a_socket(trap: Path, victim: Path) -> None:
    here = os.getcwd()
    os.chdir(trap.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(trap.name)
    finally:
        os.chdir(here)


Trap = Callable[[Path, Path], None]
TRAPS: tuple[Trap, ...] = (link, dangling_link, hard_link, pipe, device, folder, a_socket)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "victim"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
def test_nothing_is_appended_through_a_trap(trap: Trap, run: Path, victim: Path) -> None:
    trap(run / "file", victim)
    with pytest.raises(OSError):
        files.append(run / "file", b"!")
    assert victim.read_bytes() == b"mine" and os.listdir(victim.parent) == ["victim"]


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
def test_a_file_is_replaced_and_never_what_a_trap_leads_to(trap: Trap, run: Path, victim: Path) -> None:
    trap(run / "file", victim)
    if trap is folder:
        with pytest.raises(OSError):
            files.write_atomically(run / "file", b"new")
    else:
        files.write_atomically(run / "file", b"new")
        assert stat.S_ISREG(os.lstat(run / "file").st_mode) and (run / "file").read_bytes() == b"new"
    assert victim.read_bytes() == b"mine" and os.listdir(victim.parent) == ["victim"]
    assert os.listdir(run) == ["file"]


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap is not hard_link], ids=lambda t: t.__name__)
def test_only_an_ordinary_file_is_read(trap: Trap, run: Path, victim: Path) -> None:
    trap(run / "file", victim)
    assert not files.is_ordinary(run / "file")
    with pytest.raises(OSError):
        files.read(run / "file", files.SMALL_BYTES)


def test_a_path_that_the_person_named_may_be_a_link_but_no_device(run: Path, victim: Path) -> None:
    link(run / "file", victim)
    assert files.read(run / "file", 10, follow=True) == b"mine"
    device(run / "other", victim)
    with pytest.raises(files.UnsafeFile, match="no ordinary file"):
        files.read(run / "other", 10, follow=True)


def test_a_file_of_four_gigabytes_is_not_read(run: Path) -> None:
    with open(run / "file", "wb") as file:
        file.truncate(4 * 2**30)
    with pytest.raises(files.UnsafeFile, match="larger than 4 MB"):
        files.read(run / "file", files.SMALL_BYTES)
    assert files.read_end(run / "file", 10) == (bytes(10), 4 * 2**30 - 10)


def test_a_linked_folder_inside_a_run_is_not_entered(run: Path, victim: Path) -> None:
    (run / "results").symlink_to(victim.parent)
    path = run / "results" / "victim"
    for act in (
        lambda: files.read(path, 10, run),
        lambda: files.append(path, b"!", run),
        lambda: files.write_atomically(path, b"!", run),
        lambda: files.remove(path, run),
        lambda: files.create(run / "results" / "new", run),
        lambda: files.rename(path, path.with_name("other"), run),
        lambda: files.make_folder(run / "results", run),
        lambda: files.make_folder(run / "results" / "new", run),
    ):
        with pytest.raises(files.UnsafeFile, match="link"):
            act()
    assert victim.read_bytes() == b"mine" and os.listdir(victim.parent) == ["victim"]


def test_a_run_folder_may_be_reached_through_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "short").symlink_to(run)
    chosen = tmp_path / "short"
    files.make_folder(chosen / "results", chosen)
    files.make_folder(chosen / "results", chosen)
    files.write_atomically(chosen / "results" / "table.csv", b"a\n", chosen)
    files.append(chosen / "results" / "table.csv", b"b\n", chosen)
    assert files.read(run / "results" / "table.csv", 10) == b"a\nb\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_somebody_else_is_not_written(run: Path) -> None:
    (run / "file").write_bytes(b"theirs")
    os.chown(run / "file", 12345, -1)
    with pytest.raises(files.UnsafeFile, match="somebody else"):
        files.append(run / "file", b"!")
    assert (run / "file").read_bytes() == b"theirs" and os.listdir(run) == ["file"]


def test_private_files_and_folders_are_the_persons_own(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        files.make_private_folder(tmp_path / "a" / "b")
        files.append(tmp_path / "a" / "secret", b"!", mode=files.PRIVATE_FILE)
        files.write_atomically(tmp_path / "a" / "other", b"!", mode=files.PRIVATE_FILE)
    finally:
        os.umask(before)
    modes = {
        name: stat.S_IMODE(os.stat(tmp_path / "a" / name).st_mode) for name in ("", "b", "secret", "other")
    }
    assert modes == {"": 0o700, "b": 0o700, "secret": 0o600, "other": 0o600}


@pytest.mark.parametrize("content", [b"[" * 200_000, b"\xff", b"", b'{"a": 1e999}', b"Infinity", bytes(1000)])
def test_json_that_is_none_is_a_value_error(run: Path, content: bytes) -> None:
    (run / "file").write_bytes(content)
    with pytest.raises(ValueError):
        files.read_json(run / "file", dict[str, float], files.SMALL_BYTES)
