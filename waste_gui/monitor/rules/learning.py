"""Training that runs and does not learn."""

from __future__ import annotations

import numpy as np

from waste_gui.monitor.run import Phase
from waste_gui.monitor.scene import (
    Scene,
)
from waste_gui.monitor.verdict import Action, State, Verdict


def loss_is_nan(scene: Scene) -> Verdict | None:
    y = scene.run.loss.y
    if scene.run.phase is not Phase.TRAINING or not len(y) or np.isfinite(y[-1]):
        return None
    finite = np.flatnonzero(np.isfinite(y))
    step = int(scene.run.loss.x[finite[-1] + 1 if len(finite) else 0])
    since = f"{step:,}".replace(",", " ")
    title = f"The loss is no longer a number since step {since}"
    text = f"{title}. Training goes on but will not learn. Start again with a lower learning rate."
    actions = (Action.STOP, Action.KEEP_WAITING)
    return Verdict(State.SLOW, "loss_is_nan", title, text, (f"Loss is NaN since step {since}",), actions)
