"""What a table of comparisons says, in plain sentences with its numbers, and what it cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.names import (
    DIFFERENCE_NAMES,
    EFFECT_NAMES,
    MUSCLE_NAMES,
    SIDE_NAMES,
    TEST_NAMES,
    Name,
    name_of,
)
from mriparaspinal.core.text import count_of
from mriparaspinal.present.p_values import p_text
from mriparaspinal.present.table_layout import contrasted_column
from mriparaspinal.present.words import arm_in_words, contrast_in_words, signed
from mriparaspinal.stats.cells import texts
from mriparaspinal.stats.contrasts import INTERACTION, SIDE, parse_contrast
from mriparaspinal.stats.counts import count_comparisons
from mriparaspinal.stats.limits import ALPHA

#: More sentences on contrasts than these are no longer a summary.
_CONTRASTS = 4


@dataclass(frozen=True, slots=True)
class Sentence:
    """One finding: what it is about, and what is said of it."""

    about: str
    """A contrast in words; empty where it is about all."""
    text: str


def main_findings(comparisons: pd.DataFrame) -> list[Sentence]:
    """Up to six sentences: how many comparisons stand out, and the clearest one of the main contrasts.

    ``comparisons`` has the columns of ``comparisons.csv``. Contrasts with the most adjusted p-values below
    0.05 come first.
    """
    table = _with_texts(comparisons)
    tested = table[table["p"].notna()]
    if tested.empty:
        return [
            Sentence("", "No comparison could be tested: every arm was too small, or all its values equal.")
        ]
    counts = count_comparisons(tested)
    blocks = [rows for _, rows in tested.groupby("contrast", sort=False)]
    number = count_of(counts.tested, "comparison")
    said = (
        f"{counts.adjusted_below} of {number} stand out: adjusted p below 0.05 ({counts.below} unadjusted)."
    )
    sentences = [Sentence("", said)]
    blocks.sort(key=lambda rows: -_standing_out(rows))
    loud = [rows for rows in blocks if _standing_out(rows)]
    sentences += [_clearest(rows) for rows in loud[:_CONTRASTS]]
    if len(loud) > _CONTRASTS:
        others = len(loud) - _CONTRASTS
        sentences.append(
            Sentence("", f"{count_of(others, 'other contrast')} with such comparisons: see the picture.")
        )
    silent = [_words(rows.iloc[0].to_dict()) for rows in blocks if not _standing_out(rows)]
    if silent:
        sentences.append(Sentence("", f"No comparison stands out in: {'; '.join(silent)}."))
    return sentences


def _standing_out(rows: pd.DataFrame) -> int:
    return count_comparisons(rows).adjusted_below


def caveats(comparisons: pd.DataFrame) -> list[str]:
    """What the tests cannot say, as far as it concerns these comparisons."""
    table = _with_texts(comparisons)
    tested = count_comparisons(table).tested
    said = [
        f"If nothing differed, about {ALPHA * tested:.0f} of {tested} tests would still have p < 0.05. "
        "The adjusted p (Benjamini–Hochberg, within each contrast) allows for that; several contrasts "
        "together are not adjusted for.",
        "A p above 0.05 does not show that there is no difference: the interval of the effect says how large "
        "it may be.",
        "The tests compare averages of groups; they do not say what is true of one patient, nor "
        "why groups differ.",
    ]
    if any(text.startswith(f"{SIDE}:") for text in table["contrast"]):
        paired = table["paired_p"].dropna()
        below = f"{int((paired < ALPHA).sum())} of {len(paired)}"
        said.append(
            "The two sides of a patient are tested as independent samples, as in the paper: these p are "
            "counted above, in Table 2 and in the picture. The paired test fits better; its p are not "
            f"counted: {below} are below {ALPHA}, not adjusted (Figure 3; paired_p in comparisons.csv)."
        )
    return said


def _clearest(rows: pd.DataFrame) -> Sentence:
    """A contrast: how many comparisons stand out, and the one with the smallest p."""
    strong = rows[rows["p_adjusted"] < ALPHA]
    # Of equal adjusted p-values (the adjustment often levels them) the smallest p, then the first row.
    best = strong.sort_values(["p_adjusted", "p"], kind="stable").iloc[0].to_dict()
    direction = "higher" if best["effect_size"] > 0 else "lower"
    estimate = _estimate(DIFFERENCE_NAMES.get(best["difference_kind"]), best, "difference")
    text = (
        f"{len(strong)} of {count_of(len(rows), 'comparison')} stand out. The clearest: {_place(best)} is "
        f"{direction} {_in_arm(best)}: {estimate}{_numbers(best)}; {best['summary_a']} against "
        f"{best['summary_b']} (n = {best['n_a']:.0f} and {best['n_b']:.0f})."
    )
    return Sentence(_words(best), text)


def _estimate(name: Name | None, row: Mapping[str, Any], column: str) -> str:
    """How far the arms lie apart, with its interval; empty where it is unknown."""
    numbers = [row[column], row[f"{column}_ci_low"], row[f"{column}_ci_high"]]
    known = [number for number in numbers if number == number]
    if name is None or not known:
        return ""
    # Two decimals; more where they would show no two digits of the largest, fewer of hundreds.
    size = math.floor(math.log10(max(map(abs, known)) or 1.0))
    digits = max(0, 1 - size, min(2, 3 - size))
    texts_of = [signed(number, f".{digits}f") for number in known]
    interval = f", 95 % CI {texts_of[1]} to {texts_of[2]}" if len(known) == len(numbers) else ""
    return f"{name.long} {texts_of[0]}{interval}; "


def _words(row: Mapping[str, Any]) -> str:
    return contrast_in_words(row["contrast"], row["label_a"], row["label_b"])


def _in_arm(row: Mapping[str, Any]) -> str:
    """Where the first arm is, for a sentence."""
    try:
        contrast = parse_contrast(row["contrast"])
    except UsageError:
        return "in the first arm"
    if contrast.column == SIDE:
        return f"on the {row['label_a']} side"
    return f"in {arm_in_words(contrast, 0)}"


def _place(row: Mapping[str, Any]) -> str:
    metric, _, divisor = row["metric"].partition("/")
    name = (name_of(metric).long or metric) + (f" divided by {divisor}" if divisor else "")
    muscle = row["muscle"]
    muscle = f"{MUSCLE_NAMES[muscle].long} ({muscle})" if muscle in MUSCLE_NAMES else muscle
    where = " at ".join(part for part in (muscle, row["segment"]) if part)
    role = SIDE_NAMES[row["role"]].long if row["role"] in SIDE_NAMES else row["role"]
    name = f"{name} of {where}" if where else name
    if contrasted_column(row["contrast"]) == INTERACTION:
        return f"symptomatic minus contralateral {name}"
    return f"{name}, {role}," if role else name


def _numbers(row: Mapping[str, Any]) -> str:
    test = TEST_NAMES[row["test"]].long if row["test"] in TEST_NAMES else row["test"]
    parts = [f"adjusted {p_text(row['p_adjusted'])}, {test}"]
    effect = EFFECT_NAMES[row["effect"]].long if row["effect"] in EFFECT_NAMES else ""
    if effect and row["effect_size"] == row["effect_size"]:
        low, high = row["effect_ci_low"], row["effect_ci_high"]
        interval = f", 95 % CI {signed(low)} to {signed(high)}" if low == low and high == high else ""
        parts.append(f"{effect} {signed(row['effect_size'])}{interval}")
    if row["paired_test"] and row["paired_p"] == row["paired_p"]:
        estimate = _estimate(DIFFERENCE_NAMES.get(row["paired_test"]), row, "paired_difference")
        parts.append(f"{estimate}paired test {p_text(row['paired_p'])}")
    return "; ".join(parts)


def _with_texts(table: pd.DataFrame) -> pd.DataFrame:
    columns = (
        *("contrast", "segment", "muscle", "metric", "role", "label_a", "label_b", "summary_a", "summary_b"),
        *("test", "effect", "paired_test", "difference_kind"),
    )
    return table.assign(**{column: texts(table[column]) for column in columns})
