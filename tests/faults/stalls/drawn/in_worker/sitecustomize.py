"""With this folder on PYTHONPATH, the process that reads the marked photo gets stuck as a scene says.

Python imports it at the start of every process; it does nothing but in those that read photos.
"""

import os
import sys

VARIABLE, MARK = "WASTE_GUI_DRAWN", b"get stuck, please"


def _is_first(scene: str) -> bool:
    """One reader is enough: the photo may be asked for again of another."""
    try:
        os.close(os.open(os.path.join(os.path.dirname(scene), "met"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _get_stuck(path: str) -> None:
    """Our imports may fail, and whoever decodes a photo takes any error for the photo's."""
    try:
        from tests.faults.stalls.drawn import scene, stuck

        of = scene.load(path)
        of.remember(os.getpid())
        stuck.get_stuck(of)
    except BaseException:
        import traceback

        with open(os.path.join(os.path.dirname(path), "wrong.txt"), "w") as file:
            traceback.print_exc(file=file)
        raise


def _patch(path: str) -> None:
    from typing import Any

    from PIL import Image

    import tests.faults.stalls.drawn  # noqa: F401  (found now; the worker puts its search paths in another order)

    open_well = Image.open

    def open_and_get_stuck(fp: Any, *args: Any, **options: Any) -> Any:
        head = fp.read(256)
        fp.seek(0)
        if MARK in head and _is_first(path):
            _get_stuck(path)
        return open_well(fp, *args, **options)

    Image.open = open_and_get_stuck


if "waste_gui.dataset.worker" in sys.orig_argv and VARIABLE in os.environ:
    _patch(os.environ[VARIABLE])
