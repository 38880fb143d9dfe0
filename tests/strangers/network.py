"""`python -m tests.strangers.network`: a training, a prediction and an evaluation without a network, and
watched by strace."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.strangers.__main__ import attack

if __name__ == "__main__":
    sys.exit(attack([Path(__file__).with_name("test_network.py")], sys.argv[1:]))
