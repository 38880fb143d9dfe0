"""Silence of an engine whose stack says what it waits for."""

from __future__ import annotations

from collections.abc import Callable

from waste_gui.monitor import words
from waste_gui.monitor.scene import Scene
from waste_gui.monitor.stack_words import (
    COMPILING,
    GPU,
    IMPORTING_WORDS,
    LOCK,
    LOCK_FILE,
    OTHER_GPUS,
    SAVING,
    USING_CACHE,
    in_words,
)
from waste_gui.monitor.verdict import ASK, CACHE, REPORT, Action, State, Verdict

Telling = Callable[[Scene], Verdict]


def known_wait(scene: Scene) -> Verdict | None:
    """Nothing works, and the stack names the cause."""
    if not scene.silent or scene.works or not scene.doing:
        return None
    for beginning, verdict in WAITS.items():
        if scene.doing.startswith(beginning):
            return verdict(scene)
    return None


def photo_cache(scene: Scene) -> Verdict | None:
    """The thread that reads ahead waits for the disk of the photo cache."""
    stacks = scene.run.stacks
    if not scene.silent or scene.works or stacks is None or stacks.at < scene.run.moved_at:
        return None
    if not any(thread.thread == "loader" and in_words(thread) == USING_CACHE for thread in stacks.threads):
        return None
    text = (
        "Photos come from the photo cache, and its disk does not answer. Check that disk; when it answers, "
        f"training goes on by itself. Or press {Action.WITHOUT_CACHE.value}: photos are read anew then."
    )
    return scene.silence("cache", text, CACHE)


def lock_file(scene: Scene) -> Verdict:
    text = (
        "The training waits for a lock file. Another run holds it, or one that crashed left it behind. End "
        "the other run; if there is none, delete the lock file, and the training goes on by itself."
    )
    return scene.silence("lock_file", text, REPORT)


def other_gpus(scene: Scene) -> Verdict:
    """Row 22."""
    text = (
        "This process waits for the processes of the other graphics cards, and they do not come. One of them "
        "has ended or hangs. Stop, and start again with one graphics card."
    )
    return scene.silence("other_gpus", text, REPORT)


def driver(scene: Scene) -> Verdict:
    """Rows 20 and 21: the card rests while the program waits for it."""
    text = (
        f"The program waits for the graphics card, which does nothing, for {words.span(scene.silence_s)}. "
        "The graphics driver probably does not answer; then only a restart of the computer helps."
    )
    return scene.silence("gpu_driver", text, REPORT)


def deadlock(scene: Scene) -> Verdict:
    """Row 12: asleep for good."""
    text = (
        f"The program waits for a lock that nobody releases ({scene.place}), and uses no processor time. "
        "This does not pass. Stop: the best model is kept, and training can be resumed."
    )
    return scene.silence("deadlock", text, REPORT)


def importing(scene: Scene) -> Verdict:
    """Row 15 of the causes: the disk or an antivirus program."""
    text = (
        f"The program is {scene.doing} and waits for the disk. A network home, a slow disk or an antivirus "
        "program can hold it up; it usually passes."
    )
    return scene.silence("slow_import", text, ASK)


def saving(scene: Scene) -> Verdict:
    text = (
        "Saving the model waits for the disk that holds the run folder. Check that disk; when it answers, "
        "training goes on by itself. Ending it may not work until then."
    )
    return scene.silence("storage", text, REPORT)


def compiling(scene: Scene) -> Verdict:
    text = "Code for the graphics card is being prepared. This happens once; you can wait."
    return scene.silence("first_step", text, (Action.SHOW_WHERE, Action.KEEP_WAITING), state=State.SLOW)


WAITS: dict[str, Telling] = {
    LOCK_FILE: lock_file,
    OTHER_GPUS: other_gpus,
    GPU: driver,
    LOCK: deadlock,
    COMPILING: compiling,
    IMPORTING_WORDS: importing,
    SAVING: saving,
}
"""How the words of a stack begin → what is said."""
