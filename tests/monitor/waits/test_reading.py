"""The kernel's own texts, read."""

from __future__ import annotations

import sys

import pytest

from waste_gui.monitor.waits import kernel, locks, mounts
from waste_gui.monitor.waits.sockets import Address, _address
from waste_gui.monitor.waits.system_calls import name_of

LOCKS = """\
1: FLOCK  ADVISORY  WRITE 7452 fe:00:2146372 0 EOF
1: -> FLOCK  ADVISORY  WRITE 7460 fe:00:2146372 0 EOF
2: POSIX  ADVISORY  READ  900 00:2a:17 128 128
3: OFDLCK ADVISORY  WRITE -1 fe:00:99 0 EOF
nonsense
4: LEASE  ACTIVE    READ  12 fe:00:5 0 EOF
"""
MOUNTS = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:50 / /photos rw shared:5 - nfs4 fileserver:/export/photos rw,vers=4.2
41 27 0:51 / /my\\040drive rw - fuse.sshfs me@host.example:/x rw
42 27 0:52 / /share rw - cifs //nas/share rw
"""


def test_waiter_is_found_with_the_lock_that_stands_in_its_way() -> None:
    known = locks.parse(LOCKS)
    assert [lock.kind for lock in known] == ["FLOCK", "FLOCK", "POSIX", "OFDLCK", "LEASE"]
    waiting = locks.waited_for(7460, known)
    assert waiting is not None and [lock.pid for lock in waiting[1]] == [7452]
    assert locks.held_on(99, known)[0].pid == -1 and known[2].end == 128 and known[0].end is None


def test_drive_of_a_path_is_its_longest_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "read", lambda path, most=0: MOUNTS)
    known = mounts.mounts(1)
    found = {
        path: mounts.of_path(path, known) for path in ("/photos/a.jpg", "/photosx", "/my drive", "/share/b")
    }
    servers = {path: mount.server if mount else "none" for path, mount in found.items()}
    assert servers == {
        "/photos/a.jpg": "fileserver",
        "/photosx": "",
        "/my drive": "host.example",
        "/share/b": "nas",
    }


@pytest.mark.skipif(sys.byteorder == "big", reason="the words stand in the processor's order")
@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F:1F90", Address("127.0.0.1", 8080)),
        ("00000000000000000000000001000000:0050", Address("::1", 80)),
        ("0000000000000000FFFF00000100007F:1F90", Address("127.0.0.1", 8080)),
    ],
)
def test_address_is_read(text: str, address: Address) -> None:
    assert _address(text) == address


@pytest.mark.parametrize(
    ("machine", "number", "name"),
    [
        ("x86_64", 73, "flock"),
        ("x86_64", 230, "clock_nanosleep"),
        ("aarch64", 32, "flock"),
        ("aarch64", 115, "clock_nanosleep"),
        ("aarch64", 98, "futex"),
        ("riscv64", 1, "call 1"),
    ],
)
def test_call_has_its_name_on_each_processor(machine: str, number: int, name: str) -> None:
    assert name_of(number, machine) == name


def test_command_is_short_and_one_line() -> None:
    assert kernel.short_command(["/usr/bin/python3", "/home/me/eval.py", "--x"]) == "python3 eval.py --x"
    assert len(kernel.short_command(["sh", "-c", "x" * 500])) <= kernel.MOST_COMMAND
    assert "\n" not in kernel.short_command(["sh", "-c", "a\nb"])
