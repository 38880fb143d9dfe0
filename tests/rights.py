"""Whether the file system's rights bind this process: root opens everything, unless it was told not to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def opens_everything() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        locked = Path(folder, "locked")
        locked.mkdir(mode=0)
        try:
            os.listdir(locked)
        except PermissionError:
            return False
        finally:
            locked.chmod(0o700)
    return True
