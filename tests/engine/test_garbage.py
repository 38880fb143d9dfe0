"""Python's garbage while libraries are imported."""

from __future__ import annotations

import gc
import subprocess
import sys


def test_nothing_is_collected_inside_and_everything_is_as_before_after_it() -> None:
    from waste_gui.engine import garbage

    was_on, frozen = gc.isenabled(), gc.get_freeze_count()
    with garbage.kept():
        assert not gc.isenabled()
    assert gc.isenabled() is was_on and gc.get_freeze_count() == frozen


def test_own_process_looks_through_what_it_imported_no_more() -> None:
    code = (
        "import gc\nfrom waste_gui.engine import garbage\ngarbage.own_process()\n"
        "with garbage.kept():\n    import argparse\nassert gc.isenabled()\nprint(gc.get_freeze_count())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(said.stdout) > 1000
