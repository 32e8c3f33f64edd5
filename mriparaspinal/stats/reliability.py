"""Agreement of raters: intraclass correlations, coefficients of variation, limits of agreement, means.

A *target* is what each rater measures once: one muscle of a participant, on one segment and one side.
The formulas are those of McGraw & Wong 1996 (*Psychol Methods* 1:30–46, with their correction on p. 390)
and Bland & Altman 1986 (*Lancet* 327:307–310).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import SPINE
from mriparaspinal.core.text import count_of
from mriparaspinal.stats.bland_altman import REPEATED_COLUMNS, bland_altman, repeated_limits
from mriparaspinal.stats.bootstrap import SEED, Clusters, cluster_bootstrap, clusters_of
from mriparaspinal.stats.cells import (
    TARGET_COLUMNS,
    in_known_order,
    muscles_of,
    never_has,
    number_cells,
    refuse_twice,
    regions_alone,
    require_columns,
    text_cells,
    typed_table,
    without,
)
from mriparaspinal.stats.icc import cv_of_raters, icc_table
from mriparaspinal.stats.icc_bootstrap import icc_and_cv
from mriparaspinal.stats.raters import finds_thresholds

#: The columns of ``reliability.csv``.
RELIABILITY_COLUMNS = (
    "segment", "muscle", "metric", "n", "raters", "form", "icc", "ci_low", "ci_high", "f", "df1", "df2", "p",
    "cv_pct", "sem", "mdc95", "bias", "loa_low", "loa_high",
    "participants", "ci_low_bootstrap", "ci_high_bootstrap", "cv_low_bootstrap", "cv_high_bootstrap",
)  # fmt: skip

#: The columns of the table behind the Bland–Altman figures.
BLAND_ALTMAN_COLUMNS = (
    "segment", "muscle", "metric", "rater_a", "rater_b", "n", "bias", "bias_ci_low", "bias_ci_high", "sd",
    "loa_low", "loa_low_ci_low", "loa_low_ci_high", "loa_high", "loa_high_ci_low", "loa_high_ci_high",
    "participants", *(f"repeated_{name}" for name in REPEATED_COLUMNS),
)  # fmt: skip

_TARGETS = "targets are participant × segment × side (an empty segment means all): "

#: In a long table: whom the target belongs to, where it is not a participant by itself.
_OWNER = "owner"

_SETTINGS = ("reference", "threshold", "fat_rule", "mask_rule")


class RatedRegion(NamedTuple):
    """What one block of rows is about; an empty segment means all segments."""

    segment: str
    muscle: str
    metric: str

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


def reliability(
    ratings: pd.DataFrame, metrics: Sequence[str], raters: Sequence[str] | None = None, seed: int = SEED
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of ``reliability.csv``: six ICCs for each region, with CV, SEM, MDC and limits of agreement.

    ``ratings`` has one row per rater and target, with the columns ``rater, participant_id, segment, side,
    muscle`` and the ``metrics``; rows of side ``both`` are not used. Where it also has ``reference,
    threshold, fat_rule, mask_rule``, a difference between raters is noted. ``raters`` gives their order
    (default: as they appear), which decides the sign of the bias.

    Only targets with a value from every rater are used. The columns of one region that do not depend on the
    form (``cv_pct``, ``bias``, ``loa_*``) are repeated on its six rows. ``sem`` is √MS_within for the forms
    (1,·) and (A,·), √MS_error for (C,·). ``bias`` and limits are given for two raters only. Where targets
    share a participant, ``…_bootstrap`` are intervals of ICC and CV that draw whole participants
    (:func:`mriparaspinal.stats.bootstrap.cluster_bootstrap`), of these raters.

    Raises UsageError for missing columns, text among the numbers, a target that one rater has twice or fewer
    than two raters, NoInputError where no target has a value from every rater.
    """
    matrices, notes = rating_matrices(ratings, metrics, raters)
    rows: list[dict[str, Any]] = []
    for region, wide in matrices.items():
        matrix = wide.to_numpy(dtype=float)
        forms, icc_notes = icc_table(matrix)
        cv_pct, cv_notes = cv_of_raters(matrix)
        notes += [f"{region}: {note}" for note in icc_notes + cv_notes]
        clusters = _clusters(ratings, wide)
        bounds = _bootstrapped(matrix, clusters, seed)
        same = {**region._asdict(), "n": len(wide), "raters": matrix.shape[1], "cv_pct": cv_pct}
        same |= {"participants": clusters.count, **bounds.pop()}
        if matrix.shape[1] == 2:
            limits = bland_altman(matrix[:, 0], matrix[:, 1])
            same |= {"bias": limits.bias, "loa_low": limits.loa_low, "loa_high": limits.loa_high}
        rows += [
            {**same, **dataclasses.asdict(form), "mdc95": form.mdc95, **interval}
            for form, interval in zip(forms, bounds, strict=True)
        ]
    return typed_table(rows, RELIABILITY_COLUMNS), notes


def _clusters(ratings: pd.DataFrame, wide: pd.DataFrame) -> Clusters:
    """The targets of a region by their participants."""
    ids = wide.index.get_level_values("participant_id")
    if _OWNER in ratings:
        ids = ids.map(dict(zip(ratings["participant_id"], ratings[_OWNER], strict=True)))
    return clusters_of(ids)


def _bootstrapped(matrix: Any, clusters: Clusters, seed: int) -> list[dict[str, float]]:
    """The bounds of the six ICCs and, last, of the CV; NaN where no participant has two targets."""
    columns = [("ci_low_bootstrap", "ci_high_bootstrap")] * 6 + [("cv_low_bootstrap", "cv_high_bootstrap")]
    if not clusters.shared:
        return [dict.fromkeys(names, math.nan) for names in columns]
    lows, highs = cluster_bootstrap(icc_and_cv(matrix, clusters), clusters.count, seed)
    return [
        dict(zip(names, both, strict=True))
        for names, both in zip(columns, zip(lows, highs, strict=True), strict=True)
    ]


def ratings_of_table(table: pd.DataFrame) -> pd.DataFrame:
    """The ratings of any long table with the columns ``target, rater, value``, for the functions here.

    The target becomes ``participant_id``; ``segment, side, muscle`` are empty and the only metric is
    ``value``. A column ``participant_id`` says which targets belong together; further columns are ignored.
    Raises UsageError for a missing column, an empty target, rater or participant, a value that is not a
    number (rows are counted from 1, without the heading), a target of two participants, and one that a rater
    has twice. An empty value is a missing one.
    """
    require_columns(table, ("target", "rater", "value"), "table")
    owned = "participant_id" in table
    for column in ("target", "rater", *(["participant_id"] if owned else [])):
        texts = text_cells(table[column])
        if "" in texts:
            raise UsageError(
                f"table: no {column} in row {texts.index('') + 1}; each row needs a target, a rater and a "
                "value; fill it in or delete the row"
            )
    ratings = pd.DataFrame(
        {
            "rater": text_cells(table["rater"]),
            "participant_id": text_cells(table["target"]),
            "segment": "",
            "side": "",
            "muscle": "",
            "value": number_cells(table["value"]),
        }
    )
    refuse_twice(ratings)
    if owned:
        ratings[_OWNER] = text_cells(table["participant_id"])
        owners = ratings.groupby("participant_id")[_OWNER].nunique()
        if (owners > 1).any():
            target = owners.index[owners > 1][0]
            raise UsageError(f"table: target {target} of two participant_id found; expected one; correct it")
    return ratings


def agreement_of_table(
    table: pd.DataFrame, raters: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """``reliability`` of any long table ``target, rater, value`` (see ``ratings_of_table``)."""
    return reliability(ratings_of_table(table), ["value"], raters)


def rating_matrices(
    ratings: pd.DataFrame, metrics: Sequence[str], raters: Sequence[str] | None = None
) -> tuple[dict[RatedRegion, pd.DataFrame], list[str]]:
    """The complete ratings of each region as a wide table: one row per target, one column per rater.

    Regions come in the order of the tables: all segments together (segment ``""``), then each segment;
    muscles, then metrics within. A region that was rated but has no complete target has an empty table.
    Arguments and errors as in ``reliability``; the notes say what was left out.
    """
    rows = _checked(ratings, metrics)
    order = _rater_order(rows, raters)
    notes = _setting_notes(rows, order) + _dependence_notes(rows)
    if len(order) == 2:
        notes.append(f"bias and limits of agreement: {order[1]} minus {order[0]}")
    segments = ["", *in_known_order([s for s in set(rows["segment"]) if s], SPINE)]
    muscles = in_known_order(set(rows["muscle"]), muscles_of(ratings))
    found: dict[RatedRegion, pd.DataFrame] = {}
    for muscle, metric in itertools.product(muscles, metrics):
        of_muscle = rows[rows["muscle"] == muscle]
        if never_has(of_muscle, metric).all():
            continue
        wide = of_muscle.pivot(index=TARGET_COLUMNS, columns="rater", values=metric).reindex(columns=order)
        notes += _incomplete_notes(RatedRegion("", muscle, metric), wide)
        complete = wide.dropna()
        for segment in segments:
            if segment and not (wide.index.get_level_values("segment") == segment).any():
                continue
            in_segment = complete.index.get_level_values("segment") == segment
            found[RatedRegion(segment, muscle, metric)] = complete[in_segment] if segment else complete
    there = {region.metric for region in found}
    notes += without(metric for metric in metrics if metric not in there)
    if not found:
        raise NoInputError(
            f"{', '.join(metrics)}: there is none of left or right by itself, which are what is compared; "
            "expected a measure of one side; name another"
        )
    if all(wide.empty for wide in found.values()):
        raise NoInputError(
            f"ratings of {', '.join(order)}: no target with a value from every rater; the same participants, "
            "segments, sides and muscles were expected; check the ids"
        )
    regions = (RatedRegion(*names) for names in itertools.product(segments, muscles, metrics))
    return {region: found[region] for region in regions if region in found}, notes


def bland_altman_table(
    ratings: pd.DataFrame, metrics: Sequence[str], raters: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Limits of agreement of each pair of raters for each region, differences ``rater_b`` − ``rater_a``.

    Arguments, targets and errors as in ``reliability``: with more than two raters a target still needs a
    value from every rater, so that all pairs speak of the same targets.
    """
    matrices, notes = rating_matrices(ratings, metrics, raters)
    rows: list[dict[str, Any]] = []
    for region, wide in matrices.items():
        if len(wide) < 2:
            notes.append(f"{region}: {count_of(len(wide), 'complete target')}: limits of agreement need two")
        for rater_a, rater_b in itertools.combinations(wide.columns, 2):
            limits = bland_altman(wide[rater_a].to_numpy(), wide[rater_b].to_numpy())
            numbers = {name: getattr(limits, name) for name in BLAND_ALTMAN_COLUMNS[5:16]}
            clusters = _clusters(ratings, wide)
            repeated = repeated_limits(limits.difference, clusters)
            numbers |= {f"repeated_{name}": getattr(repeated, name) for name in REPEATED_COLUMNS}
            names = {**region._asdict(), "rater_a": rater_a, "rater_b": rater_b}
            rows.append({**names, **numbers, "participants": clusters.count})
    return typed_table(rows, BLAND_ALTMAN_COLUMNS), notes


def exceeding(table: pd.DataFrame, limit_pct: float) -> pd.DataFrame:
    """The regions of a ``reliability`` table whose CV is not known to be within ``limit_pct``, in its order.

    Columns ``segment, muscle, metric, n, cv_pct``. A region without a CV is among them, with an empty
    ``cv_pct``: what could not be computed does not pass a gate. Raises UsageError for a limit that is not a
    number of at least 0.
    """
    if not (0 <= limit_pct < math.inf):
        raise UsageError(
            f"--require-cv: {limit_pct} found; a number of at least 0 was expected; give the highest "
            "coefficient of variation to accept, in per cent"
        )
    regions = table[["segment", "muscle", "metric", "n", "cv_pct"]].drop_duplicates()
    return regions[~(regions["cv_pct"] <= limit_pct)].reset_index(drop=True)


def _checked(ratings: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The left and right rows with the columns that are needed: texts as str, metrics as float."""
    if not metrics:
        raise UsageError("metrics: none found; at least one was expected; name a column of the results")
    texts = ["rater", *TARGET_COLUMNS, *(column for column in _SETTINGS if column in ratings.columns)]
    require_columns(ratings, [*texts, *metrics], "ratings")
    texts += [_OWNER] if _OWNER in ratings else []
    columns: dict[str, Any] = {column: text_cells(ratings[column]) for column in texts}
    columns |= {metric: number_cells(ratings[metric]) for metric in metrics}
    rows = pd.DataFrame(columns)
    rows = rows[regions_alone(rows)]
    if rows.empty:
        raise NoInputError("ratings: no row of one side found; left or right was expected; check the tables")
    refuse_twice(rows)
    return rows


def _rater_order(rows: pd.DataFrame, raters: Sequence[str] | None) -> list[str]:
    present = list(dict.fromkeys(rows["rater"]))
    order = present if raters is None else list(raters)
    if sorted(order) != sorted(present):
        raise UsageError(
            f"raters: {', '.join(present)} found in the ratings; {', '.join(order)} were expected; "
            "give each rater once, with ratings of one side at least"
        )
    if len(order) < 2:
        raise UsageError(f"raters: only {order[0]} found; two or more were expected; add another rater")
    return order


def _setting_notes(rows: pd.DataFrame, order: Sequence[str]) -> list[str]:
    notes = []
    for column in _SETTINGS:
        found_in_slices = "fat_rule" in rows.columns and finds_thresholds(rows["fat_rule"])
        if column not in rows.columns or (column == "threshold" and found_in_slices):
            continue
        used = {rater: sorted(set(rows.loc[rows["rater"] == rater, column]) - {""}) for rater in order}
        if any(values != used[order[0]] for values in used.values()):
            found = "; ".join(f"{rater}: {', '.join(values) or 'none'}" for rater, values in used.items())
            notes.append(f"raters differ in {column} ({found}): the agreement includes this difference")
    return notes


def _dependence_notes(rows: pd.DataFrame) -> list[str]:
    owner = _OWNER if _OWNER in rows else "participant_id"
    if not rows.duplicated(["rater", owner, "muscle"]).any():
        return []
    what = "targets: " if _OWNER in rows else _TARGETS
    return [
        f"{what}those of one participant are not independent, but ci_low, ci_high and p take them as if they "
        "were; read ci_low_bootstrap and ci_high_bootstrap, which draw whole participants, and in "
        "bland_altman.csv the columns repeated_…"
    ]


def _incomplete_notes(region: RatedRegion, wide: pd.DataFrame) -> list[str]:
    missing = wide[wide.isna().any(axis=1)]
    if missing.empty:
        return []
    named = [
        f"{' '.join(part for part in target[:3] if part)} ({', '.join(row.index[row.isna()])})"
        for target, row in missing.iterrows()
    ]
    return [
        f"{region}: {len(missing)} of {count_of(len(wide), 'target')} left out, no value from: "
        f"{'; '.join(named)}"
    ]
