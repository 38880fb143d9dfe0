"""What the window needs and what needs no Qt: imported before it, as PySide6 reads the source of each module
that is imported after it (60 ms of the start). numpy comes first: after others, its hundreds of types fall on
the edge of a block of Python's memory, which is then asked for and given back each time (50 ms)."""

import numpy  # noqa: F401, I001

from waste_gui import known_errors, reporting, run_names, stages, tables  # noqa: F401
from waste_gui.dataset import mapping, scan  # noqa: F401
from waste_gui.gui.alerts import hooks, note  # noqa: F401
from waste_gui.gui.common import escaping, events, formatting, resources  # noqa: F401
from waste_gui.gui.photos import class_rows, finding_rows  # noqa: F401
from waste_gui.gui.queue import queue_text  # noqa: F401
from waste_gui.gui.session import changed_settings, queue_store, session_text  # noqa: F401
from waste_gui.gui.training import stage_rows  # noqa: F401
from waste_gui.monitor import annotations, diagnosis_log, kernel_log, report, run_list, session, stacks  # noqa: F401
