"""A thread's stack in words: which frame tells what it does, and what that is."""

from __future__ import annotations

import contextlib
import linecache
import os
import re
import stat
from collections.abc import Sequence
from enum import Enum

from waste_gui.protocol import Frame, ThreadStack


class Doing(Enum):
    """What a thread is at; the value says it in words."""

    IDLE = "idle"
    GPU = "waiting for the GPU"
    LOCK = "waiting for a lock"
    LOCK_FILE = "waiting for a lock file"
    OTHER_THREAD = "waiting for another thread"
    OTHER_GPUS = "waiting for the other GPUs"
    PHOTOS = "waiting for photos"
    ROOM = "waiting until more photos are needed"
    AN_ORDER = "waiting to be given a photo"
    PAUSED = "paused"
    DOWNLOADING = "downloading the model's weights"
    COMPILING = "compiling code for the GPU"
    STARTING_GPU = "starting the GPU"
    SAVING = "saving the model"
    READING_WEIGHTS = "reading the model's weights"
    READING_PHOTO = "reading a photo"
    READING = "reading a file"
    DECODING = "decoding a photo"
    SCANNING = "looking for photos"
    USING_CACHE = "using the cache of photos"
    MATCHING = "in a regular expression"
    COMPUTING = "computing"
    IMPORTING = "importing"
    """And what."""
    ELSEWHERE = "in"
    """A function that nothing more is known of."""


LONG_WORK = frozenset(
    (
        *(Doing.COMPUTING, Doing.COMPILING, Doing.IMPORTING, Doing.SAVING, Doing.GPU, Doing.STARTING_GPU),
        *(Doing.READING, Doing.READING_PHOTO, Doing.READING_WEIGHTS),
    )
)
"""What may be busy for longer than ever before."""

PATH_CHARS, LINE_CHARS, LARGEST_BYTES = 400, 400, 4 * 2**20
"""Of a path its end, of a source line its begin: the patterns would take long on endless ones."""

STANDARD_LIBRARY = re.compile(r"^<frozen |/(python3\.\d+t?|Lib)/(?!site-packages/|dist-packages/)")

PLUMBING = re.compile(
    r"^<frozen |/(threading|queue|selectors|subprocess|contextlib|runpy|functools)\.py:|"
    r"/(concurrent/futures|asyncio|multiprocessing)/|/waste_gui/stack_file\.py:"
)

IDLE = re.compile(
    r"/engine/(heartbeat\.py:_run|commands\.py:_(follow|read_stdin)|stacks\.py:_watch|downloads\.py:look)$|"
    r"/reporting\.py:_take$|/dataset/(workers\.py:_(read_reply|listen)|pool\.py:_watch|resized_cache\.py:_write)$"
)
"""Where the engine's service threads wait for something to do."""

IMPORTING = re.compile(r"^<frozen importlib")

IN_A_LOCK = re.compile(r"/(threading|queue)\.py:|/concurrent/futures/")


def _rules(*rules: tuple[str, Doing]) -> tuple[tuple[re.Pattern[str], Doing], ...]:
    return tuple((re.compile(pattern), doing) for pattern, doing in rules)


WAITS = _rules(
    (r"/filelock/|/file_baton\.py:", Doing.LOCK_FILE),
    (
        r"/(httpcore|httpx|requests|urllib3|huggingface_hub|hf_xet)\d?/|/urllib/request\.py:|/http/client\.py:|"
        r"/(socket|ssl)\.py:|/torch/hub\.py:|/engine/models\.py:_can_look_up",
        Doing.DOWNLOADING,
    ),
    (r"/torch/distributed/.*c10d|/torch/distributed/\w+\.py:", Doing.OTHER_GPUS),
    (r"/torch/(cuda|mps|xpu|accelerator)/.*:synchronize$", Doing.GPU),
)
"""`path:function` of a frame → what is done there; they hold during an import, too."""

WORK = _rules(
    (
        r"/torch/_dynamo/(?!eval_frame|external_utils)|/torch/_inductor/(?!output_code|runtime/)|"
        r"/triton/(compiler|backends/\w+/compiler|runtime/build)|/torch/utils/cpp_extension\.py:",
        Doing.COMPILING,
    ),
    (r"/torch/cuda/.*:_lazy_init$", Doing.STARTING_GPU),
    (
        r"/safetensors/.*:(save|serialize)|/engine/checkpoint\.py:save|/torch/serialization\.py:save",
        Doing.SAVING,
    ),
    (
        r"/safetensors/|/engine/checkpoint\.py:load|/torch/serialization\.py:load",
        Doing.READING_WEIGHTS,
    ),
    (r"/re/\w+\.py:|/regex/", Doing.MATCHING),
    (r"/PIL/", Doing.DECODING),
    (r"/dataset/images\.py:", Doing.READING_PHOTO),
    (r"/dataset/worker\.py:_serve$", Doing.AN_ORDER),
    (
        r"/engine/loading\.py:(__next__|take)$|/dataset/pool\.py:take$|/torch/utils/data/",
        Doing.PHOTOS,
    ),
    (r"/engine/loading\.py:wait_for_room$", Doing.ROOM),
    (r"/engine/context\.py:in_thread$", Doing.OTHER_THREAD),
    (r"/engine/context\.py:obey$", Doing.PAUSED),
    (r"/dataset/(scan|file_stats)\.py:", Doing.SCANNING),
    (
        r"/dataset/(photo_cache|resized_cache|cache_segments|photo_tiles|tiles|tile_segments)\.py:",
        Doing.USING_CACHE,
    ),
    (
        r"/torch/(nn|autograd|optim|_tensor|functional|_ops|_inductor|amp)\b|/(torchvision|open_clip|timm)/|"
        r"/engine/augment\.py:",
        Doing.COMPUTING,
    ),
)

LINES = _rules(
    (r"\.(item|tolist|cpu)\(\)|\bsynchronize\(|\.to\((self\.)?device\b|\.to\(\"cpu\"", Doing.GPU),
    (r"\.acquire\(|^with [\w.]*lock\w*:", Doing.LOCK),
    (r"(?i)\b(re|regex|\w*pattern)\.(match|search|fullmatch|sub|split|find)", Doing.MATCHING),
    (r"\b(open|read\w*)\(", Doing.READING),
)
"""The source line of the innermost frame → what is done there: in C, which has no frame of its own."""


MORE_EXACTLY: dict[tuple[Doing, Doing | None], Doing] = {
    (Doing.DECODING, Doing.READING): Doing.READING_PHOTO,
    (Doing.COMPUTING, Doing.GPU): Doing.GPU,
}
"""What a rule says and what the innermost line says → what it is; otherwise the rule is right."""


def key_frame(thread: ThreadStack) -> int:
    """The index of the innermost frame that means something to a person; -1 if there is none."""
    places = [place_of_frame(frame) for frame in thread.frames]
    for passed_over in (STANDARD_LIBRARY, PLUMBING):
        for i in reversed(range(len(places))):
            if not passed_over.search(places[i]) and not PLUMBING.search(places[i]):
                return i
    return len(places) - 1


def in_words(thread: ThreadStack) -> str:
    """What the thread does; empty if it has no stack."""
    doing = doing_of(thread)
    if doing is Doing.IMPORTING:
        return f"{doing.value} {_imported([place_of_frame(frame) for frame in thread.frames])}"
    if doing is Doing.ELSEWHERE:
        frame = thread.frames[key_frame(thread)]
        file = frame.file.replace(chr(92), "/").rpartition("/")[2]
        return f"{doing.value} {frame.function} ({file}, line {frame.line})"
    return doing.value if doing else ""


def doing_of(thread: ThreadStack) -> Doing | None:
    """None if it has no stack."""
    if not thread.frames:
        return None
    places = [place_of_frame(frame) for frame in thread.frames]
    if IDLE.search(next((place for place in reversed(places) if not PLUMBING.search(place)), "")):
        return Doing.IDLE
    by_rule, by_line = _by_rules(places), _by_line(thread.frames[-1])
    if by_rule is not None:
        return MORE_EXACTLY.get((by_rule, by_line), by_rule)
    if by_line is not None:
        return by_line
    return Doing.LOCK if IN_A_LOCK.search(places[-1]) else Doing.ELSEWHERE


def decisive(threads: Sequence[ThreadStack]) -> ThreadStack | None:
    """The thread on which the engine's progress depends: the main thread, or the one that it waits for."""
    main = next((thread for thread in threads if thread.role == "main"), None)
    if main is None or doing_of(main) is not Doing.OTHER_THREAD:
        return main
    others = (thread for thread in threads if thread.pid == main.pid and thread is not main)
    return next((other for other in others if _runs_for_main(other)), main)


def _runs_for_main(thread: ThreadStack) -> bool:
    return any(place_of_frame(frame).endswith("/engine/context.py:run") for frame in thread.frames)


def _by_rules(places: Sequence[str]) -> Doing | None:
    """What the innermost frame says that a rule knows."""
    importing = _imported(places)
    for place in reversed(places):
        for pattern, doing in WAITS if importing else WAITS + WORK:
            if pattern.search(place):
                return doing
        if importing and (IMPORTING.search(place) or place.endswith(":<module>")):
            return Doing.IMPORTING
    return None


def _by_line(frame: Frame) -> Doing | None:
    line = linecache.getline(frame.file, frame.line).strip()[:LINE_CHARS] if is_source(frame.file) else ""
    return next((doing for rule, doing in LINES if rule.search(line)), None)


def is_source(file: str) -> bool:
    """A stack may be a stranger's: no device, no pipe and nothing endless is opened because it names it."""
    with contextlib.suppress(OSError, ValueError):
        found = os.stat(file)
        return (
            file.endswith((".py", ".pyi")) and stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_BYTES
        )
    return False


def _imported(places: Sequence[str]) -> str:
    """The outermost module that is being imported, ours left out if they import others; empty if none is."""
    modules = [
        _module(place)
        for before, place in zip(places, places[1:], strict=False)
        if IMPORTING.search(before) and place.endswith(":<module>")
    ]
    others = [module for module in modules if not module.startswith("waste_gui")]
    if not modules and any(IMPORTING.search(place) for place in places):
        return "a module"
    return (others or modules or [""])[0]


def _module(place: str) -> str:
    """`torch.nn` of `/…/site-packages/torch/nn/__init__.py:<module>`."""
    path = place.rpartition(":")[0].removesuffix(".py").removesuffix("/__init__")
    for folder in (r"(?:site|dist)-packages/", r"/python3\.\d+t?/", r"/Lib/", r"/(?=waste_gui/)"):
        if len(parts := re.split(folder, path)) > 1:
            return parts[-1].replace("/", ".")
    return path.rpartition("/")[2]


def place_of_frame(frame: Frame) -> str:
    """`path:function`, the path with slashes and the function without its class."""
    path = frame.file if len(frame.file) <= PATH_CHARS else frame.file[-PATH_CHARS:]
    return f"{path.replace(chr(92), '/')}:{frame.function.rpartition('.')[2]}"


def place_of(thread: ThreadStack) -> str:
    """The function that tells most, as "function in file.py"; empty if it has no stack."""
    index = key_frame(thread)
    if index < 0:
        return ""
    frame = thread.frames[index]
    return f"{frame.function} in {frame.file.replace(chr(92), '/').rpartition('/')[2]}"
