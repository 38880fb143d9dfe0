"""Diary: each verdict on a silence is kept once, with all that it rests on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.monitor.transcripts import replay, stuck_photo
from waste_gui.monitor.countdown import remaining
from waste_gui.monitor.diagnosis_log import MAX_BYTES, DiagnosisLog
from waste_gui.monitor.evidence import Evidence, ProcessLook
from waste_gui.monitor.history import History
from waste_gui.monitor.stall import diagnose
from waste_gui.protocol import Frame, ThreadStack

SEEN = Evidence(cpu_percent=1, processes=(ProcessLook(11, "worker", "sleeping", "request_wait_answer"),))


def test_each_verdict_on_a_silence_is_kept_once_with_evidence_and_stacks(tmp_path: Path) -> None:
    run = replay(stuck_photo(200).messages)
    frame = Frame(file="images.py", line=1, function="read_tile")
    run.saw_stacks((ThreadStack(pid=11, role="worker", thread="MainThread", frames=(frame,)),), run.heard_at)
    diagnosis_log = DiagnosisLog(tmp_path / "evidence.jsonl")
    for now in range(int(run.moved_at), int(run.heard_at)):
        verdict = diagnose(run, remaining(run, float(now), History()), SEEN, float(now))
        if line := diagnosis_log.line(run, verdict, SEEN, float(now)):
            diagnosis_log.write(line)
    lines = [json.loads(line) for line in (tmp_path / "evidence.jsonl").read_text().splitlines()]
    assert [line["verdict"]["cause"] for line in lines][-1] == "one_photo"
    assert len(lines) == len({(line["verdict"]["state"], line["verdict"]["cause"]) for line in lines})
    assert lines[-1]["evidence"]["processes"][0]["waits_for"] == "request_wait_answer"
    assert lines[-1]["stacks"][0]["frames"][0]["function"] == "read_tile"


def test_diary_does_not_grow_for_ever_and_survives_a_folder_that_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "evidence.jsonl"
    file.write_bytes(bytes(MAX_BYTES))
    DiagnosisLog(file).write(b"{}\n")
    assert file.stat().st_size == MAX_BYTES
    DiagnosisLog(tmp_path / "gone" / "evidence.jsonl").write(b"{}\n")
