"""The stages of a run: order, titles, and the times to expect on a machine that has no history yet."""

from __future__ import annotations

from waste_gui.protocol import StageInfo

# Expected times from the lab's own log (104,000 photos, one GPU); limits as `monitor/stall.py` uses them.
STAGES: tuple[StageInfo, ...] = (
    StageInfo(id="import", title="Start PyTorch", expected_s=(3, 20), stuck_after_s=90),
    StageInfo(id="scan", title="Scan photos", expected_s=(1, 30), stuck_after_s=60),
    StageInfo(id="model", title="Build the model", expected_s=(2, 60), stuck_after_s=60),
    StageInfo(id="loaders", title="Prepare loading", expected_s=(0, 2), stuck_after_s=30),
    StageInfo(id="single_sample", title="One photo", expected_s=(0, 1), stuck_after_s=30),
    StageInfo(id="first_train_batch", title="First batch", expected_s=(10, 30), stuck_after_s=60),
    StageInfo(id="first_val_batch", title="First validation batch", expected_s=(5, 15), stuck_after_s=60),
    StageInfo(id="label_check", title="Check labels", expected_s=(0, 1), stuck_after_s=30),
    StageInfo(id="model_check", title="Check the model", expected_s=(0, 1), stuck_after_s=30),
    StageInfo(id="train", title="Train", expected_s=None, stuck_after_s=60),
    StageInfo(id="validate", title="Validate", expected_s=None, stuck_after_s=60),
    StageInfo(id="save", title="Save", expected_s=(0, 5), stuck_after_s=60),
)

EMBED = StageInfo(id="embed", title="Embed photos", expected_s=None, stuck_after_s=60)
"""Every photo once through the network, where the last layer is trained on what it makes of them."""

FIT = StageInfo(id="fit", title="Fit the last layer", expected_s=(1, 10), stuck_after_s=60)
"""On embeddings that are all there."""


EMBEDS = (EMBED.id, FIT.id)
"""Stages of a training that begins with the last layer."""


def training_stages(*, embeds: bool) -> tuple[StageInfo, ...]:
    if not embeds:
        return STAGES
    at = next(place for place, stage in enumerate(STAGES) if stage.id == "train")
    return (*STAGES[:at], EMBED, FIT, *STAGES[at:])


CHECK_STAGES: tuple[StageInfo, ...] = (
    *(stage for stage in STAGES if stage.id == "scan"),
    StageInfo(id="check", title="Check photos", expected_s=None, stuck_after_s=60),
    StageInfo(id="compare", title="Compare photos", expected_s=None, stuck_after_s=60),
)
"""The stages of a check before training."""

FORECAST = StageInfo(id="forecast", title="Work out the preview", expected_s=(1, 10), stuck_after_s=60)

PREVIEW_STAGES: tuple[StageInfo, ...] = (
    *(stage for stage in STAGES if stage.id in ("import", "scan", "model")),
    EMBED,
    FORECAST,
)
"""The stages of a preview before training."""

INSIDE_TRAIN = ("validate", "save")
"""Stages that come again after each epoch, while `train` is open."""

EVERY_STAGE: tuple[StageInfo, ...] = (*STAGES, EMBED, FIT, FORECAST, *CHECK_STAGES)
