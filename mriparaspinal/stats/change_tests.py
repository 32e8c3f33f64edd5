"""Tests of change: between the sessions of one group, and of one group against another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.stats.adjust import adjust
from mriparaspinal.stats.arms import Normality, compare_arms, compare_pairs
from mriparaspinal.stats.change import REGION, ROLES, groups_of, regions_of
from mriparaspinal.stats.effect_sizes import response_mean
from mriparaspinal.stats.limits import CONFIDENCE
from mriparaspinal.stats.shift import without_rounding_errors

Floats = NDArray[np.float64]

#: The columns of ``change_tests.csv``.
TEST_COLUMNS = (
    "group", "segment", "muscle", "metric", "role", "session_a", "session_b", "n", "mean_a", "sd_a", "mean_b",
    "sd_b", "change", "sd_change", "ci_low", "ci_high", "srm", "srm_ci_low", "srm_ci_high", "test",
    "statistic", "p", "p_exact", "p_adjusted",
)  # fmt: skip

#: The columns of ``slopes.csv``.
SLOPE_COLUMNS = (
    "group", "segment", "muscle", "metric", "role", "n", "slope_per_month", "sd", "ci_low", "ci_high",
)  # fmt: skip

#: The columns of ``change_differences.csv``.
DIFFERENCE_COLUMNS = (
    "contrast", "segment", "muscle", "metric", "role", "quantity", "session_a", "session_b", "n_a", "n_b",
    "mean_a", "sd_a", "mean_b", "sd_b", "difference", "ci_low", "ci_high", "test", "statistic", "df", "p",
    "p_adjusted",
)  # fmt: skip

#: A spread below this share of the largest value is rounding, not data.
_ROUNDING = 1e-12


def change_tests(changes: pd.DataFrame, sessions: Sequence[str], normality: Normality) -> pd.DataFrame:
    """``change_tests.csv``: within each group, each pair of sessions."""
    found: list[dict[str, object]] = []
    for group, of_group in groups_of(changes):
        block: list[dict[str, object]] = []
        for key, run in regions_of(of_group):
            wide = run.pivot(index="participant_id", columns="session", values="value").sort_index()
            for a, b in itertools.combinations(sessions, 2):
                if a in wide and b in wide:
                    place = dict(zip(REGION, key, strict=True)) | {"group": group}
                    pair = _paired(wide[a].to_numpy(float), wide[b].to_numpy(float), normality)
                    block.append({**place, "session_a": a, "session_b": b, **pair})
        adjust(block)
        found += block
    return pd.DataFrame(found, columns=list(TEST_COLUMNS))


def _paired(a: Floats, b: Floats, normality: Normality) -> dict[str, object]:
    complete = np.isfinite(a) & np.isfinite(b)
    a, b = a[complete], b[complete]
    order = np.lexsort((b, a))  # sums do not depend on who comes first
    a, b = a[order], b[order]
    tested = compare_pairs(b, a, normality)
    size = float(np.abs(np.concatenate([a, b])).max()) if len(a) else 0.0
    centre = interval_of_mean(b - a, size)
    return {
        "n": len(a),
        **_mean_and_sd(a, "a"),
        **_mean_and_sd(b, "b"),
        "change": centre[0],
        "sd_change": centre[1],
        "ci_low": centre[2],
        "ci_high": centre[3],
        **dict(
            zip(
                ("srm", "srm_ci_low", "srm_ci_high"), response_mean(centre[0], centre[1], len(a)), strict=True
            )
        ),
        "test": tested.test,
        "statistic": tested.statistic,
        "p": tested.p,
        "p_exact": tested.p_exact,
    }


def _mean_and_sd(values: Floats, arm: str) -> dict[str, float]:
    mean = float(values.mean()) if len(values) else math.nan
    return {f"mean_{arm}": mean, f"sd_{arm}": float(values.std(ddof=1)) if len(values) > 1 else math.nan}


def interval_of_mean(values: Floats, size: float | None = None) -> tuple[float, float, float, float]:
    """Mean, SD (n − 1) and the 95 % interval of the mean by t; NaN for what too few values do not tell.

    >>> [round(x, 3) for x in interval_of_mean(np.array([1.0, 2.0, 3.0]))]
    [2.0, 1.0, -0.484, 4.484]
    """
    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan, math.nan
    mean = float(values.mean())
    if n < 2:
        return mean, math.nan, math.nan, math.nan
    sd = float(values.std(ddof=1))
    if size is not None and sd <= _ROUNDING * size:
        sd = 0.0
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd / math.sqrt(n)
    return mean, sd, mean - half, mean + half


def slopes_of_groups(own: pd.DataFrame) -> pd.DataFrame:
    """``slopes.csv``: the mean of the participants' slopes, by group."""
    found = []
    for group, of_group in groups_of(own):
        for key, run in regions_of(of_group):
            values = np.sort(run["slope_per_month"].dropna().to_numpy(float))
            if len(values):
                segment, muscle, metric, role = key
                centre = interval_of_mean(values)
                found.append((group, segment, muscle, metric, role, len(values), *centre))
    return pd.DataFrame(found, columns=list(SLOPE_COLUMNS))


def change_differences(
    changes: pd.DataFrame, own: pd.DataFrame, sessions: Sequence[str], normality: Normality
) -> pd.DataFrame:
    """``change_differences.csv``: changes and slopes of one group against another's."""
    found: list[dict[str, object]] = []
    own = own[own["role"].isin(ROLES).to_numpy()]
    groups = [group for group, _ in groups_of(changes)]
    for a, b in itertools.combinations(groups, 2):
        block: list[dict[str, object]] = []
        for key, run in regions_of(changes[changes["group"].isin([a, b]).to_numpy()]):
            place = {"contrast": f"{a}-{b}", **dict(zip(REGION, key, strict=True))}
            wide = run.pivot(index=["group", "participant_id"], columns="session", values="value")
            size = float(np.nanmax(np.abs(wide.to_numpy(float)), initial=0.0))
            for one, other in itertools.combinations(sessions, 2):
                if one not in wide or other not in wide:
                    continue
                quantity = {"quantity": "change", "session_a": one, "session_b": other}
                values = wide[other] - wide[one]
                arms = _of(values, a, size), _of(values, b, size)
                block += _between(place | quantity, *arms, normality)
            here = own[np.logical_and.reduce([own[c] == v for c, v in zip(REGION, key, strict=True)])]
            values = here.set_index(["group", "participant_id"])["slope_per_month"]
            quantity = {"quantity": "slope_per_month", "session_a": "", "session_b": ""}
            arms = _of(values, a, size), _of(values, b, size)
            block += _between(place | quantity, *arms, normality)
        adjust(block)
        found += block
    return pd.DataFrame(found, columns=list(DIFFERENCE_COLUMNS))


def of_groups(changes: pd.DataFrame) -> list[str]:
    """A note where there are no two groups to compare."""
    names = [group for group, _ in groups_of(changes)]
    if len(names) > 1:
        return []
    found = f"one group only, {names[0]}" if names else "no groups"
    return [
        f"group: {found}, so change_differences.csv and change_model.csv, which compare groups, have no rows"
        + ("" if names else ", nor do the tests within groups")
    ]


def _of(values: pd.Series, group: str, size: float) -> Floats:
    """The values of a group that are known, in ascending order.

    ``size``: the largest measured value; changes that differ by rounding alone are one, and tie.
    """
    found = np.sort(values[values.index.get_level_values("group") == group].dropna().to_numpy(float))
    return without_rounding_errors(found, size)


def _between(
    place: Mapping[str, object], a: Floats, b: Floats, normality: Normality
) -> list[dict[str, object]]:
    """The one row of two groups' changes; none where neither has any."""
    if not len(a) and not len(b):
        return []
    tested = compare_arms(a, b, normality)
    difference, low, high = welch_interval(a, b)
    return [
        {
            **place,
            "n_a": len(a),
            "n_b": len(b),
            **_mean_and_sd(a, "a"),
            **_mean_and_sd(b, "b"),
            "difference": difference,
            "ci_low": low,
            "ci_high": high,
            "test": tested.test,
            "statistic": tested.statistic,
            "df": tested.df,
            "p": tested.p,
        }
    ]


def welch_interval(a: Floats, b: Floats) -> tuple[float, float, float]:
    """The difference of two means, a − b, and its 95 % interval by Welch's t; NaN where it is not known."""
    if not len(a) or not len(b):
        return math.nan, math.nan, math.nan
    difference = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return difference, math.nan, math.nan
    errors = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
    if errors.sum() == 0:
        return difference, difference, difference
    df = float(errors.sum() ** 2 / (errors**2 / (len(a) - 1, len(b) - 1)).sum())
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, df)) * math.sqrt(errors.sum())
    return difference, difference - half, difference + half
