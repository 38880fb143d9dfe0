"""A thread's stack in words: which frame tells what it does, and what that is."""

from __future__ import annotations

import contextlib
import linecache
import os
import re
import stat
from collections.abc import Sequence

from waste_gui.protocol import Frame, ThreadStack

GPU = "waiting for the GPU"
LOCK = "waiting for a lock"
READING = "reading a file"
DECODING = "decoding a photo"
COMPUTING = "computing"
OTHER_THREAD = "waiting for another thread"
LOCK_FILE = "waiting for a lock file"
DOWNLOADING = "downloading the model's weights"
OTHER_GPUS = "waiting for the other GPUs"
COMPILING = "compiling code for the GPU"
SAVING = "saving the model"
USING_CACHE = "using the cache of photos"
PATH_CHARS, LINE_CHARS, LARGEST_BYTES = 400, 400, 4 * 2**20
"""Of a path its end, of a source line its begin: the patterns would take long on endless ones."""

IMPORTING_WORDS = "importing "

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


def _rules(*rules: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), words) for pattern, words in rules)


WAITS = _rules(
    (r"/filelock/|/file_baton\.py:", LOCK_FILE),
    (
        r"/(httpcore|httpx|requests|urllib3|huggingface_hub|hf_xet)\d?/|/urllib/request\.py:|/http/client\.py:|"
        r"/(socket|ssl)\.py:|/torch/hub\.py:|/engine/models\.py:_can_look_up",
        DOWNLOADING,
    ),
    (r"/torch/distributed/.*c10d|/torch/distributed/\w+\.py:", OTHER_GPUS),
    (r"/torch/(cuda|mps|xpu|accelerator)/.*:synchronize$", GPU),
)
"""`path:function` of a frame → words; they hold during an import, too."""

WORK = _rules(
    (
        r"/torch/_dynamo/(?!eval_frame|external_utils)|/torch/_inductor/(?!output_code|runtime/)|"
        r"/triton/(compiler|backends/\w+/compiler|runtime/build)|/torch/utils/cpp_extension\.py:",
        COMPILING,
    ),
    (r"/torch/cuda/.*:_lazy_init$", "starting the GPU"),
    (
        r"/safetensors/.*:(save|serialize)|/engine/checkpoint\.py:save|/torch/serialization\.py:save",
        SAVING,
    ),
    (
        r"/safetensors/|/engine/checkpoint\.py:load|/torch/serialization\.py:load",
        "reading the model's weights",
    ),
    (r"/re/\w+\.py:|/regex/", "in a regular expression"),
    (r"/PIL/", DECODING),
    (r"/dataset/images\.py:", "reading a photo"),
    (r"/dataset/worker\.py:_serve$", "waiting to be given a photo"),
    (
        r"/engine/loading\.py:(__next__|take)$|/dataset/pool\.py:take$|/torch/utils/data/",
        "waiting for photos",
    ),
    (r"/engine/loading\.py:wait_for_room$", "waiting until more photos are needed"),
    (r"/engine/context\.py:in_thread$", OTHER_THREAD),
    (r"/engine/context\.py:obey$", "paused"),
    (r"/dataset/(scan|file_stats)\.py:", "looking for photos"),
    (r"/dataset/(photo_tiles|tiles|tile_segments)\.py:", USING_CACHE),
    (
        r"/torch/(nn|autograd|optim|_tensor|functional|_ops|_inductor|amp)\b|/(torchvision|open_clip|timm)/|"
        r"/engine/augment\.py:",
        COMPUTING,
    ),
)

LINES = _rules(
    (r"\.(item|tolist|cpu)\(\)|\bsynchronize\(|\.to\((self\.)?device\b|\.to\(\"cpu\"", GPU),
    (r"\.acquire\(|^with [\w.]*lock\w*:", LOCK),
    (r"(?i)\b(re|regex|\w*pattern)\.(match|search|fullmatch|sub|split|find)", "in a regular expression"),
    (r"\b(open|read\w*)\(", READING),
)
"""The source line of the innermost frame → words: what is called there is C, and no frame of its own."""


MORE_EXACTLY = {(DECODING, READING): "reading a photo", (COMPUTING, GPU): GPU}
"""What a rule says and what the innermost line says → words; otherwise the rule is right."""


def key_frame(thread: ThreadStack) -> int:
    """The index of the innermost frame that means something to a person; -1 if there is none."""
    places = [_place(frame) for frame in thread.frames]
    for passed_over in (STANDARD_LIBRARY, PLUMBING):
        for i in reversed(range(len(places))):
            if not passed_over.search(places[i]) and not PLUMBING.search(places[i]):
                return i
    return len(places) - 1


def in_words(thread: ThreadStack) -> str:
    """What the thread does; empty if it has no stack."""
    if not thread.frames:
        return ""
    places = [_place(frame) for frame in thread.frames]
    if IDLE.search(next((place for place in reversed(places) if not PLUMBING.search(place)), "")):
        return "idle"
    by_rule, by_line = _by_rules(places), _by_line(thread.frames[-1])
    if by_rule:
        return MORE_EXACTLY.get((by_rule, by_line), by_rule)
    return by_line or _by_name(thread, places[-1])


def decisive(threads: Sequence[ThreadStack]) -> ThreadStack | None:
    """The thread on which the engine's progress depends: the main thread, or the one that it waits for."""
    main = next((thread for thread in threads if thread.role == "main"), None)
    if main is None or in_words(main) != OTHER_THREAD:
        return main
    others = (thread for thread in threads if thread.pid == main.pid and thread is not main)
    return next((other for other in others if _runs_for_main(other)), main)


def _runs_for_main(thread: ThreadStack) -> bool:
    return any(_place(frame).endswith("/engine/context.py:run") for frame in thread.frames)


def _by_rules(places: Sequence[str]) -> str:
    """What the innermost frame says that a rule knows."""
    importing = _imported(places)
    for place in reversed(places):
        for pattern, words in WAITS if importing else WAITS + WORK:
            if pattern.search(place):
                return words
        if importing and (IMPORTING.search(place) or place.endswith(":<module>")):
            return f"{IMPORTING_WORDS}{importing}"
    return ""


def _by_line(frame: Frame) -> str:
    line = linecache.getline(frame.file, frame.line).strip()[:LINE_CHARS] if _is_source(frame.file) else ""
    return next((words for rule, words in LINES if rule.search(line)), "")


def _is_source(file: str) -> bool:
    """A stack may be a stranger's: no device, no pipe and nothing endless is opened because it names it."""
    with contextlib.suppress(OSError, ValueError):
        found = os.stat(file)
        return (
            file.endswith((".py", ".pyi")) and stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_BYTES
        )
    return False


def _by_name(thread: ThreadStack, innermost: str) -> str:
    if re.search(r"/(threading|queue)\.py:|/concurrent/futures/", innermost):
        return LOCK
    frame = thread.frames[key_frame(thread)]
    return f"in {frame.function} ({frame.file.replace(chr(92), '/').rpartition('/')[2]}, line {frame.line})"


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


def _place(frame: Frame) -> str:
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
