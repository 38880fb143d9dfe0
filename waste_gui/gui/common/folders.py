"""Folders in the desktop's own file manager."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_folder(folder: Path) -> bool:
    """Whether a program was found for it."""
    return bool(QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
