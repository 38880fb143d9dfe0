"""What a person asks of a training run: one typed, validated value, the same for form, command line and file.

Each field's title and help serve the form's labels and tooltips and the command line's `--help`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from waste_gui import files

Tune = Literal["auto", "head", "all", "head_then_all"]
BEGIN_WITH_HEAD: tuple[Tune, ...] = ("head", "head_then_all")
"""Ways of tuning that begin with a regression on embeddings."""

ClassFolders = Literal["auto", "top", "innermost", "names"]

EPOCHS = 20
EPOCHS_AFTER_HEAD = 10
"""Of a training of all layers that the last one has already been fitted to: it begins near its end."""

Pretrained = str
"""`none`, `default` (the library's recommended weights), a tag of the library's, or a file."""

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin")
STARTER_MODEL = "tf_efficientnet_lite0"
"""Its recommended weights come with the program."""

COMMON_MODELS = (
    STARTER_MODEL,
    "ViT-B-32",
    "ViT-B-16",
    "RN50",
    "resnet18",
    "resnet50",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "timm:convnext_tiny",  # Under its bare name open_clip has another, which nobody has trained.
    "timm:vit_tiny_patch16_224",
)
"""Offered in the form; any name that open_clip, torchvision or timm knows is accepted."""


BOUNDS = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}

FAILURES_ALWAYS_ALLOWED = 100
FAILURES_ALLOWED_SHARE = 0.01

FORMER = ("run_dir", "resume", "freeze_backbone")
"""Settings once: `run_dir` and `resume` said where a run was and not what it trained, and no copy of a run's
settings shall lead into that run; `freeze_backbone` is `tune: head` now. Files that hold them are read."""


class ConfigError(ValueError):
    """A setting that cannot be used: one sentence that says what is wrong and what to do."""


class RunConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a training run was asked for. Written to `config.json`, complete enough to run again."""

    source: Annotated[
        tuple[str, ...],
        Meta(
            title="Photos",
            description="A folder of photos with one sub-folder per class; give several to unite them.",
        ),
    ] = ()
    name: Annotated[
        str, Meta(title="Name", description="A name for this run, by which you will find it again.")
    ] = ""
    model: Annotated[
        str,
        Meta(
            title="Model",
            description="A backbone that timm, open_clip or torchvision knows, e.g. ViT-B-32 or resnet18; "
            "write timm:NAME or torchvision:NAME to choose the library.",
        ),
    ] = STARTER_MODEL
    pretrained: Annotated[
        Pretrained,
        Meta(
            title="Start from",
            description="Weights to start from: 'default' (recommended, downloaded once), 'none' (train from "
            "scratch), a tag of the library's, or a file.",
        ),
    ] = "default"
    tune: Annotated[
        Tune,
        Meta(
            title="Tune",
            description="What is trained. 'head': the last layer alone, in one pass of the photos and "
            "seconds; 'all': every layer; 'head_then_all': the last one, then the others after it (of the "
            "starter model all but the first blocks); "
            "'auto': 'head' on a computer without a graphics card, 'head_then_all' with one, 'all' "
            "from nothing.",
        ),
    ] = "auto"
    epochs: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(
            title="Epochs",
            description=f"How often training sees each photo; by default {EPOCHS}, and {EPOCHS_AFTER_HEAD} "
            "where all layers follow the last one.",
        ),
    ] = None
    batch_size: Annotated[
        int,
        Meta(
            title="Batch size",
            ge=1,
            le=65_536,
            description="Photos per step. Smaller needs less memory; larger is faster on a GPU.",
        ),
    ] = 32
    image_size: Annotated[
        Annotated[int, Meta(ge=16, le=2048)] | None,
        Meta(
            title="Image size",
            description="Side of the square that the model sees, in pixels; by default the model's own.",
        ),
    ] = None
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        Meta(title="Device", description="Where to train; 'auto' takes a GPU if there is one."),
    ] = "auto"
    classes: Annotated[
        tuple[str, ...],
        Meta(
            title="Classes",
            description="The target classes, in order, or 'lab' for the lab's 30; by default the folders' "
            "own names.",
        ),
    ] = ()
    mapping: Annotated[
        dict[str, str | None],
        Meta(
            title="Mapping",
            description="Which class a folder's photos belong to (folder name to class, or null to leave "
            "the folder out); by default by name and known synonyms.",
        ),
    ] = {}
    class_folders: Annotated[
        ClassFolders,
        Meta(
            title="Class folders",
            description="Which folders are the classes: 'auto' (as their names and places say, with parts of "
            "a ready split told apart); 'top': the folders directly in the chosen one, however they are "
            "called; 'innermost': those that hold the photos; 'names': none, the photos' names begin with "
            "their class (cat.1.jpg).",
        ),
    ] = "auto"
    val_fraction: Annotated[
        float,
        Meta(
            title="Validation share",
            gt=0,
            lt=0.9,
            description="The share of the photos kept for validation, where no val folder is there.",
        ),
    ] = 0.2
    test_fraction: Annotated[
        float,
        Meta(
            title="Test share",
            ge=0,
            lt=0.9,
            description="The share of the photos kept for a test at the end, where no test folder is there.",
        ),
    ] = 0.0
    lr: Annotated[
        Annotated[float, Meta(gt=0, le=10)] | None,
        Meta(
            title="Learning rate",
            description="The highest learning rate of the schedule; by default chosen for the model and "
            "its weights.",
        ),
    ] = None
    weight_decay: Annotated[
        float,
        Meta(
            title="Weight decay",
            ge=0,
            le=10,
            description="Pulls weights towards zero; norms and biases are spared.",
        ),
    ] = 0.05
    warmup_epochs: Annotated[
        float,
        Meta(
            title="Warm-up",
            ge=0,
            le=1000,
            description="Epochs during which the learning rate rises; then it falls along a cosine.",
        ),
    ] = 3.0
    label_smoothing: Annotated[
        float,
        Meta(
            title="Label smoothing",
            ge=0,
            lt=1,
            description="How much the model is kept from being too sure of a label.",
        ),
    ] = 0.1
    augment: Annotated[
        Literal["none", "light", "standard", "strong"],
        Meta(
            title="Augmentation",
            description="How much training photos are cropped, turned and recoloured at random.",
        ),
    ] = "standard"
    small_first: Annotated[
        bool,
        Meta(
            title="Small images first",
            description="Begin with images of half the size, each seen in several views, and let them grow: "
            "better where a convolutional model learns from nothing, and no slower; other trainings are not "
            "changed by it.",
        ),
    ] = True
    balance: Annotated[
        Literal["none", "weights", "sampler"],
        Meta(
            title="Balance classes",
            description="For classes of unequal size: weight the loss, or draw rare classes more often.",
        ),
    ] = "none"
    clip_norm: Annotated[
        float,
        Meta(
            title="Gradient clipping",
            ge=0,
            description="Longest gradient allowed; 0 switches clipping off.",
        ),
    ] = 1.0
    accumulate: Annotated[
        int,
        Meta(
            title="Accumulate",
            ge=1,
            le=1024,
            description="Batches whose gradients are summed for one step: a larger batch in less memory.",
        ),
    ] = 1
    ema_decay: Annotated[
        float,
        Meta(
            title="Weight averaging",
            ge=0,
            lt=1,
            description="Decay per step of the running average of the weights, which is then what is "
            "validated and saved as best (0.99, for example, in a long training); 0 switches it off.",
        ),
    ] = 0.0
    save_minutes: Annotated[
        float,
        Meta(
            title="Save every",
            ge=0,
            le=100_000,
            description="Minutes after which training is saved also inside an epoch; 0: only after each.",
        ),
    ] = 10.0
    patience: Annotated[
        int,
        Meta(
            title="Early stopping",
            ge=0,
            description="Stop after so many epochs without a better validation accuracy; 0: never.",
        ),
    ] = 0
    workers: Annotated[
        Annotated[int, Meta(ge=1, le=128)] | None,
        Meta(
            title="Loading processes",
            description="Processes that read photos; by default by the number of processor cores.",
        ),
    ] = None
    cache_gb: Annotated[
        float,
        Meta(
            title="Photo cache",
            ge=0,
            le=100_000,
            description="Gigabytes of disk, for all runs together, that keep photos as training needs them: "
            "each is then decoded only once; 0 switches the cache off.",
        ),
    ] = 50.0
    photo_timeout: Annotated[
        float,
        Meta(
            title="Photo time limit",
            ge=0.5,
            le=86_400,
            description="Seconds after which a photo that cannot be read is excluded.",
        ),
    ] = 20.0
    bad_image: Annotated[
        Literal["replace", "blank"],
        Meta(
            title="Unreadable photos",
            description="'replace': another photo of the class takes its place; 'blank': a black image.",
        ),
    ] = "replace"
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Meta(
            title="Precision",
            description="Number format of the computation; 'auto' takes bfloat16 where it is faster.",
        ),
    ] = "auto"
    tensorboard: Annotated[
        bool,
        Meta(
            title="TensorBoard",
            description="Also write the curves as TensorBoard event files, into the run's folder.",
        ),
    ] = False
    seed: Annotated[
        int,
        Meta(
            title="Seed",
            ge=0,
            le=2**63 - 1,
            description="The same seed gives the same split, order and, on a CPU, the same result.",
        ),
    ] = 0


class FieldHelp(msgspec.Struct, frozen=True):
    """What form and command line need to know of one field."""

    name: str
    title: str
    help: str
    type: Any
    default: Any
    low: float | None
    high: float | None


def fields(of: type[msgspec.Struct] = RunConfig) -> list[FieldHelp]:
    """The fields of RunConfig, or of such a type, in order, with title, help and bounds."""
    found = []
    for field in msgspec.structs.fields(of):
        if not hasattr(field.type, "__metadata__"):
            continue
        inner, meta = field.type.__origin__, field.type.__metadata__[0]
        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        bounds = next((m for m in (meta, *_inner_metas(inner)) if _bounds(m) != (None, None)), meta)
        found.append(FieldHelp(field.name, meta.title, meta.description, inner, default, *_bounds(bounds)))
    return found


def _inner_metas(inner: Any) -> list[Meta]:
    """The bounds of an optional field stand on the type inside."""
    return [m for part in get_args(inner) for m in getattr(part, "__metadata__", ())]


def _bounds(meta: Meta) -> tuple[float | None, float | None]:
    return (meta.ge if meta.ge is not None else meta.gt, meta.le if meta.le is not None else meta.lt)


def failure_budget(photos: int) -> int:
    """How many photos may be unreadable before a run fails: max(100, 1 % of the dataset), as in the lab."""
    return max(FAILURES_ALWAYS_ALLOWED, int(photos * FAILURES_ALLOWED_SHARE))


def check(config: RunConfig) -> RunConfig:
    """The same settings, or ConfigError with one sentence that says which is wrong."""
    try:
        checked = msgspec.convert(msgspec.to_builtins(config), RunConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(sentence(error)) from None
    if not checked.model.strip():
        raise ConfigError("'Model' is empty; choose one.")
    if checked.val_fraction + checked.test_fraction >= 1:
        raise ConfigError(
            "Validation and test share leave no photos to train on; make their sum smaller than 1."
        )
    if len(set(checked.classes)) != len(checked.classes):
        raise ConfigError("A class is listed twice; remove one of them from the list of classes.")
    return checked


def may_embed(config: RunConfig) -> bool:
    """Whether the last layer may be trained on embeddings: what is not decided yet, the device decides."""
    return any(tune_on(config, cpu=cpu) in BEGIN_WITH_HEAD for cpu in (True, False))


def tune_on(config: RunConfig, *, cpu: bool) -> Tune:
    """What is trained, with `auto` decided: from nothing, all; else the last layer, and where a graphics card
    makes that quick, all layers after it."""
    if config.tune != "auto":
        return config.tune
    if config.pretrained == "none":
        return "all"
    return "head" if cpu else "head_then_all"


def epochs_on(config: RunConfig, *, cpu: bool) -> int:
    """How many there will be: as asked, else by what is trained; the head alone has none: counted as one."""
    tune = tune_on(config, cpu=cpu)
    if tune == "head":
        return 1
    return config.epochs or (EPOCHS_AFTER_HEAD if tune == "head_then_all" else EPOCHS)


def epochs_if_known(config: RunConfig) -> int | None:
    """The same, where it does not depend on the device."""
    on_either = {epochs_on(config, cpu=cpu) for cpu in (True, False)}
    return config.epochs or (on_either.pop() if len(on_either) == 1 else None)


def missing_weights(pretrained: str) -> str:
    """Why training cannot start from these, as far as that can be known before the model is; else empty."""
    if not pretrained.strip():
        return "'Start from' is empty; write none to train from scratch."
    path = Path(pretrained).expanduser()
    meant_as_file = path.suffix in WEIGHT_FILES or any(sign in pretrained for sign in " /\\")
    if meant_as_file and not path.is_file():
        return f"'Start from': there is no file {pretrained}."
    return ""


def absolute(config: RunConfig) -> RunConfig:
    """The same settings with whole paths, so that they mean the same from any folder."""
    weights = Path(config.pretrained).expanduser()
    return msgspec.structs.replace(
        config,
        source=tuple(os.path.abspath(os.path.expanduser(source)) for source in config.source),
        pretrained=str(weights.absolute()) if weights.is_file() else config.pretrained,
    )


def load(path: Path) -> RunConfig:
    """Read a `config.json`; ConfigError says what is wrong with it."""
    return from_raw(read(path), str(path))


def read(path: Path, *, named: bool = False) -> Any:
    """The JSON value in a file of settings; one that the person `named` may be a link. Raises ConfigError."""
    try:
        return files.decode_json(files.read(path, files.SMALL_BYTES, follow=named), object)
    except OSError as error:
        raise ConfigError(f"The settings in {path} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise ConfigError(f"{path} is no file of settings ({error}).") from None


def from_raw(raw: Any, where: str) -> RunConfig:
    """The settings that such a value says; ConfigError tells `where` it was found."""
    try:
        return check(msgspec.convert(without_former(raw), RunConfig))
    except msgspec.ValidationError as error:
        raise ConfigError(f"{sentence(error)} It stands in {where}.") from None


def without_former(raw: Any) -> Any:
    """Settings as they were written by any version, without what is no setting any more."""
    if not isinstance(raw, dict):
        return raw
    known = {name: value for name, value in raw.items() if name not in FORMER}
    if raw.get("freeze_backbone") is True:
        known.setdefault("tune", "head")
    return known


def dump(config: RunConfig) -> bytes:
    """As indented JSON, for `config.json`."""
    return files.encode_json(config, indent=2) + b"\n"


def sentence(error: msgspec.ValidationError) -> str:
    """`Expected int >= 1 - at $.epochs` → `The setting 'epochs' must be at least 1.`"""
    what, _, where = str(error).partition(" - at `$.")
    name = f"The setting '{where.rstrip('`')}'" if where else "A setting"
    bound = re.search(r"(>=|<=|>|<) ([\d.e+]+)$", what)
    if bound:
        return f"{name} must be {BOUNDS[bound[1]]} {float(bound[2]):g}."
    return f"{name} is not usable: {what[:1].lower() + what[1:].replace('`', '')}."
