"""What the window says of models without torch is what the libraries say."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub.constants
import open_clip
import pytest
import timm
import torch
import torchvision
from timm.models import get_pretrained_cfg

from waste_gui.config import COMMON_MODELS
from waste_gui.engine import models, starter
from waste_gui.engine.errors import WeightsUnavailable
from waste_gui.model_choices import (
    CHOICES,
    CLIP_FILES,
    RECOMMENDED,
    TIMM_FILES,
)
from waste_gui.weights_here import hub_cache, is_here, torch_hub


def megabytes(tensors: dict[str, torch.Tensor]) -> float:
    return sum(value.numel() * value.element_size() for value in tensors.values()) / 1e6


def test_starter_is_the_package_that_the_engine_reads() -> None:
    assert models.is_starter("timm", CHOICES[0].model, "default")
    assert is_here(RECOMMENDED[CHOICES[0].model])
    assert starter.path().stat().st_size / 1e6 == pytest.approx(RECOMMENDED[CHOICES[0].model].mb, abs=1)


def test_every_model_that_is_offered_is_known() -> None:
    assert set(RECOMMENDED) == set(COMMON_MODELS)
    assert {choice.model for choice in CHOICES} <= set(RECOMMENDED)
    for choice in CHOICES:
        library, name = models.find_model(choice.model)
        assert (library, name) == (choice.library, choice.model.rpartition(":")[2])


@pytest.mark.parametrize("model", [name for name in COMMON_MODELS if name != CHOICES[0].model])
def test_recommended_weights_are_those_that_the_library_takes(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, name = models.find_model(model)
    its = RECOMMENDED[model]
    if library == "torchvision":
        weights = torchvision.models.get_model_weights(name).DEFAULT
        assert its.files == (Path(weights.url).name,) and not its.repo
        assert its.mb == pytest.approx(weights.meta["_file_size"] * 1.048576, abs=1)  # It says MB, means MiB.
        return
    with torch.device("meta"):
        if library == "timm":
            whole = timm.create_model(name)
            assert its.repo == get_pretrained_cfg(name).hf_hub_id and its.files == TIMM_FILES
        else:
            asked: list[str] = []

            def download(settings: dict[str, str]) -> str:
                asked.append(settings["hf_hub"])
                return __file__

            monkeypatch.setattr(open_clip, "download_pretrained", download)
            with pytest.raises(WeightsUnavailable):
                models._fetch_open_clip(name, "default")
            assert asked == [f"{its.repo}/"] and its.files == CLIP_FILES
            whole = open_clip.create_model(name, load_weights=False, device="meta")
    assert its.mb == pytest.approx(megabytes(whole.state_dict()), abs=1)


def test_licences_are_those_that_timm_gives() -> None:
    for name, choice in (("convnext_tiny", CHOICES[1]), ("vit_base_patch16_clip_224.openai", CHOICES[2])):
        assert get_pretrained_cfg(name).license == choice.licence.lower()


def test_caches_are_looked_for_where_the_libraries_keep_them() -> None:
    assert str(hub_cache()) == huggingface_hub.constants.HF_HUB_CACHE
    assert str(torch_hub()) == torch.hub.get_dir()
