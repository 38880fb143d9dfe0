"""What this computer has for training: weights that are here, a graphics card, a network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui.gui.common.background import Background, unexpected
from waste_gui.model_choices import RECOMMENDED
from waste_gui.monitor.gpu import graphics_card
from waste_gui.weights_here import is_here, why_unreachable

AGAIN_AFTER_S = 15.0
"""While the form is looked at: a cable is plugged in, a download ends."""


@dataclass(frozen=True)
class Surroundings:
    """None where it is not known yet: `here` are the models whose recommended weights are on this computer,
    `no_network` says why nothing can be downloaded (empty: it can), `card` names the graphics card (empty:
    there is none)."""

    here: frozenset[str] | None = None
    no_network: str | None = None
    card: str | None = None


def look(tell: Callable[[object], None], before: Surroundings = Surroundings()) -> Surroundings:
    """`tell` gets what is known so far; a driver that hangs comes last and holds nothing up."""
    seen = replace(before, here=frozenset(model for model, its in RECOMMENDED.items() if is_here(its)))
    tell(seen)
    seen = replace(seen, no_network=why_unreachable())
    tell(seen)
    return replace(seen, card=graphics_card())


class SurroundingsWatch(QObject):
    """Looks, in a thread, when the form is shown, and now and then while it is."""

    changed = Signal(object)  # Surroundings

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seen = Surroundings()
        self.look: Callable[[Callable[[object], None], Surroundings], Surroundings] = look
        self._looked_at = 0.0
        self._looking = Background(unexpected, self)
        self._looking.progressed.connect(self._on_seen)
        self._looking.finished.connect(self._on_seen)
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * AGAIN_AFTER_S))
        self._timer.timeout.connect(self._look)

    def begin(self) -> None:
        self._timer.start()
        self._look()

    def end(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        """A look that hangs is not waited for, nor followed by another within the same time."""
        now = time.monotonic()
        if self._looking.working and now - self._looked_at < AGAIN_AFTER_S:
            return
        self._looked_at = now
        before = self.seen
        self._looking.start(lambda tell: self.look(tell, before))

    def _on_seen(self, seen: Surroundings) -> None:
        if seen != self.seen:
            self.seen = seen
            self.changed.emit(seen)
