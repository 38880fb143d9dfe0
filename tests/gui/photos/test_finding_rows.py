"""The lines of the list of findings, without a window."""

from __future__ import annotations

from waste_gui.gui.photos.finding_rows import (
    ASIDE,
    OPEN_UP_TO,
    SKIPPED,
    Act,
    Entry,
    Heading,
    counted,
    counts,
    open_findings,
    rows,
    title,
    to_exclude,
)
from waste_gui.protocol import Finding, FindingKind


def finding(kind: FindingKind, *paths: str, suggest: tuple[str, ...] = (), key: str = "") -> Finding:
    return Finding(kind=kind, paths=paths, words=f"This is {kind}.", suggest=suggest, key=key or paths[0])


COPIES = finding("duplicate", "/d/a", "/d/b", "/d/c", suggest=("/d/b", "/d/c"))
BOTH = finding("two_labels", "/d/g/1", "/d/p/1")
HUGE = finding("huge", "/d/huge")
BAD = finding("damaged", "/d/bad", suggest=("/d/bad",))


def groups(
    *found: Finding, aside: dict[str, str] | None = None, toggled: set[str] | None = None
) -> list[str]:
    made = rows(found, aside or {}, set(), toggled or set())
    return [f"{row.group} {row.count}" for row in made if isinstance(row, Heading)]


def test_most_important_comes_first_whatever_came_first() -> None:
    assert groups(HUGE, COPIES, BOTH, BAD) == ["damaged 1", "two_labels 1", "duplicate 1", "huge 1"]


def test_all_copies_are_never_set_aside() -> None:
    assert to_exclude(COPIES, {}) == ("/d/b", "/d/c")
    assert to_exclude(COPIES, {"/d/a": ""}) == ("/d/c",)
    assert to_exclude(COPIES, {"/d/b": ""}) == ("/d/c",)


def test_where_a_person_must_choose_nothing_is_set_aside_by_itself() -> None:
    assert to_exclude(BOTH, {}) == ()
    entry = rows([BOTH], {}, set(), set())[1]
    assert isinstance(entry, Entry) and entry.acts == (Act.CHOOSE, Act.SKIP)


def test_photo_alone_can_be_set_aside_though_that_is_not_suggested() -> None:
    assert to_exclude(HUGE, {}) == ("/d/huge",)
    heading = rows([HUGE, finding("huge", "/d/2")], {}, set(), set())[0]
    assert isinstance(heading, Heading) and heading.act is None


def test_finding_is_solved_when_one_of_its_copies_is_left() -> None:
    assert open_findings([COPIES, BOTH, BAD], {"/d/b": "", "/d/p/1": ""}, ()) == [COPIES, BAD]
    assert open_findings([COPIES, BAD], {"/d/b": "", "/d/a": "", "/d/bad": ""}, ()) == []


def test_skipped_finding_stands_at_the_end_until_it_is_shown_again() -> None:
    made = rows([BAD, HUGE], {}, {BAD.key}, {SKIPPED})
    assert [row.id for row in made] == [
        "heading huge",
        HUGE.key,
        "heading skipped",
        f"skipped {BAD.key}",
    ]
    assert isinstance(made[-1], Entry) and made[-1].acts == (Act.SHOW_AGAIN,)


def test_set_aside_photos_stand_closed_below_with_their_reasons() -> None:
    aside = {"/d/x": "Is blurred.", "/d/y": ""}
    closed = rows([], aside, set(), set())
    assert [row.id for row in closed] == ["heading aside"]
    heading, first, _ = rows([], aside, set(), {ASIDE})
    assert isinstance(heading, Heading) and (heading.act, heading.paths) == (Act.TAKE_BACK, ("/d/x", "/d/y"))
    assert isinstance(first, Entry) and first.words == "Is blurred."


def test_long_group_begins_closed_unless_it_is_the_first() -> None:
    doubles = [finding("near_duplicate", f"/d/{i}", f"/d/{i}b") for i in range(OPEN_UP_TO + 1)]
    assert len(rows(doubles, {}, set(), set())) == OPEN_UP_TO + 2
    assert len(rows([BAD, *doubles], {}, set(), set())) == 3
    assert len(rows([BAD, *doubles], {}, set(), {"near_duplicate"})) == OPEN_UP_TO + 4


def test_set_all_aside_takes_what_each_finding_suggests_once() -> None:
    other = finding("duplicate", "/d/p", "/d/c", suggest=("/d/c",))
    heading = rows([COPIES, other], {}, set(), set())[0]
    assert isinstance(heading, Heading) and heading.act is Act.EXCLUDE
    assert heading.paths == ("/d/b", "/d/c")


def test_findings_are_counted_in_words() -> None:
    found = [BAD, COPIES, COPIES, BOTH, HUGE, finding("tiny", "/d/t")]
    words = "1 cannot be read, 1 in two classes, 2 duplicates, 1 very small and more"
    assert counted(counts(found)) == words


def test_two_photos_are_named_with_their_folders_where_these_differ() -> None:
    assert title(("/d/glass/1.jpg", "/d/glass/2.jpg")) == "glass/1.jpg  and  2.jpg"
    assert title(("/d/glass/1.jpg", "/d/paper/1.jpg")) == "glass/1.jpg  and  paper/1.jpg"


def test_names_from_outside_are_one_harmless_line() -> None:
    path = "/d/gl\udcffss/a\n<i>x\x07.jpg"
    entry = rows([finding("tiny", path)], {}, set(), set())[1]
    assert isinstance(entry, Entry)
    assert entry.title == "gl\\udcffss/a <i>x\\x07.jpg"
