"""The other end of a Unix socket, as the kernel tells it when it is asked: sock_diag(7)."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Generator, Iterator

REQUEST_BODY = struct.Struct("=IHHII BBHIIIII")
HEADER = struct.Struct("=IHHII")
ANSWER = struct.Struct("=BBBBIII")
BY_FAMILY, REQUEST, DUMP, SOCK_DIAG = 20, 1, 0x300, 4
SHOW_PEER, SHOW_ICONS = 4, 8
PEER, ICONS = 2, 3
ERROR, DONE = 2, 3
LISTENING = 1 << 10
ANY = 0xFFFFFFFF
PATIENCE_S = 0.2


def peer_of(inode: int) -> int:
    """The inode of the other end; 0 where there is none, or it may not be asked for."""
    for _, attributes in _ask(inode, SHOW_PEER, REQUEST, ANY):
        if len(value := attributes.get(PEER, b"")) >= 4:
            return int(struct.unpack_from("=I", value)[0])
    return 0


def listener_for(inode: int) -> int:
    """The inode of the listening socket that has not accepted this one's connection yet; or 0."""
    for listener, attributes in _ask(0, SHOW_ICONS, REQUEST | DUMP, LISTENING):
        value = attributes.get(ICONS, b"")
        if inode in struct.unpack(f"={len(value) // 4}I", value[: len(value) // 4 * 4]):
            return listener
    return 0


def _ask(inode: int, show: int, flags: int, states: int) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Inode and attributes of each socket in the answer."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, struct.error):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, SOCK_DIAG) as asked:
            asked.settimeout(PATIENCE_S)
            body = (socket.AF_UNIX, 0, 0, states, inode, show, ANY, ANY)
            asked.send(REQUEST_BODY.pack(REQUEST_BODY.size, BY_FAMILY, flags, 1, 0, *body))
            while True:
                last = yield from _messages(asked.recv(65536))
                if last or not flags & DUMP:
                    return


def _messages(answer: bytes) -> Generator[tuple[int, dict[int, bytes]], None, bool]:
    """Returns, at its end, whether that was the end of all."""
    at = 0
    while at + HEADER.size <= len(answer):
        length, kind, *_ = HEADER.unpack_from(answer, at)
        if kind in (ERROR, DONE) or length < HEADER.size:
            return True
        inode = ANSWER.unpack_from(answer, at + HEADER.size)[4]
        yield inode, _attributes(answer[at + HEADER.size + ANSWER.size : at + length])
        at += (length + 3) & ~3
    return False


def _attributes(content: bytes) -> dict[int, bytes]:
    found, at = dict[int, bytes](), 0
    while at + 4 <= len(content):
        length, kind = struct.unpack_from("=HH", content, at)
        if length < 4:
            break
        found[kind] = content[at + 4 : at + length]
        at += (length + 3) & ~3
    return found
