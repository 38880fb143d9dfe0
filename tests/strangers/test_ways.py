"""Nothing in the package reads or writes a file past `waste_gui/files.py`: each that does is named here, and
why it may."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import waste_gui

PACKAGE = Path(waste_gui.__file__).parent
FUNCTIONS = frozenset(
    """
    open io.open os.open os.replace os.rename os.renames os.remove os.unlink os.mkdir os.makedirs
    os.rmdir os.link os.symlink os.truncate os.chmod os.mkfifo codecs.open gzip.open tarfile.open
    zipfile.ZipFile sqlite3.connect shelve.open numpy.save np.save np.load np.fromfile np.memmap
    torch.load torch.save save_file load_file safe_open FileLock SoftFileLock QFile QSaveFile QSettings
    QLockFile shutil.move shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.rmtree
    tempfile.mkstemp tempfile.mktemp tempfile.mkdtemp tempfile.NamedTemporaryFile tempfile.TemporaryFile
    tempfile.TemporaryDirectory logging.FileHandler
    """.split()
)
METHODS = frozenset(
    """
    read_text read_bytes write_text write_bytes touch mkdir unlink rmdir rename hardlink_to symlink_to
    chmod setStandardErrorFile setStandardOutputFile tofile fromfile
    """.split()
)

OF_THE_SYSTEM = "what the system itself says, under /proc, /sys and /etc"
OF_THE_PROGRAM = "what came with the program"
MAY = {
    "files.py": {"*": "the way itself"},
    "exports.py": {"open": "a descriptor that files.py opened"},
    "reporting.py": {"os.open": "the system's own nothing"},
    "owner.py": {
        "read_text": OF_THE_SYSTEM,
        "os.link": "the key becomes whole at once, in the person's own folder",
        "unlink": "its own new file there",
    },
    "rundir.py": {
        "FileLock": "files.py has opened it just before",
        "mkdir": "a run folder of the person's choice",
    },
    "engine/signals.py": {"read_text": OF_THE_SYSTEM},
    "engine/starter.py": {"torch.load": "bytes whose checksum is ours, with weights_only"},
    "dataset/images.py": {
        "open": "photos: links are followed, and what is no ordinary file of a sane size is refused there",
        "os.open": "the same",
    },
    "dataset/worker.py": {"os.open": "the shared memory that the engine names"},
    "dataset/shared_buffer.py": {
        "tempfile.mkstemp": "where memory must have a name: one that nobody can guess",
        "os.unlink": "that file",
        "os.truncate": "a descriptor",
        "unlink": "a link would be removed itself",
        "read_text": OF_THE_SYSTEM,
    },
    "dataset/cache_segments.py": {"unlink": "of the person's own cache"},
    "dataset/row_cache.py": {"touch": "a time of the person's own cache"},
    "dataset/catalog.py": {
        "sqlite3.connect": "files.py has opened it just before",
        "os.replace": "aside, in the person's own folder",
    },
    "dataset/demo.py": {"mkdir": "a folder of the person's choice"},
    "engine/checkpoint.py": {
        "save_file": "under a new name that nobody can guess, in a folder that is no link",
        "safe_open": "files.py has looked at it just before",
    },
    "engine/weight_files.py": {
        "torch.load": "weights only; files.py has looked at it just before",
        "zipfile.ZipFile": "files.py has opened it",
        "safe_open": "files.py has looked at it just before",
    },
    "monitor/evidence.py": {"open": OF_THE_SYSTEM, "read_text": OF_THE_SYSTEM},
    "monitor/machine.py": {"read_text": OF_THE_SYSTEM},
    "monitor/stacks.py": {"read_text": OF_THE_SYSTEM, "open": OF_THE_SYSTEM},
    "monitor/exit_status.py": {"read_text": OF_THE_SYSTEM},
    "monitor/waits/kernel.py": {"open": OF_THE_SYSTEM, "read_text": OF_THE_SYSTEM},
    "os_errors.py": {"read_text": OF_THE_SYSTEM},
    "monitor/kernel_log.py": {"os.open": OF_THE_SYSTEM},
    "monitor/__main__.py": {"os.open": OF_THE_SYSTEM},
    "monitor/installation.py": {
        "read_text": OF_THE_SYSTEM,
        "tempfile.TemporaryFile": "it has no name",
    },
    "monitor/report.py": {"zipfile.ZipFile": "into a file that files.py made"},
    "gui/alerts/hooks.py": {"tempfile.TemporaryFile": "it has no name"},
    "gui/common/preferences.py": {
        "QSettings": "files.py has looked at it just before, in the person's own folder",
        "chmod": "the person's own",
    },
    "gui/common/resources.py": {"read_text": OF_THE_PROGRAM},
    "gui/shell/guide.py": {"read_text": OF_THE_PROGRAM},
    "gui/platform/desktop_entry.py": {
        "read_bytes": OF_THE_PROGRAM,
        "mkdir": "of the desktop, in the person's home",
    },
    "gui/session/engine_work.py": {"tempfile.TemporaryDirectory": "private, and nobody can guess its name"},
    "gui/runs/trash.py": {
        "QFile": "a link would be moved itself",
        "shutil.move": "the person moves a run of theirs",
        "mkdir": "where it came from",
    },
    "gui/session/queue_store.py": {"FileLock": "in the person's own folder"},
    "gui/session/engine_process.py": {"setStandardErrorFile": "files.py has opened it just before"},
}


def test_nothing_opens_files_past_the_one_way() -> None:
    found = list(ways())
    past = {(file, way) for file, way, _ in found}
    allowed = {(file, way) for file, reasons in MAY.items() for way in reasons}
    unknown = [
        f"waste_gui/{file}:{line} {way}"
        for file, way, line in found
        if not {(file, way), (file, "*")} & allowed
    ]
    assert not unknown, "\n".join(unknown)
    gone = {each for each in allowed - past if each[1] != "*"}
    assert not gone, f"may be taken out of the list: {gone}"


def ways() -> Iterator[tuple[str, str, int]]:
    """File, what is called there, and the line."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (way := _way(node)):
                yield path.relative_to(PACKAGE).as_posix(), way, node.lineno


def _way(call: ast.Call) -> str:
    name = ast.unparse(call.func)
    if name in FUNCTIONS:
        return name
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if method in METHODS and not name.startswith(("files.", "os.")):
        return method
    if method == "open" and call.args and not name.startswith(("Image.", "request.")):
        first = call.args[0]
        mode = isinstance(first, ast.Constant) and isinstance(first.value, str)
        return "open" if mode and len(str(first.value)) <= 3 else ""  # type: ignore[attr-defined]
    return ""


def test_a_new_way_would_be_noticed() -> None:
    for code in (
        "open(path, 'w')",
        "path.open('w')",
        "Path(x).write_text('y')",
        "os.open(path, os.O_WRONLY)",
        "torch.load(path)",
        "shutil.copy(a, b)",
        "tempfile.mktemp()",
    ):
        assert _way(ast.parse(code, mode="eval").body), code  # type: ignore[arg-type]
