"""Weights from a hub: a server on loopback that speaks as much of the hub's language as is asked for."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import timm
from safetensors.torch import save

from tests.engine.process import SMALL, run
from tests.photos import make_photos
from waste_gui.protocol import Progress, RunFinished

CHUNK = 1 << 20


class Hub(BaseHTTPRequestHandler):
    """Serves one file of weights, in pieces that take about two seconds in all."""

    weights = b""
    pause = threading.Event()
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._send_head()

    def do_GET(self) -> None:
        if self._send_head():
            for start in range(0, len(self.weights), CHUNK):
                self.wfile.write(self.weights[start : start + CHUNK])
                self.pause.wait(2 * CHUNK / len(self.weights))

    def _send_head(self) -> bool:
        found = self.path.endswith("/model.safetensors")
        body = self.weights if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        if found:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", "a" * 40)
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        return found

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    Hub.weights = save(timm.create_model("resnet10t", pretrained=False).state_dict())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_downloaded_weights_are_used_and_their_bytes_are_progress(hub: str, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", per_class=4)
    arguments: list[str | Path] = ["train", "--source", photos, "--run-dir", tmp_path / "run", *SMALL]
    arguments += ["--epochs", "1", "--model", "timm:resnet10t", "--pretrained", "default"]
    finished = run(*arguments, HF_ENDPOINT=hub, HF_HOME=str(tmp_path / "cache"))
    assert isinstance(finished.last, RunFinished), finished.last
    counted = [m.done for m in finished.of(Progress) if m.stage == "model"]
    assert counted == sorted(counted)
    assert len(counted) >= 2
    assert counted[-1] >= CHUNK
