"""Whether a model's recommended weights are on this computer, and whether they could be downloaded.

Looks into the folders where huggingface_hub and torch keep what they downloaded, as they choose them, without
importing either. For a thread: a home on a network drive may not answer.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import socket
import threading
import urllib.parse
from pathlib import Path

from waste_gui import files
from waste_gui.model_choices import STARTER_FILE, STARTER_PACKAGE, Weights

COMPLETE_SHARE = 0.5
"""Of the size that is expected: half precision is complete, an empty file is not."""
NETWORK_LIMIT_S = 4.0
"""For looking up the hub and being let in: a network that takes longer downloads nothing either."""
TRUE_WORDS = ("1", "on", "yes", "true")


def is_here(weights: Weights) -> bool:
    places = _repo_places(weights) if weights.repo else _other_places(weights)
    return any(_is_whole(place, weights.mb) for place in places)


def _is_whole(place: Path, mb: int) -> bool:
    try:
        return place.is_file() and place.stat().st_size >= COMPLETE_SHARE * mb * 1e6
    except OSError:
        return False


def _other_places(weights: Weights) -> list[Path]:
    if weights.files:
        return [torch_hub() / "checkpoints" / name for name in weights.files]
    found = importlib.util.find_spec(STARTER_PACKAGE)
    return [Path(place) / STARTER_FILE for place in (found.submodule_search_locations or ())] if found else []


def _repo_places(weights: Weights) -> list[Path]:
    """In the version that the hub's `main` was when it was last asked, as it is taken without a network."""
    folder = hub_cache() / f"models--{weights.repo.replace('/', '--')}"
    with contextlib.suppress(OSError):
        commit = files.read(folder / "refs/main", 1000, follow=True).decode("ascii", "replace").strip()
        if re.fullmatch(r"[0-9a-f]{7,64}", commit):
            return [folder / "snapshots" / commit / name for name in weights.files]
    return []


def hub_cache() -> Path:
    """As huggingface_hub chooses it."""
    home = os.environ.get("HF_HOME") or str(_user_cache() / "huggingface")
    default = os.environ.get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Path(os.path.expandvars(os.path.expanduser(os.environ.get("HF_HUB_CACHE") or default)))


def torch_hub() -> Path:
    """As torch.hub chooses it."""
    return Path(os.path.expanduser(os.environ.get("TORCH_HOME") or str(_user_cache() / "torch"))) / "hub"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))


# --- the network


def why_unreachable(limit_s: float = NETWORK_LIMIT_S) -> str:
    """Why weights cannot be downloaded now, as a clause; empty where they can. A proxy counts as a network,
    as only it knows."""
    if os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in TRUE_WORDS:
        return "HF_HUB_OFFLINE is set"
    from urllib.request import getproxies  # Half of Python's network comes with it: 30 ms.

    if getproxies():
        return ""
    let_in = threading.Event()

    def knock() -> None:
        with contextlib.suppress(OSError, ValueError):
            address = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
            port = address.port or (80 if address.scheme == "http" else 443)
            socket.create_connection((address.hostname or "", port), limit_s).close()
            let_in.set()
        done.set()

    done = threading.Event()
    threading.Thread(target=knock, name="network", daemon=True).start()  # A look-up has no time limit.
    done.wait(limit_s)
    return "" if let_in.is_set() else "no network"
