"""What a graphics driver tells, and one that tells nothing. The driver itself is a replacement: none is
here."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from types import SimpleNamespace

import msgspec

from tests.monitor.transcripts import Transcript, replay
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.gpu import Gpu, GpuReader
from waste_gui.monitor.history import History
from waste_gui.monitor.verdict import VerdictState
from waste_gui.monitor.watch import Watch
from waste_gui.protocol import GpuState

MEMORY = GpuState(utilisation=None, memory_used=7 * 10**9, memory_total=24 * 10**9)


class DriverError(Exception):
    pass


@dataclass
class Driver:
    """NVML with so many cards, of which one is hot; it tells nothing of fans."""

    NVMLError = DriverError
    cards: int = 1
    answers: threading.Event | None = None

    def nvmlDeviceGetCount(self) -> int:
        if self.answers is not None:
            assert self.answers.wait(30)
        return self.cards

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, index: int) -> str:
        return f"RTX {index}"

    def nvmlDeviceGetUtilizationRates(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=35 + index)

    def nvmlDeviceGetMemoryInfo(self, index: int) -> SimpleNamespace:
        raise DriverError("not supported")

    def nvmlDeviceGetTemperature(self, index: int, sensor: int) -> int:
        return 87

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, index: int) -> int:
        return 0x4 | 0x20 | 0x40

    def nvmlDeviceGetComputeRunningProcesses(self, index: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=100 + index)]


def answered(reader: GpuReader, pids: list[int]) -> Gpu | None:
    reader.look(pids, 0.0)
    assert reader._asking is not None
    reader._asking.join(30)
    return reader.look(pids, 1.0)[0]


def test_card_is_the_one_that_the_processes_use() -> None:
    card = answered(GpuReader(Driver(cards=3)), [7, 102])
    assert card is not None and (card.name, card.utilisation, card.memory_used) == ("RTX 2", 37.0, None)
    assert card.words == "37 %, 87 °C, slowed down by heat"


def test_of_several_cards_none_is_named_where_the_processes_are_not_known() -> None:
    assert answered(GpuReader(Driver(cards=2)), [7]) is None
    alone = answered(GpuReader(Driver(cards=1)), [7])
    assert alone is not None and alone.name == "RTX 0"


def test_driver_that_hangs_holds_nobody_up() -> None:
    answers = threading.Event()
    reader = GpuReader(Driver(answers=answers))
    assert reader.look([7], 10.0) == (None, 0.0)
    assert reader.look([7], 14.0) == (None, 4.0)
    answers.set()
    assert answered(reader, [7]) is not None


def test_computer_without_a_driver_has_no_card() -> None:
    reader = GpuReader()
    assert answered(reader, [7]) is None


def in_a_step(seconds: float) -> Transcript:
    script = Transcript().start_up().begin_training()
    script.gpu, script.where = MEMORY, "training step"
    script.steps(1, 200)
    script.wait(seconds)
    return script


def test_silence_under_a_driver_that_does_not_answer_is_its_fault() -> None:
    script = in_a_step(60)
    evidence = Evidence(cpu_percent=100, io_bytes_per_s=0, gpu_silent_s=50)
    verdict = Watch(History()).look(replay(script.messages), evidence, script.at).verdict
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "gpu_driver")
    assert "The graphics driver has not answered for 50 s" in verdict.evidence


def test_card_that_works_makes_a_long_step_slow_and_not_stuck() -> None:
    script = in_a_step(60)
    gpu = Gpu("RTX", utilisation=99)
    evidence = Evidence(cpu_percent=1, io_bytes_per_s=0, states=("sleeping",), gpu=gpu)
    watch, run = Watch(History()), replay(script.messages)
    assert watch.look(run, evidence, script.at).verdict.state is VerdictState.SLOW
    idle = replace(evidence, gpu=replace(gpu, utilisation=0))
    assert Watch(History()).look(run, idle, script.at).verdict.state is VerdictState.LIKELY_STUCK


def test_card_of_others_is_no_evidence_for_a_run_that_computes_on_the_processor() -> None:
    script = in_a_step(60)
    messages = [
        msgspec.structs.replace(message, gpu=None) if hasattr(message, "gpu") else message
        for message in script.messages
    ]
    evidence = Evidence(cpu_percent=1, states=("sleeping",), gpu=Gpu("RTX", utilisation=99))
    verdict = Watch(History()).look(replay(messages), evidence, script.at).verdict
    assert verdict.state is VerdictState.LIKELY_STUCK


def test_slow_epoch_on_a_hot_card_says_so() -> None:
    script = in_a_step(0.1)
    hot = Gpu("RTX", utilisation=60, temperature=91, slowed_by=("heat",))
    verdict = Watch(History()).look(replay(script.messages), Evidence(gpu=hot), script.at).verdict
    assert "The graphics card is slowed down by heat (91 °C)" in verdict.text
