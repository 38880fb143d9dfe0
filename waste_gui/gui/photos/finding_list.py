"""The list of what was found: groups that open and close, in each line photos, words and what to do."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails, paint_picture
from waste_gui.gui.photos.finding_rows import ALL, DISMISSES, TOOLTIPS, Act, Entry, Heading, Row

Index = QModelIndex | QPersistentModelIndex
SHOWN = 4
"""Copies side by side; the others are counted."""

THUMB = QSize(8 * UNIT, 7 * UNIT)
MANY_RUNS = 100
"""More changes in different places than this are shown by filling the list anew."""

LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
TOP = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)


class FindingModel(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self._columns: dict[str, int] = {}

    def show_rows(self, new: list[Row]) -> None:
        """By the least change, so that the place in the list stays."""
        self._columns = {}
        for row in new:
            if isinstance(row, Entry):
                self._columns[row.group] = max(self._columns.get(row.group, 1), len(row.paths))
        old_ids, new_ids = {row.id for row in self.rows}, {row.id for row in new}
        gone = _runs([i for i, row in enumerate(self.rows) if row.id not in new_ids])
        come = _runs([i for i, row in enumerate(new) if row.id not in old_ids])
        kept = [row.id for row in self.rows if row.id in new_ids]
        moved = kept != [row.id for row in new if row.id in old_ids]
        if moved or len(gone) + len(come) > MANY_RUNS:
            self.beginResetModel()
            self.rows = new
            self.endResetModel()
            return
        for first, last in reversed(gone):
            self.beginRemoveRows(QModelIndex(), first, last)
            del self.rows[first : last + 1]
            self.endRemoveRows()
        for first, last in come:
            self.beginInsertRows(QModelIndex(), first, last)
            self.rows[first:first] = new[first : last + 1]
            self.endInsertRows()
        before, self.rows = self.rows, new
        for first, last in _runs(
            [i for i, (a, b) in enumerate(zip(before, new, strict=True)) if a is not b and a != b]
        ):
            self.dataChanged.emit(self.index(first, 0), self.index(last, 0))

    def thumbnails(self, entry: Entry) -> tuple[int, bool]:
        """How many side by side fit into this entry's group, and whether room for a count is needed."""
        most = self._columns.get(entry.group, 1)
        return min(SHOWN, most), most > SHOWN

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if isinstance(row, Heading):
                return f"{row.title}, {count(row.count)}, {'open' if row.is_open else 'closed'}"
            return f"{row.title}: {row.words}"
        return None


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Neighbouring places together: `[1, 2, 5]` → `[(1, 2), (5, 5)]`."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


class _FindingDelegate(QStyledItemDelegate):
    """Paints a line; says where its buttons are."""

    def __init__(self, view: FindingList, thumbnails: Thumbnails) -> None:
        super().__init__(view)
        self._view = view
        self._thumbnails = thumbnails

    def buttons(self, row: Row, box: QRect) -> list[tuple[Act, QRect]]:
        """From the right: the last act at the edge."""
        metrics = QFontMetrics(theme.font())
        acts = list(row.acts) if isinstance(row, Entry) else [row.act] if row.act else []
        widths = [metrics.horizontalAdvance(_act_text(row, act)) for act in acts]
        skip = metrics.horizontalAdvance(Act.SKIP.value)
        right, places = box.right() - UNIT // 2, []
        if acts == [Act.EXCLUDE] and isinstance(row, Entry):  # Skip comes when the check has ended.
            right -= skip + 2 * UNIT
        for act, width in reversed(list(zip(acts, widths, strict=True))):
            places.append((act, QRect(right - width, box.top(), width + 1, box.height())))
            right -= max(width, skip) + 2 * UNIT
        return places[::-1]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, box = self._view.found.rows[index.row()], QRect(option.rect)
        painter.save()
        painter.setFont(theme.font())
        if option.state & QStyle.StateFlag.State_Selected and self._view.hasFocus():
            painter.fillRect(box, QColor(theme.colours().selection))
        places = self.buttons(row, box)
        room = QRect(box)
        room.setRight((places[0][1].left() if places else box.right()) - 2 * UNIT)
        if isinstance(row, Heading):
            self._paint_heading(painter, room, row)
            hairline = QRect(box.left(), box.bottom(), box.width(), 1)
            painter.fillRect(hairline, QColor(theme.colours().hairline))
        else:
            self._paint_entry(painter, room, row)
        for act, place in places:
            self._paint_act(painter, place, _act_text(row, act), self._view.hovered == (row.id, act))
        painter.restore()

    def _paint_act(self, painter: QPainter, place: QRect, text: str, hovered: bool) -> None:
        font = theme.font()
        font.setUnderline(hovered)
        painter.setFont(font)
        painter.setPen(theme.colour("accent"))
        painter.drawText(place, LEFT, text)

    def _paint_heading(self, painter: QPainter, box: QRect, row: Heading) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("muted"), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        centre = QPointF(box.left() + 6, box.center().y() + 0.5)
        chevron = [(-4, -2), (0, 2), (4, -2)] if row.is_open else [(-2, -4), (2, 0), (-2, 4)]
        painter.drawPolyline(QPolygonF([centre + QPointF(x, y) for x, y in chevron]))
        painter.setFont(theme.font(bold=True))
        painter.setPen(theme.colour("text"))
        title = f"{row.title} ({count(row.count)})"
        place = box.adjusted(2 * UNIT + 2, 0, 0, 0)
        painter.drawText(place, LEFT, _elided(painter, title, place.width()))
        place.setLeft(place.left() + painter.fontMetrics().horizontalAdvance(title) + 2 * UNIT)
        painter.setFont(theme.font())
        painter.setPen(theme.colour("muted"))
        if place.width() > 8 * UNIT:
            painter.drawText(
                place, LEFT, _elided(painter, row.why, place.width(), Qt.TextElideMode.ElideRight)
            )

    def _paint_entry(self, painter: QPainter, box: QRect, row: Entry) -> None:
        columns, counted = self._view.found.thumbnails(row)
        left = box.left() + 2 * UNIT + 2
        top = box.top() + (box.height() - THUMB.height()) // 2
        for i, path in enumerate(row.paths[:columns]):
            place = QRect(QPoint(left + i * (THUMB.width() + UNIT // 2), top), THUMB)
            paint_picture(painter, place, self._thumbnails.picture(path))
        left += columns * (THUMB.width() + UNIT // 2)
        if counted:
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.colour("muted"))
            more = f"+{len(row.paths) - SHOWN}" if len(row.paths) > SHOWN else ""
            painter.drawText(QRect(left, top, 4 * UNIT, THUMB.height()), LEFT, more)
            left += 4 * UNIT
        _paint_words(painter, QRect(box.adjusted(left - box.left() + UNIT, 0, 0, 0)), row)


def _paint_words(painter: QPainter, room: QRect, row: Entry) -> None:
    """The name, and up to two lines of words."""
    painter.setFont(theme.font())
    metrics = painter.fontMetrics()
    lines = two_lines(row.words, metrics, room.width())
    height = metrics.height() * (1 + len(lines)) + 2
    place = QRect(room.left(), room.center().y() - height // 2, room.width(), metrics.height())
    painter.setPen(theme.colour("text"))
    painter.drawText(place, LEFT, _elided(painter, row.title, place.width()))
    painter.setPen(theme.colour("muted"))
    place.translate(0, 2)
    for line in lines:
        place.translate(0, metrics.height())
        painter.drawText(place, LEFT, line)


def two_lines(text: str, metrics: QFontMetrics, width: int) -> list[str]:
    """Broken between words, the second line elided."""
    words = text.split(" ")
    n = len(words)
    while n > 1 and metrics.horizontalAdvance(" ".join(words[:n])) > width:
        n -= 1
    elide = Qt.TextElideMode.ElideRight
    lines = (" ".join(words[:n]), " ".join(words[n:]))
    return [metrics.elidedText(line, elide, width) for line in lines if line]


def _elided(
    painter: QPainter, text: str, width: int, mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle
) -> str:
    return painter.fontMetrics().elidedText(text, mode, width)


def _act_text(row: Row, act: Act) -> str:
    return ALL[act] if isinstance(row, Heading) else act.value


class FindingList(QTableView):
    """Fast with any number of findings: only what is in sight is painted and has its photos read."""

    asked = Signal(object, object)  # Act, Row
    opened = Signal(object)  # Entry
    toggled = Signal(str)  # The group.

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found = FindingModel(self)
        self.hovered: tuple[str, Act] | None = None
        self._lines = _FindingDelegate(self, thumbnails)
        self.setModel(self.found)
        self.setItemDelegate(self._lines)
        self.setAccessibleName("What was found")
        self.setAccessibleDescription("Space excludes, I ignores, Enter shows the photo larger.")
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Its coming would move the buttons that a person is about to press.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.verticalScrollBar().rangeChanged.connect(self._on_range)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(16)
        line = QFontMetrics(theme.font()).height()
        self.verticalHeader().setDefaultSectionSize(max(THUMB.height() + UNIT, 3 * line + UNIT))
        self._heading_height = line + 2 * UNIT
        thumbnails.arrived.connect(lambda _: self.viewport().update())

    def _on_range(self, low: int, high: int) -> None:
        """Where nothing can be scrolled, the place of the bar stays empty."""
        self.verticalScrollBar().setEnabled(high > low)

    def show_rows(self, rows: list[Row]) -> None:
        current = self.current()
        place = self.currentIndex().row()
        self.found.show_rows(rows)
        for i, row in enumerate(rows):
            if isinstance(row, Heading):
                self.setRowHeight(i, self._heading_height)
            elif self.rowHeight(i) == self._heading_height:
                self.setRowHeight(i, self.verticalHeader().defaultSectionSize())
        if current is not None:
            self._keep_place(current, place)
        elif self.hasFocus():
            self._go_to_first()

    def current(self) -> Row | None:
        place = self.currentIndex().row()
        return self.found.rows[place] if 0 <= place < len(self.found.rows) else None

    def heading(self, group: str) -> Heading | None:
        """The line above a group, if there is one."""
        headings = (row for row in self.found.rows if isinstance(row, Heading) and row.group == group)
        return next(headings, None)

    def go_to_group(self, group: str) -> None:
        """To its first line, with the heading in sight."""
        heading = self.heading(group)
        if heading is not None:
            place = self.found.rows.index(heading)
            self.setCurrentIndex(self.found.index(min(place + 1, len(self.found.rows) - 1), 0))
            self.scrollTo(self.found.index(place, 0), QAbstractItemView.ScrollHint.PositionAtTop)

    def _keep_place(self, current: Row, place: int) -> None:
        """Where the line went that was current, the next one is."""
        rows = self.found.rows
        if not rows or any(row.id == current.id for row in rows):
            where = next((i for i, row in enumerate(rows) if row.id == current.id), -1)
        else:
            near = [i for i in (place, place + 1, place - 1) if 0 <= i < len(rows)]
            where = next((i for i in near if isinstance(rows[i], Entry)), min(place, len(rows) - 1))
        if where >= 0 and where != self.currentIndex().row():
            self.setCurrentIndex(self.found.index(where, 0))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() is not Qt.FocusReason.MouseFocusReason:  # Else the click would hit another line.
            self._go_to_first()

    def _go_to_first(self) -> None:
        if self.current() is None and self.found.rows:
            entries = (i for i, row in enumerate(self.found.rows) if isinstance(row, Entry))
            self.setCurrentIndex(self.found.index(next(entries, 0), 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, key = self.current(), event.key()
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or row is None:
            super().keyPressEvent(event)
        elif isinstance(row, Heading) and not self._on_heading_key(row, key):
            super().keyPressEvent(event)
        elif isinstance(row, Entry) and not self._on_entry_key(row, key):
            super().keyPressEvent(event)

    def _on_heading_key(self, row: Heading, key: int) -> bool:
        toggles = key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if toggles or key == (Qt.Key.Key_Left if row.is_open else Qt.Key.Key_Right):
            self.toggled.emit(row.group)
            return True
        return key == Qt.Key.Key_I

    def _on_entry_key(self, row: Entry, key: int) -> bool:
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(row)
        elif key == Qt.Key.Key_Space:
            self.asked.emit(row.acts[0], row)
        elif key == Qt.Key.Key_Delete and row.acts[0] in (Act.EXCLUDE, Act.CHOOSE):
            self.asked.emit(row.acts[0], row)
        elif key == Qt.Key.Key_I and row.acts[-1] in DISMISSES:
            self.asked.emit(row.acts[-1], row)
        elif key == Qt.Key.Key_Left:
            self.toggled.emit(row.group)
        else:
            return key == Qt.Key.Key_I  # Else the table would search for a name with it.
        return True

    def at(self, point: QPoint) -> tuple[Row | None, Act | None]:
        """The line at a point of the viewport, and its button there."""
        index = self.indexAt(point)
        if not index.isValid():
            return None, None
        row = self.found.rows[index.row()]
        places = self._lines.buttons(row, self.visualRect(index))
        wide = UNIT // 2  # A little more than the word may be hit.
        return row, next((a for a, p in places if p.adjusted(-wide, 0, wide, 0).contains(point)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        row, act = self.at(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or row is None:
            return
        if act is not None:
            self.asked.emit(act, row)
        elif isinstance(row, Heading):
            self.toggled.emit(row.group)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second of two quick clicks: on a button or a heading, a click like the first."""
        row, act = self.at(event.position().toPoint())
        if isinstance(row, Entry) and act is None:
            if event.button() == Qt.MouseButton.LeftButton:
                self.opened.emit(row)
        else:
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        row, act = self.at(event.position().toPoint())
        self._hover((row.id, act) if row is not None and act is not None else None)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def _hover(self, hovered: tuple[str, Act] | None) -> None:
        if hovered != self.hovered:
            self.hovered = hovered
            shape = Qt.CursorShape.PointingHandCursor if hovered else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(shape)
            self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip(event.pos()), self)
            return True
        return super().viewportEvent(event)

    def tip(self, point: QPoint) -> str:
        """Of a button what it does, of a line its whole paths and words."""
        row, act = self.at(point)
        if row is None:
            return ""
        if act is not None:
            return tooltip(TOOLTIPS[act])
        if isinstance(row, Heading):
            return tooltip(row.why)
        paths = [one_line(path) for path in row.paths[:20]]
        more = [f"and {len(row.paths) - 20} more"] if len(row.paths) > 20 else []
        return tooltip("\n".join([*paths, *more, row.words]))
