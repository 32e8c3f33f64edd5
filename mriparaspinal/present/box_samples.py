"""What box plots show: the points of each arm, and the tests between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.model import SPINE
from mriparaspinal.present.style import Floats, Mask, is_among, is_plain, metric_values
from mriparaspinal.present.words import arm_conditions, in_known_order
from mriparaspinal.stats.cells import as_text, muscles_of, texts
from mriparaspinal.stats.contrasts import Conditions, Contrast, members

#: Of fewer values no quartiles are drawn: they are points alone.
FEWEST = 5

#: So much of the place of a segment is for its boxes, and of a box's place for the box.
OF_SEGMENT, _OF_PLACE = 0.84, 0.72


@dataclass(frozen=True, slots=True)
class Arm:
    """One series of boxes, and its name in the legend."""

    label: str
    rows: Mask
    """Which rows of the cohort."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """The two arms (by number) that a p-value belongs to, and its row in the comparisons."""

    first: int
    second: int
    contrast: str
    role: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The points of one box: an arm in a segment."""

    at: float
    width: float
    participants: tuple[str, ...]
    values: Floats

    @property
    def x(self) -> Floats:
        """Places of the points: golden steps keep neighbours in value apart, and are the same every time."""
        rank = np.argsort(np.argsort(self.values, kind="stable"), kind="stable")
        return np.asarray(self.at + 0.7 * self.width * ((rank * 0.618034 + 0.5) % 1 - 0.5), dtype=float)

    @property
    def box(self) -> dict[str, float]:
        """What the box shows; nothing for too few values."""
        if len(self.values) < FEWEST:
            return {}
        q1, median, q3 = np.percentile(self.values, [25, 50, 75], method="weibull")
        low, high = self.values.min(), self.values.max()
        return {"lowest": low, "q1": q1, "median": median, "q3": q3, "highest": high}


@dataclass(frozen=True, slots=True)
class Test:
    """A p-value over two arms of a segment."""

    segment: int
    bracket: Bracket
    name: str
    p: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One muscle and metric: samples by segment and arm, and the tests between them."""

    muscle: str
    metric: str
    samples: Sequence[Sequence[Sample]]
    tests: Sequence[Test]
    letters: Sequence[Sequence[str]] = ()
    """By segment and arm, where there are several groups: those that share none differ."""
    omnibus: Sequence[float] = ()
    """The p of all groups, by segment."""


def members_of(cohort: pd.DataFrame, conditions: Conditions) -> Mask:
    """Which rows meet all conditions; none where a column is not there."""
    if not all(column in cohort for column, _ in conditions):
        return np.zeros(len(cohort), dtype=bool)
    return members(cohort, conditions)


def arms_of(
    cohort: pd.DataFrame, contrasts: Sequence[Contrast], role: str
) -> tuple[list[Arm], list[Bracket]]:
    """Each arm once, arms a first, and the brackets between them, short ones first."""
    plain = is_plain(cohort)
    rows = np.ones(len(cohort), dtype=bool) if plain else is_among(cohort["role"], (role,))
    named = {c.conditions_a: arm_conditions(c, 0) for c in contrasts}
    named |= {c.conditions_b: arm_conditions(c, 1) for c in contrasts if c.conditions_b not in named}
    number = {conditions: i for i, conditions in enumerate(named)}
    arms = [Arm(", ".join(name), rows & members_of(cohort, conditions)) for conditions, name in named.items()]
    brackets = [
        Bracket(number[c.conditions_a], number[c.conditions_b], c.text, "" if plain else role)
        for c in contrasts
    ]
    return arms, sorted(brackets, key=lambda b: abs(b.second - b.first))


def arms_of_groups(cohort: pd.DataFrame, column: str, names: Sequence[str], role: str) -> list[Arm]:
    """One arm for each value of a column."""
    rows = is_among(texts(cohort["role"]), (role,)) if role else np.ones(len(cohort), dtype=bool)
    return [Arm(name, rows & members_of(cohort, ((column, name),))) for name in names]


def panels_of(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    arms: Sequence[Arm],
    brackets: Sequence[Bracket],
    metrics: Sequence[str],
    segments: Sequence[str] | None = None,
    paired: bool = False,
) -> tuple[list[Panel], Sequence[str]]:
    """The panels, row by row, and the segments in each."""
    segment, muscle = (texts(cohort[name]).to_numpy() for name in ("segment", "muscle"))
    shown = np.logical_or.reduce([arm.rows for arm in arms])
    segments = in_known_order(segment[shown], SPINE) if segments is None else segments
    shown &= np.isin(segment, list(segments))
    values = {metric: metric_values(cohort, metric) for metric in metrics}
    named = "participant_id" in cohort
    ids = texts(cohort["participant_id"]).to_numpy() if named else np.full(len(cohort), "")
    rows = _rows_of(comparisons, brackets)
    place = OF_SEGMENT / len(arms)
    panels = []
    for name in in_known_order(muscle[shown], muscles_of(cohort)) or [""]:
        for metric in metrics:
            of_muscle = (muscle == name) & np.isfinite(values[metric])
            samples = []
            tests: list[Test] = []
            for number, level in enumerate(segments):
                here = of_muscle & (segment == level)
                found = []
                for i, arm in enumerate(arms):
                    at = number + (i - (len(arms) - 1) / 2) * place
                    chosen = here & arm.rows
                    found.append(Sample(at, _OF_PLACE * place, tuple(ids[chosen]), values[metric][chosen]))
                samples.append(found)
                tests += _tests(rows, brackets, found, (number, level, name, metric), paired)
            panels.append(Panel(name, metric, samples, tests))
    return panels, segments


def _rows_of(
    comparisons: pd.DataFrame, brackets: Sequence[Bracket]
) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """The rows of the contrasts by contrast, role, segment, muscle and metric."""
    rows = comparisons[is_among(texts(comparisons["contrast"]), [bracket.contrast for bracket in brackets])]
    key = ("contrast", "role", "segment", "muscle", "metric")
    return {tuple(as_text(row[name]) for name in key): row for row in rows.to_dict("records")}


def _tests(
    rows: Mapping[tuple[str, ...], Mapping[str, Any]],
    brackets: Sequence[Bracket],
    samples: Sequence[Sample],
    place: tuple[int, str, str, str],
    paired: bool,
) -> list[Test]:
    """The tests of the brackets between two arms with data that the comparisons have a row for."""
    number, segment, muscle, metric = place
    p, test = ("paired_p", "paired_test") if paired else ("p", "test")
    found = []
    for bracket in brackets:
        row = rows.get((bracket.contrast, bracket.role, segment, muscle, metric))
        a, b = samples[bracket.first].values, samples[bracket.second].values
        if row is not None and len(a) and len(b):
            _check_same_data(row, a, b)
            found.append(Test(number, bracket, as_text(row[test]), float(row[p])))
    return found


def _check_same_data(row: Mapping[str, Any], a: Floats, b: Floats) -> None:
    """A p-value must not stand over points that it was not made from."""
    for letter, values in (("a", a), ("b", b)):
        n, median = int(row[f"n_{letter}"]), float(row[f"median_{letter}"])
        if n != len(values) or not math.isclose(median, np.median(values), rel_tol=1e-9, abs_tol=1e-12):
            raise ValueError(
                f"{row['contrast']} {row['segment']} {row['muscle']} {row['metric']}: comparisons with "
                f"n = {n}, median {median}; expected {len(values)}, {np.median(values)} as in the cohort"
            )
