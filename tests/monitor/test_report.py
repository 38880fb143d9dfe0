"""The report: what a colleague needs, without the name of the person's home."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.monitor import transcripts
from tests.monitor.transcripts import PHOTO, replay
from waste_gui import protocol
from waste_gui.monitor import report as reports
from waste_gui.monitor.evidence import Evidence, ProcessLook
from waste_gui.monitor.report import Report, ReportError, save, without_home
from waste_gui.monitor.verdict import Verdict, VerdictState

STUCK = Verdict(
    VerdictState.LIKELY_STUCK, "one_photo", "Likely stuck: First batch", "A photo.", ("Processor: 0 %",)
)
STACK = protocol.ThreadStack(
    pid=11,
    role="worker",
    thread="MainThread",
    frames=(protocol.Frame(file="/home/lab/images.py", line=7, function="read_tile"),),
)


def stuck_report(folder: Path | None = None) -> Report:
    script = transcripts.stuck_photo()
    script.say(protocol.Stacks(threads=(STACK,)))
    process = ProcessLook(11, "worker", "disk-sleep", "request_wait_answer", 0.0, 0.0, 27_000_000)
    evidence = Evidence(cpu_percent=1.0, io_bytes_per_s=900.0, processes=(process,))
    return Report(replay(script.messages), script.at, STUCK, evidence, folder)


def test_text_tells_verdict_stages_workers_and_stacks() -> None:
    text = stuck_report().text(Path("/home/lab"))
    for part in (
        "Likely stuck: First batch (one_photo)",
        "- Processor: 0 %",
        "Scan photos: done, 4.0 s",
        "First batch: running, 1 min 42 s, 9 of 32 photos",
        f"Worker 11: reading {PHOTO}",
        "Worker 11: disk-sleep in request_wait_answer, 0 % of a core, 0 bytes/s, 27 MB",
        "> ~/images.py:7 in read_tile",
        "waste-gui 0.1.0",
    ):
        assert part in text


def test_text_of_a_failed_run_has_its_traceback() -> None:
    text = Report(replay(transcripts.failing().messages)).text()
    assert "TooManyBadPhotos: 101" in text


def test_text_tells_the_folder_of_the_run() -> None:
    assert "Folder: /runs/one" in Report(replay([]), folder=Path("/runs/one")).text()


def test_text_of_a_window_in_which_nothing_ran_says_so() -> None:
    assert "nothing has run" in Report(replay([])).text()


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("/home/lab/photos", "~/photos"),
        ('{"path":"/home/lab"}', '{"path":"~"}'),
        ("in /home/lab, and /home/lab.", "in ~, and /home/lab."),
        ("/home/labs/photos /home/lab2", "/home/labs/photos /home/lab2"),
    ],
)
def test_home_folder_is_shortened(text: str, short: str) -> None:
    assert without_home(text, Path("/home/lab")) == short


def test_root_is_no_home() -> None:
    assert without_home("/data/photos", Path("/")) == "/data/photos"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "lab" / "run"
    folder.mkdir(parents=True)
    script = transcripts.stuck_photo(10)
    (folder / "events.jsonl").write_bytes(b"".join(map(protocol.encode, script.messages)))
    (folder / "config.json").write_text(json.dumps({"source": [str(folder.parent / "photos")]}))
    (folder / "engine.log").write_bytes(b"\xff no text at all\n")
    (folder / "photo.jpg").write_bytes(b"a photo")
    return folder


def test_zip_holds_the_records_but_no_photo_and_no_home(folder: Path, tmp_path: Path) -> None:
    report = stuck_report(folder)
    home = folder.parent
    path = save(report.records(home), folder, tmp_path / "report.zip", home)
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {
        "report.txt",
        "versions.txt",
        "evidence_now.json",
        "stacks.json",
        "config.json",
        "events.jsonl",
        "engine.log",
    }
    assert json.loads(texts["config.json"]) == {"source": ["~/photos"]}
    assert json.loads(texts["evidence_now.json"])["processes"][0]["state"] == "disk-sleep"
    assert json.loads(texts["stacks.json"])[0]["frames"][0]["function"] == "read_tile"
    assert not any(str(home) in text for text in texts.values())


def test_only_the_end_of_a_long_record_is_sent(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_BYTES", 1000)
    path = save({}, folder, tmp_path / "report.zip")
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("events.jsonl").splitlines()
    whole = (folder / "events.jsonl").read_bytes().splitlines()
    assert lines == whole[-len(lines) :] and 0 < len(lines) < len(whole)


def test_report_that_cannot_be_written_is_one_sentence_and_leaves_nothing(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match=r"cannot be written to .* \(No such file or directory\)\.$"):
        save({"report.txt": "words"}, folder, tmp_path / "nowhere" / "report.zip")
    (tmp_path / "report.zip").mkdir()
    with pytest.raises(ReportError, match="Is a directory"):
        save({"report.txt": "words"}, folder, tmp_path / "report.zip")
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_record_that_cannot_be_read_does_not_spoil_the_rest(folder: Path, tmp_path: Path) -> None:
    (folder / "engine.log").unlink()
    (folder / "engine.log").mkdir()
    path = save({"report.txt": "words"}, folder, tmp_path / "report.zip")
    with zipfile.ZipFile(path) as archive:
        assert "engine.log.missing.txt" in archive.namelist()
        assert archive.read("report.txt") == b"words"
