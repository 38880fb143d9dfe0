"""Three models as cards, one of which is chosen: Fast, Balanced, Best."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from waste_gui.gui.common.glyphs import GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT, colours
from waste_gui.gui.settings.card_text import CardText, card_text, may_say
from waste_gui.gui.settings.checked import TimeHere
from waste_gui.gui.settings.steady_label import SteadyLabel
from waste_gui.gui.settings.surroundings import Surroundings
from waste_gui.model_choices import CHOICES, RECOMMENDED, ModelChoice, choice_of

RADIUS, DOT, INSIDE, WIDEST = 6, 14, 14, 400


class ModelCard(QRadioButton):
    """A radio button as large as all that is said of its model."""

    def __init__(self, choice: ModelChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        states, times = may_say()
        self.title = PlainLabel(choice.title, size="title", bold=True)
        self.facts = SteadyLabel([facts_of(each) for each in CHOICES], size="caption", role="muted")
        self.facts.set_text(facts_of(choice))
        self.what = SteadyLabel([each.what for each in CHOICES])
        self.what.set_text(choice.what)
        self.glyph = GlyphMark("done")
        kept = self.glyph.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.glyph.setSizePolicy(kept)
        self.state = SteadyLabel(states, size="caption")
        self.time = SteadyLabel(times, size="caption", role="muted")
        self._lay_out()
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(DOT + UNIT, 0, 0, 0)
        top.addWidget(self.title, 1)
        state = QHBoxLayout()
        state.setSpacing(UNIT)
        state.addWidget(self.glyph, 0, Qt.AlignmentFlag.AlignTop)
        state.addWidget(self.state, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(INSIDE, INSIDE, INSIDE, INSIDE)
        rows.setSpacing(UNIT)
        rows.addLayout(top)
        rows.addWidget(self.facts)
        rows.addWidget(self.what)
        rows.addStretch(1)
        rows.addLayout(state)
        rows.addWidget(self.time)
        for label in (self.title, self.facts, self.what, self.glyph, self.state, self.time):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_text(self, text: CardText) -> None:
        self.glyph.setVisible(text.glyph is not None)
        if text.glyph is not None:
            self.glyph.set_glyph(text.glyph)
        self.state.set_text(text.state)
        self.time.set_text(text.time)
        self.setEnabled(text.possible)
        self.setAccessibleName(f"{self.choice.title}: {self.choice.called}")
        said = (self.facts.text(), self.choice.what, f"{text.state}.", text.time)
        self.setAccessibleDescription(" ".join(said))

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return layout.totalHeightForWidth(width) if layout is not None else -1

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(240))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height())

    def hitButton(self, place: QPoint) -> bool:
        return self.rect().contains(place)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = colours(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        edge = look.accent if self.isChecked() else look.control if self.isEnabled() else look.hairline
        hovered = self.underMouse() and self.isEnabled() and not self.isChecked()
        painter.setBrush(QColor(look.hover if hovered else look.surface if self.isEnabled() else look.window))
        painter.setPen(QPen(QColor(edge), 2 if self.isChecked() else 1))
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        self._paint_dot(painter, QColor(edge))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.accent), 2))
            painter.drawRoundedRect(box.adjusted(4, 4, -4, -4), RADIUS - 2, RADIUS - 2)
        painter.end()

    def _paint_dot(self, painter: QPainter, colour: QColor) -> None:
        centre = QPointF(INSIDE + DOT / 2, self.title.geometry().center().y() + 1)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1.5))
        painter.drawEllipse(centre, DOT / 2 - 1, DOT / 2 - 1)
        if self.isChecked():
            painter.setBrush(colour)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(centre, DOT / 2 - 4, DOT / 2 - 4)


def facts_of(choice: ModelChoice) -> str:
    return f"{choice.called} · {RECOMMENDED[choice.model].mb} MB · {choice.licence}"


class ModelCards(QWidget):
    """`chosen` comes when the person chooses one."""

    chosen = Signal(str)  # The model, as the settings call it.

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Model")
        self.cards = [ModelCard(choice) for choice in CHOICES]
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT)
        for card in self.cards:
            self._group.addButton(card)
            card.setMaximumWidth(WIDEST)
            row.addWidget(card, 1)
            card.clicked.connect(lambda _=False, card=card: self.chosen.emit(card.choice.model))
        row.addStretch()
        self._group.buttonToggled.connect(self._keep_in_reach)

    def show_model(self, model: str) -> None:
        """None is chosen where it is another one."""
        self._group.setExclusive(False)
        for card in self.cards:
            card.setChecked(card.choice is choice_of(model))
        self._group.setExclusive(True)
        self._keep_in_reach()

    def show_surroundings(
        self,
        seen: Surroundings,
        expected: Callable[[str], TimeHere | None],
        *,
        scratch: bool,
    ) -> None:
        for card in self.cards:
            card.show_text(card_text(card.choice, seen, expected(card.choice.model), scratch=scratch))
        self._keep_in_reach()

    def _keep_in_reach(self, *_: object) -> None:
        """Tab leads to the chosen card alone, as in any such group, but past one that is grey: then to the
        first that can be chosen."""
        able = [card for card in self.cards if card.isEnabled()]
        chosen = [card for card in able if card.isChecked()]
        for card in self.cards:
            reached = card in (chosen or able)[:1]
            card.setFocusPolicy(Qt.FocusPolicy.StrongFocus if reached else Qt.FocusPolicy.ClickFocus)
