"""Stacks of very many threads: the tree stays small, and the thread that matters comes first."""

from __future__ import annotations

from PySide6.QtWidgets import QTreeWidgetItemIterator
from pytestqt.qtbot import QtBot

from waste_gui.gui.common.theme import Theme
from waste_gui.gui.diagnosis.stack_tree import SHOWN_FRAMES, StackTree
from waste_gui.protocol import Frame, ThreadStack


def test_of_very_many_frames_the_first_are_shown(qtbot: QtBot, theme: Theme) -> None:
    frames = tuple(Frame(file=f"/a/b{i}.py", line=i, function="f") for i in range(200))
    roles = ["main", *[""] * 499]
    threads = [
        ThreadStack(pid=i % 7, role=role, thread=str(i), frames=frames) for i, role in enumerate(roles)
    ]
    tree = StackTree()
    qtbot.addWidget(tree)
    tree.show_threads(threads)
    items = 0
    walk = QTreeWidgetItemIterator(tree)
    while walk.value() is not None:
        items += 1
        walk += 1
    assert SHOWN_FRAMES < items < SHOWN_FRAMES + 2 * len(threads)
    first = tree.topLevelItem(0)
    main = first.child(0) if first is not None else None
    assert main is not None and main.childCount() == len(frames)
