"""A contrast, a metric, a condition in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.names import ABBREVIATIONS, VALUE_NAMES, name_of
from mriparaspinal.stats.contrasts import INTERACTION, SIDE, Contrast, parse_contrast


def metric_label(metric: str) -> str:
    """A metric with its unit, for an axis.

    >>> metric_label("rcsa"), metric_label("csa_mm2"), metric_label("fi/bmi"), metric_label("fvc")
    ('rCSA (ratio)', 'CSA (mm²)', 'FI / BMI', 'fvc')
    """
    if "/" in metric:
        return " / ".join(name_of(part).label for part in metric.split("/", 1))
    return name_of(metric).axis


def place_name(muscle: str, segment: str) -> str:
    """Muscle and segment, as far as they are known."""
    return " ".join(part for part in (muscle, segment) if part)


def _condition_name(column: str, value: str) -> str:
    if column == "group":
        return value
    return VALUE_NAMES.get((column.casefold(), value.casefold()), f"{column} {value}")


def arm_conditions(contrast: Contrast, which: int) -> tuple[str, ...]:
    """An arm of a group contrast, condition by condition; a filter that holds for both is left out."""
    arm = (contrast.arm_a, contrast.arm_b)[which]
    own = (contrast.filter_a, contrast.filter_b)[which] if contrast.filter_a != contrast.filter_b else ()
    return tuple(_condition_name(*condition) for condition in ((contrast.of, arm), *own))


def contrast_name(text: str, role: str, label_a: str, label_b: str) -> str:
    """A contrast in words, as far as it can be read without the data."""
    try:
        contrast = parse_contrast(text)
    except UsageError:
        return f"{text}\n{role}".strip()
    shared = contrast.filter_a if contrast.filter_a == contrast.filter_b else ()
    within = ", ".join(_condition_name(*condition) for condition in shared)
    if contrast.column == SIDE:
        return f"{', '.join(filter(None, (contrast.arm_a, within)))}\n{label_a} vs {label_b}"
    arms = " vs ".join(", ".join(arm_conditions(contrast, i)) for i in (0, 1))
    side = {"symptomatic": "symptomatic side", "bilateral": "both sides"}.get(role, role)
    if contrast.column == INTERACTION:
        side = "symptomatic − contralateral"
    return f"{arms}\n{', '.join(filter(None, (within, side)))}".strip()


def abbreviations(names: Iterable[str], more: Iterable[str] = ()) -> str:
    """What the abbreviations among ``names`` mean, in one line; a metric may be a quotient of two.

    >>> abbreviations(["MF", "FI / BMI"])
    'MF, multifidus; FI, fatty infiltration; BMI, body mass index.'
    """
    words = [part for name in names for part in (name, *re.split(r"[/ (]", name))]
    known = [f"{word}, {ABBREVIATIONS[word]}" for word in dict.fromkeys(words) if word in ABBREVIATIONS]
    parts = [*known, *more]
    return "; ".join(parts) + "." if parts else ""


def signed(number: float, digits: str = ".2f") -> str:
    """With a true minus sign, and none before zero."""
    return f"{number:z{digits}}".replace("-", "−")


def in_known_order(names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Each name once: an empty one first, then in the order of ``known``, then the others."""
    rank = {"": -1} | {name: i for i, name in enumerate(known)}
    return sorted(set(names), key=lambda name: (rank.get(name, len(known)), name))


def contrast_in_words(text: str, label_a: str, label_b: str) -> str:
    """A contrast for a sentence.

    >>> contrast_in_words("side:ALS", "symptomatic", "contralateral")
    'ALS, symptomatic against contralateral side'
    >>> contrast_in_words("group:ALS[onset_region=lower]-LR", "ALS[onset_region=lower]", "LR")
    'ALS (lower-limb onset) against LR'
    >>> contrast_in_words("psa:1-0[group=ALS]", "1", "0")
    'PSA+ against PSA− in ALS'
    >>> contrast_in_words("interaction:ALS-LR", "ALS", "LR")
    'symptomatic minus contralateral side, ALS against LR'
    """
    try:
        contrast = parse_contrast(text)
    except UsageError:
        return text
    if contrast.column == SIDE:
        within = _conditions(contrast.filter_a)
        who = f"{contrast.arm_a} ({within})" if within else contrast.arm_a
        return f"{who}, {label_a} against {label_b} side"
    shared = contrast.filter_a if contrast.filter_a == contrast.filter_b else ()
    words = f"{arm_in_words(contrast, 0)} against {arm_in_words(contrast, 1)}"
    if contrast.column == INTERACTION:
        words = f"symptomatic minus contralateral side, {words}"
    return f"{words} in {_conditions(shared)}" if shared else words


def arm_in_words(contrast: Contrast, which: int) -> str:
    """One arm of a contrast in words."""
    arm = (contrast.arm_a, contrast.arm_b)[which]
    own = (contrast.filter_a, contrast.filter_b)[which] if contrast.filter_a != contrast.filter_b else ()
    name = _conditions(((contrast.of, arm),))
    return f"{name} ({_conditions(own)})" if own else name


def _conditions(conditions: tuple[tuple[str, str], ...]) -> str:
    named = (
        value if column == "group" else VALUE_NAMES.get((column, value), f"{column} = {value}")
        for column, value in conditions
    )
    return ", ".join(named)
