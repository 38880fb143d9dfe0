"""Time to the first training batch of large photos, as the model's input, nothing being cached."""

from __future__ import annotations

from functools import partial
from statistics import median

from tests.benchmarks import machine
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, interleave
from tests.benchmarks.photos import Bench


def first_batch(bench: Bench) -> list[Comparison]:
    """Against the lab's pipeline with the number of workers that suits it best: 0, 2, or as many as ours."""
    paths = bench.large()
    counts = sorted({0, 2, min(8, machine.cores())})
    lab = {
        f"{count} workers": partial(in_child, "lab:first_batch", paths=paths, workers=count)
        for count in counts
    }
    measured = interleave(bench.rounds, {"ours": partial(in_child, "ours:first_batch", paths=paths)} | lab)
    times = {name: [each["seconds"] for each in sides] for name, sides in measured.items()}
    best = min(lab, key=lambda name: median(times[name]))
    return [
        Comparison(
            what=f"first train batch, {len(paths)} large photos",
            other=f"the lab's pipeline ({best})",
            ours_s=times["ours"],
            other_s=times[best],
            goal=Goal("at least", 8),
            note=_note(measured["ours"], {name: median(times[name]) for name in lab}),
        )
    ]


def _note(ours: list[dict[str, float]], lab: dict[str, float]) -> str:
    """Where the time goes."""
    parts = {key: median(each[key] for each in ours) for key in ours[0]}
    return (
        f"first photo after {parts['first_photo_s']:.2f} s (workers started, one photo decoded), the others "
        f"{parts['decode_s']:.2f} s later, augmented and normalised in {parts['augment_s']:.2f} s; "
        f"{int(parts['workers'])} reading processes. The lab's: "
        + ", ".join(f"{seconds:.2f} s with {name}" for name, seconds in lab.items())
        + ": a DataLoader's worker makes a whole batch, so more of them do not bring the first one sooner."
    )
