"""The training form, made from the fields of RunConfig: a few first, the rest under More."""

from __future__ import annotations

import types
from typing import Any, Literal, get_args, get_origin

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from waste_gui import config as configs
from waste_gui.config import COMMON_MODELS, ConfigError, FieldHelp, RunConfig
from waste_gui.gui.common.fields import ChoiceBox, NumberBox
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.settings.checked import checked
from waste_gui.gui.settings.model_part import ModelPart, all_helps
from waste_gui.gui.settings.start_from import RECOMMENDED, SCRATCH
from waste_gui.gui.settings.steady_label import SteadyLabel

FIRST = ("name", "model", "pretrained", "tune", "epochs", "batch_size", "image_size", "device")
ELSEWHERE = ("source", "classes", "mapping", "class_folders")
"""These are set on the photos page."""
AUTOMATIC = "automatic"
SUGGESTIONS = {"model": COMMON_MODELS}
WORDS = {
    "model": {
        "ViT-B-32": "ViT-B-32, for a graphics card",
        "ViT-B-16": "ViT-B-16, finer, slower",
        "resnet18": "resnet18, small and quick",
        "mobilenet_v3_large": "mobilenet_v3_large, smallest",
    },
    "pretrained": {"default": RECOMMENDED, "none": SCRATCH},
    "device": {
        "auto": "Automatic (GPU if available)",
        "cpu": "Processor",
        "cuda": "NVIDIA GPU",
        "mps": "Apple GPU",
    },
    "tune": {
        "auto": AUTOMATIC,
        "head": "the last layer (a minute)",
        "all": "all layers",
        "head_then_all": "the last layer, then all",
    },
    "balance": {"none": "no", "weights": "weight the loss", "sampler": "draw rare classes more"},
    "bad_image": {"replace": "take another photo", "blank": "take a black image"},
    "precision": {"auto": AUTOMATIC},
}
"""What the form calls a value of the settings; any other is shown as it is, and may be typed."""

HELPS = {
    "model": "One of the cards, or any other name that open_clip, torchvision or timm knows.",
    "pretrained": "The model's recommended weights, an earlier run, a file, or nothing. A tag of the "
    "library's may be typed.",
    "tune": "The last layer alone takes about a minute and is good with few photos; all layers after it take "
    "longer and may bring more.",
    "image_size": "Side of the square that the model sees. Automatic: the model's own.",
    "device": "Where to train. Automatic: a GPU, else the processor.",
    "cache_gb": "Disk space, for all runs together, that keeps photos as training needs them: each is then "
    "decoded only once. 0 switches the cache off.",
    "photo_timeout": "How long a photo may take before it is excluded.",
    "bad_image": "What takes the place of a photo that cannot be read.",
    "precision": "Number format of the computation. Automatic: bfloat16 where it is faster.",
    "tensorboard": "Also write the curves as TensorBoard event files, into the run's folder tensorboard.",
}
"""In the form's words, where the help of the settings speaks of their values."""

UNITS = {"image_size": " px", "cache_gb": " GB", "photo_timeout": " s", "save_minutes": " min"}
MNEMONICS = {"name": "N&ame", "model": "&Model by name", "epochs": "Epo&chs", "batch_size": "&Batch size"}


class Fields(QScrollArea):
    """An editor for each setting, its help beside it."""

    changed = Signal()

    def __init__(self, config: RunConfig, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editors: dict[str, QWidget] = {}
        self.model_part = ModelPart(self)
        self.model_part.watch.changed.connect(self._mark_all)
        self._helps: dict[str, PlainLabel] = {}
        self._fields = {field.name: field for field in configs.fields() if field.name not in ELSEWHERE}
        self._base = config
        self._filling = True
        self.setAccessibleName("Settings")
        form = QWidget()
        rows = QVBoxLayout(form)
        rows.setContentsMargins(0, 0, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(self._make_grid([n for n in FIRST if n in self._fields]))
        self.more = QPushButton("M&ore settings")
        self.more.setCheckable(True)
        self.more.setProperty("link", True)
        rows.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self._rest: QWidget | None = None  # Made when it is first asked for.
        self._rest_place = QVBoxLayout()
        self.more.toggled.connect(self._on_more)
        rows.addLayout(self._rest_place)
        reset = QPushButton("Reset to &defaults")
        reset.clicked.connect(lambda: self.show_config(RunConfig()))
        rows.addSpacing(UNIT)
        rows.addWidget(reset, 0, Qt.AlignmentFlag.AlignLeft)
        rows.addStretch(1)
        self.setWidgetResizable(True)
        self.setWidget(form)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.show_config(config)

    def _make_grid(self, names: list[str]) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * UNIT)
        grid.setVerticalSpacing(UNIT)
        grid.setColumnMinimumWidth(0, 144)
        grid.setColumnStretch(2, 1)
        for name in names:
            field = self._fields[name]
            if name == "model":
                grid.addWidget(self.model_part.cards, grid.rowCount(), 0, 1, 3)
            i = grid.rowCount()
            editor = self._make_editor(field)
            editor.setAccessibleName(field.title)
            editor.setAccessibleDescription(_help(field))
            if not isinstance(editor, QCheckBox):
                editor.setFixedSize(216, max(28, editor.fontMetrics().height() + 12))
            label = QLabel(MNEMONICS.get(name, field.title))
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setBuddy(editor)
            label.setMinimumHeight(28)
            texts = (_help(field), *(all_helps() if name == "pretrained" else ()))
            help_ = SteadyLabel(texts, size="caption", role="muted")
            help_.set_text(_help(field))
            self.editors[name], self._helps[name] = editor, help_
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(label, i, 0, top)
            grid.addWidget(editor, i, 1, top)
            holder_of_help = QVBoxLayout()
            holder_of_help.setContentsMargins(0, 7, 0, 0)  # Its first line beside the editor's.
            holder_of_help.addWidget(help_)
            holder_of_help.addStretch(1)
            grid.addLayout(holder_of_help, i, 2)
        return holder

    def _make_editor(self, field: FieldHelp) -> QWidget:
        kind = _kind(field.type)
        if kind == "choice":
            box = ChoiceBox()
            box.addItems([_shown(field.name, value) for value in get_args(field.type)])
            box.currentIndexChanged.connect(self._on_edited)
            return box
        if kind == "switch":
            check = QCheckBox("on")
            check.setMinimumHeight(28)
            check.toggled.connect(self._on_edited)
            return check
        if kind == "number":
            return self._make_spin_box(field)
        if field.name == "pretrained":
            self.model_part.start.editTextChanged.connect(self._on_edited)
            return self.model_part.start
        if field.name in SUGGESTIONS:
            open_box = ChoiceBox()
            open_box.setEditable(True)
            open_box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            open_box.addItems([_shown(field.name, value) for value in SUGGESTIONS[field.name]])
            open_box.editTextChanged.connect(self._on_edited)
            if field.name == "model":
                self.model_part.model = open_box
            return open_box
        line = QLineEdit()
        optional = type(None) in get_args(field.type)
        line.setPlaceholderText(AUTOMATIC if optional and field.name != "resume" else "")
        line.textChanged.connect(self._on_edited)
        return line

    def _make_spin_box(self, field: FieldHelp) -> QWidget:
        if (field.high or 0) > 2**31 - 1:  # More than a spin box can hold.
            line = QLineEdit()
            line.textChanged.connect(self._on_edited)
            return line
        spin = NumberBox()
        low = int(field.low or 0)
        optional = type(None) in get_args(field.type)
        spin.setSuffix(UNITS.get(field.name, ""))
        spin.setRange(low - 1 if optional else low, int(field.high or 1_000_000))
        if optional:
            spin.setSpecialValueText(AUTOMATIC)
        spin.valueChanged.connect(self._on_edited)
        return spin

    def show_config(self, config: RunConfig) -> None:
        self._base = config
        self._filling = True
        for name, editor in self.editors.items():
            _set_value(editor, _shown(name, getattr(config, name)))
        self._filling = False
        self._on_edited()

    def config(self) -> RunConfig:
        """What the form says; ConfigError says which field is wrong."""
        values = {name: self._value(name, editor) for name, editor in self.editors.items()}
        return checked(msgspec.structs.replace(self._base, **values))

    def _value(self, name: str, editor: QWidget) -> Any:
        field = self._fields[name]
        optional = type(None) in get_args(field.type)
        match editor:
            case QCheckBox():
                return editor.isChecked()
            case QSpinBox():
                return None if optional and editor.value() == editor.minimum() else editor.value()
            case QComboBox():
                return _value_of(name, editor.currentText().strip())
            case QLineEdit():
                return _parsed(field, editor.text().strip(), optional)
        raise TypeError(name)

    def _on_edited(self, *_: object) -> None:
        if not self._filling:
            self._mark_all()
            self.changed.emit()

    def _mark_all(self, *_: object) -> None:
        self.model_part.show_config(str(self._value("model", self.editors["model"])), self._config_or_none())
        for name, editor in self.editors.items():
            self._mark(name, editor, self._problem(name, editor))

    def _config_or_none(self) -> RunConfig | None:
        try:
            return self.config()
        except ConfigError:
            return None

    def showEvent(self, event: QShowEvent) -> None:
        """Weights that are gone meanwhile, a network that is there again: it is looked at anew."""
        super().showEvent(event)
        self.model_part.watch.begin()
        self._mark_all()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.model_part.watch.end()

    def _problem(self, name: str, editor: QWidget) -> str:
        try:
            checked(msgspec.structs.replace(RunConfig(), **{name: self._value(name, editor)}))
        except ConfigError as error:
            return str(error)
        return ""

    def _mark(self, name: str, editor: QWidget, problem: str) -> None:
        help_ = self._helps[name]
        help_.set_text(problem or self._told(name))
        help_.set_role("stuck" if problem else "muted")
        if bool(editor.property("wrong")) != bool(problem):
            editor.setProperty("wrong", bool(problem))
            editor.style().unpolish(editor)
            editor.style().polish(editor)

    def _told(self, name: str) -> str:
        if name != "pretrained":
            return _help(self._fields[name])
        return self.model_part.help_for(str(self._value(name, self.editors[name])))

    def _on_more(self, shown: bool) -> None:
        if self._rest is None:
            self._filling = True
            rest = [name for name in self._fields if name not in FIRST]
            self._rest = self._make_grid(rest)
            self._rest_place.addWidget(self._rest)
            for name in rest:
                _set_value(self.editors[name], _shown(name, getattr(self._base, name)))
            self._filling = False
        self._rest.setVisible(shown)
        self.more.setText("Fewer settings" if shown else "M&ore settings")


def _shown(name: str, value: Any) -> Any:
    """A value as the form calls it."""
    if isinstance(value, float) and name in UNITS:
        short = f"{value:g}"
        return f"{short if float(short) == value else value}{UNITS[name]}"
    return WORDS[name].get(value, value) if name in WORDS else value


def _value_of(name: str, shown: str) -> str:
    return next((value for value, words in WORDS.get(name, {}).items() if words == shown), shown)


def _help(field: FieldHelp) -> str:
    return HELPS.get(field.name, field.help)


def _kind(type_: Any) -> Literal["choice", "switch", "number", "text"]:
    if get_origin(type_) is Literal:
        return "choice"
    if type_ is bool:
        return "switch"
    if type_ is int or int in _members(type_):
        return "number"
    return "text"


def _members(type_: Any) -> tuple[Any, ...]:
    """The types in an optional one: `Annotated[int, …] | None` has int."""
    if isinstance(type_, types.UnionType) or get_origin(type_) is not None:
        return tuple(getattr(part, "__origin__", part) for part in get_args(type_))
    return (type_,)


def _set_value(editor: QWidget, value: Any) -> None:
    match editor:
        case QCheckBox():
            editor.setChecked(bool(value))
        case QSpinBox():
            editor.setValue(editor.minimum() if value is None else value)
        case QComboBox():
            if editor.isEditable():
                editor.setEditText(str(value))
            else:
                editor.setCurrentText(str(value))
        case QLineEdit():
            editor.setText("" if value is None else str(value))


def _parsed(field: FieldHelp, text: str, optional: bool) -> Any:
    if not text and optional:
        return None
    number = field.type if field.type in (int, float) else float if float in _members(field.type) else None
    if number is None:
        return text
    text = text.removesuffix(UNITS.get(field.name, "").strip()).rstrip()
    try:
        return number(text.replace(",", "."))
    except ValueError:
        raise ConfigError(f"'{field.title}' needs a number.") from None
