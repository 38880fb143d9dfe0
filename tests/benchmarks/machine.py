"""What the figures were measured on."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import PIL.features
import psutil

LIBRARIES = ("torch", "torchvision", "Pillow", "numpy", "simplejpeg")


def facts() -> dict[str, Any]:
    """Processor, cores that we may use, memory, load, system, versions, date. Needs no torch."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _processor(),
        "cores": cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_average_before": [round(load, 2) for load in psutil.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "libjpeg_turbo_in_pillow": PIL.features.version("libjpeg_turbo"),
        "versions": {library: _version(library) for library in LIBRARIES},
    }


def cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
