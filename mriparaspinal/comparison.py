"""A cohort's comparisons as files: the table, the paper's layout of it, and the notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import pandas as pd

from mriparaspinal.analysis import Cohort
from mriparaspinal.contrasts import Contrast, default_contrasts, resolve
from mriparaspinal.errors import NothingToCompareError
from mriparaspinal.files.frames import frame_csv
from mriparaspinal.stats.compare import Normality, compare

METRICS = ("fi", "rcsa")


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The table of ``comparisons.csv``, the notes on what was left out, and all files by name."""

    table: pd.DataFrame
    notes: tuple[str, ...]
    files: dict[str, bytes]

    @property
    def significant(self) -> int:
        """How many comparisons have p < 0.05, without adjustment."""
        return int((self.table["p"] < 0.05).sum())

    @property
    def significant_adjusted(self) -> int:
        """How many comparisons have p < 0.05 after Benjamini and Hochberg."""
        return int((self.table["p_adjusted"] < 0.05).sum())


def compare_cohort(
    cohort: Cohort,
    contrasts: Sequence[str],
    metrics: Sequence[str],
    normality: Normality = "lilliefors",
    divide_by: str | None = None,
) -> Comparisons:
    """Make the contrasts that were asked for, else those of the protocol, else the paper's.

    Raises :class:`UsageError` for a contrast or column that is not there, :class:`NothingToCompareError`
    where there is nothing to compare.
    """
    notes = list(cohort.notes)
    asked = list(contrasts) or list(cohort.manifest.get("settings", {}).get("contrasts", []))
    chosen: list[Contrast]
    if asked:
        chosen = [resolve(text, cohort.table) for text in asked]
    else:
        chosen, skipped = default_contrasts(cohort.table)
        notes += skipped
    if not chosen:
        reasons = "; ".join(notes[-3:]) or "no groups"
        raise NothingToCompareError(
            f"nothing to compare: {reasons}; expected two groups, or one whose onset sides are known"
        )
    names = list(metrics) or _metrics(cohort, chosen, divide_by)
    table, found = compare(cohort.table, chosen, names, normality, divide_by)
    notes += found
    files = {"comparisons.csv": frame_csv(table)}
    files["notes.txt"] = ("\n".join(notes) + "\n").encode() if notes else b""
    return Comparisons(table, tuple(notes), files)


def _metrics(cohort: Cohort, contrasts: Sequence[Contrast], divide_by: str | None) -> list[str]:
    """FI and rCSA; in table mode every column of numbers that has no other part."""
    table = cohort.table
    if "fi" in table and (table["segment"] != "").any():
        return list(METRICS)
    taken = {"participant_id", divide_by}
    for contrast in contrasts:
        taken |= {contrast.column, *(column for column, _ in (*contrast.filter_a, *contrast.filter_b))}
    return [name for name in table if name not in taken and pd.api.types.is_numeric_dtype(table[name])]
