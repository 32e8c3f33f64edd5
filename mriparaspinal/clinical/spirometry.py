"""Forced vital capacity in per cent of what published equations predict from sex, age and height.

ECSC 1993: Quanjer PH et al., Eur Respir J 1993;6 Suppl 16:5–40, its Tables 5 and 6. NHANES III: Hankinson
JL et al., Am J Respir Crit Care Med 1999;159:179–187, Caucasian adults, its Tables 4 and 5.
"""

from __future__ import annotations

from mriparaspinal.clinical.computed import Computed, Ratings, Value
from mriparaspinal.core.participants import Doubt

ITEMS = ("sex", "age", "height_cm", "fvc_l")

EQUATIONS = ("ecsc1993", "nhanes3")

COLUMNS = tuple(f"fvc_{what}_{name}" for name in EQUATIONS for what in ("predicted", "pct"))

#: How the item ``sex`` counts.
FEMALE, MALE = 0.0, 1.0

_NAMES = {FEMALE: "women", MALE: "men"}

#: Years of age, ends included, by equation and sex.
_AGES = {
    "ecsc1993": {FEMALE: (18, 70), MALE: (18, 70)},
    "nhanes3": {FEMALE: (18, 80), MALE: (20, 80)},
}

#: The heights in cm that ECSC's equations were made from; Hankinson et al. name none.
_HEIGHTS = {FEMALE: (145, 180), MALE: (155, 195)}


def percent_predicted(ratings: Ratings) -> Computed:
    """Litres predicted, and the measured FVC in per cent of them, by each equation."""
    sex, age, height, fvc = (ratings[name] for name in ITEMS)
    values: dict[str, Value] = dict.fromkeys(COLUMNS)
    doubts = []
    if sex is None or age is None or height is None:
        return Computed(values)
    for name in EQUATIONS:
        if beyond := _beyond(name, sex, age, height):
            remedy = "its cells stay empty; use an equation for such people"
            doubts.append(Doubt("warning", "beyond-equation", beyond, remedy))
            continue
        litres = predicted(name, sex, age, height)
        values[f"fvc_predicted_{name}"] = litres
        values[f"fvc_pct_{name}"] = None if fvc is None else 100 * fvc / litres
    return Computed(values, tuple(doubts))


def predicted(equation: str, sex: float, age: float, height_cm: float) -> float:
    """Forced vital capacity in litres.

    >>> round(predicted("ecsc1993", MALE, 50, 175), 2), round(predicted("nhanes3", FEMALE, 50, 165), 2)
    (4.44, 3.66)
    """
    if equation == "ecsc1993":
        years = max(age, 25)  # as the statement says for 18 to 25
        if sex == MALE:
            return 5.76 * height_cm / 100 - 0.026 * years - 4.34
        return 4.43 * height_cm / 100 - 0.026 * years - 2.89
    if sex == MALE:
        return -0.1933 + 0.00064 * age - 0.000269 * age**2 + 0.00018642 * height_cm**2
    return -0.3560 + 0.01870 * age - 0.000382 * age**2 + 0.00014815 * height_cm**2


def _beyond(equation: str, sex: float, age: float, height_cm: float) -> str:
    """What an equation is not made for; nothing where it is."""
    low, high = _AGES[equation][sex]
    if not low <= age <= high:
        return f"{equation}: age {age:g}; expected {low} to {high} years in {_NAMES[sex]}"
    low, high = _HEIGHTS[sex]
    if equation == "ecsc1993" and not low <= height_cm <= high:
        return f"{equation}: height {height_cm:g} cm; expected {low} to {high} cm in {_NAMES[sex]}"
    return ""
