"""What the backbone makes of each photo, computed once and kept for every later run.

A row is the features of a view of a photo in float16. Its key changes with the photo (path, size, time of
change), with the code that reads it, and with the view; its folder with the backbone: its weights, its image
size and what its head sees. So nothing is ever found that is not of this photo and this network, and two
runs, a kill at any byte and a full disk cost time at most (`RowCache`).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from waste_gui.config import RunConfig
from waste_gui.dataset.file_stats import FileStats
from waste_gui.dataset.photo_cache import GB
from waste_gui.dataset.resized_cache import resized_key, user_cache_dir
from waste_gui.dataset.row_cache import RowCache
from waste_gui.dataset.samples import Sample
from waste_gui.engine.augment import evaluation_view
from waste_gui.engine.context import Context, StageReport
from waste_gui.engine.devices import Device
from waste_gui.engine.loading import Loader, batches_of
from waste_gui.engine.models import Classifier, ModelSpec
from waste_gui.engine.quick_pass import quick
from waste_gui.engine.room import Part, Room
from waste_gui.protocol import Warned

VERSION = 1
"""Rises with every change of what a row holds."""

VIEWS = 2
"""The photo as it is, and mirrored: what it is does not depend on its side."""

BATCH = 32

Row = np.ndarray[Any, np.dtype[np.float16]]
"""(features,)"""


class EmbeddingStore(RowCache):
    """Rows of one backbone."""

    name = "store of embeddings"
    goes_on = "Training goes on; what cannot be kept is computed anew by the next run."

    def __init__(
        self,
        folder: Path,
        features: int,
        limit_bytes: int,
        keys: Collection[bytes],
        on_problem: Callable[[str, str], object],
    ) -> None:
        self._features = features
        super().__init__(folder, 2 * features, limit_bytes, keys, on_problem)

    def read(self, key: bytes) -> Row | None:
        """(features,) float16; None if it is not there, or not undamaged."""
        row = np.empty(2 * self._features, np.uint8)
        return row.view(np.float16) if self.read_row(key, row) else None

    def put(self, key: bytes, features_F: Row) -> None:
        self.put_row(key, np.ascontiguousarray(features_F, np.float16).view(np.uint8))


def view_keys(path: str, stats: FileStats) -> list[bytes]:
    """A key for each view; none where nobody knows the file's size and time."""
    stat = stats.get(path)
    if stat is None:
        return []
    of_photo = resized_key(path, stat.size, stat.changed_ns)
    return [hashlib.blake2b(of_photo + bytes([view]), digest_size=16).digest() for view in range(VIEWS)]


def folder_of(model: Classifier, spec: ModelSpec, device: Device) -> Path:
    """A name that changes with everything but the photo that decides on a row."""
    known = hashlib.blake2b(digest_size=10)
    computed = str(device.autocast or "float32")
    known.update(f"{VERSION} {spec.image_size} {spec.mean} {spec.std} {spec.inner} {computed}".encode())
    for name, tensor in sorted(model.backbone.state_dict().items()):
        known.update(name.encode())
        known.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return user_cache_dir() / "embeddings" / f"{spec.name}-{known.hexdigest()}"


def open_store(
    config: RunConfig,
    context: Context,
    model: Classifier,
    spec: ModelSpec,
    device: Device,
    stats: FileStats,
    closing: contextlib.ExitStack,
) -> EmbeddingStore | None:
    """None where the photo cache is switched off: both take the same disk."""
    if config.cache_gb <= 0:
        return None

    def tell(text: str, hint: str) -> None:
        context.report(Warned(text=text, hint=hint))

    def open_it() -> EmbeddingStore:
        keys = [key for path in stats for key in view_keys(path, stats)]
        folder = folder_of(model, spec, device)
        return EmbeddingStore(folder, model.head.in_features, int(config.cache_gb * GB), keys, tell)

    store = context.in_thread(open_it)
    closing.callback(store.close)
    return store


class Embedder:
    """Embeds photos with one model; from the store where it has them."""

    def __init__(
        self,
        model: Classifier,
        spec: ModelSpec,
        device: Device,
        loader: Loader,
        store: EmbeddingStore | None,
        stats: FileStats,
        keeps: Callable[[str], bool],
    ) -> None:
        """`keeps(path)` says whether what was read in that photo's place is the photo itself."""
        self._model, self._spec, self._device, self._loader = model, spec, device, loader
        self._store, self._stats, self._keeps = store, stats, keeps

    def embed(
        self, samples: Sequence[Sample], context: Context, stage: StageReport
    ) -> tuple[dict[str, Tensor], int]:
        """(views, features) float16 by path, without the photos that cannot be read; and how many of them
        were known before. Raises StopRequested, TooManyFailures; what was done until then is kept."""
        found = context.in_thread(lambda: self._known(samples))
        known = len(found)
        missing = [sample for sample in samples if sample.path not in found]
        stage.progress(known, f"{known} photos are known" if known else "")
        done = known
        room = Room(self._device, "the pass through the network", context.report)
        with contextlib.closing(self._loader.load(batches_of(missing, BATCH))) as batches:
            for asked, batch in zip(batches_of(missing, BATCH), context.awaited(batches), strict=True):
                if batch.samples:
                    context.heart.does("computing embeddings")
                    views = self._views(batch.resized_BHWC, room)
                    for place, sample in enumerate(batch.samples):
                        found[sample.path] = views[:, place].clone()
                        self._keep(sample.path, views[:, place])
                done += len(asked)
                stage.progress(done, f"{done} of {len(samples)} photos")
                context.obey()
        return found, known

    def _known(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        if self._store is None:
            return found
        for sample in samples:
            rows = [self._store.read(key) for key in view_keys(sample.path, self._stats)]
            whole = [row for row in rows if row is not None]
            if len(whole) == VIEWS:
                found[sample.path] = torch.from_numpy(np.stack(whole))
        return found

    def _views(self, resized_BHWC: Tensor, room: Room) -> Tensor:
        """(views, B, features) float16. Always computed by the same number of photos: libraries choose their
        way by it, and a photo's features shall not depend on how many others were known."""
        count = len(resized_BHWC)
        whole = torch.zeros(BATCH, *resized_BHWC.shape[1:], dtype=resized_BHWC.dtype)
        whole[:count] = resized_BHWC

        def of_part(part: Part) -> Tensor | None:
            return self._views_at_once(whole[part.slice]) if part.start < count else None

        parts = [views for views in room.parts(BATCH, of_part) if views is not None]
        return torch.cat(parts, dim=1)[:, :count]

    @cached_property
    def _quick(self) -> Classifier:
        """Made only where a photo is not known: that takes a moment."""
        return quick(self._model, self._spec, self._device)

    @torch.inference_mode()
    def _views_at_once(self, resized_BHWC: Tensor) -> Tensor:
        resized = resized_BHWC.to(self._device.device, non_blocking=True)
        plain = evaluation_view(resized, self._spec)
        views = []
        for images in (plain, plain.flip(3)):
            with self._device.compute():
                features = self._quick.features(images.contiguous(memory_format=torch.channels_last))
            views.append(features.float().cpu())
        return torch.stack(views).clamp(-65504, 65504).half()

    def _keep(self, path: str, views_VF: Tensor) -> None:
        if self._store is not None and self._keeps(path):
            for key, row in zip(view_keys(path, self._stats), views_VF, strict=False):
                self._store.put(key, row.numpy())
