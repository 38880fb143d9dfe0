"""Which folder belongs to which class: a line a folder, with a list of classes to choose from.

Lines have their list once they are in sight, and all lists share one model: a thousand classes of a thousand
folders would be a million entries.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QResizeEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from waste_gui.dataset.samples import FolderCount
from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.fields import ChoiceBox
from waste_gui.gui.common.formatting import count
from waste_gui.gui.session.dataset_choice import Found

LEFT_OUT, OTHER_NAME = "– left out –", "Another name…"
ROW_HEIGHT = 30
AT_FIRST, BESIDE = 24, 5
"""Lines that have their list from the beginning, and those above and below what is in sight."""

FEW = 60
"""Classes that a closed box may hold."""

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


Choices = tuple[QStandardItemModel, dict[str | None, int]]
"""What can be chosen, and where each of it stands."""


class _ClassBox(ChoiceBox):
    """Qt looks at all entries of a box again and again, though it is closed: of very many it has only the
    chosen one until somebody turns to it."""

    def show_choice(self, name: str | None, make: Callable[[], Choices], *, many: bool) -> None:
        """`make` gives what can be chosen."""
        self._name, self._make = name, make
        self._whole = False
        if many:
            self.addItem(LEFT_OUT if name is None else one_line(name), name)
        else:
            self._take_all()

    def _take_all(self) -> None:
        if not self._whole:
            self._whole = True
            model, places = self._make()
            with QSignalBlocker(self):
                self.setModel(model)
                self.setCurrentIndex(places.get(self._name, 0))

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._take_all()
        super().focusInEvent(event)

    def showPopup(self) -> None:
        self._take_all()
        super().showPopup()


class MappingTable(QTableWidget):
    mapped = Signal(str, object)  # The folder's name, and its class's or None.

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self._folders: list[FolderCount] = []
        self._found: Found | None = None
        self._own = False
        self._classes = QStandardItemModel(self)
        self._places: dict[str | None, int] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._fill_in_sight)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._fill_in_sight())
        self._set_up()

    def _set_up(self) -> None:
        self.setAccessibleName("Which folder belongs to which class")
        self.setHorizontalHeaderLabels(["Folder", "Photos", "\u2007Class"])
        photos = self.horizontalHeaderItem(1)
        assert photos is not None
        photos.setTextAlignment(RIGHT)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setFont(theme.font("caption"))
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setResizeContentsPrecision(AT_FIRST)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)

    def show_found(self, found: Found, own: bool) -> None:
        """With the folders' `own` names another name may be typed."""
        self._found, self._own = found, own
        self._folders = united(found)
        self._classes, self._places = self._model_of(found.classes)
        self.setRowCount(0)  # The lists of before go with their lines.
        self.setRowCount(len(self._folders))
        for i, folder in enumerate(self._folders):
            name = _FolderItem(folder)
            photos = QTableWidgetItem(count(folder.photos))
            photos.setTextAlignment(RIGHT)
            self.setItem(i, 0, name)
            self.setItem(i, 1, photos)
        self._fill(0, AT_FIRST)

    def show_again(self) -> None:
        """As it was before something was begun and not ended."""
        if self._found is not None:
            self.show_found(self._found, self._own)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._soon.start(0)

    def _fill_in_sight(self) -> None:
        first = self.verticalScrollBar().value()
        if self.verticalScrollMode() is QAbstractItemView.ScrollMode.ScrollPerPixel:
            first //= ROW_HEIGHT
        self._fill(first - BESIDE, first + self.viewport().height() // ROW_HEIGHT + BESIDE)

    def _fill(self, first: int, last: int) -> None:
        for i in range(max(0, first), min(last + 1, len(self._folders))):
            if self.cellWidget(i, 2) is None:
                self.setCellWidget(i, 2, self._class_box(self._folders[i]))

    def _model_of(self, classes: tuple[str, ...]) -> Choices:
        """What can be chosen, and where each of it stands."""
        names: dict[str | None, str] = {None: LEFT_OUT} | {name: one_line(name) for name in classes}
        if self._own:
            names[OTHER_NAME] = OTHER_NAME
        model = QStandardItemModel(self)
        for data, shown in names.items():
            item = QStandardItem(shown)
            item.setData(data, Qt.ItemDataRole.UserRole)
            model.appendRow(item)
        return model, {data: place for place, data in enumerate(names)}

    def _class_box(self, folder: FolderCount) -> QWidget:
        box = _ClassBox()
        box.setAccessibleName(f"Class of {folder.folder}")
        box.setProperty("quiet", True)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        many = self._classes.rowCount() > FEW
        box.show_choice(folder.mapped, lambda: self._choices(folder.folder, box), many=many)
        box.activated.connect(lambda _: self._on_class(folder, box))
        holder = QWidget()
        rows = QHBoxLayout(holder)
        rows.setContentsMargins(0, 1, 2, 1)
        rows.addWidget(box)
        return holder

    def _choices(self, folder: str, box: QComboBox) -> Choices:
        """Those of all boxes; a folder that is none of the classes may become one."""
        if not self._own or folder in self._places or self._found is None:
            return self._classes, self._places
        model, places = self._model_of((*self._found.classes, folder))
        model.setParent(box)
        return model, places

    def _on_class(self, folder: FolderCount, box: QComboBox) -> None:
        name = box.currentData()
        if name == OTHER_NAME:
            self._type_class(folder, box)
        elif name != folder.mapped:
            self.mapped.emit(folder.folder, name)

    def _type_class(self, folder: FolderCount, box: QComboBox) -> None:
        """The box becomes a line to type into until Enter."""
        box.setEditable(True)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        line = box.lineEdit()
        assert line is not None
        line.setAccessibleName(f"New class of {folder.folder}")
        line.setText(one_line(folder.mapped or folder.folder))
        line.selectAll()
        line.setFocus()
        line.editingFinished.connect(lambda: self._on_class_typed(folder, line.text().strip()))

    def _on_class_typed(self, folder: FolderCount, name: str) -> None:
        if name and name not in (folder.mapped, LEFT_OUT, OTHER_NAME):
            self.mapped.emit(folder.folder, name)
        else:
            QTimer.singleShot(0, self, self.show_again)


class _FolderItem(QTableWidgetItem):
    """Its tooltip is made when it is looked at."""

    def __init__(self, folder: FolderCount) -> None:
        super().__init__(one_line(folder.folder))
        self._folder = folder

    def data(self, role: int) -> object:
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(f"{self._folder.folder}\nin {self._folder.source}")
        return super().data(role)


def united(found: Found) -> list[FolderCount]:
    """Folders of one name in several sources are mapped together; the left-out ones come first."""
    photos: dict[str, FolderCount] = {}
    for each in found.folders:
        before = photos.get(each.folder)
        n = each.photos + (before.photos if before else 0)
        photos[each.folder] = dataclasses.replace(each, photos=n)
    return sorted(photos.values(), key=lambda f: (f.mapped is not None, f.folder))
