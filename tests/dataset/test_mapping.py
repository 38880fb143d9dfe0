"""Folder names of public datasets find their class."""

from __future__ import annotations

import pytest

from waste_gui.dataset.mapping import LAB_CLASSES, build_mapping, key, suggest

SIX = ("cardboard", "glass", "metal", "paper", "plastic", "trash")


def test_the_lab_has_thirty_classes() -> None:
    assert len(set(LAB_CLASSES)) == 30


@pytest.mark.parametrize("spelling", ["soda_cans", "Soda-Can", "SODA CANS", "SodaCan", "soda__can "])
def test_case_separators_and_plural_do_not_matter(spelling: str) -> None:
    assert key(spelling) == key("soda can")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("paper", "office_paper"),
        ("organic", "food_waste"),
        ("Food Organics", "food_waste"),
        ("biological", "food_waste"),
        ("Cardboard", "cardboard_boxes"),
        ("glass", "glass_beverage_bottles"),
        ("brown-glass", "glass_beverage_bottles"),
        ("metal", "aluminum_food_cans"),
        ("Clothes", "clothing"),
        ("Textile Trash", "clothing"),
        ("shoe", "shoes"),
        ("Egg Shells", "eggshells"),
        ("Tea Bag", "tea_bags"),
        ("Plastic Water Bottle", "plastic_water_bottles"),
        ("trash", None),
        ("Miscellaneous Trash", None),
        ("battery", None),
        ("cats", None),
    ],
)
def test_folders_of_public_datasets_find_the_labs_class(folder: str, expected: str | None) -> None:
    assert suggest(folder, LAB_CLASSES) == expected


@pytest.mark.parametrize("name", LAB_CLASSES)
def test_every_lab_class_is_itself(name: str) -> None:
    assert suggest(name, LAB_CLASSES) == name
    assert suggest(name.replace("_", " ").title(), LAB_CLASSES) == name


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("cardboard_boxes", "cardboard"),
        ("glass_food_jars", "glass"),
        ("plastic_soda_bottles", "plastic"),
        ("Miscellaneous Trash", "trash"),
        ("garbage", "trash"),
        ("aluminum_food_cans", "metal"),
        ("plastic and paper", None),
        ("shoes", None),
    ],
)
def test_a_fine_folder_finds_its_coarse_class(folder: str, expected: str | None) -> None:
    assert suggest(folder, SIX) == expected


def test_what_the_person_says_comes_first() -> None:
    mapping = build_mapping(["glass", "paper", "odd"], SIX, {"glass": None, "odd": "trash"})
    assert mapping == {"glass": None, "odd": "trash", "paper": "paper"}
