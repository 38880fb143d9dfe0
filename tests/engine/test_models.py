"""Backbones by name, their heads, and weights from local files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from waste_gui.config import RunConfig
from waste_gui.engine import checkpoint, models
from waste_gui.engine.checkpoint import CheckpointInfo, Progress
from waste_gui.engine.errors import BadSettings, DiskFull, UnknownModel, WeightsUnavailable, WrongCheckpoint
from waste_gui.rundir import RunDir

CLASSES = ("glass", "metal", "paper")


def settings(model: str, size: int | None = 64, pretrained: str = "none") -> RunConfig:
    return RunConfig(model=model, image_size=size, pretrained=pretrained)


@pytest.mark.parametrize(
    ("name", "library", "size"),
    [
        ("resnet18", "torchvision", 64),
        ("mobilenet_v3_small", "torchvision", 64),
        ("squeezenet1_1", "torchvision", 64),
        ("timm:resnet10t", "timm", 64),
        ("timm:vit_tiny_patch16_224", "timm", 64),
        ("ViT-S-32-alt", "open_clip", 64),
    ],
)
def test_a_model_by_name_gives_a_logit_for_each_class(name: str, library: str, size: int) -> None:
    model, spec = models.build(settings(name, size), CLASSES)
    assert (spec.library, spec.image_size) == (library, size)
    assert model.eval()(torch.zeros(2, 3, size, size)).shape == (2, 3)


@pytest.mark.slow
def test_size_and_normalisation_come_from_the_model() -> None:
    _, clip = models.build(settings("ViT-S-32-alt", None), CLASSES)
    assert clip.image_size == 224
    assert clip.mean == pytest.approx((0.4814, 0.4578, 0.4082), abs=1e-3)
    _, resnet = models.build(settings("resnet18", None), CLASSES)
    assert resnet.image_size == 224
    assert resnet.mean == models.IMAGENET_MEAN


@pytest.mark.parametrize("name", ["no-such-model", "nolibrary:resnet18", "timm:ViT-B-32"])
def test_an_unknown_name_is_an_error_with_a_hint(name: str) -> None:
    with pytest.raises(UnknownModel) as raised:
        models.find_model(name)
    assert raised.value.hint


def test_a_size_that_the_model_cannot_take_is_an_error() -> None:
    with pytest.raises(BadSettings):
        models.build(settings("torchvision:vit_b_16", 50), CLASSES)


@pytest.mark.slow
def test_a_local_open_clip_checkpoint_is_loaded(tmp_path: Path) -> None:
    import open_clip

    torch.manual_seed(3)
    clip = open_clip.create_model("ViT-S-32-alt", load_weights=False, force_image_size=64)
    torch.save(clip.state_dict(), tmp_path / "clip.pt")
    model, _ = models.build(settings("ViT-S-32-alt", 64, str(tmp_path / "clip.pt")), CLASSES)
    for name, tensor in clip.visual.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[name], tensor), name


@pytest.mark.slow
def test_position_embeddings_of_another_size_are_interpolated(tmp_path: Path) -> None:
    small, _ = models.build(settings("timm:vit_tiny_patch16_224", 64), CLASSES)
    save_file(small.backbone.state_dict(), tmp_path / "small.safetensors")
    path = str(tmp_path / "small.safetensors")
    large, _ = models.build(settings("timm:vit_tiny_patch16_224", 96, path), CLASSES)
    assert large.eval()(torch.zeros(1, 3, 96, 96)).shape == (1, 3)


@pytest.mark.slow
def test_weights_of_another_model_and_missing_files_are_errors(tmp_path: Path) -> None:
    other, _ = models.build(settings("mobilenet_v3_small"), CLASSES)
    save_file(other.backbone.state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(WrongCheckpoint):
        models.build(settings("resnet18", 64, str(tmp_path / "other.safetensors")), CLASSES)
    with pytest.raises(WeightsUnavailable):
        models.build(settings("resnet18", 64, str(tmp_path / "gone.safetensors")), CLASSES)
    with pytest.raises(WeightsUnavailable) as raised:
        models.build(settings("resnet18", 64, "no_such_tag"), CLASSES)
    assert "IMAGENET1K_V1" in raised.value.hint


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "owned",))  # type: ignore[return-value]

    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"state_dict": Evil()}))
    with pytest.raises(WeightsUnavailable):
        models.build(settings("resnet18", 64, str(tmp_path / "evil.pt")), CLASSES)
    assert not (tmp_path / "owned").exists()


@pytest.fixture
def saved(tmp_path: Path) -> tuple[RunDir, models.Classifier]:
    folder = RunDir(tmp_path)
    folder.create()
    model, spec = models.build(settings("resnet18", 32), CLASSES)
    progress = Progress(epoch=1, step=5, val_accuracy=0.5, val_loss=None, best_accuracy=0.5, best_epoch=1)
    info = CheckpointInfo(spec=spec, resized_size=40, progress=progress)
    checkpoint.save(folder.checkpoints / "best.safetensors", info, checkpoint.tensors_of("model", model))
    return folder, model


def test_a_checkpoint_gives_back_the_same_model(saved: tuple[RunDir, models.Classifier]) -> None:
    folder, model = saved
    info, loaded = checkpoint.load_best(folder)
    assert info.spec.classes == CLASSES
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_a_checkpoint_cut_off_at_any_place_is_an_error_in_words(
    saved: tuple[RunDir, models.Classifier],
) -> None:
    path = saved[0].checkpoints / "best.safetensors"
    whole = path.read_bytes()
    for size in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(WrongCheckpoint):
            checkpoint.load(path)


def test_a_failed_save_leaves_the_checkpoint_before_it(
    saved: tuple[RunDir, models.Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, model = saved
    path = folder.checkpoints / "best.safetensors"
    before, (info, tensors) = path.read_bytes(), checkpoint.load(path)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFull):
        checkpoint.save(path, info, tensors)
    assert path.read_bytes() == before
    assert [p.name for p in folder.checkpoints.iterdir() if p.name.endswith("tmp")] == []
