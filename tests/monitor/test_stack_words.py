"""What a thread does, said from its stack."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from waste_gui.monitor.stack_words import decisive, in_words, key_frame
from waste_gui.protocol import Frame, ThreadStack

SITE = "/venv/lib/python3.11/site-packages"
STD = "/usr/lib/python3.11"
OURS = f"{SITE}/waste_gui"
IMPORT = "<frozen importlib._bootstrap>:_find_and_load"


def stack(*places: str) -> ThreadStack:
    """A main thread by `path:function`, the outermost first."""
    frames = tuple(
        Frame(file=file, line=7, function=function) for file, function in (p.rsplit(":", 1) for p in places)
    )
    return ThreadStack(pid=1, role="main", thread="MainThread", frames=frames)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([f"{OURS}/dataset/worker.py:_serve", f"{OURS}/dataset/images.py:read_image"], "reading a photo"),
        (
            [f"{OURS}/dataset/images.py:read_image", f"{SITE}/PIL/ImageFile.py:ImageFile.load"],
            "decoding a photo",
        ),
        ([f"{OURS}/engine/loading.py:Batches.__next__", f"{STD}/threading.py:wait"], "waiting for photos"),
        (
            [f"{OURS}/engine/training.py:train", f"{SITE}/torch/cuda/__init__.py:synchronize"],
            "waiting for the GPU",
        ),
        (
            [f"{SITE}/huggingface_hub/file_download.py:hf_hub_download", f"{SITE}/httpx2/_client.py:send"],
            "downloading the model's weights",
        ),
        ([f"{SITE}/torch/hub.py:download", f"{STD}/socket.py:readinto"], "downloading the model's weights"),
        ([f"{SITE}/huggingface_hub/x.py:f", f"{SITE}/filelock/_api.py:acquire"], "waiting for a lock file"),
        (
            [IMPORT, f"{SITE}/ext/__init__.py:<module>", f"{SITE}/torch/utils/file_baton.py:FileBaton.wait"],
            "waiting for a lock file",
        ),
        ([f"{SITE}/torch/distributed/distributed_c10d.py:all_reduce"], "waiting for the other GPUs"),
        (
            [f"{SITE}/torch/_inductor/codecache.py:load", f"{STD}/subprocess.py:wait"],
            "compiling code for the GPU",
        ),
        ([f"{SITE}/torch/_dynamo/eval_frame.py:_fn", f"{SITE}/torch/optim/adamw.py:step"], "computing"),
        ([f"{OURS}/engine/runs.py:train", IMPORT, f"{SITE}/torch/__init__.py:<module>"], "importing torch"),
        (
            [
                *(
                    IMPORT,
                    f"{OURS}/engine/models.py:<module>",
                    IMPORT,
                    f"{SITE}/torchvision/models/__init__.py:<module>",
                ),
                *(IMPORT, f"{SITE}/torch/nn/functional.py:<module>", f"{SITE}/torch/_ops.py:f"),
            ],
            "importing torchvision.models",
        ),
        ([f"{OURS}/engine/runs.py:train", IMPORT], "importing a module"),
        ([f"{OURS}/engine/checkpoint.py:save", f"{SITE}/safetensors/torch.py:save_file"], "saving the model"),
        ([f"{OURS}/a.py:f", f"{STD}/re/__init__.py:match"], "in a regular expression"),
        (
            [f"{OURS}/a.py:f", f"{STD}/queue.py:get", f"{STD}/threading.py:Condition.wait"],
            "waiting for a lock",
        ),
        (
            [f"{SITE}/torch/nn/modules/module.py:_call_impl", f"{SITE}/torch/nn/functional.py:linear"],
            "computing",
        ),
        (
            [f"{OURS}/engine/context.py:Context.in_thread", f"{STD}/threading.py:join"],
            "waiting for another thread",
        ),
        ([r"C:\app\Lib\site-packages\waste_gui\dataset\images.py:read_image"], "reading a photo"),
        (["/home/x/my.py:<module>", "/home/x/my.py:spin"], "in spin (my.py, line 7)"),
        ([r"C:\x\my.py:spin"], "in spin (my.py, line 7)"),
        ([f"{OURS}/engine/heartbeat.py:Heart._run", f"{STD}/threading.py:Event.wait"], "idle"),
        (
            [f"{OURS}/engine/heartbeat.py:Heart._run", f"{SITE}/pynvml.py:nvmlInit"],
            "in nvmlInit (pynvml.py, line 7)",
        ),
        (
            [f"{OURS}/engine/loading.py:Loader._fill", f"{OURS}/dataset/photo_cache.py:PhotoCache.read_into"],
            "using the cache of photos",
        ),
        (
            [f"{OURS}/dataset/photo_cache.py:read_into", f"{OURS}/dataset/cache_segments.py:read"],
            "using the cache of photos",
        ),
        ([], ""),
    ],
)
def test_stack_is_said_in_words(places: list[str], words: str) -> None:
    assert in_words(stack(*places)) == words


def test_thread_that_the_main_thread_waits_for_is_the_decisive_one() -> None:
    main = stack(f"{OURS}/engine/context.py:Context.in_thread", f"{STD}/threading.py:join")
    idle = replace(stack(f"{OURS}/engine/heartbeat.py:Heart._run"), role="engine")
    works = replace(stack(f"{OURS}/engine/context.py:Context.in_thread.<locals>.run"), role="engine")
    assert decisive((main, idle, works)) == works
    assert decisive((main, idle)) == main
    assert decisive((stack("/a.py:f"), works)) == stack("/a.py:f")
    assert decisive(()) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("loss = losses.mean().item()", "waiting for the GPU"),
        ("with self._lock:", "waiting for a lock"),
        ("NUMBER_PATTERN.match(text)", "in a regular expression"),
        ("file = open(path)", "reading a file"),
        ("x = x + 1", "in add (code.py, line 1)"),
    ],
)
def test_line_tells_what_has_no_frame_of_its_own(tmp_path: Path, line: str, words: str) -> None:
    code = tmp_path / "code.py"
    code.write_text(f"{line}\n", encoding="utf-8")
    frame = Frame(file=str(code), line=1, function="add")
    assert in_words(ThreadStack(pid=1, role="main", thread="", frames=(frame,))) == words


def test_key_frame_is_the_innermost_outside_the_standard_library() -> None:
    assert key_frame(stack(f"{OURS}/a.py:f", f"{STD}/queue.py:get", f"{STD}/threading.py:wait")) == 0
    assert key_frame(stack(f"{OURS}/a.py:f", f"{SITE}/torch/nn/modules/linear.py:forward")) == 1


def test_key_frame_of_a_thread_of_the_standard_library_is_no_plumbing() -> None:
    assert (
        key_frame(
            stack(f"{STD}/threading.py:run", f"{STD}/socketserver.py:serve", f"{STD}/selectors.py:select")
        )
        == 1
    )
    assert key_frame(stack(f"{STD}/threading.py:run", f"{STD}/threading.py:wait")) == 1


def test_no_file_is_opened_because_a_stack_names_it(tmp_path: Path) -> None:
    """A pipe would be waited for, a device read for ever."""
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "endless.py").symlink_to("/dev/zero")
    for name in (str(tmp_path / "pipe.py"), str(tmp_path / "endless.py"), "/dev/zero", "a\0b.py"):
        assert in_words(stack(f"{name}:f")).startswith("in f (")


def test_long_paths_and_names_are_looked_through_at_once() -> None:
    endless = stack(*[f"/{'torch/distributed/' * 400}x.py:f" for _ in range(500)])
    assert in_words(endless)
