"""One check of the photos: what its engine has found."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QObject

from waste_gui.gui.photos.finding_rows import LIVE
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.engine_process import check_command
from waste_gui.gui.session.engine_work import Command, EngineWork
from waste_gui.protocol import AnyMessage, Finding, ImageFailed, named_path

CHECK = "check"
"""The stage in which photos are read."""


class PhotoCheck(EngineWork):
    name, stage = "check", CHECK

    def __init__(self, parent: QObject | None = None, command: Command = check_command) -> None:
        super().__init__(parent, command)

    def _reset(self, choice: DatasetChoice | None) -> None:
        super()._reset(choice)
        self.findings: dict[str, Finding] = {}
        self._damaged: set[str] = set()  # The photos of which a finding says that they can't be read.

    def _take(self, message: AnyMessage) -> None:
        match message:
            case Finding():
                self._take_finding(message)
            case ImageFailed():
                self._take_failure(message)

    def _take_finding(self, finding: Finding) -> None:
        """With the names that the files really have."""
        if any("\\udc" in path for path in finding.paths):
            names = {path: named_path(path) for path in finding.paths}
            suggest = tuple(names.get(path, path) for path in finding.suggest)
            finding = msgspec.structs.replace(finding, paths=tuple(names.values()), suggest=suggest)
        if finding.kind == "damaged":
            self._damaged.update(finding.paths)
            self.findings.pop(LIVE + finding.paths[0], None)
        self.findings[finding.key] = finding

    def _take_failure(self, failed: ImageFailed) -> None:
        """Shown at once: the findings themselves are told at the end of a check."""
        path = named_path(failed.path) if "\\udc" in failed.path else failed.path
        words = f"Cannot be read: {failed.reason}."
        if path not in self._damaged:
            self.findings[LIVE + path] = Finding(
                kind="damaged",
                paths=(path,),
                words=words,
                suggest=(path,),
                key=LIVE + path,
                error=failed.kind,
            )
