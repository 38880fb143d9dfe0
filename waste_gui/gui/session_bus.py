"""The few words of D-Bus that a notification needs, over the session bus's socket; for a thread, as it waits.

Not with PySide6's QtDBus: it sends every number as a signed one, and the second argument of `Notify` is
unsigned, so that real servers refuse the call. Source: the D-Bus specification, "Message Protocol" and
"Authentication Protocol".
"""

from __future__ import annotations

import os
import re
import select
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote

ANSWER_S = 5.0

CALL, ANSWER, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_TO, DESTINATION, SIGNATURE = 1, 2, 3, 4, 5, 6, 8
"""Kinds of messages, and the fields of a header."""

DRIVER = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")

_NUMBERS = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d"}
_LIMIT = 2**20
"""Longer messages than a notification server ever sends are not read."""


class BusError(Exception):
    """The bus is not there, or the other side refused."""


@dataclass(frozen=True)
class Message:
    kind: int
    fields: dict[int, Any]
    body: tuple[Any, ...]

    @property
    def member(self) -> str:
        return str(self.fields.get(MEMBER, ""))


def session_address() -> str:
    """As the desktop says it; else where systemd puts it. Empty where there is none."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not address and runtime and Path(runtime, "bus").exists():
        return f"unix:path={runtime}/bus"
    return address


class SessionBus:
    """A connection of one's own; BusError or OSError where it fails."""

    def __init__(self, address: str) -> None:
        self._serial = 0
        self._waiting: list[Message] = []
        self._socket = _connected(address)
        try:
            self._socket.settimeout(ANSWER_S)
            self._authenticate()
            self.call(DRIVER, "Hello")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> SessionBus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _authenticate(self) -> None:
        user = str(os.getuid()).encode().hex().encode()
        self._socket.sendall(b"\0AUTH EXTERNAL " + user + b"\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            more = self._socket.recv(1)
            if not more or len(answer) > 1000:
                raise BusError("The session bus closed the connection.")
            answer += more
        if not answer.startswith(b"OK"):
            raise BusError("The session bus refused this user.")
        self._socket.sendall(b"BEGIN\r\n")

    def call(
        self, to: tuple[str, str, str], member: str, signature: str = "", *arguments: Any
    ) -> tuple[Any, ...]:
        """`to` is the name, the path and the interface of the other side; what it answers."""
        name, path, interface = to
        self._serial += 1
        fields = [
            (PATH, "o", path),
            (DESTINATION, "s", name),
            (INTERFACE, "s", interface),
            (MEMBER, "s", member),
        ]
        if signature:
            fields.append((SIGNATURE, "g", signature))
        self._socket.sendall(_message(self._serial, fields, signature, arguments))
        while True:
            message = self._read()
            if message.fields.get(REPLY_TO) != self._serial:
                self._waiting.append(message)
            elif message.kind == ERROR:
                raise BusError(str(message.body[0]) if message.body else str(message.fields.get(ERROR_NAME)))
            else:
                return message.body

    def listen(self, interface: str) -> None:
        """Let the signals of this interface come."""
        self.call(DRIVER, "AddMatch", "s", f"type='signal',interface='{interface}'")

    def next_message(self, within_s: float) -> Message | None:
        """The next that was not asked for; None if none came."""
        if self._waiting:
            return self._waiting.pop(0)
        ready, _, _ = select.select([self._socket], [], [], within_s)
        return self._read() if ready else None

    def _read(self) -> Message:
        begin = self._exactly(16)
        order = "<" if begin[:1] == b"l" else ">"
        body_bytes, fields_bytes = struct.unpack(f"{order}4xI4xI", begin)
        rest_bytes = -(-fields_bytes // 8) * 8 + body_bytes
        if rest_bytes > _LIMIT:
            raise BusError("The session bus sent too much.")
        reader = _Reader(begin + self._exactly(rest_bytes), order, 12)
        fields = dict(reader.read("a(yv)"))
        reader.align(8)
        body = tuple(reader.read(each) for each in _split(str(fields.get(SIGNATURE, ""))))
        return Message(begin[1], fields, body)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self._socket.recv(count - len(found))
            if not more:
                raise BusError("The session bus went away.")
            found += more
        return found


def _connected(address: str) -> socket.socket:
    """To the first address that answers: `unix:path=/run/user/1000/bus,guid=…;unix:abstract=…`."""
    if sys.platform == "win32":
        raise BusError("Windows has no session bus.")
    for each in address.split(";"):
        place = re.search(r"^unix:(?:.*,)?(path|abstract)=([^,]+)", each)
        if place is None:
            continue
        path = unquote(place[2])
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path if place[1] == "path" else f"\0{path}")
        except OSError:
            connection.close()
            continue
        return connection
    raise BusError("There is no session bus.")


def _message(
    serial: int, fields: list[tuple[int, str, str]], signature: str, arguments: tuple[Any, ...]
) -> bytes:
    body = _Writer()
    for each, value in zip(_split(signature), arguments, strict=True):
        body.write(each, value)
    header = _Writer(struct.pack("<BBBBII", ord("l"), CALL, 0, 1, len(body.out), serial))
    header.write("a(yv)", [(code, (kind, value)) for code, kind, value in fields])
    header.align(8)
    return bytes(header.out + body.out)


def _split(signature: str) -> list[str]:
    """`susssasa{sv}i` into its whole types."""
    return re.findall(r"a*(?:\{[^{}]*\}|\([^()]*\)|[^a(){}])", signature)


def _alignment(signature: str) -> int:
    first = signature[0]
    if first in _NUMBERS:
        return struct.calcsize(_NUMBERS[first])
    return {"(": 8, "{": 8, "g": 1, "v": 1}.get(first, 4)


class _Writer:
    """Values as D-Bus lays them out: little-endian, each aligned to its size."""

    def __init__(self, begin: bytes = b"") -> None:
        self.out = bytearray(begin)

    def align(self, size: int) -> None:
        self.out += bytes(-len(self.out) % size)

    def write(self, signature: str, value: Any) -> None:
        """A variant is a pair of its signature and its value."""
        self.align(_alignment(signature))
        kind = signature[0]
        if kind in _NUMBERS:
            self.out += struct.pack(f"<{_NUMBERS[kind]}", value)
        elif kind in "sog":
            text = str(value).encode()
            self.out += struct.pack("<B" if kind == "g" else "<I", len(text)) + text + b"\0"
        elif kind == "v":
            self.write("g", value[0])
            self.write(*value)
        elif kind == "a":
            self._write_array(signature[1:], value)
        else:
            for each, part in zip(_split(signature[1:-1]), value, strict=True):
                self.write(each, part)

    def _write_array(self, each: str, values: Any) -> None:
        place = len(self.out)
        self.out += bytes(4)
        self.align(_alignment(each))
        begin = len(self.out)
        for value in values.items() if isinstance(values, dict) else values:
            self.write(each, value)
        self.out[place : place + 4] = struct.pack("<I", len(self.out) - begin)


class _Reader:
    """The same the other way round."""

    def __init__(self, data: bytes, order: str, at: int) -> None:
        self._data, self._order, self._at = data, order, at

    def align(self, size: int) -> None:
        self._at += -self._at % size

    def read(self, signature: str) -> Any:
        self.align(_alignment(signature))
        kind = signature[0]
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind in "sog":
            length = self._number("B" if kind == "g" else "I")
            self._at += length + 1
            return self._data[self._at - length - 1 : self._at - 1].decode("utf-8", "replace")
        if kind == "v":
            return self.read(self.read("g"))
        if kind == "a":
            return self._array(signature[1:])
        return tuple(self.read(each) for each in _split(signature[1:-1]))

    def _number(self, code: str) -> Any:
        (value,) = struct.unpack_from(f"{self._order}{code}", self._data, self._at)
        self._at += struct.calcsize(code)
        return value

    def _array(self, each: str) -> list[Any]:
        length = self._number("I")
        self.align(_alignment(each))
        end = self._at + length
        values = []
        while self._at < end:
            values.append(self.read(each))
        return values
