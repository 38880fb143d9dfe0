"""The reading pool on drives that vanish, fall silent, or hold a process for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.drive import Drive, SourceOutage, in_own_namespace
from tests.photos import make_photos
from waste_gui.dataset.pool import Read, ReadingPool

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
"""Only ever waited for if the test is about to fail."""

DEADLINE_S = 1.0


def photos_on(drive: Drive) -> list[str]:
    return sorted(str(path) for path in drive.at.glob("*/*.jpg"))


def take(pool: ReadingPool) -> Read:
    read = pool.take(PATIENCE_S)
    assert read is not None, f"nothing came: {pool.states()}, away: {pool.away()}"
    pool.release(read)
    return read


@pytest.mark.slow
@pytest.mark.parametrize("how", ["unplugged", "unmounted", "silent"])
@in_own_namespace
def test_no_photo_is_lost_when_the_drive_goes_away_in_the_middle(tmp_path: Path, how: SourceOutage) -> None:
    events: list[str] = []
    with (
        Drive(tmp_path / "drive", mirrors=make_photos(tmp_path / "there", per_class=12)) as drive,
        ReadingPool(
            2,
            32,
            16,
            DEADLINE_S,
            lambda folder, why: events.append(f"{Path(folder).name} {why}"),
            lambda folder, seconds: events.append(f"{Path(folder).name} is back"),
        ) as pool,
    ):
        wanted = photos_on(drive)
        for ticket, path in enumerate(wanted[:6]):
            pool.submit(ticket, path)
        reads = [take(pool) for _ in range(6)]
        drive.vanish(how)
        for ticket, path in enumerate(wanted[6:], 6):
            pool.submit(ticket, path)
        while not events:
            assert pool.take(0.05) is None
        drive.come_back()
        reads += [take(pool) for _ in wanted[6:]]
    assert sorted(read.path for read in reads) == wanted
    assert [read.error for read in reads if read.error] == []
    back = [event for event in events if event.endswith(" is back")]
    assert len(back) == len(events) / 2
    if how != "silent":  # a drive that does not answer is found out folder by folder
        assert set(back) == {"drive is back"}


@in_own_namespace
def test_a_worker_that_cannot_be_killed_is_left_behind_and_reading_goes_on(tmp_path: Path) -> None:
    with Drive(tmp_path / "drive", mirrors=make_photos(tmp_path / "there", per_class=4)) as drive:
        held = drive.at / "glass" / "glass_00.jpg"
        drive.behave("glass/glass_00.jpg", "unkillable")
        with ReadingPool(1, 32, 8, DEADLINE_S) as pool:
            for ticket, path in enumerate(photos_on(drive)):
                pool.submit(ticket, path)
            reads = [take(pool) for _ in range(12)]
            errors = {read.path: read.error.kind for read in reads if read.error}
            assert errors == {str(held): "timed_out"}
            assert drive.waiting()
        assert drive.waiting(), "closing the pool does not wait for it"


@pytest.mark.slow
@in_own_namespace
def test_a_slow_drive_costs_no_photo(tmp_path: Path) -> None:
    """One photo a second, one after the other: the more ask at once, the longer each waits."""
    there = make_photos(tmp_path / "there", per_class=4)
    photo_s = 1.0
    longest = max(path.stat().st_size for path in there.glob("*/*.jpg"))
    with Drive(tmp_path / "drive", mirrors=there, delay_s=photo_s * 128 * 1024 / longest) as drive:
        for path in photos_on(drive):
            drive.behave(str(Path(path).relative_to(drive.at)), "delayed")
        with ReadingPool(2, 32, 16, deadline_s=2.5, on_away=lambda folder, why: None) as pool:
            for ticket, path in enumerate(photos_on(drive)):
                pool.submit(ticket, path)
            reads = [take(pool) for _ in range(12)]
    assert [read.error for read in reads if read.error] == []
