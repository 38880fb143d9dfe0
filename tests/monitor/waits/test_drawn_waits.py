"""Waits drawn by a seed: the call, the name of the object as nobody expects it, its holder, and how deep."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.monitor.waits.test_kernel_waits import FLOCK, HOLDS, OFD, POSIX
from tests.monitor.waits.waiting import Processes, chain_of
from waste_gui.monitor.verdict import Verdict, VerdictState
from waste_gui.monitor.waits import words
from waste_gui.monitor.waits.link import Chain, Kind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")

CHARACTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.text(CHARACTERS, min_size=1, max_size=30).filter(lambda name: name not in (".", ".."))
LOCKS = st.sampled_from((FLOCK, POSIX, OFD))
WRAPPED = "import subprocess, sys; subprocess.run(sys.argv[1:])"
DRAWN = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def wrapped(depth: int, *command: object) -> tuple[object, ...]:
    """As a child of a child of so many programs."""
    return (sys.executable, "-c", WRAPPED) * depth + command


def says(chain: Chain, name: str) -> str:
    """In words that move no cursor, with the name in them as it can be shown."""
    text = words.in_words(chain)
    assert text.isprintable() and all(line.isprintable() for line in words.evidence(chain))
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    assert shown in text
    told = Verdict(VerdictState.SLOW, "c", "t", text, words.evidence(chain), chain=chain)
    assert msgspec.json.decode(msgspec.json.encode(told))["chain"]["links"]
    return text


@DRAWN
@given(name=NAMES, take=LOCKS, depth=st.integers(0, 2))
def test_drawn_lock_is_named_with_its_holder(processes: Processes, name: str, take: str, depth: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        with suppress(OSError):
            path.touch()
        if not path.exists():  # Too long in bytes.
            return
        holder = processes.python(HOLDS.format(take=take), path, stdout=-1)
        assert holder.stdout is not None
        holder.stdout.readline()
        script = Path(folder, "waits for it.py")
        script.write_text(HOLDS.format(take=take))
        waiter = processes.start(*wrapped(depth, sys.executable, script, path))
        chain = chain_of(waiter.pid, *[Kind.CHILD] * depth, Kind.FILE_LOCK)
        assert f"({holder.pid})" in says(chain, name)
        processes.end()


@DRAWN
@given(name=NAMES, reads=st.booleans(), depth=st.integers(0, 2))
def test_drawn_named_pipe_is_named(processes: Processes, name: str, reads: bool, depth: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        try:
            os.mkfifo(path)
        except OSError:
            return
        opens = f"import sys; open(sys.argv[1], {'r' if reads else 'w'!r})"
        waiter = processes.start(*wrapped(depth, sys.executable, "-c", opens, path))
        chain = chain_of(waiter.pid, *[Kind.CHILD] * depth, Kind.FIFO_OPEN)
        assert "no process has it open" in says(chain, name)
        processes.end()
