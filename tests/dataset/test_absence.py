"""What is known of folders that are away, without a disk."""

from __future__ import annotations

from waste_gui.dataset.absence import Absences


def test_a_photo_that_is_there_ends_every_absence_above_it_and_no_other() -> None:
    absences: Absences[str] = Absences()
    absences.begin("/drive", "is not there", "/drive/a/1.jpg", 0)
    absences.begin("/drive/a", "is empty", "/links/1.jpg", 0)
    other, _ = absences.begin("/drives", "is not there", "/drives/1.jpg", 0)
    assert [absence.folder for absence in absences.end("/drive/a/2.jpg")] == ["/drive", "/drive/a"]
    assert list(absences) == [other]


def test_what_waited_for_a_folder_waits_for_the_one_above_it_when_that_is_away_too() -> None:
    absences: Absences[str] = Absences()
    absences.begin("/drive/a", "is not there", "/drive/a/1.jpg", 1)[0].held.append("photo")
    above, is_new = absences.begin("/drive", "is not there", "/drive/b/1.jpg", 2)
    assert is_new and list(absences) == [above]
    assert (above.held, above.since) == (["photo"], 1)
