"""A command of the user's own as a real child process, a web address as a real server."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from waste_gui.gui.alerts.hooks import HookFailed, News, check_address, post, run_command
from waste_gui.gui.common.events import Event

NEWS = News(
    Event.STUCK, "Training is likely stuck", "Worker 7 & <b>co</b>; $(rm -rf)", "run_1", "/runs/run 1"
)


def python(code: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", code, *arguments])


def test_command_finds_the_news_in_its_environment(tmp_path: Path) -> None:
    code = (
        "import json,os,sys; names = ('EVENT', 'TEXT', 'RUN', 'FOLDER'); "
        "json.dump([os.environ['WASTE_GUI_' + n] for n in names] + sys.argv[2:], open(sys.argv[1], 'w'))"
    )
    run_command(python(code, str(tmp_path / "told"), "with space", "$HOME; echo"), NEWS)
    told = json.loads((tmp_path / "told").read_text())
    assert told == ["stuck", NEWS.text, "run_1", "/runs/run 1", "with space", "$HOME; echo"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/no/such/program", "cannot be started"),
        ('"never closed', "cannot be read"),
        ("  ", "is empty"),
        (python("import sys; print('no route', file=sys.stderr); sys.exit(3)"), "status 3: no route"),
    ],
    ids=["missing", "quote", "empty", "status"],
)
def test_command_that_fails_is_put_into_words(command: str, said: str) -> None:
    with pytest.raises(HookFailed, match=said) as failed:
        run_command(command, NEWS)
    assert failed.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    """The pipe ends when nobody holds it open any more."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    code = (
        "import os, subprocess, sys, time; out = os.open(sys.argv[1], os.O_WRONLY); "
        "os.set_inheritable(out, True); sleep = [sys.executable, '-c', 'import time; time.sleep(600)']; "
        "subprocess.Popen(sleep, close_fds=False); os.write(out, b'begun'); time.sleep(600)"
    )
    with pytest.raises(HookFailed, match="did not end"):
        run_command(python(code, str(pipe)), NEWS, limit_s=2)
    os.set_blocking(reader, True)
    with open(reader, "rb") as rest:
        assert rest.read() == b"begun"


class _Web(BaseHTTPRequestHandler):
    """Answers by the path that is asked for: /200, /302, /500."""

    taken: list[tuple[str, str | None, object]] = []

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.taken.append((self.path, self.headers["Content-Type"], content))
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    _Web.taken = []
    with HTTPServer(("127.0.0.1", 0), _Web) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_web_address_gets_the_news_as_json(web: str) -> None:
    post(f"{web}/200", NEWS)
    assert _Web.taken == [
        ("/200", "application/json", {"event": "stuck", "text": NEWS.text, "run": "run_1"}),
    ]


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_web_address_that_refuses_is_put_into_words(web: str, answer: int) -> None:
    with pytest.raises(HookFailed, match=f"answered {answer}"):
        post(f"{web}/{answer}", NEWS)
    assert len(_Web.taken) == 1  # A message is not sent on to another place.


def test_web_address_where_nobody_is_does_not_answer(web: str) -> None:
    with HTTPServer(("127.0.0.1", 0), _Web) as closed:
        address = f"http://127.0.0.1:{closed.server_port}/200"
    with pytest.raises(HookFailed, match="does not answer"):
        post(address, NEWS)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://host/x", "example.org", "http://", "http://[", "http://a b", ""]
)
def test_what_is_no_web_address_is_not_opened(address: str) -> None:
    with pytest.raises(HookFailed, match="must begin"):
        post(address, NEWS)


def test_web_addresses_may_have_ports_and_names() -> None:
    check_address("https://user:word@hooks.example.org:8443/services/a?b=c")
