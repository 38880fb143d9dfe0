from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.monitor.waits import waiting
from tests.monitor.waits.waiting import Processes

collect_ignore_glob = [] if sys.platform == "linux" else ["test_strangers.py", "test_kernel_waits.py"]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    yield from waiting.processes(tmp_path)
