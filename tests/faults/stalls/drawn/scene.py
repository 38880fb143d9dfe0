"""What a drawn fault is made of, for all processes that take part, and what it tells when it strikes."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

Named = list[str]
"""Ways to name one thing, each as good as another: a number, words, or a pattern after `re:`."""

NOBODY = ["re:nobody|no one|no (other )?(process|program|thread|owner)|left behind"]
BY_ITSELF = "re:it ?self|its own|the same (thread|process|program)|another thread of"
ITSELF = [BY_ITSELF, "re:deadlock|in a circle"]
MAIN = "re:training|main thread|engine|program"

CIRCLE = ["re:deadlock|circle|each other|one another"]
A_DEADLOCK = "re:deadlock|wait for each other"
"""Said where somebody merely takes his time, it is wrong."""

OF_THE_KERNEL = [r"re:\block\b|futex|\bsleeps?\b|one of several|its connections|wake it up"]

SLEEPS_S = 900
"""So long whoever holds something sleeps; then it ends, whatever became of the rest."""


@dataclass(frozen=True)
class Facts:
    """What a right answer names, known from how the fault was made: one of the ways of each. `strangers`
    have to do with it and are not to blame: an answer that names one of these is wrong."""

    who: list[Named]
    objects: list[Named]
    holder: list[Named]
    strangers: list[str] = field(default_factory=list)
    pid: int = 0
    also: Named = field(default_factory=list)
    """What may be named and need not be."""


@dataclass
class Scene:
    """Written by the generator before the run (`scene.json`), read by the process that is to be stuck.

    `name` is what the drawn object is called, `number` tells its programs and threads from others', `values`
    is what the kind keeps for itself. `told_by_python`: only Python knows what is waited for, and of a
    program that is not ours nobody can ask it: there a right answer says what the kernel knows."""

    folder: Path
    kind: str
    holder: str
    place: str
    stage: str
    name: str
    number: int
    values: dict[str, Any] = field(default_factory=dict)
    objects: list[Named] = field(default_factory=list)
    held_by: list[Named] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    told_by_python: bool = False

    # --- its files

    @property
    def file(self) -> Path:
        return self.folder / "scene.json"

    @property
    def wrong(self) -> Path:
        """What went wrong in making it."""
        return self.folder / "wrong.txt"

    def save(self) -> None:
        self.file.write_text(json.dumps(asdict(self) | {"folder": str(self.folder)}), encoding="utf-8")

    @property
    def path(self) -> Path:
        """The drawn object's."""
        path = self.folder / "objects" / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def script(self, what: str) -> Path:
        """A program of a name that nobody else has."""
        return self.folder / f"{what}_{self.number}.py"

    @property
    def thread_name(self) -> str:
        return f"prefetch-{self.number}"

    # --- when it strikes

    def remember(self, pid: int) -> None:
        """A process of ours, to be ended in the end."""
        with open(self.folder / "pids.txt", "a") as file:
            file.write(f"{pid} {began(pid)}\n")

    def strike(self) -> None:
        """Say what is right to say, and that it happens now: once, whoever comes first."""
        try:
            os.close(os.open(self.folder / "first", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        objects, held_by = self.objects, self.held_by
        if self.told_by_python and self.place in ("child", "grandchild"):
            objects, held_by = [OF_THE_KERNEL], []
        also = [way for each in self.held_by for way in each]
        in_a_circle = self.holder == "itself" or any(CIRCLE[0] in each for each in self.held_by)
        strangers = self.strangers + ([] if in_a_circle else [A_DEADLOCK])
        facts = Facts(self._who(), objects, held_by, strangers, os.getpid(), also)
        (self.folder / "facts.json").write_text(json.dumps(asdict(facts)), encoding="utf-8")
        whole = self.folder / "struck"
        whole.with_suffix(".new").write_text(str(time.monotonic()))
        whole.with_suffix(".new").rename(whole)

    def _who(self) -> list[Named]:
        me = str(os.getpid())
        match self.place:
            case "thread":
                return [[threading.current_thread().name]]
            case "worker":
                return [[me, *self.values.get("photo", [])]]
            case "child" | "grandchild":
                end = self.held_by[0] if self.objects == self.held_by else []  # A child that is waited for.
                return [[me, self.script("stuck").name, *end]]
        return [[MAIN, me]]

    def facts(self) -> Facts:
        return Facts(**json.loads((self.folder / "facts.json").read_text(encoding="utf-8")))


def load(path: str | Path) -> Scene:
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    return replace(Scene(**told), folder=Path(told["folder"]))


def began(pid: int) -> str:
    """When it was started, in ticks of the system: a later process of that number began later."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
