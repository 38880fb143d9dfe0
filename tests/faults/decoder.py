"""Photos that crash, kill or hang the process that decodes them.

No photo is known that crashes Pillow, so these are good photos with a mark, and `environment` makes the
reading processes (and no others) do what the mark says: crash in C, sleep for ever, and so on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.faults.formats import with_segment
from waste_gui.protocol import FailureKind

FOLDER = Path(__file__).parent / "crashing_decoder"

DECODER_FAULTS: dict[str, FailureKind] = {
    "crash": "damaged",
    "abort": "damaged",
    "die": "damaged",
    "sleep": "timed_out",
    "spin": "timed_out",
}
"""What a marked photo can do, and what it is called once two processes have died of it or time is up."""
if sys.platform == "linux":
    DECODER_FAULTS["devour"] = "too_large"


def marked(jpeg: bytes, fault: str) -> bytes:
    """The photo with a comment that says what to do to its reader."""
    return with_segment(jpeg, 0xFE, b"decoder, please " + fault.encode() + b".")


def environment(before: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For the engine, or for this process: what it starts to read photos obeys the marks."""
    path = os.pathsep.join(filter(None, (str(FOLDER), before.get("PYTHONPATH"))))
    return {**before, "PYTHONPATH": path}
