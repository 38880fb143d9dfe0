"""Waiting for one of several connections, of which none says anything."""

from __future__ import annotations

import asyncio
import os
import select
import selectors
import socket
import sys
from collections.abc import Sequence

from tests.faults.stalls.drawn.kinds.kind import PROCESSES, Kind, Wait
from tests.faults.stalls.drawn.kinds.sockets import HERE, POLLS, connected, port_of, silent_server
from tests.faults.stalls.drawn.scene import Scene

kept: list[object] = []


def several(scene: Scene) -> Sequence[int]:
    """A connection to a silent server, one that listens, and a pipe of our own."""
    kept.append(connection := connected(scene))
    kept.append(listener := socket.create_server((HERE, 0)))
    reading, writing = os.pipe()
    return connection.fileno(), listener.fileno(), reading


def by_select(scene: Scene) -> Wait:
    wanted = several(scene)
    return lambda: select.select(wanted, [], [])


def by_selector(scene: Scene) -> Wait:
    selector = selectors.DefaultSelector()
    for descriptor in several(scene):
        selector.register(descriptor, selectors.EVENT_READ)
    return selector.select


def by_poll(scene: Scene) -> Wait:
    if sys.platform == "win32":
        raise NotImplementedError
    polled = select.poll()
    for descriptor in several(scene):
        polled.register(descriptor, select.POLLIN)
    return polled.poll


def by_epoll(scene: Scene) -> Wait:
    if sys.platform != "linux":
        raise NotImplementedError
    polled = select.epoll()
    for descriptor in several(scene):
        polled.register(descriptor, select.EPOLLIN)
    return polled.poll


def by_asyncio(scene: Scene) -> Wait:
    port = port_of(scene)

    async def fetch() -> None:
        reader, _ = await asyncio.open_connection(HERE, port)
        scene.strike()
        await reader.read(100)

    return lambda: asyncio.run(fetch())


def future_that_never_comes(scene: Scene) -> Wait:
    scene.objects = [["re:asyncio|event loop|future|coroutine|\\btask\\b|its connections|to wake it up"]]

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    return lambda: asyncio.run(wait())


KINDS = (
    Kind("select", by_select, program=silent_server, holders=PROCESSES, wchan=POLLS),
    Kind("poll", by_poll, program=silent_server, holders=PROCESSES, wchan=POLLS),
    Kind("epoll", by_epoll, program=silent_server, holders=PROCESSES, wchan=POLLS),
    Kind("selectors", by_selector, program=silent_server, holders=PROCESSES, wchan=POLLS),
    Kind("asyncio_read", by_asyncio, program=silent_server, holders=PROCESSES, wchan=POLLS),
    Kind("asyncio_future", future_that_never_comes, wchan=POLLS, told_by_python=True),
)
