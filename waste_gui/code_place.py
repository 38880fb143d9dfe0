"""A line of Python as people read it: its file from its package on, `torch/nn/modules/conv.py, line 5`."""

from __future__ import annotations

import re

_LIBRARIES = re.compile(r"^(site-packages|dist-packages|python3\.\d+t?|Lib)$")


def short(file: str) -> tuple[str, str]:
    """Package, and path from there on: `torch`, `torch/nn/modules/conv.py`."""
    parts = re.split(r"[\\/]", file)
    packages = [i for i, part in enumerate(parts) if _LIBRARIES.match(part) and i + 1 < len(parts)]
    first = packages[-1] + 1 if packages else len(parts) - 1
    if not packages and "waste_gui" in parts[:-1]:
        first = parts.index("waste_gui")
    return parts[first].removesuffix(".py"), "/".join(parts[first:])
