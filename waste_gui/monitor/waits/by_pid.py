"""`python -m waste_gui.monitor --pid PID`: what any process waits for, as a chain of waits in words."""

from __future__ import annotations

from typing import Any, TextIO

import msgspec

from waste_gui.monitor.waits import kernel, words
from waste_gui.monitor.waits.chain import resolve
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.link import Chain
from waste_gui.plain_text import plain
from waste_gui.protocol import escaped

MOST_THREADS = 64


def chains_of(pid: int) -> list[Chain]:
    """Of each of its threads, the main thread first."""
    computer = Computer((pid,))
    return [resolve(pid, tid, computer=computer) for tid in (kernel.threads(pid) or [pid])[:MOST_THREADS]]


def tell(pid: int, out: TextIO, *, as_json: bool) -> None:
    for chain in chains_of(pid):
        if as_json:
            line: dict[str, Any] = {"text": words.in_words(chain), "chain": chain}
            out.write(escaped(msgspec.json.encode(line)).decode() + "\n")
        else:
            out.write(plain(words.in_words(chain)) + "\n")
            out.writelines(f"    {plain(line)}\n" for line in (*words.evidence(chain), *chain.tried))
        out.flush()
