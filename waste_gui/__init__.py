"""A desktop program that trains a waste classifier and tells people why training is stuck."""

import os as _os
import sys as _sys

__version__ = "0.1.0"


def _leave_current_folder() -> None:
    """`python -m waste_gui…` in a folder of photos would import a tqdm.py that a stranger has put there.

    Python comes here before it imports anything else for us, and nothing is imported here that is not loaded
    yet. A checkout that is not installed stays importable, after everything that is.
    """
    own = _os.path.dirname(_os.path.dirname(_os.path.abspath(__file__)))
    library = _os.path.dirname(_os.__file__)
    entries = _os.environ.get("PYTHONPATH", "").split(_os.pathsep)
    relative = {_os.path.abspath(entry) for entry in entries if not _os.path.isabs(entry)} - set(entries)
    path = _sys.path if _sys.flags.safe_path else _sys.path[1:]
    path = [folder for folder in path if folder not in relative or folder == own]
    if own not in path or (library in path and path.index(own) < path.index(library)):
        path = [*(folder for folder in path if folder != own), own]
    _sys.path[:] = path


if _sys.argv[:1] == ["-m"]:  # So it stands there while Python looks for the module to run, and never later.
    _leave_current_folder()
