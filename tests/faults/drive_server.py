"""The server behind a Drive: python drive_server.py MOUNT_POINT MIRRORED DELAY_S, commands on stdin.

The protocol is <linux/fuse.h>, version 7.19; only reading, in one process, without a thread.
"""

from __future__ import annotations

import ctypes
import errno
import heapq
import itertools
import os
import select
import signal
import stat
import struct
import sys
import time
from pathlib import Path

_REQUEST = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
_REPLY = struct.Struct("<IiQ")  # length, error, unique
_ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _STATFS, _RELEASE = 1, 2, 3, 14, 15, 17, 18
_FLUSH, _INIT, _OPENDIR, _READDIR, _RELEASEDIR, _INTERRUPT, _BATCH_FORGET = 25, 26, 27, 28, 29, 36, 42
_BLOCK = 131_072
_ROOT_NODE = 1


class _Server:
    def __init__(self, fuse: int, mirrored: Path, delay_s: float) -> None:
        self._fuse, self._delay_s = fuse, delay_s
        self._paths = {_ROOT_NODE: mirrored}
        self._nodes = {mirrored: _ROOT_NODE}
        self._mirrored = mirrored
        self._behaviours: dict[Path, str] = {}
        self._outage: str | None = None
        self._held: list[bytes] = []
        """Requests without an answer yet."""
        self._later: list[tuple[float, int, int, bytes]] = []
        """Answers by the moment at which they go out."""
        self._order = itertools.count()
        self._disk_free_at = 0.0

    def serve(self) -> None:
        """Until the end of stdin, or of the mount."""
        while True:
            wait_s = max(0.0, self._later[0][0] - time.monotonic()) if self._later else None
            ready, _, _ = select.select([self._fuse, 0], [], [], wait_s)
            while self._later and self._later[0][0] <= time.monotonic():
                _, _, unique, answer = heapq.heappop(self._later)
                self._answer(unique, answer)
            if 0 in ready:
                command = os.read(0, 65_536).decode()
                if not command:
                    return
                self._obey(command.rstrip("\n"))
            if self._fuse in ready:
                try:
                    self._on_request(os.read(self._fuse, 2 * _BLOCK))
                except OSError as error:
                    if error.errno == errno.ENODEV:  # unmounted
                        return
                    if error.errno not in (errno.ENOENT, errno.EINTR):  # taken back by the kernel
                        raise

    def _obey(self, command: str) -> None:
        verb, *words = command.split(" ", 2)
        if verb == "count":
            print(len(self._held) + len(self._later), flush=True)
            return
        if verb == "behave":
            self._behaviours[self._mirrored / words[1]] = words[0]
        else:
            self._outage = words[0] if verb == "vanish" else None
        held, self._held = self._held, []
        for request in held:
            self._on_request(request)
        print("done", flush=True)

    def _on_request(self, request: bytes) -> None:
        _, opcode, unique, node, *_ = _REQUEST.unpack_from(request)
        body = request[_REQUEST.size :]
        if opcode in (_FORGET, _BATCH_FORGET, _INTERRUPT):  # these want no answer
            return
        if opcode == _INIT:
            # 1: asynchronous reads, so that who waits for one can be killed; up to 999 of them under way.
            self._answer(unique, struct.pack("<IIIIHHI", 7, 19, _BLOCK, 1, 999, 999, 4096))
            return
        if self._outage == "silent":
            self._held.append(request)
            return
        try:
            self._serve_path(request, opcode, unique, self._paths[node], body)
        except OSError as error:
            self._refuse(unique, error.errno or errno.EIO)

    def _serve_path(self, request: bytes, opcode: int, unique: int, path: Path, body: bytes) -> None:
        if self._outage == "unplugged":
            raise OSError(errno.EIO, "unplugged")
        behaviour = self._behaviours.get(path, "normal")
        if opcode == _LOOKUP:
            self._answer(unique, self._entry(self._present(path / os.fsdecode(body.rstrip(b"\0")))))
        elif opcode == _GETATTR:
            self._answer(unique, struct.pack("<QII", 0, 0, 0) + self._attributes(self._present(path)))
        elif opcode in (_OPEN, _OPENDIR):
            # Direct: answers may be short, and who waits for one waits for it alone, and cannot be killed.
            direct = opcode == _OPEN and behaviour in ("slow", "unkillable")
            self._present(path)
            self._answer(unique, struct.pack("<QII", 0, 1 if direct else 0, 0))
        elif opcode == _READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            self._read(request, unique, self._present(path), behaviour, offset, size)
        elif opcode == _READDIR:
            _, offset, size = struct.unpack_from("<QQI", body)
            self._answer(unique, self._listing(path, offset, size))
        elif opcode == _STATFS:
            self._answer(unique, struct.pack("<5Q4I24x", 0, 0, 0, 0, 0, 4096, 255, 4096, 0))
        elif opcode in (_RELEASE, _RELEASEDIR, _FLUSH):
            self._answer(unique, b"")
        else:
            raise OSError(errno.ENOSYS, "not implemented")

    def _read(self, request: bytes, unique: int, path: Path, behaviour: str, offset: int, size: int) -> None:
        if behaviour in ("silent", "unkillable"):
            self._held.append(request)
            return
        if behaviour == "failing":
            raise OSError(errno.EIO, "failing")
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read(1 if behaviour == "slow" else size)
        now = time.monotonic()
        if behaviour == "slow":
            self._answer_at(now + 1, unique, data)
        elif behaviour == "delayed":
            self._disk_free_at = max(now, self._disk_free_at) + self._delay_s * len(data) / _BLOCK
            self._answer_at(self._disk_free_at, unique, data)
        else:
            self._answer(unique, data)

    def _present(self, path: Path) -> Path:
        if self._outage == "unmounted" and path != self._mirrored:
            raise OSError(errno.ENOENT, "unmounted")
        return path

    def _entry(self, path: Path) -> bytes:
        attributes = self._attributes(path)
        node = self._nodes.setdefault(path, len(self._nodes) + 1)
        self._paths[node] = path
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + attributes  # kept by the kernel for no time

    def _attributes(self, path: Path) -> bytes:
        status = path.stat()
        mode = stat.S_IFDIR | 0o755 if stat.S_ISDIR(status.st_mode) else stat.S_IFREG | 0o644
        node = self._nodes.get(path, status.st_ino)
        seconds = (int(status.st_atime), int(status.st_mtime), int(status.st_ctime))
        nanoseconds = (0, status.st_mtime_ns % 10**9, 0)
        blocks = -(-status.st_size // 512)
        return _ATTRIBUTES.pack(
            node, status.st_size, blocks, *seconds, *nanoseconds, mode, 1, 0, 0, 0, 4096, 0
        )

    def _listing(self, path: Path, offset: int, size: int) -> bytes:
        names = [] if self._outage == "unmounted" else sorted(os.listdir(os.fsencode(path)))
        listing = b""
        for number, name in enumerate(names[offset:], start=offset + 1):
            folder = os.path.isdir(os.path.join(os.fsencode(path), name))
            entry = struct.pack("<QQII", 2**32 + number, number, len(name), 4 if folder else 8) + name
            entry += bytes(-len(entry) % 8)
            if len(listing) + len(entry) > size:
                break
            listing += entry
        return listing

    def _answer_at(self, snapshot: float, unique: int, answer: bytes) -> None:
        heapq.heappush(self._later, (snapshot, next(self._order), unique, answer))

    def _answer(self, unique: int, answer: bytes) -> None:
        self._write(_REPLY.pack(_REPLY.size + len(answer), 0, unique) + answer)

    def _refuse(self, unique: int, number: int) -> None:
        self._write(_REPLY.pack(_REPLY.size, -number, unique))

    def _write(self, reply: bytes) -> None:
        try:
            os.write(self._fuse, reply)
        except OSError as error:
            if error.errno != errno.ENOENT:  # who asked has been killed meanwhile
                raise


def _mount(at: str) -> int:
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    nosuid_nodev_readonly = 2 | 4 | 1
    if libc.mount(b"waste-gui-test", os.fsencode(at), b"fuse", nosuid_nodev_readonly, options):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), at)
    return fuse


def _serve(at: str, mirrored: str, delay_s: str) -> None:
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    server = _Server(_mount(at), Path(mirrored), float(delay_s))
    print("done", flush=True)
    server.serve()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
