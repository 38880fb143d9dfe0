"""Sockets by inode, from Linux's lists: address, port and state of the network's, path of Unix sockets."""

from __future__ import annotations

import contextlib
import ipaddress
import struct
import sys
from dataclasses import dataclass

from waste_gui.monitor.waits import kernel

STATES = {1: "established", 2: "connecting", 3: "connecting", 8: "closed by the other end", 10: "listening"}
UNIX_STATES = {1: "unconnected", 2: "connecting", 3: "connected", 4: "disconnecting"}
ACCEPTS = 0x10000
"""The flag of a Unix socket that listens."""


@dataclass(frozen=True)
class Address:
    """An end of a connection."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False

    @property
    def is_any(self) -> bool:
        return self.host in ("0.0.0.0", "::") or not self.port


@dataclass(frozen=True)
class Socket:
    """`kind` is tcp, udp or unix; `path` is a Unix socket's name."""

    inode: int
    kind: str
    state: str = ""
    local: Address | None = None
    remote: Address | None = None
    path: str = ""
    unread: int = 0
    unsent: int = 0

    @property
    def listens(self) -> bool:
        return self.state == "listening"


def sockets(pid: int) -> dict[int, Socket]:
    """Those of the network that this process sees, by inode."""
    found: dict[int, Socket] = {}
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in kernel.read(f"/proc/{pid}/net/{kind}", 2**22).splitlines()[1:]:
            with contextlib.suppress(ValueError, IndexError):
                each = _internet(kind.rstrip("6"), line.split())
                found[each.inode or -len(found) - 1] = each
    for line in kernel.read(f"/proc/{pid}/net/unix", 2**22).splitlines()[1:]:
        with contextlib.suppress(ValueError, IndexError):
            each = _unix(line.split(maxsplit=7))
            found[each.inode] = each
    return found


def _internet(kind: str, fields: list[str]) -> Socket:
    queued = fields[4].split(":")
    state = int(fields[3], 16)
    said = STATES.get(state, "closing") if kind == "tcp" else ""
    return Socket(
        int(fields[9]),
        kind,
        said,
        _address(fields[1]),
        _address(fields[2]),
        unread=int(queued[1], 16),
        unsent=int(queued[0], 16),
    )


def _unix(fields: list[str]) -> Socket:
    flags, state = int(fields[3], 16), int(fields[5], 16)
    said = "listening" if flags & ACCEPTS else UNIX_STATES.get(state, "")
    return Socket(int(fields[6]), "unix", said, path=fields[7].strip() if len(fields) > 7 else "")


def _address(text: str) -> Address:
    """`0100007F:1F90` is 127.0.0.1:8080: each word of four bytes stands in the processor's order."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    words = struct.unpack(f"={len(raw) // 4}I", raw)
    packed = b"".join(struct.pack(">I", word) for word in words)
    if sys.byteorder == "big":
        packed = raw
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return Address(str(mapped or address), int(port, 16))


def other_end(socket_: Socket, all_sockets: dict[int, Socket]) -> Socket | None:
    """On this computer: of a connection the same with its ends exchanged."""
    for each in all_sockets.values():
        if each.kind == socket_.kind == "tcp" and each.local and each.remote and not each.listens:
            if (each.local, each.remote) == (socket_.remote, socket_.local):
                return each
    return None


def listener(address: Address, all_sockets: dict[int, Socket]) -> Socket | None:
    for each in all_sockets.values():
        if each.listens and each.local and each.local.port == address.port:
            if each.local.is_any or each.local.host in ("0.0.0.0", "::") or each.local == address:
                return each
    return None
