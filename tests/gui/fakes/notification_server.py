"""A real process that plays a desktop's notification server: `notification_server.py [ABILITY …]`.

Prints what it is asked as JSON lines; a line on stdin is the person's click on the last notification.
"""

from __future__ import annotations

import json
import os
import sys

from PySide6.QtCore import QCoreApplication, QSocketNotifier
from PySide6.QtDBus import QDBusArgument, QDBusConnection, QDBusMessage, QDBusVirtualObject

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


class Server(QDBusVirtualObject):
    def introspect(self, path: str) -> str:
        return ""

    def handleMessage(self, message: QDBusMessage, connection: QDBusConnection) -> bool:
        told = [None if isinstance(each, QDBusArgument) else each for each in message.arguments()]
        print(json.dumps([message.member(), message.signature(), told]), flush=True)
        if message.member() == "GetCapabilities":
            connection.send(message.createReply(sys.argv[1:]))
            return True
        # An unsigned number is as hard to send from Qt for Python as it is for the program.
        connection.send(message.createReply(QDBusArgument() << 7))
        return True


def click() -> None:
    os.read(0, 100)
    for member, word in (("ActivationToken", "a-token"), ("ActionInvoked", "default")):
        signal = QDBusMessage.createSignal(PATH, NAME, member)
        signal.setArguments([QDBusArgument() << 7, word])
        bus.send(signal)


if __name__ == "__main__":
    app = QCoreApplication([])
    bus = QDBusConnection.sessionBus()
    server = Server()
    bus.registerVirtualObject(PATH, server)
    bus.registerService(NAME)
    stdin = QSocketNotifier(0, QSocketNotifier.Type.Read)
    stdin.activated.connect(click)
    print(json.dumps(["ready", "", []]), flush=True)
    app.exec()
