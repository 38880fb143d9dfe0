"""AdamW with separate decay, warm-up and cosine, the weights' running average, the loss and its bounds."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterable

import torch
from torch import nn

from waste_gui.config import RunConfig
from waste_gui.engine.devices import Device
from waste_gui.engine.models import Classifier, has_attention
from waste_gui.protocol import Baseline

LR_FROM_SCRATCH = 2e-3
LR_FINE_TUNE = {"transformer": 2e-5, "convolutional": 2e-4}
LR_AFTER_HEAD = {"transformer": 1e-5, "convolutional": 1e-4}
"""What the head was fitted to shall not be lost in the first steps."""

HEAD_LR_FACTOR = 10.0
"""A new head on pretrained weights learns faster than they (usual in fine-tuning recipes)."""


def choose_lr(config: RunConfig, model: Classifier) -> float:
    """The highest learning rate, of the backbone: as asked, or by what is trained and from where."""
    if config.lr is not None:
        return config.lr
    if config.pretrained == "none":
        return LR_FROM_SCRATCH / 4 if has_attention(model) else LR_FROM_SCRATCH
    kind = "transformer" if has_attention(model) else "convolutional"
    return (LR_AFTER_HEAD if config.tune == "head_then_all" else LR_FINE_TUNE)[kind]


def make_optimizer(config: RunConfig, model: Classifier, device: Device) -> torch.optim.AdamW:
    """AdamW whose decay spares norms and biases (every parameter of one dimension)."""
    lr = choose_lr(config, model)
    fitted = config.pretrained == "none" or config.tune == "head_then_all"
    groups = []
    for part, factor in ((model.backbone, 1.0), (model.head, 1.0 if fitted else HEAD_LR_FACTOR)):
        trained = [p for p in part.parameters() if p.requires_grad]
        for decays in (True, False):
            parameters = [p for p in trained if (p.ndim > 1) == decays]
            if parameters:
                decay = config.weight_decay if decays else 0.0
                groups.append({"params": parameters, "weight_decay": decay, "lr": lr * factor})
    return torch.optim.AdamW(groups, fused=device.type in ("cuda", "cpu"))


class WeightAverage:
    """The running average of a model's weights and buffers (Polyak), young averages forgetting faster."""

    def __init__(self, model: Classifier, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, model: Classifier, step: int) -> None:
        """Move towards the model's weights after its `step`-th step."""
        decay = min(self._decay, (1 + step) / (10 + step))
        averaged = [t for t in self.model.state_dict().values() if t.is_floating_point()]
        current = [t for t in model.state_dict().values() if t.is_floating_point()]
        torch._foreach_lerp_(averaged, current, 1 - decay)


def loss_weights(labels: list[int], classes: int) -> torch.Tensor:
    """Inverse frequency, 1 on average over the samples: a rare class weighs as much as a common one."""
    counts = torch.bincount(torch.tensor(labels), minlength=classes).clamp(min=1).float()
    return len(labels) / (classes * counts)


def make_loss(config: RunConfig, labels: list[int], classes: int, device: Device) -> nn.CrossEntropyLoss:
    weights = loss_weights(labels, classes).to(device.device) if config.balance == "weights" else None
    return nn.CrossEntropyLoss(weight=weights, label_smoothing=config.label_smoothing)


def baseline(config: RunConfig, train: list[int], val: list[int], classes: int) -> Baseline:
    """What guessing would come to on these labels. Balanced, each class that has photos counts the same."""
    counts = Counter(train)
    share = {c: 1 / len(counts) if config.balance != "none" else n / len(train) for c, n in counts.items()}
    smooth = config.label_smoothing
    seen = [(1 - smooth) * share.get(c, 0.0) + smooth / classes for c in range(classes)]
    sure = [1 - smooth + smooth / classes, *[smooth / classes] * (classes - 1)]
    in_val = [n / len(val) for n in Counter(val).values()]
    return Baseline(
        classes=len(counts),
        train_photos=len(train),
        val_photos=len(val),
        train_loss=round(entropy(seen), 4),
        least_loss=round(entropy(sure), 4),
        val_loss=round(entropy(in_val), 4),
        val_accuracy=round(max(in_val, default=0.0), 4),
    )


def entropy(shares: Iterable[float]) -> float:
    """In nats: the least mean loss of an answer that is the same for every photo."""
    return -sum(share * math.log(share) for share in shares if share > 0)
