"""Two arms against each other: side against side, group against group, with and without PSA.

Each row is tested by :func:`mriparaspinal.stats.arms.compare_arms`, pairs by ``compare_pairs``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.model import MUSCLES, SPINE
from mriparaspinal.core.spelling import nearest
from mriparaspinal.core.text import and_more, natural_key, read_cell
from mriparaspinal.stats.adjust import adjust
from mriparaspinal.stats.arms import (
    Comparison,
    Floats,
    Normality,
    PairedComparison,
    compare_arms,
    compare_pairs,
)
from mriparaspinal.stats.cells import (
    as_text,
    check_unique,
    counted,
    id_list,
    muscles_of,
    never_has,
    texts,
    without,
)
from mriparaspinal.stats.contrasts import INTERACTION, SIDE, Contrast, members
from mriparaspinal.stats.limits import ALPHA, TOO_LARGE, TOO_SMALL, of_usual_size
from mriparaspinal.stats.on_request import NOTHING, OnRequest, Samples, add_max_t, margin_cells
from mriparaspinal.stats.shift import without_rounding_errors

#: The columns of ``comparisons.csv``.
COMPARISON_COLUMNS = (
    "contrast", "segment", "muscle", "metric", "role", "label_a", "label_b", "n_a", "n_b",
    "mean_a", "sd_a", "median_a", "q1_a", "q3_a", "mean_b", "sd_b", "median_b", "q1_b", "q3_b",
    "normality_p_a", "normality_p_b", "summary_a", "summary_b", "test", "statistic", "df", "p", "p_adjusted",
    "effect", "effect_size", "effect_ci_low", "effect_ci_high", "paired_test", "paired_statistic", "paired_p",
    "p_exact", "paired_p_exact", "paired_p_adjusted",
    "difference_kind", "difference", "difference_ci_low", "difference_ci_high",
    "paired_n", "paired_difference", "paired_difference_ci_low", "paired_difference_ci_high",
    "paired_effect", "paired_effect_size", "paired_effect_ci_low", "paired_effect_ci_high",
)  # fmt: skip

_Compared = tuple[list[dict[str, object]], list[str]]
"""The rows of a contrast, and notes on it."""

Each = Callable[[Callable[[Contrast], _Compared], Sequence[Contrast]], Iterable[_Compared]]
"""``map``, or what does the same with several processes."""


def compare(
    cohort: pd.DataFrame,
    contrasts: Sequence[Contrast],
    metrics: Sequence[str] = ("fi", "rcsa"),
    normality: Normality = "lilliefors",
    divide_by: str | None = None,
    asked: OnRequest = NOTHING,
    each: Each = map,
) -> tuple[pd.DataFrame, list[str]]:
    """Compare the arms of each contrast at every segment, muscle, metric and role.

    ``cohort`` is the long table of :func:`mriparaspinal.stats.cohort.assemble`; where ``segment`` is empty
    throughout (one row per participant), each contrast is made once per metric. ``contrasts`` come from
    :func:`mriparaspinal.stats.contrasts.resolve` or ``default_contrasts``. ``divide_by`` is a column of the
    participants by which each metric is divided first. ``asked``: what the table has at its end only where
    it was asked for. ``each``: how it is done for every contrast.

    Returns the table of ``comparisons.csv`` (missing numbers NaN, missing texts empty) and notes on what
    was left out. ``p_adjusted`` is Benjamini–Hochberg's over all rows of a contrast that have a p-value,
    ``paired_p_adjusted`` that of the paired p over the same rows.
    A row is made where at least one arm was measured.

    Raises UsageError where a metric or the divisor is not a column of numbers, NoInputError where a
    participant has two rows for one segment, muscle and side.
    """
    if normality not in ("lilliefors", "shapiro"):
        raise UsageError(f"normality: {normality!r} was found; expected lilliefors or shapiro; choose one")
    if "participant_id" in cohort:
        known = cohort["participant_id"].map(as_text) != ""
        check_unique(cohort if known.all() else cohort[known])
    measures, notes = measures_of(cohort, metrics, divide_by)
    asked.require_metrics(measures)
    rows: list[dict[str, object]] = []
    made = list(dict.fromkeys(contrasts))
    one = partial(_compare_contrast, cohort, measures, normality, asked)
    for contrast, (block, remarks) in zip(made, each(one, made), strict=True):
        adjust(block)
        adjust(block, "paired_p")
        rows += block
        notes += [*remarks, *_exact_notes(contrast.text, block)]
    table = pd.DataFrame(rows, columns=[*COMPARISON_COLUMNS, *asked.columns])
    table.attrs.update(cohort.attrs)
    return table.astype({"paired_n": "Int64"}), notes


def measures_of(
    cohort: pd.DataFrame, metrics: Sequence[str], divide_by: str | None
) -> tuple[dict[str, Floats], list[str]]:
    """The values of each metric by its name in the table; what is missing or not finite is NaN."""
    notes: list[str] = []
    divisor = None
    if divide_by is not None:
        divisor = _numbers(cohort, divide_by, "the divisor")
        absent = np.isnan(divisor)
        if absent.all():
            found, remedy = "no number was found", "fill in the column"
            raise UsageError(Fault(divide_by, found, "one per participant", remedy))
        wrong = ~absent & ~((divisor > 0) & np.isfinite(divisor))
        for chosen, what in ((absent, "missing"), (wrong, "zero, negative or infinite")):
            if chosen.any():
                notes.append(f"{divide_by}: {what}, so nothing is divided by it:{_who(cohort, chosen)}")
        divisor = np.where(wrong, np.nan, divisor)
    measures = {}
    for metric in dict.fromkeys(metrics):
        values = _numbers(cohort, metric, "the metric")
        missing, infinite = np.isnan(values) & ~never_has(cohort, metric), np.isinf(values)
        with np.errstate(over="ignore"):  # looked at next
            values = values if divisor is None else values / divisor
        infinite |= np.isinf(values)
        beyond = ~missing & ~infinite & (np.abs(values) >= TOO_LARGE)
        tiny = ~np.isnan(values) & ~infinite & ~beyond & ~of_usual_size(values)
        for chosen, what in (
            (missing, "missing"),
            (infinite, "infinite, taken as missing"),
            (beyond, f"beyond {TOO_LARGE:g}, taken as missing"),
            (tiny, f"nearer to zero than {TOO_SMALL:g}, taken as missing"),
        ):
            if chosen.any():
                cells = "1 cell" if chosen.sum() == 1 else f"{chosen.sum()} cells"
                notes.append(f"{metric}: {cells} {what}:{_who(cohort, chosen)}")
        name = metric if divisor is None else f"{metric}/{divide_by}"
        measures[name] = np.where(infinite | beyond | tiny, np.nan, values)
    return measures, notes


def _numbers(cohort: pd.DataFrame, column: str, what: str) -> Floats:
    if column not in cohort:
        there = [str(c) for c in cohort if pd.api.types.is_numeric_dtype(cohort[c])]
        found, expected = f"no such column was found for {what}", f"one of: {and_more(there, 20) or 'none'}"
        near = nearest(column, there)
        remedy = f"did you mean {near}?" if near else "name a column of numbers"
        raise UsageError(Fault(column, found, expected, remedy))
    cells = cohort[column]
    if pd.api.types.is_numeric_dtype(cells):
        return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))
    numbers = []
    for text in cells.map(as_text):
        number = read_cell(text)
        if number is None:
            raise UsageError(
                f"{column}: {text!r} was found for {what}; expected numbers; name another column"
            )
        numbers.append(number)
    return np.array(numbers, dtype=np.float64)


def _who(cohort: pd.DataFrame, chosen: NDArray[np.bool_]) -> str:
    """Whose rows these are, for the end of a note."""
    if "participant_id" not in cohort:
        return f" {int(chosen.sum())} rows"
    ids = cohort.loc[chosen, "participant_id"].map(as_text)
    return f" {counted(ids)} ({id_list(ids)})"


@dataclass(frozen=True, slots=True)
class _Side:
    """One arm as rows of the cohort, and its name."""

    label: str
    rows: NDArray[np.bool_]
    minus: NDArray[np.bool_] | None = None
    """The rows of the other side, where the arm is of the differences of its participants' sides."""


def _compare_contrast(
    cohort: pd.DataFrame,
    measures: dict[str, Floats],
    normality: Normality,
    asked: OnRequest,
    contrast: Contrast,
) -> _Compared:
    make = {SIDE: _side_arms, INTERACTION: _interaction_arms}.get(contrast.column, _group_arms)
    arms, notes = make(cohort, contrast)
    notes += _unassigned(cohort, contrast)
    plain = bool((cohort["segment"] == "").all())
    ids = np.arange(len(cohort)) if plain else cohort["participant_id"].to_numpy()
    rows: list[dict[str, object]] = []
    samples: list[Samples] = []
    remarks: dict[str, list[str]] = defaultdict(list)
    never = {name: never_has(cohort, name.partition("/")[0]) for name in measures}
    for segment, muscle in sorted(
        set(zip(cohort["segment"], cohort["muscle"], strict=True)),
        key=partial(table_order, muscles=muscles_of(cohort)),
    ):
        here = ((cohort["segment"] == segment) & (cohort["muscle"] == muscle)).to_numpy()
        for metric, values in measures.items():
            for role, (a, b) in arms.items():
                own = [_values_of(ids, values, arm, here & ~never[metric]) for arm in (a, b)]
                if not any(len(who) for who, _ in own):
                    continue
                arrays = own[0][1], own[1][1]
                pairs = _pairs(*own) if contrast.column == SIDE else ([], [], [])
                result, paired = compare_arms(*arrays, normality), PairedComparison()
                if contrast.column == SIDE:
                    paired = compare_pairs(*pairs[1:], normality)
                place = (contrast.text, segment, muscle, metric, role, a.label, b.label)
                row = dict(zip(COMPARISON_COLUMNS, place, strict=False)) | _cells(result, paired)
                rows.append(row)
                for remark in (*result.remarks, *paired.remarks):
                    remarks[remark].append(_place(row))
                if asked.margins:
                    row |= margin_cells(row, arrays, pairs[1:], asked.margins.get(metric, math.nan))
                if asked.permutations is not None:
                    samples.append(_samples(own, pairs))
    if asked.permutations is not None:
        pairs_of = contrast.column == SIDE
        for remark, numbers in add_max_t(rows, samples, pairs_of, asked.permutations, asked.seed):
            remarks[remark] += [_place(rows[number]) for number in numbers]
    compared = {row["metric"] for row in rows}
    lacking = [name for name in measures if name not in compared and never[name].any()]
    notes += [f"{contrast.text}: {note}" for note in without(lacking)]
    notes += [
        f"{contrast.text}: {remark}{': ' * bool(where)}{', '.join(where)}"
        for remark, where in remarks.items()
    ]
    return rows, notes


_Own = tuple[NDArray[Any], Floats]
"""Whose values, and the values."""

_Pairs = tuple[list[Any], list[float], list[float]]
"""Participants, and their values in arm a and in arm b."""


def _values_of(ids: NDArray[Any], values: Floats, arm: _Side, here: NDArray[np.bool_]) -> _Own:
    """The values of an arm at one place."""
    chosen = arm.rows & here
    if arm.minus is None:
        return ids[chosen], values[chosen]
    other = arm.minus & here
    who, a, b = _pairs((ids[chosen], values[chosen]), (ids[other], values[other]))
    return np.array(who, dtype=object), _differences(a, b)


def _pairs(of_a: _Own, of_b: _Own) -> _Pairs:
    """The values of arm a and arm b of the participants who have both, in the order of their ids."""
    a, b = (dict(zip(*own, strict=True)) for own in (of_a, of_b))
    shared = sorted(a.keys() & b.keys())
    return shared, [a[who] for who in shared], [b[who] for who in shared]


def _differences(a: Sequence[float], b: Sequence[float]) -> Floats:
    """What arm a has more than arm b in each participant, without what rounding adds."""
    x, y = np.array(a, dtype=float), np.array(b, dtype=float)
    sizes = np.abs(np.concatenate([x, y]))
    return without_rounding_errors(x - y, float(np.max(sizes, where=np.isfinite(sizes), initial=0.0)))


def _samples(own: Sequence[_Own], pairs: _Pairs) -> Samples:
    who, a, b = pairs
    if who:
        return Samples(dict(zip(who, _differences(a, b), strict=True)), {})
    return Samples(*(dict(zip(*arm, strict=True)) for arm in own))


def _side_arms(cohort: pd.DataFrame, contrast: Contrast) -> tuple[dict[str, tuple[_Side, _Side]], list[str]]:
    """The two sides of a group; left and right if no onset side is known."""
    group = members(cohort, contrast.conditions_a)
    one_sided = group & cohort["side"].isin(["left", "right"]).to_numpy()
    known = one_sided & cohort["role"].isin(["symptomatic", "contralateral"]).to_numpy()
    notes = []
    if known.any():
        column, names = "role", ("symptomatic", "contralateral")
        unknown = one_sided & ~known
        if unknown.any():
            notes.append(f"{contrast.text}: left out, no onset side known:{_who(cohort, unknown)}")
    else:
        column, names = "side", ("left", "right")
        notes.append(f"{contrast.text}: no onset side is known, so left is compared with right")
    a, b = (_Side(name, one_sided & (cohort[column] == name).to_numpy()) for name in names)
    return {"": (a, b)}, notes


def _interaction_arms(
    cohort: pd.DataFrame, contrast: Contrast
) -> tuple[dict[str, tuple[_Side, _Side]], list[str]]:
    """In each group what the symptomatic side of a participant has more than the contralateral one."""
    role = cohort["role"].to_numpy()
    one_sided = cohort["side"].isin(["left", "right"]).to_numpy()
    sides = [one_sided & (role == name) for name in ("symptomatic", "contralateral")]
    groups = [members(cohort, c) for c in (contrast.conditions_a, contrast.conditions_b)]
    arms = [
        _Side(label, group & sides[0], group & sides[1])
        for label, group in zip(contrast.labels, groups, strict=True)
    ]
    notes = []
    everyone = (groups[0] | groups[1]) & one_sided
    unknown = everyone & ~(sides[0] | sides[1])
    if unknown.any():
        notes.append(f"{contrast.text}: left out, no onset side known:{_who(cohort, unknown)}")
    number = cohort[everyone & ~unknown].groupby(["participant_id", "segment", "muscle"])["side"].nunique()
    alone = sorted({who for who, _, _ in number.index[number < 2]}, key=natural_key)
    if alone:
        notes.append(
            f"{contrast.text}: left out where one side has no row: {counted(alone)} ({id_list(alone)})"
        )
    return {"": (arms[0], arms[1])}, notes


def _group_arms(cohort: pd.DataFrame, contrast: Contrast) -> tuple[dict[str, tuple[_Side, _Side]], list[str]]:
    """Arm a and arm b on the symptomatic side, and on both sides together."""
    chosen = [members(cohort, c) for c in (contrast.conditions_a, contrast.conditions_b)]
    label_a, label_b = contrast.labels
    if (cohort["segment"] == "").all():
        return {"": (_Side(label_a, chosen[0]), _Side(label_b, chosen[1]))}, []
    notes = []
    arms = {}
    for role in ("symptomatic", "bilateral"):
        rows = (cohort["role"] == role).to_numpy()
        a, b = _Side(label_a, chosen[0] & rows), _Side(label_b, chosen[1] & rows)
        if a.rows.any() and b.rows.any():
            arms[role] = (a, b)
        else:
            empty = " and ".join(arm.label for arm in (a, b) if not arm.rows.any())
            notes.append(f"{contrast.text}: no {role} rows in {empty}, so that role is left out")
    sides = cohort["side"].isin(["left", "right"]).to_numpy() & (cohort["role"] == "").to_numpy()
    unknown = (chosen[0] | chosen[1]) & sides
    if "symptomatic" in arms and unknown.any():
        notes.append(
            f"{contrast.text}: left out of the symptomatic side, no onset side known:{_who(cohort, unknown)}"
        )
    return arms, notes


def _unassigned(cohort: pd.DataFrame, contrast: Contrast) -> list[str]:
    """Who is in no arm only because a cell that the contrast asks for is empty."""
    arms = (contrast.conditions_a, contrast.conditions_b)
    notes = []
    for column in dict.fromkeys(name for conditions in arms for name, _ in conditions):
        others = [
            members(cohort, tuple(held for held in conditions if held[0] != column))
            for conditions in arms
            if column in dict(conditions)
        ]
        chosen = (texts(cohort[column]) == "").to_numpy() & np.any(others, axis=0)
        if chosen.any():
            notes.append(f"{contrast.text}: left out, {column} is empty:{_who(cohort, chosen)}")
    return notes


_OF_PAIRS = (
    "n", "difference", "difference_ci_low", "difference_ci_high",
    "effect", "effect_size", "effect_ci_low", "effect_ci_high",
)  # fmt: skip


def _cells(result: Comparison, paired: PairedComparison) -> dict[str, object]:
    cells: dict[str, object] = {}
    for letter, arm, summary in zip("ab", (result.a, result.b), result.summaries, strict=True):
        for name in ("n", "mean", "sd", "median", "q1", "q3", "normality_p"):
            cells[f"{name}_{letter}"] = getattr(arm, name)
        cells[f"summary_{letter}"] = summary
    for name in ("test", "statistic", "df", "p", "effect", "effect_size", "effect_ci_low", "effect_ci_high"):
        cells[name] = getattr(result, name)
    return cells | {
        "p_adjusted": math.nan,
        "paired_test": paired.test,
        "paired_statistic": paired.statistic,
        "paired_p": paired.p,
        "p_exact": result.p_exact,
        "paired_p_exact": paired.p_exact,
        "paired_p_adjusted": math.nan,
        "difference_kind": result.difference_kind,
        "difference": result.difference,
        "difference_ci_low": result.difference_ci_low,
        "difference_ci_high": result.difference_ci_high,
        **{f"paired_{name}": getattr(paired, name) for name in _OF_PAIRS},
    }


def _is_empty(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _is_below(cell: object) -> bool:
    return isinstance(cell, float) and cell < ALPHA


def _exact_notes(contrast: str, rows: list[dict[str, object]]) -> list[str]:
    """Where an exact p of a small sample says something else than the asymptotic one beside it."""
    notes = []
    for column in ("p", "paired_p"):
        exact = f"{column}_exact"
        there = [row for row in rows if not _is_empty(row[exact])]
        apart = [row for row in there if _is_below(row[column]) != _is_below(row[exact])]
        if apart:
            places = ", ".join(_place(row) for row in apart)
            notes.append(
                f"{contrast}: {column} and {exact} lie on different sides of {ALPHA} in {len(apart)} of "
                f"{len(there)} small samples; read {exact} there: {places}"
            )
    return notes


def table_order(cell: tuple[str, str], muscles: Sequence[str] = MUSCLES) -> tuple[object, ...]:
    """Segments from the head down, muscles as in the paper; unknown ones behind, in natural order."""
    segment, muscle = cell
    known = (("", *SPINE), ("", *muscles))
    return tuple(
        (names.index(name) if name in names else len(names), natural_key(name))
        for names, name in zip(known, (segment, muscle), strict=True)
    )


def _place(row: dict[str, object]) -> str:
    """Which row this is, within its contrast."""
    parts = (str(row[name]) for name in ("segment", "muscle", "metric", "role"))
    return " ".join(part for part in parts if part)
