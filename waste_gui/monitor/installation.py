"""Whether what was installed can be used: Python, PySide6, Qt's libraries, PyTorch, the graphics card.

Qt, torch and the driver are asked in processes of their own: a broken one ends or hangs whoever loads it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Literal

from waste_gui import isolation
from waste_gui.known_errors import INSTALL_ANEW, NEW_DRIVER, recognise
from waste_gui.monitor.formatting import size

CheckState = Literal["ok", "warn", "fail"]

LEAST_PYTHON = (3, 11)
LEAST_PYSIDE, BAD_PYSIDE = (6, 11, 2), (6, 12, 0)
"""The second loses references of True on a Python before 3.12: a live plot ends the window after a minute."""

QT_LIMIT_S, TORCH_LIMIT_S = 30.0, 120.0
"""Importing torch takes 3 to 20 s, from a cold network drive more than a minute."""

PACKAGES = {
    "libEGL.so.1": ("libegl1", "mesa-libEGL"),
    "libGL.so.1": ("libgl1", "mesa-libGL"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb"),
}
"""What Qt's wheels do not bring on Linux: the library, and its package of Debian and of Fedora."""

NO_SCREEN = ("offscreen", "minimal")

_QT = """
import ctypes, json, sys
missing = []
for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name)
    except OSError:
        missing.append(name)
print(json.dumps({"missing": missing}), flush=True)
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
print(json.dumps({"platform": app.platformName()}), flush=True)
"""

_TORCH = """
import json
def tell(**told):
    print(json.dumps(told), flush=True)
import torch
tell(torch=str(torch.__version__), cuda=torch.version.cuda, hip=torch.version.hip)
import torchvision
tell(torchvision=str(torchvision.__version__))
import open_clip
tell(open_clip=str(open_clip.__version__))
try:
    import pynvml
    pynvml.nvmlInit()
    card = pynvml.nvmlDeviceGetHandleByIndex(0)
    tell(driver=pynvml.nvmlSystemGetDriverVersion(), driver_cuda=pynvml.nvmlSystemGetCudaDriverVersion(),
         card=pynvml.nvmlDeviceGetName(card))
except Exception as error:
    tell(driver_error=f"{type(error).__name__}: {error}")
if torch.cuda.is_available():
    card = torch.cuda.get_device_properties(0)
    ones = torch.ones(64, 64, device="cuda")
    tell(gpu=card.name, memory=card.total_memory, right=(ones @ ones).sum().item() == 64**3)
elif torch.backends.mps.is_available():
    tell(gpu="Apple GPU", memory=0, right=True)
"""


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, what is seen, and what to do about it: nothing if all is well."""

    name: str
    state: CheckState
    seen: str
    advice: str = ""


@dataclass(frozen=True)
class Told:
    """What a child process printed as JSON, its errors, and its exit status: None if it took too long."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: str = ""
    status: int | None = 0


def ask(
    code: str,
    *arguments: str,
    limit_s: float,
    env: dict[str, str] | None = None,
    python: str = sys.executable,
) -> Told:
    """Run `code` in a child. One that hangs in a driver cannot be killed, so it is not waited for either."""
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            status = _run([python, "-P", "-c", code, *arguments], out, errors, limit_s, env or {})
            out.seek(0)
            errors.seek(0)
            return Told(_values(out.read()), errors.read().decode("utf-8", "backslashreplace"), status)
    except OSError as error:  # No Python there, or no room for temporary files.
        return Told(errors=str(error), status=1)


def _run(
    command: list[str], out: IO[bytes], errors: IO[bytes], limit_s: float, env: dict[str, str]
) -> int | None:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=errors,
        env=isolation.environment({"PYTHONUTF8": "1", "PYTHONFAULTHANDLER": "1", **env}),
        cwd=isolation.safe_folder(),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        return None


def _values(out: bytes) -> dict[str, Any]:
    """Of all the lines that are ours; libraries print lines too."""
    values: dict[str, Any] = {}
    for line in out.decode("utf-8", "backslashreplace").splitlines():
        if line.startswith('{"'):
            with suppress(ValueError):
                values.update(json.loads(line))
    return values


# --- Python and PySide6


def python_check(version: tuple[int, ...] = sys.version_info[:3], bits: int = sys.maxsize) -> Check:
    seen = f"{_dotted(version)} in {sys.prefix}"
    if version < LEAST_PYTHON or bits <= 2**32:
        least = f"Install Python {_dotted(LEAST_PYTHON)} or newer, 64 bit, and waste-gui into it."
        return Check("Python", "fail", seen, least)
    return Check("Python", "ok", seen)


def installed_pyside() -> str | None:
    try:
        return metadata.version("PySide6-Essentials")
    except metadata.PackageNotFoundError:
        return None


def pyside_check(version: str | None, python: tuple[int, ...] = sys.version_info[:3]) -> Check:
    install = f'Run: "{sys.executable}" -m pip install --upgrade "PySide6-Essentials>=6.11.2,!=6.12.0"'
    if version is None:
        return Check("PySide6", "fail", "not installed in this Python", install)
    number = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if number == BAD_PYSIDE and python < (3, 12):
        return Check("PySide6", "fail", f"{version} ends the window by itself on this Python", install)
    if number < LEAST_PYSIDE:
        return Check("PySide6", "fail", f"{version} is too old", install)
    return Check("PySide6", "ok", version)


# --- Qt


def qt_check(limit_s: float = QT_LIMIT_S) -> Check:
    """Starts Qt as the window would; without a screen only its libraries are tried."""
    linux = sys.platform == "linux"
    env = {}
    if linux and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        env["QT_QPA_PLATFORM"] = NO_SCREEN[0]
    return qt_verdict(ask(_QT, *(PACKAGES if linux else ()), limit_s=limit_s, env=env), _system())


def qt_verdict(told: Told, system: str) -> Check:
    name = "Window (Qt)"
    missing = told.values.get("missing", [])
    platform = told.values.get("platform")
    lacks = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    if platform is None:
        if missing:
            return Check(name, "fail", f"Qt does not start: {lacks}.", packages_to_install(missing, system))
        if told.status is None:
            return Check(name, "fail", "Qt did not start in time.", "Restart the computer and try again.")
        return Check(name, "fail", f"Qt does not start: {_why(told)}", _qt_advice(told.errors))
    if platform not in NO_SCREEN:
        return Check(name, "ok", f"opens ({platform})")
    if missing:
        return Check(
            name, "warn", f"No window can open on a screen: {lacks}.", packages_to_install(missing, system)
        )
    return Check(name, "ok", "all libraries are there; no screen was tried")


def _qt_advice(errors: str) -> str:
    if "could not connect to display" in errors:
        return "Sit at the computer itself, or connect with ssh -X; without a screen add --offscreen."
    known = recognise(errors)
    return (
        known.hint if known else "Install waste-gui anew: python -m pip install --force-reinstall waste-gui."
    )


def packages_to_install(missing: list[str], system: str) -> str:
    """A command to copy, where the system's packages are known; `system` as /etc/os-release says it."""
    known = [PACKAGES[name] for name in missing if name in PACKAGES]
    if {"debian", "ubuntu"} & set(system.split()):
        return f"Run: sudo apt install {' '.join(dict.fromkeys(debian for debian, _ in known))}"
    if {"fedora", "rhel"} & set(system.split()):
        return f"Run: sudo dnf install {' '.join(dict.fromkeys(fedora for _, fedora in known))}"
    return f"Install {', '.join(missing)} with the system's packages."


def _system() -> str:
    """ID and ID_LIKE of /etc/os-release: `ubuntu debian`."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return ""
    return " ".join(re.findall(r'^ID(?:_LIKE)?="?([^"\n]*)', text, re.MULTILINE))


# --- PyTorch and the graphics card


def torch_checks(python: str = sys.executable, limit_s: float = TORCH_LIMIT_S) -> tuple[Check, Check]:
    """PyTorch, and the graphics card as it sees it."""
    told = ask(_TORCH, limit_s=limit_s, python=python)
    return torch_verdict(told), gpu_verdict(told, nvidia_cards())


def torch_verdict(told: Told) -> Check:
    name, values = "PyTorch", told.values
    if "torch" not in values:
        if told.status is None:
            advice = (
                "Run it again: the first time after an installation can take long. Is the disk very slow?"
            )
            return Check(name, "fail", "PyTorch did not load in time.", advice)
        return Check(name, "fail", f"PyTorch does not load: {_why(told)}", _hint(told, INSTALL_ANEW))
    for other in ("torchvision", "open_clip"):
        if other not in values:
            return Check(
                name,
                "fail",
                f"PyTorch {values['torch']} loads, but {other} does not: {_why(told)}",
                _hint(told, INSTALL_ANEW),
            )
    return Check(name, "ok", f"{values['torch']}, torchvision {values['torchvision']}")


def gpu_verdict(told: Told, cards: int = 0) -> Check:
    """`cards` is how many of NVIDIA's the computer itself counts, with a driver or without."""
    name, values = "Graphics card", told.values
    if "open_clip" not in values:
        return Check(name, "warn", "not known, as PyTorch does not load", "Mend PyTorch first.")
    if "gpu" in values:
        return _found(values)
    if told.status != 0:
        broken = "it did not answer in time" if told.status is None else _why(told)
        return Check(name, "fail", f"The card cannot be used: {broken}", _hint(told, "Restart the computer."))
    known = recognise(values.get("driver_error", ""))
    if known is not None and "mismatch" in known.line:
        return Check(name, "fail", _sentence(known.clause), known.hint)
    if "driver" in values:
        return _not_usable(values, told)
    if cards:
        return Check(
            name,
            "warn",
            "There is an NVIDIA card, but no driver for it, or this container does not see it.",
            "Install NVIDIA's driver and restart the computer (in a container: docker run --gpus all).",
        )
    return Check(
        name,
        "warn",
        "There is no NVIDIA card. Training runs on the processor, many times slower.",
        "Nothing has to be done. Choose a small model (resnet18) and small images.",
    )


def _found(values: dict[str, Any]) -> Check:
    name = "Graphics card"
    if not values["right"]:
        advice = "Restart the computer. If it happens again, the card may be broken: choose the device cpu."
        return Check(name, "fail", f"{values['gpu']} calculates wrongly.", advice)
    facts = [values["gpu"]]
    facts += [size(values["memory"])] if values["memory"] else []
    facts += [f"driver {values['driver']}"] if "driver" in values else []
    return Check(name, "ok", ", ".join(facts))


def _not_usable(values: dict[str, Any], told: Told) -> Check:
    """There are a card and a driver, and PyTorch does not use them."""
    name, card, cuda = "Graphics card", values["card"], values.get("cuda")
    if cuda is None:
        seen = f"{card} is there, but this PyTorch was built without CUDA."
        return Check(name, "fail", seen, "Install a PyTorch with CUDA (see pytorch.org).")
    able = values["driver_cuda"]
    if able // 1000 < int(cuda.split(".")[0]):
        knows = f"{able // 1000}.{able % 1000 // 10}"
        seen = (
            f"{card}: its driver {values['driver']} is too old. It knows CUDA {knows}, PyTorch needs {cuda}."
        )
        return Check(name, "fail", seen, NEW_DRIVER)
    known = recognise(told.errors)
    why = known.clause if known else "PyTorch does not find it"
    return Check(name, "fail", f"{card} is there, but {why}.", known.hint if known else NEW_DRIVER)


def nvidia_cards(devices: Path = Path("/sys/bus/pci/devices")) -> int:
    """As the kernel of Linux counts them, without any driver; 0 elsewhere."""
    return sum(_is_nvidia(device) for device in devices.glob("*"))


def _is_nvidia(device: Path) -> bool:
    try:
        vendor, kind = (device / "vendor").read_text(), (device / "class").read_text()
    except OSError:
        return False
    return vendor.strip() == "0x10de" and kind.startswith("0x03")


def _why(told: Told) -> str:
    """What the child's errors mean, else their last line."""
    known = recognise(told.errors)
    if known is not None:
        return f"{known.clause}."
    lines = [line.strip() for line in told.errors.splitlines() if line.strip()]
    return lines[-1] if lines else f"it ended with exit status {told.status}."


def _hint(told: Told, otherwise: str) -> str:
    known = recognise(told.errors)
    return known.hint if known else otherwise


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
