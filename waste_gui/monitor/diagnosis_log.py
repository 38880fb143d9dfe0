"""What was seen of a run each time it looked stuck, kept in its folder, a line a verdict."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from waste_gui import files
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.run import Run
from waste_gui.monitor.verdict import Verdict

MAX_BYTES = 5_000_000
"""A run that stops and goes on all night fills no disk."""


class DiagnosisLog:
    """Writes when the cause or the state of a silence is another than before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: object = None

    def line(self, run: Run, verdict: Verdict, evidence: Evidence, now: float) -> bytes | None:
        """What is to be written down now; None where nothing is new. `now` is on the engine's clock."""
        told = (verdict.state, verdict.cause) if verdict.silent else None
        told, self._told = (None if told == self._told else told), told
        if told is None:
            return None
        seen: dict[str, Any] = {
            "at": round(now, 3),
            "unix": round(time.time(), 3),
            "verdict": verdict,
            "stage": run.current.id if run.current else None,
            "heartbeat": run.heartbeat,
            "evidence": evidence,
            "stacks": run.stacks_now,
        }
        return files.encode_json(seen) + b"\n"

    def write(self, line: bytes) -> None:
        """Appends it. A disk that is full or gone costs the line, nothing else."""
        try:
            if not os.path.lexists(self._path) or self._path.lstat().st_size < MAX_BYTES:
                files.append(self._path, line)
        except OSError:
            return
