"""Which signs there are: what words say of a state needs no Qt."""

from typing import Literal

Glyph = Literal["waiting", "running", "ok", "done", "slow", "stuck", "failed", "stopped"]
