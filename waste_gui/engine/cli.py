"""The command line: every option of `train` is a field of RunConfig or RunRequest, with its help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, Union, get_args, get_origin

import msgspec

from waste_gui import config as configuration
from waste_gui import request as requests
from waste_gui.config import ConfigError, FieldHelp, RunConfig
from waste_gui.dataset.mapping import PRESETS
from waste_gui.plain_text import PlainParser, say_error
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir

LIST_OPTIONS = {"source": "DIR", "classes": "NAME"}
NOT_OPTIONS = ("mapping",)


class Parser(PlainParser):
    """Says what is wrong in one sentence and exits 1, as every bad input does."""

    def error(self, message: str) -> NoReturn:
        say_error(f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.")
        raise SystemExit(1)


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="waste-engine", description="Train and use a waste classifier.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    train = commands.add_parser("train", help="train a classifier on folders of photos")
    train.add_argument("config", nargs="?", metavar="RUN_CONFIG.json", help="settings from a file")
    _add_fields(train)
    check = commands.add_parser("check", help="look for bad and duplicate photos before training")
    check.add_argument("config", nargs="?", metavar="RUN_CONFIG.json", help="settings from a file")
    _add_fields(check)
    preview = commands.add_parser("preview", help="say what training on these photos would come to")
    preview.add_argument("config", nargs="?", metavar="RUN_CONFIG.json", help="settings from a file")
    _add_fields(preview)
    _add_exclude(commands.add_parser("set-aside", help="leave photos out of training, or take them back"))
    evaluate = commands.add_parser("evaluate", help="validate a run's best model again")
    evaluate.add_argument("folder", metavar="RUN_FOLDER")
    predict = commands.add_parser("predict", help="say what is on photos")
    predict.add_argument("folder", metavar="RUN_FOLDER")
    predict.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="photos, folders of them, patterns such as '*.jpg', or a list: a .txt file with a path a line",
    )
    export = commands.add_parser("export", help="make a run's tables, or its event files, anew")
    export.add_argument("folder", metavar="RUN_FOLDER")
    export.add_argument("--to", required=True, metavar="csv|tensorboard", help="the kind of file")
    demo = commands.add_parser("demo-data", help="draw a small dataset to try things on")
    demo.add_argument("folder", metavar="DIR")
    for command in (evaluate, predict):
        command.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    for command in (train, check, preview, evaluate, predict, export, demo):
        command.add_argument(
            "--format", choices=("json", "text"), help="messages as JSON lines or as text; text on a terminal"
        )
    return top


def _add_exclude(command: argparse.ArgumentParser) -> None:
    command.add_argument("photos", nargs="*", metavar="PHOTO")
    command.add_argument("--undo", action="store_true", help="use these photos again")
    command.add_argument("--list", action="store_true", help="show which photos are set aside")
    command.add_argument("--source", action="append", metavar="DIR", help="show only photos in this folder")
    command.add_argument("--reason", default="", metavar="TEXT", help="why, for the list")


def _add_fields(command: argparse.ArgumentParser) -> None:
    for field in (*requests.fields(), *configuration.fields()):
        if field.name in NOT_OPTIONS:
            continue
        option = "--" + field.name.replace("_", "-")
        common: dict[str, Any] = {"dest": field.name, "default": None, "help": _help(field)}
        kind = _plain_type(field.type)
        if field.name in LIST_OPTIONS:
            command.add_argument(option, action="append", metavar=LIST_OPTIONS[field.name], **common)
        elif kind is bool:
            command.add_argument(option, action=argparse.BooleanOptionalAction, **common)
        elif get_origin(kind) is Literal:
            command.add_argument(option, choices=get_args(kind), **common)
        else:
            command.add_argument(option, type=kind, metavar=kind.__name__.upper(), **common)
    command.add_argument(
        "--freeze-backbone",
        dest="tune",
        action="store_const",
        const="head",
        help="the same as --tune head",
    )
    command.add_argument(
        "--map",
        dest="mapping",
        action="append",
        metavar="FOLDER=CLASS",
        help="put a folder's photos into a class; FOLDER= leaves the folder out",
    )


def _help(field: FieldHelp) -> str:
    default = "" if field.default in (None, "", (), {}) else f" (default: {field.default})"
    return (field.help + default).replace("%", "%%")


def _plain_type(annotation: Any) -> Any:
    """`Optional[Annotated[int, …]]` → `int`."""
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    return (
        getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation
    )


def request_from(options: argparse.Namespace) -> RunRequest:
    """What a file asks for (or the settings of the run to resume), changed by the options given. Raises
    ConfigError."""
    base = _base(options)
    config = _given(options, configuration.fields())
    if len(config.get("classes", ())) == 1 and config["classes"][0] in PRESETS:
        config["classes"] = PRESETS[config["classes"][0]]
    if options.mapping:
        config["mapping"] = dict(_mapping_pair(text) for text in options.mapping)
    return requests.check(
        msgspec.structs.replace(
            base,
            config=msgspec.structs.replace(base.config, **config),
            **_given(options, requests.fields()),
        )
    )


def _base(options: argparse.Namespace) -> RunRequest:
    if options.config:
        return requests.load(Path(options.config))
    if options.resume:
        return RunRequest(config=configuration.load(RunDir(Path(options.resume)).config))
    return RunRequest(config=RunConfig())


def _given(options: argparse.Namespace, fields: Sequence[FieldHelp]) -> dict[str, Any]:
    values = {field.name: getattr(options, field.name) for field in fields}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None
    }


def _mapping_pair(text: str) -> tuple[str, str | None]:
    folder, separator, name = text.partition("=")
    if not separator or not folder:
        raise ConfigError(f"--map '{text}' is not of the form FOLDER=CLASS.")
    return folder, name or None
