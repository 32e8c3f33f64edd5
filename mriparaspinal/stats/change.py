"""Change between the sessions of a follow-up, in each participant."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import and_more, natural_key, read_number
from mriparaspinal.stats.cells import (
    PAPER_GROUPS,
    as_text,
    in_known_order,
    muscles_of,
    never_has,
    regions_alone,
    require_columns,
    without,
)
from mriparaspinal.stats.compare import table_order
from mriparaspinal.stats.limits import of_usual_size

Floats = NDArray[np.float64]

ROLES = ("symptomatic", "contralateral", "bilateral")

#: What says of which participant and region a row of the two tables of participants is.
_WHOSE = ("participant_id", "group", "segment", "muscle", "side", "role", "metric")

REGION = ["segment", "muscle", "metric", "role"]

#: The columns of ``changes.csv``.
CHANGE_COLUMNS = (*_WHOSE, "session", "months", "value", "change", "mdc95", "beyond_mdc")

#: The columns of ``participant_slopes.csv``.
PARTICIPANT_SLOPE_COLUMNS = (*_WHOSE, "n", "months", "slope_per_month")

Region = tuple[str, str, str]
"""Segment (empty: all), muscle, metric."""


def change(
    cohort: pd.DataFrame,
    metrics: Sequence[str],
    sessions: Sequence[str],
    mdc: Mapping[Region, float] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """What changes from session to session in each participant: ``changes.csv``, ``participant_slopes.csv``.

    ``cohort`` has one row per participant, session, segment, muscle and side, with the columns of ``L1.csv``,
    ``session``, ``months`` since the first session (NaN where it is not known) and the ``metrics``;
    ``sessions`` their order, the first the baseline; ``mdc``: the minimal detectable change of a region, the
    empty segment standing for all.

    Raises UsageError for a missing column, or two rows of one session.
    """
    rows = long_values(cohort, metrics, sessions)
    there = set(rows["metric"])
    notes = without(metric for metric in dict.fromkeys(metrics) if metric not in there)
    changes, said = _changes(rows, sessions, mdc)
    slopes = _participant_slopes(rows)
    return changes, slopes, [*notes, *said, *_left_out(rows, changes, slopes, sessions)]


def long_values(cohort: pd.DataFrame, metrics: Sequence[str], sessions: Sequence[str]) -> pd.DataFrame:
    """One row per participant, region, metric and session, in the order of the tables."""
    require_columns(cohort, [*_WHOSE[:-1], "session", "months"], "results")
    parts = []
    for metric in dict.fromkeys(metrics):
        if metric not in cohort or not pd.api.types.is_numeric_dtype(cohort[metric]):
            found = "no column of numbers" if metric in cohort else "no such column"
            raise UsageError(f"--metric {metric}: {found}; expected one such as fi or rcsa; name another")
        values = cohort[metric].to_numpy(dtype=float, na_value=np.nan)
        usual = np.isfinite(values) & of_usual_size(np.where(np.isfinite(values), values, 0.0))
        part = cohort[[*_WHOSE[:-1], "session", "months"]].assign(
            metric=metric, value=np.where(usual, values, np.nan)
        )
        parts.append(part[~never_has(cohort, metric)])
    rows = pd.concat(parts, ignore_index=True)
    twice = rows[rows.duplicated([*_WHOSE[:1], "segment", "muscle", "side", "metric", "session"])]
    if len(twice):
        where = " ".join(twice.iloc[0][["participant_id", "session", "segment", "muscle", "side"]])
        raise UsageError(f"{where}: found more than once; expected one row per session; keep one of them")
    order = {metric: place for place, metric in enumerate(dict.fromkeys(metrics))}
    places = {session: place for place, session in enumerate(sessions)}
    muscles = muscles_of(cohort)
    keys = [
        (
            [group_key(group), natural_key(who), table_order((segment, muscle), muscles)],
            (side, order[metric], places[session]),
        )
        for group, who, segment, muscle, side, metric, session in zip(
            *(rows[c] for c in ("group", "participant_id", "segment", "muscle", "side", "metric", "session")),
            strict=True,
        )
    ]
    ordered = sorted(range(len(rows)), key=keys.__getitem__)
    return rows.iloc[ordered].reset_index(drop=True)


def group_key(name: str) -> tuple[object, ...]:
    """Sort key of groups: those of the paper first."""
    return (PAPER_GROUPS.index(name) if name in PAPER_GROUPS else len(PAPER_GROUPS), natural_key(name))


def ordered_sessions(
    months: Mapping[tuple[str, str], float], sessions: Sequence[str], by_name: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """The sessions in the order of time, and notes on it.

    By the median of the months, where each session has some; else by the numbers in their names.

    Raises UsageError where neither tells the order.
    """
    times = {session: [m for (_, of), m in months.items() if of == session] for session in sessions}
    timed = all(times.values())
    medians = {session: float(np.median(found)) for session, found in times.items() if found}
    if timed and len(set(medians.values())) == len(sessions):
        ordered = sorted(sessions, key=medians.__getitem__)
        if by_name is not None and list(by_name) != ordered:
            return ordered, [f"sessions: in the order of their months, {', '.join(ordered)}"]
        return ordered, []
    if by_name is None:
        found = f"{', '.join(sessions)} have no numbers that tell their order, nor months for each"
        remedy = "give months or date per session in the participants table, or name them v1, v2 …"
        raise UsageError(f"sessions: {found}; expected one of both; {remedy}")
    return list(by_name), [] if timed else ["sessions: in the order of the numbers in their names"]


def _changes(
    rows: pd.DataFrame, sessions: Sequence[str], mdc: Mapping[Region, float] | None
) -> tuple[pd.DataFrame, list[str]]:
    """``changes.csv``: each value, and its change since the first session."""
    regions = [rows[c] for c in ("participant_id", "segment", "muscle", "side", "metric")]
    first = (rows["session"] == sessions[0]).to_numpy()
    known = dict(zip(zip(*(c[first] for c in regions), strict=True), rows["value"][first], strict=True))
    before = np.array([known.get(key, math.nan) for key in zip(*regions, strict=True)])
    table = rows.assign(change=np.where(first, math.nan, rows["value"].to_numpy() - before))
    limits, notes = _limits(table, mdc)
    table["mdc95"] = limits
    judged = np.isfinite(table["change"].to_numpy()) & np.isfinite(limits)
    beyond = np.abs(table["change"].to_numpy()) > limits
    table["beyond_mdc"] = pd.array(np.where(judged, beyond, None), dtype="Int64")
    return table[list(CHANGE_COLUMNS)], notes


def _limits(table: pd.DataFrame, mdc: Mapping[Region, float] | None) -> tuple[Floats, list[str]]:
    """The minimal detectable change of each row; it is known of one side, and not of both together."""
    if mdc is None:
        return np.full(len(table), math.nan), []
    lacking: dict[str, None] = {}
    limits = []
    regions = zip(*(table[c] for c in ("segment", "muscle", "metric")), strict=True)
    for alone, (segment, muscle, metric) in zip(regions_alone(table), regions, strict=True):
        limit = mdc.get((segment, muscle, metric), mdc.get(("", muscle, metric), math.nan))
        if not alone:
            limit = math.nan
        elif math.isnan(limit):
            lacking[f"{muscle} {metric}"] = None
        limits.append(limit)
    notes = ["mdc95: that of one side; rows of both sides together have none"]
    if lacking:
        notes.append(f"mdc95: not known of {and_more(lacking)}")
    return np.array(limits), notes


def _participant_slopes(rows: pd.DataFrame) -> pd.DataFrame:
    """``participant_slopes.csv``: least squares through each participant's values; NaN for too few times."""
    codes = rows.groupby(list(_WHOSE), sort=False).ngroup().to_numpy()
    own = rows.loc[~pd.Series(codes).duplicated().to_numpy(), list(_WHOSE)].reset_index(drop=True)
    months, values = rows["months"].to_numpy(float), rows["value"].to_numpy(float)
    complete = np.isfinite(months) & np.isfinite(values)
    codes, months, values = codes[complete], months[complete], values[complete]

    def summed(terms: Floats) -> Floats:
        return np.asarray(np.bincount(codes, terms, minlength=len(own)), dtype=np.float64)

    n = np.bincount(codes, minlength=len(own))
    with np.errstate(invalid="ignore", divide="ignore"):
        x = months - (summed(months) / n)[codes]
        y = values - (summed(values) / n)[codes]
        slopes = summed(x * y) / summed(x * x)
    ends = [np.full(len(own), end) for end in (math.inf, -math.inf)]
    np.minimum.at(ends[0], codes, months)
    np.maximum.at(ends[1], codes, months)
    apart = ends[1] > ends[0]  # not of sums, which rounding makes unlike zero
    span = np.where(apart, ends[1] - ends[0], math.nan)
    return own.assign(n=n, months=span, slope_per_month=np.where(apart, slopes, math.nan))


def runs(rows: pd.DataFrame, columns: list[str]) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """The rows of equal cells, in the order of the first ones."""
    for key, run in rows.groupby(columns, sort=False):
        yield tuple(map(str, key)), run


def groups_of(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each group that has a name, those of the paper first."""
    names = sorted({as_text(name) for name in table["group"]} - {""}, key=group_key)
    return [(name, table[(table["group"] == name).to_numpy()]) for name in names]


def regions_of(table: pd.DataFrame) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    """The rows of each segment, muscle, metric and role, in the order of the tables."""
    found = list(runs(table, REGION))
    metrics = list(dict.fromkeys(table["metric"]))
    roles = in_known_order(set(table["role"]), ROLES)
    muscles = muscles_of(table)

    def place(item: tuple[tuple[str, ...], pd.DataFrame]) -> tuple[object, ...]:
        segment, muscle, metric, role = item[0]
        return table_order((segment, muscle), muscles), metrics.index(metric), roles.index(role)

    return sorted(found, key=place)


def _left_out(
    rows: pd.DataFrame, changes: pd.DataFrame, own: pd.DataFrame, sessions: Sequence[str]
) -> list[str]:
    """Notes on who lacks a session, and of whom there is no slope or role."""
    notes = []
    there = rows.dropna(subset=["value"]).groupby("participant_id", sort=False)["session"].agg(set)
    for session in sessions:
        absent = [who for who, of in there.items() if session not in of]
        if absent:
            notes.append(f"session {session}: missing of {len(absent)} of {len(there)}: {and_more(absent)}")
    for metric, values in rows.groupby("metric", sort=False)["value"]:
        if values.isna().all():
            notes.append(f"{metric}: no value in any session, so there is no change of it and no figure")
    timeless = rows.dropna(subset=["value"])
    timeless = timeless[timeless["months"].isna().to_numpy()].drop_duplicates(["participant_id", "session"])
    if len(timeless) and rows["months"].notna().any():
        named = [
            f"{who} {at}" for who, at in zip(timeless["participant_id"], timeless["session"], strict=True)
        ]
        notes.append(f"months: unknown for {and_more(named)}, who are not in the slopes with it")
    if own["slope_per_month"].isna().all():
        none = "months of two sessions are not known of anybody"
        if rows["months"].notna().any():
            none = "nobody has values at two sessions whose months are known and differ"
        notes.append(f"slope_per_month: empty, as {none}")
    elif missing := [
        who for who, s in own.groupby("participant_id", sort=False) if s["slope_per_month"].isna().all()
    ]:
        notes.append(f"slope_per_month: empty for {and_more(missing)}: months of fewer than two sessions")
    sideless = changes.loc[(changes["side"] != "both") & (changes["role"] == ""), "participant_id"].unique()
    if len(sideless):
        notes.append(f"onset side: unknown for {and_more(sideless)}, who are in tests of both sides alone")
    return notes


def mdc_of(reliability: pd.DataFrame) -> dict[Region, float]:
    """The minimal detectable change of each region in ``reliability.csv``: that of ICC(A,1).

    Raises UsageError where the table is another.
    """
    require_columns(reliability, ["segment", "muscle", "metric", "form", "mdc95"], "--mdc")
    rows = reliability[(reliability["form"] == "ICC(A,1)").to_numpy()]
    found: dict[Region, float] = {}
    for segment, muscle, metric, limit in zip(
        *(rows[c] for c in ("segment", "muscle", "metric", "mdc95")), strict=True
    ):
        region = as_text(segment), as_text(muscle), as_text(metric)
        value = read_number(as_text(limit))
        if region in found or value is None or value < 0:
            where = " ".join(filter(None, region))
            problem = "twice" if region in found else f"as {as_text(limit) or 'nothing'}"
            raise UsageError(f"--mdc: {where}: mdc95 {problem}; expected one number; run reliability again")
        found[region] = value
    if not found:
        raise UsageError("--mdc: no row of the form ICC(A,1); expected reliability.csv; name it")
    return found
