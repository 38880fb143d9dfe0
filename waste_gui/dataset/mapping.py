"""Folder names to target classes: the lab's 30 classes, and how public datasets name the same things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

LAB_CLASSES = (
    "aerosol_cans",
    "aluminum_food_cans",
    "aluminum_soda_cans",
    "cardboard_boxes",
    "cardboard_packaging",
    "clothing",
    "coffee_grounds",
    "disposable_plastic_cutlery",
    "eggshells",
    "food_waste",
    "glass_beverage_bottles",
    "glass_cosmetic_containers",
    "glass_food_jars",
    "magazines",
    "newspaper",
    "office_paper",
    "paper_cups",
    "plastic_cup_lids",
    "plastic_detergent_bottles",
    "plastic_food_containers",
    "plastic_shopping_bags",
    "plastic_soda_bottles",
    "plastic_straws",
    "plastic_trash_bags",
    "plastic_water_bottles",
    "shoes",
    "steel_food_cans",
    "styrofoam_cups",
    "styrofoam_food_containers",
    "tea_bags",
)

PRESETS: dict[str, tuple[str, ...]] = {"lab": LAB_CLASSES}

SYNONYMS: dict[str, tuple[str, ...]] = {
    "aerosol_cans": ("aerosol", "spray can", "spray bottle"),
    "aluminum_food_cans": ("metal", "metal can", "aluminium food can", "aluminum", "aluminium", "foil"),
    "aluminum_soda_cans": ("can", "soda can", "drink can", "beer can", "beverage can", "aluminium soda can"),
    "cardboard_boxes": ("cardboard", "carton", "box", "corrugated cardboard", "corrugated carton"),
    "cardboard_packaging": ("packaging", "paper packaging", "egg carton", "carton packaging"),
    "clothing": ("clothes", "textile", "textile trash", "textile waste", "fabric", "garment", "apparel"),
    "coffee_grounds": ("coffee", "coffee ground"),
    "disposable_plastic_cutlery": ("cutlery", "plastic cutlery", "plastic utensil", "plastic spoon"),
    "eggshells": ("egg", "egg shell"),
    "food_waste": (
        "organic",
        "organic waste",
        "biological",
        "bio",
        "biowaste",
        "food",
        "food organics",
        "compost",
        "kitchen waste",
        "vegetable",
        "fruit",
        "leftover",
    ),
    "glass_beverage_bottles": (
        "glass",
        "glass bottle",
        "brown glass",
        "green glass",
        "white glass",
        "clear glass",
        "wine bottle",
        "beer bottle",
    ),
    "glass_cosmetic_containers": ("cosmetic", "perfume bottle", "glass cosmetic"),
    "glass_food_jars": ("jar", "glass jar", "jam jar"),
    "magazines": ("magazine", "journal", "glossy paper"),
    "newspaper": ("newsprint", "news paper"),
    "office_paper": ("paper", "white paper", "printer paper", "mixed paper", "paper sheet"),
    "paper_cups": ("paper cup", "coffee cup", "disposable cup"),
    "plastic_cup_lids": ("lid", "cup lid", "plastic lid"),
    "plastic_detergent_bottles": ("detergent", "detergent bottle", "shampoo bottle", "hdpe"),
    "plastic_food_containers": ("plastic container", "food container", "plastic tray", "tupperware"),
    "plastic_shopping_bags": ("plastic bag", "shopping bag", "carrier bag", "ldpe"),
    "plastic_soda_bottles": ("soda bottle", "cola bottle"),
    "plastic_straws": ("straw", "drinking straw"),
    "plastic_trash_bags": ("trash bag", "garbage bag", "bin bag", "bin liner"),
    "plastic_water_bottles": ("plastic", "plastic bottle", "water bottle", "pet", "pet bottle"),
    "shoes": ("shoe", "footwear", "sneaker", "boot"),
    "steel_food_cans": ("steel", "steel can", "tin", "tin can", "food can"),
    "styrofoam_cups": ("styrofoam", "foam cup", "polystyrene cup"),
    "styrofoam_food_containers": ("foam container", "polystyrene", "clamshell", "styrofoam container"),
    "tea_bags": ("tea", "teabag"),
    # In public datasets, but none of the lab's classes: left out unless the person has such a class.
    "trash": (
        "garbage",
        "miscellaneous trash",
        "miscellaneous",
        "misc",
        "rubbish",
        "residual waste",
        "other",
    ),
    "battery": ("batteries",),
    "vegetation": ("plant", "leaf", "leaves", "garden waste"),
}
"""For each class, what other datasets call it, or the nearest that they have."""


def key(name: str) -> str:
    """A name without case, separators and plurals: `Soda-Cans`, `soda_can` and `SodaCan` are the same."""
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    return "".join(_singular(word.casefold()) for word in words)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "shes", "ches")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


_CONCEPTS: dict[str, str] = {
    key(word): lab_class for lab_class, words in SYNONYMS.items() for word in (lab_class, *words)
}

VOCABULARY: frozenset[str] = frozenset(_CONCEPTS)
"""Keys of all names that are known to be classes of waste."""


def suggest(folder_name: str, classes: Sequence[str]) -> str | None:
    """The class that a folder most likely means: the same name, a synonym, or the one class it contains.

    None if there is no such class or more than one.
    """
    same = [name for name in classes if key(name) == key(folder_name)]
    if same:
        return folder_name if folder_name in same else same[0]
    concept = _CONCEPTS.get(key(folder_name))
    if concept is not None:
        alike = [name for name in classes if _CONCEPTS.get(key(name)) == concept]
        if len(alike) == 1:
            return alike[0]
    contained = [name for name in classes if _is_word_of(name, folder_name)]
    return contained[0] if len(contained) == 1 else None


def _is_word_of(class_name: str, folder_name: str) -> bool:
    """`glass` is a word of `glass_food_jars`."""
    return key(class_name) in {key(word) for word in re.split(r"[\W_]+", folder_name) if word}


def build_mapping(
    folder_names: Iterable[str], classes: Sequence[str], overrides: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Each folder's class: what the person said, else the suggestion, else None (left out)."""
    return {
        name: overrides[name] if name in overrides else suggest(name, classes)
        for name in sorted(set(folder_names))
    }
