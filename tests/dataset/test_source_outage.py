"""What is known of folders that are away, without a disk."""

from __future__ import annotations

from waste_gui.dataset.source_outage import SourceOutages


def test_a_photo_that_is_there_ends_every_absence_above_it_and_no_other() -> None:
    outages: SourceOutages[str] = SourceOutages()
    outages.begin("/drive", "is not there", "/drive/a/1.jpg", 0)
    outages.begin("/drive/a", "is empty", "/links/1.jpg", 0)
    other, _ = outages.begin("/drives", "is not there", "/drives/1.jpg", 0)
    assert [outage.folder for outage in outages.end("/drive/a/2.jpg")] == ["/drive", "/drive/a"]
    assert list(outages) == [other]


def test_what_waited_for_a_folder_waits_for_the_one_above_it_when_that_is_away_too() -> None:
    outages: SourceOutages[str] = SourceOutages()
    outages.begin("/drive/a", "is not there", "/drive/a/1.jpg", 1)[0].held.append("photo")
    above, is_new = outages.begin("/drive", "is not there", "/drive/b/1.jpg", 2)
    assert is_new and list(outages) == [above]
    assert (above.held, above.since) == (["photo"], 1)
