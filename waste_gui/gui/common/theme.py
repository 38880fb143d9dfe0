"""Two palettes, four type sizes, two weights, one accent; light or dark as the system or the person says."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from waste_gui.gui.common import resources
from waste_gui.gui.common.preferences import ThemeName

UNIT = 8
"""Every gap and margin is a multiple of it, in pixels."""

FRAME_MS = 30
"""What would take a whole frame waits for as long, so that it does not come together with something else."""

Size = Literal["caption", "body", "title", "figure"]
SCALE: dict[Size, float] = {"caption": 0.88, "body": 1.0, "title": 1.2, "figure": 1.42}

Role = Literal[
    "text", "muted", "accent", "done", "slow", "stuck", "on_accent", "slow_bar_text", "stuck_bar_text"
]


@dataclass(frozen=True)
class Colours:
    """Text roles have a contrast of 4.5:1 or more on `window` and on `surface`."""

    window: str
    surface: str
    text: str
    muted: str
    hairline: str
    control: str  # The edge of a control, 3:1.
    hover: str
    accent: str
    on_accent: str
    selection: str
    done: str
    slow: str
    stuck: str
    slow_bar: str
    slow_bar_text: str
    stuck_bar: str
    stuck_bar_text: str
    train: str
    validation: str
    name: str


LIGHT = Colours(
    window="#F5F6F8",
    surface="#FFFFFF",
    text="#1A1D21",
    muted="#5A6068",
    hairline="#DCE0E6",
    control="#8A919B",
    hover="#EDF1F6",
    accent="#0B4F9E",
    on_accent="#FFFFFF",
    selection="#DCE8F6",
    done="#1F6F54",
    slow="#8A5A00",
    stuck="#9C0F6A",
    slow_bar="#FFF3D6",
    slow_bar_text="#5C3B00",
    stuck_bar="#9C0F6A",
    stuck_bar_text="#FFFFFF",
    train="#0072B2",
    validation="#D55E00",
    name="light",
)
DARK = Colours(
    window="#1E2125",
    surface="#25292E",
    text="#E8EAED",
    muted="#A0A7B0",
    hairline="#383D44",
    control="#747B85",
    hover="#2E333A",
    accent="#6CB4EE",
    on_accent="#0B1B2B",
    selection="#2C4460",
    done="#B5E36B",
    slow="#E69F00",
    stuck="#FF6E9C",
    slow_bar="#4A3500",
    slow_bar_text="#FFE3A3",
    stuck_bar="#FF6E9C",
    stuck_bar_text="#2B0013",
    train="#56B4E9",
    validation="#E69F00",
    name="dark",
)

_current = LIGHT


def colours() -> Colours:
    """Those in use now; widgets ask when they paint."""
    return _current


def colour(role: Role) -> QColor:
    return QColor(getattr(_current, role))


def font(size: Size = "body", bold: bool = False) -> QFont:
    """The system's own face, with figures of equal width so that a countdown doesn't wobble."""
    made = QFont(QApplication.font())
    made.setPointSizeF(QApplication.font().pointSizeF() * SCALE[size])
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return made


class Theme(QObject):
    """Keeps the application in the chosen or the system's colours."""

    changed = Signal()

    def __init__(self, app: QApplication, name: ThemeName = "system") -> None:
        super().__init__(app)
        self._app = app
        self._name: ThemeName = name
        app.setStyle("Fusion")
        self._use_tabular_digits()
        app.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @property
    def name(self) -> ThemeName:
        return self._name

    def choose(self, name: ThemeName) -> None:
        self._name = name
        self._apply()

    def _use_tabular_digits(self) -> None:
        base = QFont(self._app.font())
        base.setFeature(QFont.Tag("tnum"), 1)
        self._app.setFont(base)

    def _apply(self) -> None:
        global _current
        _current = DARK if self._dark() else LIGHT
        self._app.setPalette(palette(_current))
        self._app.setStyleSheet(style_sheet(_current))
        self.changed.emit()

    def _dark(self) -> bool:
        if self._name == "system":
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._name == "dark"


def palette(c: Colours) -> QPalette:
    made = QPalette()
    roles = {
        QPalette.ColorRole.Window: c.window,
        QPalette.ColorRole.WindowText: c.text,
        QPalette.ColorRole.Base: c.surface,
        QPalette.ColorRole.AlternateBase: c.window,
        QPalette.ColorRole.Text: c.text,
        QPalette.ColorRole.Button: c.surface,
        QPalette.ColorRole.ButtonText: c.text,
        QPalette.ColorRole.BrightText: c.stuck,
        QPalette.ColorRole.ToolTipBase: c.surface,
        QPalette.ColorRole.ToolTipText: c.text,
        QPalette.ColorRole.PlaceholderText: c.muted,
        QPalette.ColorRole.Highlight: c.accent,
        QPalette.ColorRole.HighlightedText: c.on_accent,
        QPalette.ColorRole.Accent: c.accent,
        QPalette.ColorRole.Link: c.accent,
        QPalette.ColorRole.LinkVisited: c.accent,
        QPalette.ColorRole.Light: c.surface,
        QPalette.ColorRole.Midlight: c.hover,
        QPalette.ColorRole.Mid: c.hairline,
        QPalette.ColorRole.Dark: c.control,
        QPalette.ColorRole.Shadow: c.control,
    }
    for role, value in roles.items():
        made.setColor(role, QColor(value))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(c.muted))
    return made


def style_sheet(c: Colours) -> str:
    """`resources/style.qss` with its names of colours filled in."""
    values = dataclasses.asdict(c)
    values["icons"] = resources.path("icons").as_posix()
    return re.sub(r"@(\w+)", lambda match: values[match[1]], resources.text("style.qss"))
