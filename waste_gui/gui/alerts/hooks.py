"""What a person wants done when something happened to a training: a command of theirs, a web address."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.events import Event

COMMAND_LIMIT_S, WEBHOOK_LIMIT_S = 60.0, 10.0
OUTPUT_BYTES = 4096


@dataclass(frozen=True)
class News:
    """`run` is the name of the run's folder, `folder` its path; both empty where there is none."""

    event: Event
    title: str
    text: str
    run: str = ""
    folder: str = ""


class HookFailed(Exception):
    """The command or the web address did not do what it should: one sentence, and what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


def run_command(command: str, news: News, limit_s: float = COMMAND_LIMIT_S) -> None:
    """Without a shell; what happened stands in its environment. HookFailed if it does not end well."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                _arguments(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=Path.home(),
                env={**os.environ, **_environment(news)},
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise HookFailed(f"Your command cannot be started ({reason}).", _LOOK) from None
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise HookFailed(f"Your command did not end within {limit_s:.0f} s.", _LOOK) from None
        if status:
            output.seek(max(0, output.seek(0, os.SEEK_END) - OUTPUT_BYTES))
            raise HookFailed(f"Your command ended with status {status}{_last_line(output.read())}.", _LOOK)


_LOOK = "Look at it under Edit, Notifications."


def _arguments(command: str) -> list[str] | str:
    """Windows takes programs apart from their arguments by its own rules."""
    if sys.platform == "win32":
        return command
    try:
        parts = shlex.split(command)
    except ValueError as error:
        raise HookFailed(f"Your command cannot be read ({error}).", _LOOK) from None
    if not parts:
        raise HookFailed("Your command is empty.", _LOOK)
    return [os.path.expanduser(parts[0]), *parts[1:]]


def _environment(news: News) -> dict[str, str]:
    text, run = one_line(news.text), one_line(news.run)  # A command may print them in a terminal.
    told = {"EVENT": news.event.value, "TEXT": text, "RUN": run, "FOLDER": news.folder}
    return {f"WASTE_GUI_{name}": value.replace("\0", "") for name, value in told.items()}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)


def _last_line(output: bytes) -> str:
    lines = [line.strip() for line in output.decode("utf-8", "backslashreplace").splitlines() if line.strip()]
    return f": {lines[-1][:200]}" if lines else ""


def check_address(address: str) -> None:
    """HookFailed if it is none that a message can be sent to."""
    try:
        parts = urlsplit(address)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or any(c.isspace() for c in address):
        raise HookFailed("The web address must begin with https:// or http://.", _LOOK)


def post(address: str, news: News, limit_s: float = WEBHOOK_LIMIT_S) -> None:
    """Send {"event", "text", "run"} as JSON; HookFailed if it is not taken."""
    import http.client
    from urllib import error, request

    class Refuse(request.HTTPRedirectHandler):
        """A message that is sent on elsewhere would arrive without its content."""

        def redirect_request(self, *_: Any) -> None:
            return None

    check_address(address)
    content = json.dumps({"event": news.event.value, "text": news.text, "run": news.run}).encode()
    asked = request.Request(address, content, {"Content-Type": "application/json", "User-Agent": "waste-gui"})
    try:
        with request.build_opener(Refuse).open(asked, timeout=limit_s):
            return
    except error.HTTPError as refused:
        refused.close()
        said = f"The web address answered {refused.code} ({refused.reason})."
    except (OSError, http.client.HTTPException) as failed:
        reason = getattr(failed, "reason", failed)
        said = f"The web address does not answer ({reason})."
    raise HookFailed(said, _LOOK)
