"""A program: a training whose process may use so many MB more than it has once it trains. Its messages are
lines on stdout, as the engine's."""

from __future__ import annotations

import resource
import sys

import psutil
import torch

from waste_gui import engine, protocol
from waste_gui.config import RunConfig
from waste_gui.engine.failures import failed
from waste_gui.protocol import AnyMessage, StageStarted


def main(source: str, folder: str, megabytes: int, batch_size: int) -> None:
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # It crashes where memory is short, now and then.

    def hear(message: AnyMessage) -> None:
        sys.stdout.buffer.write(protocol.encode(message))
        if isinstance(message, StageStarted) and message.stage == "train":
            used = psutil.Process().memory_info().vms
            resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20,) * 2)

    config = RunConfig(
        source=(source,),
        model="resnet18",
        pretrained="none",
        image_size=128,
        batch_size=batch_size,
        epochs=1,
        workers=1,
        device="cpu",
        cache_gb=0,
        small_first=False,
    )
    try:
        engine.train(config, hear, run_dir=folder)
    except Exception as failure:
        sys.stdout.buffer.write(protocol.encode(failed(failure, config, "train")))
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
