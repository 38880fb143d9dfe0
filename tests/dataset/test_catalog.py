"""What is remembered of photos survives everything that happens to its file, and two users at once."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.photos import make_photos
from tests.rights import opens_everything
from waste_gui.dataset import catalog as catalog_module
from waste_gui.dataset.catalog import PUT_ASIDE, Catalog, CatalogError, Checked, leave_out
from waste_gui.dataset.file_stats import FileStat
from waste_gui.dataset.scan import scan_sources

PHOTO = Checked("/data/glass/1.jpg", 1000, 7, 640, 480, digest=b"d" * 16, thumbnail=b"t" * 768)
BROKEN = Checked("/data/glass/2.jpg", 10, 8, kind="truncated", reason="is truncated")
STATS = {photo.path: FileStat(photo.size, photo.changed_ns) for photo in (PHOTO, BROKEN)}


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def catalog(tmp_path: Path, problems: list[str]) -> Catalog:
    return Catalog(tmp_path / "home" / "photos.sqlite", problems.append)


def test_results_are_recalled_by_the_next_process(catalog: Catalog) -> None:
    catalog.remember([PHOTO, BROKEN])
    assert Catalog(catalog.path).recall(STATS) == {PHOTO.path: PHOTO, BROKEN.path: BROKEN}


def test_a_photo_that_changed_is_not_recalled(catalog: Catalog) -> None:
    catalog.remember([PHOTO, BROKEN])
    changed = {PHOTO.path: FileStat(PHOTO.size, 9), BROKEN.path: FileStat(11, BROKEN.changed_ns)}
    assert catalog.recall(changed) == {}
    catalog.remember([Checked(PHOTO.path, PHOTO.size, 9)])
    assert list(catalog.recall(changed)) == [PHOTO.path]


def test_results_of_another_reading_code_are_not_recalled(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.remember([PHOTO])
    monkeypatch.setattr(catalog_module, "READ_VERSION", 1_000_000)
    assert catalog.recall(STATS) == {}


def test_more_photos_than_one_query_takes(catalog: Catalog) -> None:
    photos = [Checked(f"/data/{n}.jpg", n, n) for n in range(2 * catalog_module.AT_ONCE + 1)]
    catalog.remember(photos)
    assert len(catalog.recall({p.path: FileStat(p.size, p.changed_ns) for p in photos})) == len(photos)


@pytest.mark.parametrize("name", [b"caf\xe9.jpg", "caf\u00e9'\"\n\x1b[31m.jpg".encode(), b"%_*?.jpg"])
def test_odd_names(catalog: Catalog, name: bytes) -> None:
    path = os.path.join("/data", os.fsdecode(name))
    catalog.remember([Checked(path, 1, 2)])
    assert list(catalog.recall({path: FileStat(1, 2)})) == [path]
    catalog.exclude([path], "blurred")
    assert catalog.aside(["/data"]) == {path: "blurred"}
    catalog.take_back([path])
    assert catalog.aside() == {}


def test_photos_set_aside_are_listed_below_their_source_only(catalog: Catalog) -> None:
    catalog.exclude(["/data/waste/glass/1.jpg"], "a duplicate")
    catalog.exclude(["/data/waste2/glass/1.jpg"])
    assert catalog.aside(["/data/waste/"]) == {"/data/waste/glass/1.jpg": "a duplicate"}
    assert catalog.aside([]) == {}
    assert len(catalog.aside()) == 2


def test_dismissed_findings_come_back_when_asked(catalog: Catalog) -> None:
    catalog.dismiss("a")
    catalog.dismiss("b")
    catalog.bring_back("a")
    assert catalog.dismissed() == {"b"}


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.99])
def test_a_file_cut_off_anywhere_is_begun_anew_and_said(
    catalog: Catalog, problems: list[str], share: float
) -> None:
    photos = [Checked(f"/data/{n}.jpg", n, n, thumbnail=b"t" * 768) for n in range(200)]
    catalog.remember(photos)
    content = catalog.path.read_bytes()
    catalog.path.write_bytes(content[: int(share * len(content))])
    catalog.recall({p.path: FileStat(p.size, p.changed_ns) for p in photos})
    catalog.remember([PHOTO])
    assert catalog.recall(STATS) == {PHOTO.path: PHOTO}
    if share:
        assert "begins anew" in problems[0]
        assert catalog.path.with_name("photos.sqlite.damaged").exists()


def test_a_file_that_is_none_of_ours_is_kept(catalog: Catalog, problems: list[str]) -> None:
    catalog.path.parent.mkdir()
    catalog.path.write_text("my holiday notes " * 1000)
    catalog.exclude([PHOTO.path])
    assert catalog.aside() == {PHOTO.path: ""}
    assert catalog.path.with_name("photos.sqlite.damaged").read_text().startswith("my holiday")
    assert len(problems) == 1


def test_what_a_person_entered_is_saved_from_a_damaged_file(catalog: Catalog, problems: list[str]) -> None:
    photos = [Checked(f"/data/{n}.jpg", n, n, thumbnail=b"t" * 768) for n in range(200)]
    catalog.remember(photos)
    catalog.exclude([PHOTO.path], "blurred")
    catalog.dismiss("a")
    content = bytearray(catalog.path.read_bytes())
    content[12 * 4096 : -4096] = os.urandom(len(content) - 13 * 4096)
    catalog.path.write_bytes(content)
    catalog.recall({p.path: FileStat(p.size, p.changed_ns) for p in photos})
    assert catalog.aside() == {PHOTO.path: "blurred"}
    assert catalog.dismissed() == {"a"}
    catalog.remember(photos)
    assert len(catalog.recall({p.path: FileStat(p.size, p.changed_ns) for p in photos})) == 200
    assert len(problems) == 1
    assert "excluded" not in problems[0]


@pytest.mark.skipif(opens_everything(), reason="no file is read-only for this user")
def test_a_read_only_file_is_read_and_said_once(catalog: Catalog, problems: list[str]) -> None:
    catalog.remember([PHOTO])
    catalog.path.chmod(0o444)
    catalog.remember([BROKEN])
    catalog.remember([BROKEN])
    assert list(catalog.recall(STATS)) == [PHOTO.path]
    assert len(problems) == 1
    with pytest.raises(CatalogError, match="cannot be remembered"):
        catalog.exclude([PHOTO.path])


def test_a_folder_that_cannot_be_made_costs_only_the_memory(tmp_path: Path) -> None:
    problems: list[str] = []
    (tmp_path / "file").write_text("")
    catalog = Catalog(tmp_path / "file" / "photos.sqlite", problems.append)
    catalog.remember([PHOTO])
    assert catalog.recall(STATS) == {}
    assert catalog.aside() == {}
    assert len(problems) == 1
    with pytest.raises(CatalogError):
        catalog.dismiss("a")


def test_a_full_disk_costs_only_the_memory(
    catalog: Catalog, problems: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.remember([PHOTO])
    connect = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*arguments, **options)  # type: ignore[call-overload]
        db.execute("PRAGMA max_page_count = 1")  # the file may not grow
        return db

    monkeypatch.setattr(sqlite3, "connect", small)
    catalog.remember([Checked(f"/data/{n}.jpg", n, n, thumbnail=b"t" * 768) for n in range(200)])
    assert "full" in problems[0]
    assert list(catalog.recall(STATS)) == [PHOTO.path]


def test_two_processes_and_a_reader_at_once(catalog: Catalog, problems: list[str]) -> None:
    write = (
        "import sys; from pathlib import Path\n"
        "from waste_gui.dataset.catalog import Catalog, Checked\n"
        "catalog = Catalog(Path(sys.argv[1]), lambda text: sys.exit(text))\n"
        "for n in range(30): catalog.remember([Checked(f'/{sys.argv[2]}/{n}/{i}', n, i) for i in range(20)])"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", write, str(catalog.path), name]) for name in ("a", "b")
    ]
    while any(writer.poll() is None for writer in writers):
        catalog.recall(STATS)
    assert [writer.returncode for writer in writers] == [0, 0]
    stats = {f"/{w}/{n}/{i}": FileStat(n, i) for w in "ab" for n in range(30) for i in range(20)}
    assert len(catalog.recall(stats)) == 1200
    assert problems == []


def test_left_out_photos_are_counted(tmp_path: Path) -> None:
    scan = scan_sources([str(make_photos(tmp_path / "photos"))])
    aside = [scan.samples[0].path, scan.samples[5].path, "/elsewhere/1.jpg"]
    left = leave_out(scan, aside)
    assert {s.path for s in scan.samples} - {s.path for s in left.samples} == set(aside[:2])
    assert left.skipped[PUT_ASIDE] == 2
    assert leave_out(scan, []) is scan


# --- photos that were set aside, by another path


def found_aside(catalog: Catalog, source: Path) -> list[str]:
    paths = [sample.path for sample in scan_sources([str(source)]).samples]
    catalog.follow(paths)
    aside = catalog.aside([str(source)])
    return sorted(os.path.relpath(path, source) for path in paths if path in aside)


@pytest.fixture
def two_aside(catalog: Catalog, tmp_path: Path) -> Path:
    """Two of six photos of glass are excluded."""
    make_photos(tmp_path / "p", ("glass", "paper"), 6)
    photos = sorted((tmp_path / "p" / "glass").iterdir())[:2]
    catalog.exclude(map(str, photos), "blurred")
    return tmp_path / "p"


@pytest.mark.parametrize("way", ["renamed", "linked", "folder renamed", "copied over"])
def test_photo_set_aside_is_so_by_another_path(catalog: Catalog, two_aside: Path, way: str) -> None:
    before = found_aside(catalog, two_aside)
    assert len(before) == 2
    now = two_aside.with_name("q")
    if way == "linked":
        now.symlink_to(two_aside)
    elif way == "copied over":  # To another drive, say, and the old one is gone.
        shutil.copytree(two_aside, now)
        shutil.rmtree(two_aside)
    else:
        two_aside.rename(now)
    if way == "folder renamed":
        (now / "glass").rename(now / "bottles")
    after = found_aside(catalog, now)
    assert [os.path.basename(path) for path in after] == [os.path.basename(path) for path in before]
    catalog.take_back(str(now / path) for path in after)
    assert not found_aside(catalog, now)


def test_copy_beside_a_photo_set_aside_stays(catalog: Catalog, two_aside: Path) -> None:
    """One of two copies was excluded; the other must not follow it, nor come back with it."""
    copy = two_aside.with_name("val")
    shutil.copytree(two_aside, copy)
    assert not found_aside(catalog, copy)
    name = str(sorted((copy / "glass").iterdir())[0])
    catalog.exclude([name])
    catalog.take_back([name])
    assert not found_aside(catalog, copy) and len(found_aside(catalog, two_aside)) == 2


def test_other_photo_in_the_place_of_one_set_aside_is_no_other_photo_elsewhere(
    catalog: Catalog, two_aside: Path
) -> None:
    elsewhere = two_aside.with_name("elsewhere")
    shutil.copytree(two_aside, elsewhere)
    for path in (elsewhere / "glass").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    shutil.rmtree(two_aside)
    assert not found_aside(catalog, elsewhere)
