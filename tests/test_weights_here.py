"""Whether weights are here, as the libraries' caches have it, and whether they could be downloaded."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from waste_gui.model_choices import RECOMMENDED, choice_of, key_of
from waste_gui.weights_here import hub_cache, is_here, torch_hub, why_unreachable

HUB_MODEL, TORCH_MODEL = "timm:convnext_tiny", "resnet18"
COMMIT = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def _empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def sparse(file: Path, mb: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        out.truncate(round(mb * 1e6))


def cached(mb: float, commit: str = COMMIT) -> Path:
    """As huggingface_hub leaves them: a link to a blob."""
    its = RECOMMENDED[HUB_MODEL]
    folder = hub_cache() / f"models--{its.repo.replace('/', '--')}"
    sparse(folder / "blobs/abc", mb)
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text(commit)
    link = folder / "snapshots" / COMMIT / its.files[0]
    link.parent.mkdir(parents=True)
    link.symlink_to(folder / "blobs/abc")
    return link


def test_nothing_is_here_before_it_was_downloaded() -> None:
    assert [model for model, its in RECOMMENDED.items() if is_here(its)] == ["tf_efficientnet_lite0"]


def test_what_the_hub_keeps_is_here() -> None:
    link = cached(RECOMMENDED[HUB_MODEL].mb)
    assert is_here(RECOMMENDED[HUB_MODEL])
    link.unlink()
    assert not is_here(RECOMMENDED[HUB_MODEL]), "its blob alone is taken by nobody"


@pytest.mark.parametrize(("mb", "commit"), [(0, COMMIT), (114, "f" * 40), (114, "../../.."), (114, "")])
def test_part_of_a_download_is_not_here(mb: float, commit: str) -> None:
    cached(mb, commit)
    assert not is_here(RECOMMENDED[HUB_MODEL])


def test_what_torch_keeps_is_here() -> None:
    its = RECOMMENDED[TORCH_MODEL]
    sparse(torch_hub() / "checkpoints" / f"{its.files[0]}.123.partial", its.mb)
    assert not is_here(its)
    sparse(torch_hub() / "checkpoints" / its.files[0], its.mb)
    assert is_here(its)


def test_names_with_and_without_their_library_are_one_model() -> None:
    assert key_of("timm:tf_efficientnet_lite0") == key_of(" tf_efficientnet_lite0") == "tf_efficientnet_lite0"
    assert key_of("open_clip:ViT-B-16") == "ViT-B-16"
    assert choice_of("convnext_tiny") is None, "under its bare name open_clip has another"


def test_a_server_that_lets_in_is_reachable_and_none_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert why_unreachable() == ""
    assert why_unreachable() == "no network"


@pytest.mark.parametrize("address", ["nonsense", "http://[", "http://127.0.0.1:x", "http://"])
def test_hub_that_is_no_address_is_not_reachable(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert why_unreachable(5) == "no network"


def test_network_that_does_not_answer_takes_no_longer_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(60) and [])
    began = time.monotonic()
    assert why_unreachable(0.2) == "no network"
    assert time.monotonic() - began < 20
    ended.set()


def test_proxy_counts_as_a_network_and_offline_mode_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert why_unreachable() == ""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert why_unreachable() == "HF_HUB_OFFLINE is set"


def test_looking_imports_no_torch() -> None:
    heavy = "{'torch', 'timm', 'huggingface_hub'}"
    code = f"import sys, waste_gui.weights_here; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
