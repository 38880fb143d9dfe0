"""What libraries say of their own end, as a clause with file and line."""

from __future__ import annotations

import pytest

from tests.faults.crashes.draws import NOISE, WORDS
from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.monitor.last_words import last_words

ENDS = {
    "abort": ProcessOutcome(signal=6),
    "segfault": ProcessOutcome(signal=11),
    "trap": ProcessOutcome(signal=5),
}


@pytest.mark.parametrize("noise", NOISE, ids=range(len(NOISE)))
@pytest.mark.parametrize("kind", [kind for kind, (_, how, _, _) in WORDS.items() if how != "kill"])
def test_library_s_last_words_are_the_cause_or_told_with_it(kind: str, noise: str) -> None:
    text, how, causes, named = WORDS[kind]
    end = ENDS.get(how) or ProcessOutcome(exit_code=int(how.partition(" ")[2]))
    crash = explain(end, noise + text + noise)
    assert crash.cause in causes
    assert all(each in " ".join((crash.text, *crash.lines)) for each in named), crash
    assert " ()" not in crash.text and "  " not in crash.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "terminate called after throwing an instance of 'std::bad_thing'\n  what():  no\n",
            "no (std::bad_thing, an error of C++ that nobody caught)",
        ),
        (
            "terminate called after throwing an instance of 'int'\n",
            "(int, an error of C++ that nobody caught)",
        ),
        ("a.out: x.c:3: main: Assertion `0' failed.\n", "a check failed: 0 (main, x.c, line 3)"),
        (
            "thread 'pool-1' (77) panicked at src/a.rs:1:2:\noh no\n",
            "a library in Rust gave up: oh no (src/a.rs, line 1)",
        ),
        ("all is well\n", ""),
        ("[info] F is a letter\nno fatal thing\n", ""),
    ],
)
def test_words_are_put_into_one_clause(text: str, says: str) -> None:
    assert last_words(text) == says


def test_who_was_killed_did_not_speak_of_it() -> None:
    crash = explain(ProcessOutcome(signal=9), "panic: old news\n")
    assert "old news" not in crash.text
