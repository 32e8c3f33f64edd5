"""All groups of a column at once: the tables ``omnibus.csv`` and ``post_hoc.csv``."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.text import and_more
from mriparaspinal.stats.adjust import adjust
from mriparaspinal.stats.arms import Normality
from mriparaspinal.stats.cells import as_text, check_unique, counted, group_names, id_list, muscles_of, texts
from mriparaspinal.stats.cohort import ROW_KEYS
from mriparaspinal.stats.compare import measures_of, table_order
from mriparaspinal.stats.contrasts import matches
from mriparaspinal.stats.letters import MOST_GROUPS, compact_letters
from mriparaspinal.stats.limits import ALPHA, Mask
from mriparaspinal.stats.omnibus import FEWEST, POST_HOC, GroupComparison, compare_groups

#: The columns that say which row it is.
_KEYS = ("groups", "segment", "muscle", "metric", "role")

#: The columns of ``omnibus.csv``.
OMNIBUS_COLUMNS = (
    *_KEYS, "n", "summary", "levene_p", "test", "statistic", "df1", "df2", "p", "p_adjusted",
    "effect", "effect_size", "effect_ci_low", "effect_ci_high",
)  # fmt: skip

#: The columns of ``post_hoc.csv``: one row per pair of groups of each row of ``omnibus.csv``.
POST_HOC_COLUMNS = (
    *_KEYS, "test", "label_a", "label_b", "n_a", "n_b", "summary_a", "summary_b", "difference_of",
    "difference", "ci_low", "ci_high", "statistic", "df", "p_adjusted", "letters_a", "letters_b",
)  # fmt: skip

FEWEST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class ManyGroups:
    """What all groups of a column at once gave."""

    omnibus: pd.DataFrame
    post_hoc: pd.DataFrame
    notes: tuple[str, ...]


def compare_many(
    cohort: pd.DataFrame,
    column: str,
    metrics: Sequence[str] = ("fi", "rcsa"),
    normality: Normality = "lilliefors",
    divide_by: str | None = None,
) -> ManyGroups:
    """Compare all groups of a column at every segment, muscle, metric and role, then each pair of them.

    ``cohort`` as for :func:`mriparaspinal.stats.compare.compare`; the roles are those of its group
    contrasts. ``p_adjusted`` of the omnibus tests is Benjamini–Hochberg's over all rows; that of the pairs is
    the post-hoc test's own, within the pairs of one row. Two groups of a row share a letter where theirs is
    0.05 or more.

    Raises UsageError for a column that is not there, is none of the participants', or has fewer than three
    groups or more than ten.
    """
    names = _groups_of(cohort, column)
    check_unique(cohort)
    measures, notes = measures_of(cohort, metrics, divide_by)
    members = {name: np.asarray(matches(cohort[column], name)) for name in names}
    if unknown := _who(cohort, texts(cohort[column]).eq("").to_numpy()):
        notes.append(f"omnibus of {column}: left out, {column} is empty: {unknown}")
    roles, absent = _roles(cohort, members)
    notes += [f"omnibus of {column}: {note}" for note in absent]
    rows: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    remarks: dict[str, list[str]] = defaultdict(list)
    places = sorted(
        set(zip(cohort["segment"], cohort["muscle"], strict=True)),
        key=partial(table_order, muscles=muscles_of(cohort)),
    )
    for segment, muscle in places:
        here = ((cohort["segment"] == segment) & (cohort["muscle"] == muscle)).to_numpy()
        for metric, values in measures.items():
            for role, of_role in roles.items():
                samples = [values[here & of_role & chosen] for chosen in members.values()]
                if not any(sample.size for sample in samples):
                    continue
                found = compare_groups(samples, normality)
                key = dict(zip(_KEYS, (column, segment, muscle, metric, role), strict=True))
                rows.append(key | _row(names, found))
                pairs += [key | pair for pair in _pair_rows(names, found)]
                where = " ".join(part for part in (segment, muscle, metric, role) if part)
                for remark in (*found.remarks, *_too_small(names, found)):
                    remarks[remark].append(where)
    adjust(rows)
    notes += [f"omnibus of {column}: {remark}: {', '.join(where)}" for remark, where in remarks.items()]
    return ManyGroups(
        pd.DataFrame(rows, columns=list(OMNIBUS_COLUMNS)),
        pd.DataFrame(pairs, columns=list(POST_HOC_COLUMNS)),
        tuple(notes),
    )


def _groups_of(cohort: pd.DataFrame, column: str) -> list[str]:
    if column in ROW_KEYS and column != "group":
        found, expected = "it is a column of the measurements", "group, or a column of the participants table"
        raise UsageError(Fault(f"groups {column!r}", found, expected, "name another column"))
    if column not in cohort:
        there = [name for name in cohort if name not in ROW_KEYS or name == "group"]
        found, expected = "no such column was found", f"one of: {and_more(there, 20) or 'none is there'}"
        raise UsageError(Fault(f"groups {column!r}", found, expected, "correct the name"))
    names = group_names(cohort[column])
    if not FEWEST_GROUPS <= len(names) <= MOST_GROUPS:
        shown = f" ({', '.join(names)})" if 0 < len(names) <= MOST_GROUPS else ""
        found = f"{len(names)} different values were found{shown}"
        expected = f"{FEWEST_GROUPS} to {MOST_GROUPS} groups"
        remedy = "use --contrast for two groups" if len(names) == 2 else "name another column"
        raise UsageError(Fault(f"groups {column!r}", found, expected, remedy))
    return names


def _roles(cohort: pd.DataFrame, members: Mapping[str, Mask]) -> tuple[dict[str, Mask], list[str]]:
    """The rows of each role of group contrasts that three groups have, and notes on those that they have not.

    Healthy controls have no onset side, and so no symptomatic one.
    """
    if (cohort["segment"] == "").all():
        return {"": np.ones(len(cohort), dtype=bool)}, []
    roles, notes = {}, []
    for role in ("symptomatic", "bilateral"):
        rows = (cohort["role"] == role).to_numpy()
        absent = [name for name, chosen in members.items() if not (rows & chosen).any()]
        if len(members) - len(absent) >= FEWEST_GROUPS:
            roles[role] = rows
        else:
            notes.append(f"no {role} rows in {' and '.join(absent)}, so that role is left out")
    return roles, notes


def _row(names: Sequence[str], found: GroupComparison) -> dict[str, object]:
    arms = list(zip(names, found.groups, strict=True))
    return {
        "n": "; ".join(f"{name} {arm.n}" for name, arm in arms),
        "summary": "; ".join(f"{name} {text}" for name, text in zip(names, found.summaries, strict=True)),
        "p_adjusted": math.nan,
        **{
            name: getattr(found, name)
            for name in ("levene_p", "test", "statistic", "df1", "df2", "p", "effect", "effect_size")
        },
        "effect_ci_low": found.effect_ci_low,
        "effect_ci_high": found.effect_ci_high,
    }


def _pair_rows(names: Sequence[str], found: GroupComparison) -> list[dict[str, object]]:
    """All pairs; without a test the cells of a pair are empty."""
    places = {group: place for place, group in enumerate(found.tested)}
    differ = [(places[pair.a], places[pair.b]) for pair in found.pairs if pair.p < ALPHA]
    letters = compact_letters(len(places), differ) if found.test else []
    by_groups = {(pair.a, pair.b): pair for pair in found.pairs}
    rows: list[dict[str, object]] = []
    for numbers in itertools.combinations(range(len(names)), 2):
        row: dict[str, object] = {"test": "", "difference_of": "", "letters_a": "", "letters_b": ""}
        for arm, group in zip("ab", numbers, strict=True):
            row[f"label_{arm}"], row[f"n_{arm}"] = names[group], found.groups[group].n
            row[f"summary_{arm}"] = found.summaries[group]
            if letters and group in places:
                row[f"letters_{arm}"] = letters[places[group]]
        if pair := by_groups.get(numbers):
            row |= {
                "test": POST_HOC[found.test][0],
                "difference_of": "mean ranks" if found.test == "kruskal_wallis" else "means",
                "p_adjusted": pair.p,
                **{
                    name: getattr(pair, name)
                    for name in ("difference", "ci_low", "ci_high", "statistic", "df")
                },
            }
        rows.append(row)
    return rows


def _too_small(names: Sequence[str], found: GroupComparison) -> list[str]:
    """Remarks on groups that take no part in a test that there is."""
    if not found.test:
        return []
    return [
        f"{name} takes no part (fewer than {FEWEST} values)"
        for number, name in enumerate(names)
        if number not in found.tested
    ]


def _who(cohort: pd.DataFrame, chosen: Mask) -> str:
    if not chosen.any():
        return ""
    if "participant_id" not in cohort:
        return f"{int(chosen.sum())} rows"
    ids = [as_text(value) for value in cohort.loc[chosen, "participant_id"]]
    return f"{counted(ids)} ({id_list(ids)})"
