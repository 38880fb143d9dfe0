"""The real window on a screen that is none.

    python -m tests.faults.torture.window start|attach FOLDER [REQUEST]

starts or resumes a run, or attaches to one, shows it to its end, and prints what it has seen as a JSON line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(mode: str, folder: Path, request: Path | None) -> int:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from waste_gui import request as requests
    from waste_gui.gui.common.preferences import Preferences
    from waste_gui.gui.common.theme import Theme
    from waste_gui.gui.main_window import MainWindow
    from waste_gui.rundir import RunDir

    app = QApplication([])
    window = MainWindow(Preferences(folder.parent / "window"), Theme(app, "light"))
    window.show()
    controller = window.rooms.session.controller
    if mode == "start":
        assert request is not None
        controller.start(requests.load(request))
    else:
        window.rooms.session.open(RunDir(folder))
        controller = window.rooms.shown.controller  # Another one, if the run has ended meanwhile.
    controller.ended.connect(lambda _: app.quit())
    app.exec()
    run = controller.run
    seen = {
        "phase": run.phase.value,
        "messages": run.messages,
        "missed": run.missed,
        "epochs": len(run.epochs),
        "unreadable": sum("Not a message" in line.text for line in run.log),
    }
    print(json.dumps(seen), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
