"""What ``comparisons.csv`` has only where it was asked for: equivalence, and max-T permutations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.text import and_more, count_of, read_number
from mriparaspinal.stats.limits import ALPHA, of_usual_size

Floats = NDArray[np.float64]

Row = MutableMapping[str, Any]

#: Of the random permutations, unless another is asked for.
SEED = 1

#: Fewer permutations cannot give a p that is worth reading; more take too long.
PERMUTATIONS = (1000, 1_000_000)

NO_MAX_T = "no max-T p (some arrangements leave fewer than two values in an arm)"

MARGIN_COLUMNS = (
    "margin", "p_equivalence", "equivalent", "difference_ci90_low", "difference_ci90_high",
    "paired_p_equivalence", "paired_equivalent", "paired_difference_ci90_low", "paired_difference_ci90_high",
)  # fmt: skip

MAX_T_COLUMNS = ("p_max_t", "paired_p_max_t")


@dataclass(frozen=True, slots=True)
class OnRequest:
    """What was asked for beside the tests of the protocol."""

    margins: Mapping[str, float] = field(default_factory=dict)
    """Of differences that do not matter, by metric, in its unit."""
    permutations: int | None = None
    """For max-T; None for none."""
    seed: int = SEED

    def __post_init__(self) -> None:
        few, many = PERMUTATIONS
        if self.permutations is not None and not few <= self.permutations <= many:
            found, expected = f"{self.permutations} was found", f"{few} to {many} permutations"
            raise UsageError(Fault(argument("max_t"), found, expected, "correct the number"))
        if self.seed < 0:
            raise UsageError(
                Fault(argument("seed"), f"{self.seed} was found", "0 or more", "correct the number")
            )
        for metric, margin in self.margins.items():
            if not (margin > 0 and of_usual_size(margin)):
                found = f"{metric} = {margin:g} was found"
                raise UsageError(Fault(argument("margins"), found, "a number above 0", "correct the margin"))

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that the table has more."""
        return MARGIN_COLUMNS * bool(self.margins) + MAX_T_COLUMNS * (self.permutations is not None)

    @property
    def settings(self) -> dict[str, Sequence[str]]:
        """As they are recorded; empty where nothing was asked for."""
        permuted = self.permutations is not None
        return {
            "margin": [f"{metric}={margin!r}" for metric, margin in self.margins.items()],
            "permutations": [str(self.permutations)] * permuted,
            "seed": [str(self.seed)] * permuted,
        }

    def require_metrics(self, metrics: Iterable[str]) -> None:
        """Raise :class:`UsageError` where a margin is of a metric that is not compared."""
        known = list(metrics)
        for metric in self.margins:
            if metric not in known:
                found, expected = f"{metric} was found, which is not compared", f"one of: {and_more(known)}"
                raise UsageError(Fault(argument("margins"), found, expected, "correct the margin"))


NOTHING = OnRequest()


def read_margin(text: str) -> tuple[str, float] | None:
    """A margin as it is written; None for what is none.

    >>> read_margin("fi=0.03"), read_margin("fi/bmi = 0.001"), read_margin("fi")
    (('fi', 0.03), ('fi/bmi', 0.001), None)
    """
    metric, _, number = text.rpartition("=")
    margin = read_number(number)
    return (metric.strip(), margin) if metric.strip() and margin is not None else None


def recorded(settings: Mapping[str, Sequence[str]]) -> OnRequest:
    """What was asked for, from the settings that are recorded beside a comparison; UsageError for a fault."""
    margins = dict(filter(None, map(read_margin, settings.get("margin", ()))))
    numbers = [text for name in ("permutations", "seed") for text in settings.get(name, ())]
    if len(margins) != len(settings.get("margin", ())) or not all(map(str.isdecimal, numbers)):
        found = "a margin, permutations or a seed was found that is none"
        raise UsageError(Fault("settings", found, "those of compare", "run compare again"))
    if len(numbers) != 2:
        return OnRequest(margins)
    return OnRequest(margins, int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True, slots=True)
class Samples:
    """The values of one row by participant."""

    a: Mapping[Any, float]
    b: Mapping[Any, float]
    """Empty where sides are compared: then ``a`` has the differences of the participants' sides."""


def margin_cells(row: Row, values: tuple[Any, Any], pairs: tuple[Any, Any], margin: float) -> dict[str, Any]:
    """The cells of :data:`MARGIN_COLUMNS` of a row, whose tests are chosen; NaN for no margin."""
    from mriparaspinal.stats.equivalence import equivalence, paired_equivalence

    cells: dict[str, Any] = {"margin": margin}
    if math.isnan(margin):
        return {name: "" if name.endswith("equivalent") else math.nan for name in MARGIN_COLUMNS}
    for prefix, found in (
        ("", equivalence(*values, row["test"], margin)),
        ("paired_", paired_equivalence(*pairs, row["paired_test"], margin)),
    ):
        cells[f"{prefix}p_equivalence"] = found.p
        cells[f"{prefix}equivalent"] = "" if math.isnan(found.p) else ("yes" if found.p < ALPHA else "no")
        cells[f"{prefix}difference_ci90_low"] = found.ci90_low
        cells[f"{prefix}difference_ci90_high"] = found.ci90_high
    return cells


def add_max_t(
    rows: Sequence[Row], samples: Sequence[Samples], pairs: bool, permutations: int, seed: int
) -> list[tuple[str, list[int]]]:
    """Fill :data:`MAX_T_COLUMNS` of the rows of one contrast, of whose ``samples`` each has one.

    ``pairs``: sides are compared. Returns what is worth a note, and the numbers of the rows it is about.
    """
    from mriparaspinal.stats.max_t import max_t, max_t_paired

    column, test, by_ranks = ("p_max_t", "test", "mann_whitney_u")
    if pairs:
        column, test, by_ranks = ("paired_p_max_t", "paired_test", "wilcoxon")
    for row in rows:
        row.update(dict.fromkeys(MAX_T_COLUMNS, math.nan))
    tested = [number for number, row in enumerate(rows) if row[test]]
    if not tested:
        return []
    ranked = np.array([rows[number][test] == by_ranks for number in tested])
    a, b = (_matrix([getattr(samples[number], arm) for number in tested]) for arm in "ab")
    if pairs:
        found = max_t_paired(a, ranked, permutations, seed)
    else:
        is_a = np.repeat([True, False], [len(a), len(b)])
        found = max_t(np.vstack([a, b]), is_a, ranked, permutations, seed)
    for number, p in zip(tested, found.p, strict=True):
        rows[number][column] = float(p)
    made = f"all {found.arrangements}" if found.complete else f"{found.arrangements} random"
    notes = [(f"{column} over {count_of(len(tested), 'row')}, from {made} arrangements", list[int]())]
    if empty := [number for number, p in zip(tested, found.p, strict=True) if math.isnan(p)]:
        notes.append((NO_MAX_T, empty))
    return notes


def _matrix(columns: Sequence[Mapping[Any, float]]) -> Floats:
    """(participants with a value, rows), NaN where one has none."""
    people = {who: place for place, who in enumerate({who: None for column in columns for who in column})}
    values = np.full((len(people), len(columns)), np.nan)
    for number, column in enumerate(columns):
        values[[people[who] for who in column], number] = list(column.values())
    return np.asarray(values[np.isfinite(values).any(axis=1)])
