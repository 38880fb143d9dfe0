"""Backbones by name with a classification head: open_clip, torchvision and timm.

The library is found by the name, in this order, or named before a colon (`timm:resnet18`). What a model needs
to be rebuilt, input size and normalisation included, is its ModelSpec, which goes into each checkpoint.
"""

from __future__ import annotations

import contextlib
import socket
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from torch import Tensor, nn

from waste_gui import patches
from waste_gui.bounds import Count, Name
from waste_gui.config import BEGIN_WITH_HEAD, COMMON_MODELS, STARTER_MODEL, RunConfig
from waste_gui.engine import starter
from waste_gui.engine.deep_features import deep_features, inner_blocks
from waste_gui.engine.errors import BadSettings, UnknownModel, WeightsUnavailable, WrongCheckpoint
from waste_gui.engine.weight_files import WeightFile, open_weights
from waste_gui.engine.weight_fit import Shape, fill

LIBRARIES = ("open_clip", "torchvision", "timm")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LARGEST_IMAGE, MOST_CLASSES = 4096, 100_000
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")

Triple = tuple[float, float, float]
Mean = Annotated[float, msgspec.Meta(ge=-1e3, le=1e3)]
Deviation = Annotated[float, msgspec.Meta(ge=1e-6, le=1e3)]


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to build the same network again; `mean` and `std` are of RGB in 0..1."""

    library: str
    name: str
    image_size: Annotated[int, msgspec.Meta(gt=0, le=LARGEST_IMAGE)]
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Deviation, Deviation, Deviation]
    classes: tuple[Name, ...]
    inner: Annotated[tuple[Count, ...], msgspec.Meta(max_length=64)] = ()


class Classifier(nn.Module):
    """A backbone that gives (B, features), with those of its `inner` blocks, and a linear head that gives
    (B, classes) logits."""

    def __init__(self, backbone: nn.Module, features: int, classes: int, inner: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.backbone, self.inner = backbone, inner
        self.head = nn.Linear(features, classes)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.head(self.features(images_BCHW))  # type: ignore[no-any-return]

    def features(self, images_BCHW: Tensor) -> Tensor:
        """(B, features): what the head sees."""
        return features_of(self.backbone, images_BCHW, self.inner)


def features_of(backbone: nn.Module, images_BCHW: Tensor, inner: tuple[int, ...]) -> Tensor:
    if inner:
        return deep_features(backbone, images_BCHW, inner)
    return backbone(images_BCHW)  # type: ignore[no-any-return]


def find_model(name: str) -> tuple[str, str]:
    """(library, name there); UnknownModel, with the nearest names, if no library knows it."""
    if name == STARTER_MODEL:  # No other library knows it: they need not be imported.
        return "timm", name
    library, _, inner = name.rpartition(":")
    if library and library not in LIBRARIES:
        raise UnknownModel(
            f"There is no model library named '{library}'.", f"Write one of {', '.join(LIBRARIES)}."
        )
    for candidate in [library] if library else LIBRARIES:
        if inner in _names(candidate):
            return candidate, inner
    raise UnknownModel(f"There is no model named '{name}'.", _did_you_mean(inner))


def _names(library: str) -> set[str]:
    if library == "open_clip":
        import open_clip

        return set(open_clip.list_models())
    if library == "torchvision":
        import torchvision

        return set(torchvision.models.list_models(module=torchvision.models))
    import timm

    return set(timm.list_models())


def _did_you_mean(name: str) -> str:
    import difflib

    known = {known.lower(): known for library in LIBRARIES for known in _names(library)}
    near = [known[n] for n in difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)]
    return f"Did you mean {' or '.join(near)}?" if near else "Try resnet18 or ViT-B-32."


def build(config: RunConfig, classes: tuple[str, ...]) -> tuple[Classifier, ModelSpec]:
    """The network with the weights that the settings ask for, on the CPU in float32.

    Raises UnknownModel, WeightsUnavailable, WrongCheckpoint, BadSettings.
    """
    library, name = find_model(config.model)
    deep = config.tune in BEGIN_WITH_HEAD
    model, spec = _build_empty(library, name, config.image_size, classes, deep=deep, refuse_cut=True)
    if config.pretrained == "none":
        _start_residuals_at_identity(model)
    else:
        _load_pretrained(model, library, name, config)
    return model, spec


def rebuild(spec: ModelSpec) -> Classifier:
    """The network of a checkpoint, without its weights; nothing is fetched for it. WrongCheckpoint where it
    is none that a known library builds: a checkpoint may come from anybody."""
    if spec.library not in LIBRARIES or spec.name not in _names(spec.library):
        raise WrongCheckpoint(
            f"The checkpoint is of a model that no library knows, '{spec.library}:{spec.name}'."[:300],
            "Choose a run of this program.",
        )
    if not (0 < spec.image_size <= LARGEST_IMAGE and 0 < len(spec.classes) <= MOST_CLASSES):
        raise WrongCheckpoint(
            "The checkpoint asks for a model that is too large.", "Choose a run of this program."
        )
    with _nothing_fetched():
        try:
            model, built = _build_empty(
                spec.library, spec.name, spec.image_size, spec.classes, deep=bool(spec.inner)
            )
        except OSError as error:
            raise WrongCheckpoint(
                f"The model {spec.name} cannot be built without a network ({_first_line(error)}).",
                "Choose another run.",
            ) from error
    if built.inner != spec.inner:
        raise WrongCheckpoint(
            f"The checkpoint asks for inner blocks that {spec.name} does not have.", "Choose another run."
        )
    return model


@contextlib.contextmanager
def _nothing_fetched() -> Iterator[None]:
    """Some models of open_clip ask the network for the settings of their text part."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def has_attention(model: nn.Module) -> bool:
    """Whether it is a transformer: those want smaller learning rates and one fixed image size."""
    return any("attention" in type(module).__name__.lower() for module in model.modules())


def _build_empty(
    library: str,
    name: str,
    image_size: int | None,
    classes: tuple[str, ...],
    *,
    deep: bool,
    refuse_cut: bool = False,
) -> tuple[Classifier, ModelSpec]:
    """`deep`: its head also sees what the inner blocks found, in networks of which that is known. Checkpoints
    of earlier versions may be of sizes that would be refused now (`refuse_cut`)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Libraries warn of initialisations that are about to be replaced.
        try:
            backbone, size, mean, std = MAKE[library](name, image_size)
        except (AssertionError, ValueError, TypeError) as error:
            if unfit := patches.why_unfit(name, image_size):
                raise BadSettings(*_halves(unfit)) from error
            raise BadSettings(
                f"The model {name} cannot be built for images of {image_size or 'its own'} px ({error}).",
                "Choose another image size; 224 suits nearly every model.",
            ) from error
    if refuse_cut and (cut := _cut_off(backbone, name, size)):
        raise BadSettings(*cut)
    inner = inner_blocks(backbone) if deep else ()
    features = _feature_count(backbone, inner, name, size)
    spec = ModelSpec(
        library=library, name=name, image_size=size, mean=mean, std=std, classes=classes, inner=inner
    )
    return Classifier(backbone, features, len(classes), inner), spec


def _cut_off(backbone: nn.Module, name: str, size: int) -> tuple[str, str] | None:
    """Why such images would be cut off, and which sizes fit: patches lie side by side, what is left over at
    the edge falls away. Seen in what reaches the first layer, as some models fill up to whole patches."""
    seen: list[int] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.Conv2d)
        if inputs[0].shape[1] == 3 and inputs[0].shape[-1] % layer.kernel_size[0]:
            seen.append(layer.kernel_size[0])

    side_by_side = [
        layer
        for layer in backbone.modules()
        if isinstance(layer, nn.Conv2d)
        and layer.in_channels == 3
        and layer.kernel_size == layer.stride
        and layer.kernel_size[0] > 1
        and layer.padding in ((0, 0), "valid")
    ]
    if not side_by_side:
        return None
    hooks = [layer.register_forward_pre_hook(look) for layer in side_by_side]
    try:
        _feature_count(backbone, (), name, size)
    finally:
        for hook in hooks:
            hook.remove()
    unfit = patches.why_unfit(name, size, seen[0]) if seen else None
    return _halves(unfit) if unfit else None


def _halves(unfit: str) -> tuple[str, str]:
    """What is wrong, and what to do."""
    text, _, hint = unfit.rpartition(". ")
    return text + ".", hint


def _open_clip(name: str, image_size: int | None) -> tuple[nn.Module, int, Triple, Triple]:
    import open_clip

    model: Any = open_clip.create_model(
        name,
        pretrained=None,
        load_weights=False,
        force_image_size=image_size,
        device=torch.get_default_device(),
    )
    preprocess = open_clip.get_model_preprocess_cfg(model)
    size = preprocess["size"]
    side = size if isinstance(size, int) else size[0]
    return model.visual, side, tuple(preprocess["mean"]), tuple(preprocess["std"])


def _torchvision(name: str, image_size: int | None) -> tuple[nn.Module, int, Triple, Triple]:
    import torchvision

    options: dict[str, Any] = {}
    if name.startswith("vit_") and image_size:
        options["image_size"] = image_size
    if name in ("googlenet", "inception_v3"):
        options.update(aux_logits=False, init_weights=True)
    model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    _remove_last_linear(model)
    size, mean, std = 224, IMAGENET_MEAN, IMAGENET_STD
    with contextlib.suppress(ValueError, AttributeError):
        transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        size, mean, std = transforms.crop_size[0], tuple(transforms.mean), tuple(transforms.std)
    return model, image_size or size, mean, std


def _timm(name: str, image_size: int | None) -> tuple[nn.Module, int, Triple, Triple]:
    import timm

    model: Any = timm.create_model(name, pretrained=False, num_classes=0)
    settings = timm.data.resolve_model_data_config(model)
    side = image_size or settings["input_size"][1]
    if side != settings["input_size"][1] and getattr(model, "patch_embed", None) is not None:
        model = timm.create_model(name, pretrained=False, num_classes=0, img_size=side)
    return model, side, tuple(settings["mean"]), tuple(settings["std"])


MAKE = {"open_clip": _open_clip, "torchvision": _torchvision, "timm": _timm}
"""By the library: a backbone by its name there, its image size, mean and deviation."""


def _remove_last_linear(model: nn.Module) -> None:
    """A torchvision classifier without its last linear layer gives features."""
    last = [path for path, module in model.named_modules() if isinstance(module, nn.Linear)]
    convolutional_head = [
        path
        for path, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and path.startswith("classifier")
    ]
    path = (convolutional_head or last)[-1]  # SqueezeNet's head is a convolution.
    parent, _, attribute = path.rpartition(".")
    owner = model.get_submodule(parent)
    setattr(owner, attribute, nn.Identity())


def _feature_count(backbone: nn.Module, inner: tuple[int, ...], name: str, size: int) -> int:
    """Measured with one blank image, whatever the library calls it."""
    was_training = backbone.training
    backbone.eval()
    try:
        with torch.inference_mode():
            features = features_of(backbone, torch.zeros(1, 3, size, size), inner)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise BadSettings(
            f"The model {name} does not take images of {size} px ({str(error).splitlines()[0]}).",
            "Choose another image size; 224 suits nearly every model.",
        ) from error
    backbone.train(was_training)
    if not isinstance(features, Tensor) or features.ndim != 2:
        raise UnknownModel(f"The model {name} gives no features to classify.", "Choose another model.")
    return int(features.shape[1])


def _start_residuals_at_identity(model: nn.Module) -> None:
    """Zero the last norm of each residual block (Goyal et al. 2017): a calmer start from scratch."""
    for module in model.modules():
        kind = type(module).__name__
        norm = getattr(module, "bn3", None) if kind == "Bottleneck" else getattr(module, "bn2", None)
        if kind in ("BasicBlock", "Bottleneck") and isinstance(norm, nn.BatchNorm2d):
            nn.init.zeros_(norm.weight)


def _load_pretrained(model: Classifier, library: str, name: str, config: RunConfig) -> None:
    wanted = config.pretrained
    path = Path(wanted).expanduser()
    if path.suffix in WEIGHT_SUFFIXES or path.is_file():
        fill(model.backbone, open_weights(path), str(path), name, _known())
        return
    if is_starter(library, name, wanted):
        model.backbone.load_state_dict(starter.weights(model.backbone.state_dict()))
        return
    source = {"open_clip": _fetch_open_clip, "torchvision": _fetch_torchvision, "timm": _fetch_timm}[library]
    fill(model.backbone, _reachable(source, name, wanted), wanted, name)


def _known() -> Iterator[tuple[str, Mapping[str, Shape]]]:
    """The models that the window offers, and the tensors of their backbones, without memory for them."""
    for known in COMMON_MODELS:
        library, name = find_model(known)
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            backbone = MAKE[library](name, None)[0]
        yield known, {key: tuple(value.shape) for key, value in backbone.state_dict().items()}


def is_starter(library: str, name: str, tag: str) -> bool:
    """Whether these weights came with the program: the recommended ones of the default model."""
    return (library, name, tag) == (starter.LIBRARY, starter.MODEL, "default")


def _reachable(source: Callable[[str, str], WeightFile], name: str, tag: str) -> WeightFile:
    """The library's own download, its many network errors told as one."""
    from huggingface_hub import constants

    online = _can_look_up(constants.ENDPOINT)
    if not online:  # Offline mode still takes what is in the cache, and fails at once instead of in 45 s.
        constants.HF_HUB_OFFLINE = True
    try:
        return source(name, tag)
    except (WeightsUnavailable, KeyboardInterrupt):
        raise
    except Exception as error:  # Each library and its HTTP client has a tree of errors of its own.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        if not online:
            reason = "there is no network, and they are not on this computer yet"
        raise WeightsUnavailable(
            f"The weights '{tag}' of {name} could not be downloaded ({reason}).",
            f"Use the starter weights, which are here (in a terminal: --model {STARTER_MODEL}), or train "
            "from scratch (--pretrained none) or with a file.",
        ) from error


def _can_look_up(address: str) -> bool:
    """Whether the address's host has an IP address, or a proxy is set, which then looks it up."""
    if urllib.request.getproxies():
        return True
    try:
        socket.getaddrinfo(urllib.parse.urlsplit(address).hostname, None)
    except OSError:
        return False
    return True


def _fetch_open_clip(name: str, tag: str) -> WeightFile:
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if tag == "default":
        preferred = [t for t in ("laion2b_s34b_b79k", "openai") if t in tags]
        tag = (preferred or tags or ["none"])[0]
    if tag not in tags:
        raise _no_such_tag(name, tag, tags)
    settings = open_clip.get_pretrained_cfg(name, tag)
    return open_weights(Path(open_clip.download_pretrained(settings)))


def _fetch_torchvision(name: str, tag: str) -> WeightFile:
    import torchvision

    weights = torchvision.models.get_model_weights(name)
    tags = [w.name for w in weights]
    if tag == "default":
        tag = weights.DEFAULT.name
    if tag not in tags:
        raise _no_such_tag(name, tag, tags)
    return WeightFile.of(weights[tag].get_state_dict(progress=False, check_hash=True))


def _fetch_timm(name: str, tag: str) -> WeightFile:
    import timm

    tags = [t.partition(".")[2] for t in timm.list_pretrained(f"{name}.*")]
    if tag != "default" and tag not in tags:
        raise _no_such_tag(name, tag, tags)
    full = name if tag == "default" else f"{name}.{tag}"
    return WeightFile.of(timm.create_model(full, pretrained=True, num_classes=0).state_dict())


def _no_such_tag(name: str, tag: str, tags: list[str]) -> WeightsUnavailable:
    known = f"Known are: {', '.join(tags[:6])}." if tags else "It has none; write 'none'."
    return WeightsUnavailable(
        f"{name} has no weights named '{tag}', and no such file is there.", known + " A file works too."
    )
