"""Which thread tells what the engine does, and in which function it is."""

from __future__ import annotations

from collections.abc import Sequence

from waste_gui.monitor.stack_words import in_words, key_frame
from waste_gui.protocol import ThreadStack

ANOTHER_THREAD = "waiting for another thread"


def telling_thread(threads: Sequence[ThreadStack]) -> ThreadStack | None:
    """The engine's main thread, or the one that this waits for."""
    engine = [thread for thread in threads if thread.role != "worker" and thread.frames]
    main = next((thread for thread in engine if thread.role == "main"), None)
    if main is None or in_words(main) != ANOTHER_THREAD:
        return main
    return next((thread for thread in engine if thread is not main and _works_for_main(thread)), main)


def _works_for_main(thread: ThreadStack) -> bool:
    """As those do that `Context.in_thread` starts."""
    return any(
        frame.file.endswith("context.py") and frame.function.endswith(("in_thread.<locals>.run", "run"))
        for frame in thread.frames
    )


def place_of(thread: ThreadStack) -> str:
    """The function that tells most, as "function in file.py"; empty if it has no stack."""
    if not thread.frames:
        return ""
    frame = thread.frames[key_frame(thread)]
    return f"{frame.function} in {frame.file.replace(chr(92), '/').rpartition('/')[2]}"
