"""What is advised must be true of the whole chain."""

from __future__ import annotations

from waste_gui.monitor.waits import words
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link

SERVER = Link(77, 77, Kind.LISTENING, command="python3 serve.py", name="127.0.0.1:8000")


def test_server_that_nobody_waits_for_is_in_order() -> None:
    assert "nothing is wrong" in words.advice(Chain((SERVER,)))


def test_server_that_the_training_waits_for_does_not_answer() -> None:
    """It may well wait for clients: this one it has taken, and says nothing to it."""
    asks = Link(
        4242,
        4242,
        Kind.SOCKET_READ,
        role="main",
        name="127.0.0.1:8000",
        holders=(Holder(77, command="python3 serve.py", verb="has the other end"),),
    )
    said = words.advice(Chain((asks, SERVER)))
    assert "python3 serve.py (77)" in said and "does not answer" in said and "nothing is wrong" not in said
