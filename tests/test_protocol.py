"""Lines out of chunks, messages out of lines: whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waste_gui import protocol
from waste_gui.protocol import LineBuffer, Unreadable, decode, decode_all, decode_command, encode


@given(
    st.binary(max_size=300).map(lambda b: b.replace(b"x", b"\n")), st.lists(st.integers(0, 300), max_size=20)
)
def test_any_chunking_gives_the_same_lines(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    buffer, lines = LineBuffer(), []
    for start, end in zip(edges, edges[1:], strict=False):
        lines += buffer.feed(data[start:end])
    lines += buffer.flush()
    assert lines == [line for line in data.split(b"\n") if line.strip()]


def test_half_a_line_waits_for_its_rest() -> None:
    buffer = LineBuffer()
    assert buffer.feed(b'{"type":') == []
    assert buffer.feed(b'"x"}\n{"ty') == [b'{"type":"x"}']
    assert buffer.flush() == [b'{"ty']


def test_a_line_without_end_is_cut_not_kept_for_ever() -> None:
    buffer = LineBuffer()
    for _ in range(20):
        buffer.feed(b"a" * 2**20)
    (line,) = buffer.feed(b"\n{}\n")[:1]
    assert len(line) == protocol.MAX_LINE_BYTES


LINES = st.sampled_from(
    [
        b'{"type":"warned","text":"a"}',
        b'{"type":"warned","text":"a"} {"type":"warned","text":"b"}',
        b'{"type":"warned",',
        b'"text":"a"}',
        b"",
        b"  \r",
        b"\xff",
        b'{"type":"unknown"}',
    ]
)


@given(st.lists(LINES, max_size=6).map(lambda lines: b"".join(line + b"\n" for line in lines)))
def test_lines_decoded_together_are_those_decoded_one_by_one(block: bytes) -> None:
    assert decode_all(block) == [decode(line) for line in block.split(b"\n") if line.strip()]


@given(st.binary(max_size=200))
def test_any_line_is_a_message_or_unreadable(line: bytes) -> None:
    decode(line)
    decode_command(line)


def test_unknown_type_and_broken_text_are_unreadable() -> None:
    for line in (b'{"type": "later"}', b"{", b"\xff\xfe", b"[1]", b"", b"[" * 100_000):
        assert isinstance(decode(line), Unreadable)


def test_message_survives_encoding() -> None:
    message = protocol.Progress(stage="scan", done=3, total=None, detail="glass", seq=7, at=1.5)
    assert decode(encode(message)) == message


def test_nan_is_null_on_the_line() -> None:
    timing = protocol.Timing(wait_s=0, copy_s=0, compute_s=0)
    message = protocol.Metric(step=1, epoch=1, values={"loss": float("nan")}, timing=timing, images_per_s=1)
    decoded = decode(encode(message))
    assert isinstance(decoded, protocol.Metric) and decoded.values == {"loss": None}


def test_file_name_that_is_no_utf8_can_be_told() -> None:
    command = protocol.SkipPhoto(path="glass/\udcff.jpg")
    decoded = decode_command(encode(command))
    assert decoded == protocol.SkipPhoto(path="glass/\\udcff.jpg")


def test_schema_names_every_message_and_command() -> None:
    text = str(protocol.json_schema())
    for name in ("run_started", "heartbeat", "run_failed", "skip_photo", "dump_stacks"):
        assert name in text
