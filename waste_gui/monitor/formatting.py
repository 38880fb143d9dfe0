"""Times, sizes and paths in words, the same in the window and in the terminal."""

from __future__ import annotations

ANY_MOMENT = "any moment now"


def clock(seconds: float) -> str:
    """Seconds as `0:09`, `14:30` or `1:02:30`."""
    whole = round(max(0.0, seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def about(seconds: float) -> str:
    """A time that is left: rounded to 5 s above a minute, "any moment now" at its end."""
    if round(seconds) <= 0:
        return ANY_MOMENT
    return clock(seconds if round(seconds) <= 60 else round(seconds / 5) * 5)


def roughly(seconds: float) -> str:
    """Of a long time that has not begun, no more than is known of it: "40 s", "9 min", "1 h 30 min"."""
    if seconds < 90:
        return f"{max(10, round(seconds / 10) * 10)} s"
    each = 1 if seconds < 600 else 5 if seconds < 7200 else 30
    minutes = max(2, round(seconds / 60 / each) * each)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def over(seconds: float) -> str:
    """How far past the usual time: "0:12 over the usual"."""
    return f"{clock(seconds)} over the usual"


def band(low: float, high: float) -> str:
    """A usual time: "0:31–0:36", or one time where both ends read the same."""
    low_text, high_text = clock(low), clock(high)
    return low_text if low_text == high_text else f"{low_text}–{high_text}"


def short_band(low: float, high: float) -> str:
    """A usual time where there is little room: "0:31–0:36", "32–66 min", "0:50–2:10 h", "9–12 h"."""
    if high < 3600:
        return band(low, high)
    if high < 6000:
        ends, unit = (f"{low / 60:.0f}", f"{high / 60:.0f}"), "min"
    elif high < 36_000:
        ends, unit = (clock(low / 60), clock(high / 60)), "h"  # The minutes as a clock's seconds.
    else:
        ends, unit = (f"{low / 3600:.0f}", f"{high / 3600:.0f}"), "h"
    return f"{'–'.join(dict.fromkeys(ends))} {unit}"


def span(seconds: float) -> str:
    """A length in a sentence: "41 s", "2 min 41 s", "1 h 3 min"."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole // 60 % 60} min"


def size(count: float) -> str:
    """Bytes as "41 GB", "6.1 GB", "312 kB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.0f} TB" if count >= 10 else f"{count:.1f} TB"
