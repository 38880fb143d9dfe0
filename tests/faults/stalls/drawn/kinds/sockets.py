"""Connections whose other end is silent, takes nothing, or accepts nobody."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import sys
import threading
import urllib.request

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.kind import (
    CHILD,
    GRANDCHILD,
    ITSELF,
    PROCESSES,
    THREAD,
    Kind,
    Wait,
)
from tests.faults.stalls.drawn.scene import ITSELF as IN_WORDS
from tests.faults.stalls.drawn.scene import NOBODY as NOBODY_IN_WORDS
from tests.faults.stalls.drawn.scene import Named, Scene

HERE = "127.0.0.1"
READS = ("wait_woken", "sk_wait_data", "inet_csk")
POLLS = ("poll_schedule_timeout", "do_poll", "do_sys_poll", "ep_poll", "do_epoll_wait", "do_select")
UNIX = ("unix_stream_read_generic", "wait_for_unix_gc", "unix_wait_for_peer", "sock_alloc_send_pskb")
kept: list[object] = []


def address(port: int) -> Named:
    return [f"{HERE}:{port}", f"localhost:{port}", f"port {port}"]


# --- who is at the other end


def silent_server(scene: Scene) -> list[str]:
    return programs.python(scene, "annotation_server", "serve")


def deaf_server(scene: Scene) -> list[str]:
    """Listens, and accepts nobody."""
    return programs.python(scene, "annotation_server", "listen")


def serve_from_a_thread(scene: Scene) -> object:
    listener = socket.create_server((HERE, 0))
    scene.values["told"] = [str(listener.getsockname()[1])]

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                kept.append(listener.accept()[0])

    threading.Thread(target=accept, name=f"server-{scene.number}", daemon=True).start()
    return listener


def connected(scene: Scene) -> socket.socket:
    return socket.create_connection((HERE, port_of(scene)))


def port_of(scene: Scene) -> int:
    port = int(scene.values["told"][0])
    scene.objects = [address(port)]
    return port


# --- TCP


def receive(scene: Scene) -> Wait:
    connection = connected(scene)
    return lambda: connection.recv(100)


def receive_with_limit(scene: Scene) -> Wait:
    """A socket with a timeout sleeps in poll, not in the read."""
    connection = connected(scene)
    connection.settimeout(100_000)
    return lambda: connection.recv(100)


def read_line(scene: Scene) -> Wait:
    return connected(scene).makefile("rb").readline


def send(scene: Scene) -> Wait:
    connection = connected(scene)
    return lambda: connection.sendall(bytes(100_000_000))


def connect(scene: Scene) -> Wait:
    port = port_of(scene)
    for _ in range(3):
        kept.append(other := socket.socket())
        other.setblocking(False)
        other.connect_ex((HERE, port))
    return lambda: socket.create_connection((HERE, port))


def accept(scene: Scene) -> Wait:
    listener = socket.create_server((HERE, 0))
    scene.objects = [address(listener.getsockname()[1])]
    return listener.accept


def receive_datagram(scene: Scene) -> Wait:
    listener = socket.socket(type=socket.SOCK_DGRAM)
    listener.bind((HERE, 0))
    scene.objects = [address(listener.getsockname()[1])]
    return lambda: listener.recvfrom(100)


def handshake(scene: Scene) -> Wait:
    connection, trusting = connected(scene), ssl.create_default_context()
    return lambda: trusting.wrap_socket(connection, server_hostname="localhost")


def http_response(scene: Scene) -> Wait:
    connection = http.client.HTTPConnection(HERE, port_of(scene))
    connection.request("GET", "/labels.json")
    return connection.getresponse


def open_address(scene: Scene) -> Wait:
    port = port_of(scene)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return lambda: opener.open(f"http://{HERE}:{port}/weights.bin")


# --- unix sockets


def short_path(scene: Scene) -> str:
    """A socket's path has at most 107 bytes."""
    return str(scene.folder / f"viewer {scene.number}.sock")


def local_server(scene: Scene) -> list[str]:
    where = f"@viewer-{scene.number}" if scene.number % 2 else short_path(scene)
    return programs.python(scene, "viewer_server", "serve_locally", where)


def local_mailbox(scene: Scene) -> list[str]:
    return programs.python(scene, "viewer_server", "mailbox", short_path(scene))


def receive_locally(scene: Scene) -> Wait:
    abstract, path = f"viewer-{scene.number}", short_path(scene)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"\0{abstract}" if scene.number % 2 else path)
    scene.objects = [[abstract] if scene.number % 2 else [path, f"viewer {scene.number}.sock"]]
    return lambda: connection.recv(100)


def send_to_full_mailbox(scene: Scene) -> Wait:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.connect(short_path(scene))
    scene.objects = [[short_path(scene), f"viewer {scene.number}.sock"]]

    def fill() -> None:
        while True:
            sender.send(bytes(1000))

    return fill


def receive_from_pair(scene: Scene) -> Wait:
    mine, other = socket.socketpair()
    scene.objects = [["re:socket"]]
    if scene.holder == ITSELF:
        kept.append(other)
        scene.held_by = [[*IN_WORDS, *NOBODY_IN_WORDS]]
    else:
        command = programs.python(scene, "reader", "nothing")
        programs.start_holder(scene, command, scene.holder, [other.fileno()])
        other.close()
    return lambda: mine.recv(100)


EVERYBODY = (*PROCESSES, THREAD)
KINDS: tuple[Kind, ...] = (
    Kind(
        "tcp_recv", receive, program=silent_server, take=serve_from_a_thread, holders=EVERYBODY, wchan=READS
    ),
    Kind("tcp_recv_with_limit", receive_with_limit, program=silent_server, holders=PROCESSES, wchan=POLLS),
    Kind("tcp_readline", read_line, program=silent_server, holders=PROCESSES, wchan=READS),
    Kind("tcp_send", send, program=silent_server, holders=PROCESSES, wchan=("wait_woken", "sk_stream_wait")),
    Kind("tcp_connect", connect, program=deaf_server, holders=PROCESSES, wchan=("inet_", "wait_woken")),
    Kind("tcp_accept", accept, wchan=("inet_csk_accept",)),
    Kind("udp_recv", receive_datagram, wchan=("__skb_wait_for_more_packets", "wait_woken")),
    Kind("ssl_handshake", handshake, program=silent_server, holders=PROCESSES, wchan=READS),
    Kind("http_response", http_response, program=silent_server, holders=PROCESSES, wchan=READS),
    Kind("urlopen", open_address, program=silent_server, holders=PROCESSES, wchan=READS),
)
if sys.platform != "win32":
    KINDS += (
        Kind("unix_recv", receive_locally, program=local_server, holders=PROCESSES, wchan=UNIX),
        Kind("unix_send_full", send_to_full_mailbox, program=local_mailbox, holders=PROCESSES, wchan=UNIX),
        Kind("socketpair", receive_from_pair, holders=(CHILD, GRANDCHILD, ITSELF), wchan=UNIX),
    )
