"""One run to be made: what it trains (a RunConfig), and where: in which folder, or on from which run.

What to train can be copied to another run; where it continues can't. So a run's `config.json` holds the first
alone, and a request is told to the engine once: on the command line, or in a file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from waste_gui import config as configs
from waste_gui import files, patches
from waste_gui.config import ConfigError, RunConfig


class RunRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With neither folder, the run gets a new one among the user's runs."""

    config: RunConfig
    run_dir: Annotated[
        str | None,
        Meta(
            title="Run folder",
            description="The folder of this run; by default a new one, named by date, among your runs.",
        ),
    ] = None
    resume: Annotated[
        str | None,
        Meta(
            title="Resume",
            description="A run folder to go on from, at its last checkpoint.",
        ),
    ] = None


def fields() -> list[configs.FieldHelp]:
    """Those beside the settings."""
    return [field for field in configs.fields(RunRequest) if field.name != "config"]


def check(request: RunRequest) -> RunRequest:
    """The same request with whole paths, or ConfigError with one sentence that says what is wrong."""
    config = configs.absolute(configs.check(request.config))
    run_dir, resume = _whole(request.run_dir), _whole(request.resume)
    if run_dir and resume and os.path.realpath(run_dir) != os.path.realpath(resume):
        raise ConfigError(
            f"A run goes on in its own folder, {resume}, not in {run_dir}; leave out --run-dir or --resume."
        )
    if resume is None and (unfit := patches.why_unfit(config.model, config.image_size)):
        raise ConfigError(unfit)
    return RunRequest(config=config, run_dir=run_dir, resume=resume)


def _whole(path: str | None) -> str | None:
    return os.path.abspath(os.path.expanduser(path)) if path else None


def load(path: Path) -> RunRequest:
    """Of a file that holds a request, or settings alone; ConfigError says what is wrong with it."""
    raw = configs.read(path, named=True)
    if not isinstance(raw, dict) or "config" not in raw:
        return RunRequest(config=configs.from_raw(raw, str(path)))
    config = configs.from_raw(raw["config"], str(path))
    places = {name: value for name, value in raw.items() if name != "config"}
    try:
        request = msgspec.convert({"config": {}, **places}, RunRequest)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{configs.sentence(error)} It stands in {path}.") from None
    return msgspec.structs.replace(request, config=config)


def dump(request: RunRequest) -> bytes:
    return files.encode_json(request, indent=2) + b"\n"
