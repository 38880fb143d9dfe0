"""What the numbers, texts and lists of a message may be: room for runs of years on thousands of cards, and no
more, so that nothing behind `protocol.decode` needs to care.
"""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from msgspec import Meta, inspect

LONGEST_S = 1e8
"""Three years."""

SHORTEST_LIMIT_S = 0.001
"""Of silence, after which a stage is stuck."""

MOST_STAGES = 100
MOST_PATHS = 10_000
"""Of photos that are the same: in a finding."""

MOST_LISTED = 10_000
"""Classes, sources or photos in a preview."""

Seconds = Annotated[float, Meta(ge=0, le=LONGEST_S)]
UnixTime = Annotated[float, Meta(ge=0, le=32e9)]  # Until the year 2984: later ones have no date on Windows.
Count = Annotated[int, Meta(ge=0, le=10**15)]  # Also of bytes.
Step = Annotated[int, Meta(ge=0, le=10**12)]
Epoch = Annotated[int, Meta(ge=0, le=10**7)]
Rank = Annotated[int, Meta(ge=0, le=2**16)]
Pid = Annotated[int, Meta(ge=0, le=2**31 - 1)]  # 0 where none is known.
Pixels = Annotated[int, Meta(ge=0, le=10**6)]
Small = Annotated[int, Meta(ge=-1, le=10**9)]
Real = Annotated[float, Meta(ge=-1e39, le=1e39)]  # All that a float of 32 bits can be.
Rate = Annotated[float, Meta(ge=0, le=1e12)]
Share = Annotated[float, Meta(ge=-0.01, le=1.01)]  # A sum of many floats may be a little more than 1.
Interval = tuple[Annotated[float, Meta(ge=-1.01, le=1.01)], Annotated[float, Meta(ge=-1.01, le=1.01)]]
Accuracy = Annotated[float, Meta(ge=-1, le=1000)]  # A fraction; others may tell percent.
Percent = Annotated[float, Meta(ge=0, le=1000)]
Name = Annotated[str, Meta(max_length=500)]
Line = Annotated[str, Meta(max_length=4_200)]  # Also a path.
Lines = Annotated[str, Meta(max_length=200_000)]  # A traceback.


def cut(value: object, kind: inspect.Type) -> object:
    """The middle is left out: of a stack both ends tell something, of a traceback, too."""
    match kind, value:
        case inspect.StrType(max_length=int(most)), str() if len(value) > most:
            return f"{value[: most // 2]}…{value[len(value) + 1 - (most - most // 2) :]}"
        case inspect.VarTupleType(item_type=item, max_length=most), list():
            if most is not None and len(value) > most:
                value = value[: most // 2] + value[len(value) - (most - most // 2) :]
            return [cut(each, item) for each in value]
        case inspect.DictType(key_type=key, value_type=item, max_length=most), dict():
            return {cut(name, key): cut(each, item) for name, each in islice(value.items(), most)}
        case inspect.StructType(fields=fields), dict():
            known = {field.encode_name: field.type for field in fields}
            return {name: cut(each, known[name]) if name in known else each for name, each in value.items()}
        case inspect.UnionType(types=types), _:
            for each in types:
                value = cut(value, each)
    return value
