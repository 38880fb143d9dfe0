"""A notification of a Linux desktop, over the session bus: shown, and its click waited for. For a thread.

With jeepney, which only Linux has, so that this is imported when it is needed. Not with PySide6's QtDBus: it
sends every number as a signed one, and the second argument of `Notify` is unsigned, so that real servers
refuse the call. Source: freedesktop.org, "Desktop Notifications Specification".
"""

from __future__ import annotations

import html
from collections import deque
from collections.abc import Callable
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, message_bus, new_method_call
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnection, Proxy, prep_socket
from jeepney.wrappers import unwrap_msg

from waste_gui.gui.alerts.note import DESKTOP_ENTRY, Note
from waste_gui.gui.common.escaping import one_line

NAME = "org.freedesktop.Notifications"
SERVER = DBusAddress("/org/freedesktop/Notifications", bus_name=NAME, interface=NAME)
SIGNALS = MatchRule(type="signal", interface=NAME)

NORMAL, CRITICAL = 1, 2
"""Urgencies of a notification: the second stays until somebody has seen it."""

ANSWER_S = 5.0
"""How long the bus and the notification server have for each answer."""

LOOK_S = 5.0
"""How often a thread that waits for a click looks whether it is still wanted."""


def tell_and_wait(
    address: str, note: Note, icon: str, replaces: int, tell: Callable[[object], None]
) -> str | None:
    """Show a notification and wait until somebody clicks or closes it; `tell` gets its number.

    A token if it was clicked, None if it was closed. If nobody shows it, OSError, or what jeepney raises: for
    an address ValueError or RuntimeError, for an answer DBusErrorResponse."""
    with connect(address) as bus, bus.filter(SIGNALS, queue=deque()) as signals:
        Proxy(message_bus, bus).AddMatch(SIGNALS)
        (abilities,) = _call(bus, "GetCapabilities")
        text = note.line
        body = html.escape(text, quote=False) if "body-markup" in abilities else text
        hints = {
            "urgency": ("y", CRITICAL if note.urgent else NORMAL),
            "desktop-entry": ("s", DESKTOP_ENTRY),
        }
        actions = ["default", "Show the window"] if "actions" in abilities else []
        arguments = ("waste-gui", replaces, icon, one_line(note.title), body, actions, hints, -1)
        (number,) = _call(bus, "Notify", "susssasa{sv}i", arguments)
        tell(number)
        return _wait(bus, signals, number, tell)


def _call(bus: Connection, method: str, signature: str | None = None, arguments: tuple[Any, ...] = ()) -> Any:
    return unwrap_msg(bus.send_and_get_reply(new_method_call(SERVER, method, signature, arguments)))


def _wait(bus: Connection, signals: deque[Any], number: int, tell: Callable[[object], None]) -> str | None:
    token = ""
    while True:
        try:
            signal = bus.recv_until_filtered(signals, timeout=LOOK_S)
        except TimeoutError:
            tell(None)
            continue
        if signal.body[:1] != (number,):
            continue
        match signal.header.fields[HeaderFields.member]:
            case "ActivationToken":
                token = str(signal.body[1])
            case "ActionInvoked":
                return token
            case "NotificationClosed":
                return None


class Connection(DBusConnection):  # type: ignore[misc]  # jeepney has no types.
    """Waits ANSWER_S for an answer, also for the one to its greeting, where jeepney waits without end."""

    def send_and_get_reply(self, message: Any, *, timeout: float | None = None) -> Any:
        return super().send_and_get_reply(message, timeout=ANSWER_S if timeout is None else timeout)


def connect(address: str) -> Connection:
    """To the first that answers of `unix:path=/run/user/1000/bus,guid=…;unix:abstract=…`; jeepney alone would
    try but one. If none does, the error of the last."""
    first, _, others = address.partition(";")
    try:
        return _greeted(first)
    except (OSError, RuntimeError, ValueError):
        if not others:
            raise
    return connect(others)


def _greeted(address: str) -> Connection:
    socket = prep_socket(get_bus(address), timeout=ANSWER_S)
    try:
        socket.settimeout(ANSWER_S)  # For sending; jeepney waits with a selector.
        return Connection(socket)
    except BaseException:
        socket.close()
        raise
