"""How many participants the next study needs, from the spread of this one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of
from mriparaspinal.stats import design, power
from mriparaspinal.stats.contrasts import SIDE, Contrast, members
from mriparaspinal.stats.effect_sizes import rank_biserial_interval
from mriparaspinal.stats.limits import CONFIDENCE
from mriparaspinal.stats.power import Target

Floats = NDArray[np.float64]

_KEYS = ["contrast", "segment", "muscle", "metric", "role"]

PLAN_COLUMNS = [
    *(*_KEYS, "label_a", "label_b", "test", "n_a", "n_b", "sd_a", "sd_b", "sd_difference", "correlation"),
    *("sd_participant", "sd_residual", "levels", "assumed", "difference", "effect", "effect_size"),
    *("alpha", "power", "needed_a", "needed_b", "power_reached", "power_simulated"),
]

CURVE_COLUMNS = [*_KEYS, "test", "assumed", "n_a", "n_b", "power"]

GIVEN_COLUMNS = [
    *("measure", "aim", "expected", "null", "width", "raters", "alpha", "power", "needed_a", "needed_b"),
]

#: Participants of arm a (or pairs) at which the curve is computed.
CURVE_SIZES = (4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200)

OBSERVED, LOWER_END, GIVEN = "observed", "end of its interval nearer to zero", "given"

WINNERS_CURSE = (
    "assumed, observed: a poor guide; differences that stand out in a small study are on average smaller in "
    "the next. Plan for the smallest difference that matters (--difference)"
)


@dataclass(frozen=True, slots=True)
class _Question:
    """One test under one assumption."""

    test: str
    assumed: str
    difference: float
    effect: str
    effect_size: float
    power_at: Callable[[int, int], float]
    simulate: Callable[[tuple[int, int]], float] | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """What was observed at one place, and what is asked of it."""

    cells: dict[str, Any]
    questions: tuple[_Question, ...]
    paired: bool = False
    lacking: int = 0
    """Participants whom the mixed model leaves out, as they lack a segment."""


def plan(
    cohort: pd.DataFrame,
    contrasts: Sequence[Contrast],
    metrics: Sequence[str],
    roles: Sequence[str],
    target: Target,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Sizes and power for the contrasts of the next study.

    Two arms: Welch's t, Mann–Whitney (Noether 1987) and the area under the ROC curve (Hanley & McNeil 1982);
    per muscle the group effect of a random-intercept model over its segments. Two sides of a group: the
    paired t-test and Wilcoxon's. The spread is that of ``cohort`` (the long table of the statistics, or one
    with one row per participant); the difference what was observed and the end of its 95 % interval that is
    nearer to zero, or, in place of both, what ``target`` gives.

    Returns:
        The table of sizes (:data:`PLAN_COLUMNS`), the power at :data:`CURVE_SIZES` (:data:`CURVE_COLUMNS`),
        and notes. A size is empty where the interval holds zero, or more than 100,000 would be needed.

    Raises:
        UsageError: ``target`` cannot be met, or columns or roles are not what they have to be.
    """
    check_target(target)
    if target.difference is not None and len(metrics) != 1:
        found = f"a difference for {len(metrics)} metrics"
        raise UsageError(f"{argument('difference')}: {found}; expected one, as it has a unit; name --metric")
    records: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    notes: list[str] = []
    for contrast in contrasts:
        places = list(_places(cohort, contrast, metrics, roles, target))
        if not places:
            notes.append(
                f"{contrast.text}: no two values in each arm, or all are equal: nothing to plan from"
            )
        for place in places:
            records += [place.cells | _answer(question, place, target) for question in place.questions]
            curve += [row for question in place.questions for row in _curve(question, place, target)]
        notes += [_of_lacking(place) for place in places if place.lacking]
    table = pd.DataFrame(records, columns=PLAN_COLUMNS)
    table = table.astype(dict.fromkeys(("n_a", "n_b", "levels", "needed_a", "needed_b"), "Int64"))
    return table, pd.DataFrame(curve, columns=CURVE_COLUMNS), [*notes, *_remarks(table)]


def plan_given(target: Target) -> pd.DataFrame:
    """Sizes for the ICC and the area under the ROC curve that ``target`` gives; :data:`GIVEN_COLUMNS`."""
    check_target(target)
    rows: list[dict[str, Any]] = []
    common = {"alpha": target.level, "power": target.power}
    if (icc := target.icc) is not None:
        head = {"measure": "icc", "expected": icc, "raters": target.raters}
        if (null := target.icc_null) is not None:
            reached = partial(power.icc_power, icc, null, raters=target.raters, level=target.level)
            size = power.smallest(reached, target.power)
            rows.append({**head, **common, "aim": "power", "null": null, "needed_a": size})
        if (width := target.icc_width) is not None:
            size = math.ceil(power.icc_targets(icc, width, target.raters))
            rows.append({**head, "aim": "width", "width": width, "needed_a": size})
    if (auc := target.auc) is not None:
        head = {"measure": "auc", "expected": auc}

        def sized(reached: Callable[[int, int], float], wanted: float) -> dict[str, Any]:
            size = power.smallest(lambda n: reached(n, _other(n, target)), wanted)
            return {"needed_a": size, "needed_b": None if size is None else _other(size, target)}

        sizes = sized(partial(power.auc_power, auc, target.auc_null, level=target.level), target.power)
        rows.append({**head, **common, **sizes, "aim": "power", "null": target.auc_null})
        if (width := target.auc_width) is not None:
            sizes = sized(lambda a, b: -power.auc_width(auc, a, b), -width)
            rows.append({**head, **sizes, "aim": "width", "width": width})
    table = pd.DataFrame(rows, columns=GIVEN_COLUMNS)
    return table.astype({"raters": "Int64", "needed_a": "Int64", "needed_b": "Int64"})


def check_target(target: Target) -> None:
    """Raise :class:`UsageError` for what cannot be planned for."""
    for name in ("power", "alpha", "icc", "icc_width", "auc_width"):
        share = getattr(target, name)
        if share is not None and not 0 < share < 1:
            _refuse(name, share, "a number between 0 and 1")
    for name, least in (("tests", 1), ("raters", 2)):
        if not getattr(target, name) >= least:
            _refuse(name, getattr(target, name), f"{least} or more")
    if target.power <= target.alpha:
        _refuse("power", target.power, "more than alpha")
    if not 0.01 <= target.ratio <= 100:
        _refuse("ratio", target.ratio, "participants of arm b for each of arm a, 0.01 to 100")
    for name, size in (("difference", target.difference), ("effect_size", target.effect_size)):
        if size is not None and not 0 < abs(size) < math.inf:
            _refuse(name, size, "a number other than 0")
    if target.difference is not None and target.effect_size is not None:
        found = f"{argument('difference')} and {argument('effect_size')} were both given"
        raise UsageError(f"{found}; expected one of them; leave one out")
    if target.icc_null is not None and not 0 <= target.icc_null < (1 if target.icc is None else target.icc):
        _refuse("icc_null", target.icc_null, "0 or more, and less than the ICC that is expected")
    if target.auc is not None and not 0.5 < target.auc <= 1:
        _refuse("auc", target.auc, "more than 0.5, and 1 at most")
    if not 0.5 <= target.auc_null < (1 if target.auc is None else target.auc):
        _refuse("auc_null", target.auc_null, "0.5 or more, and less than the area that is expected")
    for name, needs, there in (
        ("icc", "icc_null or icc_width", (target.icc_null, target.icc_width)),
        ("auc_width", "auc", (target.auc,)),
    ):
        if getattr(target, name) is not None and there == (None,) * len(there):
            options = " or ".join(argument(each) for each in needs.split(" or "))
            raise UsageError(f"{argument(name)}: given alone; expected {options} with it; add it")


def _refuse(name: str, found: float, expected: str) -> None:
    raise UsageError(f"{argument(name)}: {found:g} was found; expected {expected}; correct it")


def _other(size: int, target: Target) -> int:
    """The size of arm b."""
    return max(2, math.ceil(size * target.ratio - 1e-9))


# --- what was observed --------------------------------------------------------------------------------------


def _places(
    cohort: pd.DataFrame, contrast: Contrast, metrics: Sequence[str], roles: Sequence[str], target: Target
) -> Iterator[_Place]:
    free = ["group"] if "group" in cohort else []  # or a note would tell that groups are pooled
    sides = contrast.column == SIDE
    wanted = ("symptomatic", "contralateral") if sides else roles
    regions, _ = design.select(cohort, metrics, free, wanted, None)
    for metric in metrics:
        for region in regions:
            head = {"contrast": contrast.text, "segment": region.segment, "muscle": region.muscle}
            head |= {"metric": metric}
            if sides:
                yield from _pairs(head, contrast, region.by_role, metric, target)
                continue
            for role, rows in region.by_role.items():
                a, b = (rows.loc[members(rows, c), metric].dropna().to_numpy() for c in _conditions(contrast))
                if min(a.size, b.size) >= 2 and a.var() + b.var() > 0:
                    labels = dict(zip(("label_a", "label_b"), contrast.labels, strict=True))
                    spread = {"n_a": a.size, "n_b": b.size, "sd_a": a.std(ddof=1), "sd_b": b.std(ddof=1)}
                    yield _Place({**head, "role": role, **labels, **spread}, tuple(_arms(a, b, target)))
        if not sides and not design.is_table_mode(cohort):
            yield from _models(contrast, regions, metric, target)


def _conditions(contrast: Contrast) -> tuple[Any, Any]:
    return contrast.conditions_a, contrast.conditions_b


def _assumptions(
    difference: float, error: float, df: float, unit: float, target: Target
) -> list[tuple[str, float]]:
    """(what is assumed, the difference); ``unit``: the SD that an effect size is a multiple of."""
    if target.difference is not None:
        return [(GIVEN, target.difference)]
    if target.effect_size is not None:
        return [(GIVEN, target.effect_size * unit)]
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, df)) * error
    nearer = abs(difference) - reach
    return [
        (OBSERVED, difference),
        (LOWER_END, math.copysign(nearer, difference) if nearer > 0 else math.nan),
    ]


def _arms(a: Floats, b: Floats, target: Target) -> Iterator[_Question]:
    sd_a, sd_b = float(a.std(ddof=1)), float(b.std(ddof=1))
    unit = math.sqrt((sd_a**2 + sd_b**2) / 2)
    errors = sd_a**2 / a.size, sd_b**2 / b.size
    df = sum(errors) ** 2 / (errors[0] ** 2 / (a.size - 1) + errors[1] ** 2 / (b.size - 1))
    superiority = float(stats.mannwhitneyu(a, b).statistic) / (a.size * b.size)
    ends = [(r + 1) / 2 for r in rank_biserial_interval(2 * superiority - 1, a.size, b.size)]
    nearer = math.nan if ends[0] <= 0.5 <= ends[1] else min(ends, key=lambda end: abs(end - 0.5))
    for assumed, difference in _assumptions(
        float(a.mean() - b.mean()), math.sqrt(sum(errors)), df, unit, target
    ):
        share = {OBSERVED: superiority, LOWER_END: nearer}.get(assumed)
        if share is None:
            share = float(stats.norm.cdf(difference / math.sqrt(sd_a**2 + sd_b**2)))
        area = max(share, 1 - share)
        level = target.level
        yield _Question(
            "welch_t", assumed, difference, "d", difference / unit,
            partial(power.welch_power, difference, sd_a, sd_b, level=level),
        )  # fmt: skip
        yield _Question(
            "mann_whitney_u", assumed, math.nan, "superiority", share,
            partial(power.mann_whitney_power, share, level=level),
        )  # fmt: skip
        yield _Question(
            "auc", assumed, math.nan, "auc", area,
            partial(power.auc_power, area, target.auc_null, level=level),
        )  # fmt: skip


def _pairs(
    head: dict[str, Any],
    contrast: Contrast,
    by_role: dict[str, pd.DataFrame],
    metric: str,
    target: Target,
) -> Iterator[_Place]:
    if set(by_role) != {"symptomatic", "contralateral"}:
        return
    a, b = (
        rows[members(rows, contrast.conditions_a)].set_index("participant_id")[metric].dropna()
        for rows in (by_role["symptomatic"], by_role["contralateral"])
    )
    both = sorted(set(a.index) & set(b.index))
    x, y = a.loc[both].to_numpy(), b.loc[both].to_numpy()
    n = len(both)
    if n < 2 or design.is_constant(x - y):
        return
    sd = float((x - y).std(ddof=1))
    varied = not (design.is_constant(x) or design.is_constant(y))
    cells = {
        **head, "role": "", "label_a": "symptomatic", "label_b": "contralateral", "n_a": n, "n_b": n,
        "sd_a": x.std(ddof=1), "sd_b": y.std(ddof=1), "sd_difference": sd,
        "correlation": float(np.corrcoef(x, y)[0, 1]) if varied else math.nan,
    }  # fmt: skip
    questions: list[_Question] = []
    for assumed, difference in _assumptions(float((x - y).mean()), sd / math.sqrt(n), n - 1, sd, target):
        for test, function in (("paired_t", power.paired_power), ("wilcoxon", power.wilcoxon_power)):
            power_at = partial(_paired, function, difference / sd, target.level)
            questions.append(_Question(test, assumed, difference, "dz", difference / sd, power_at))
    yield _Place(cells, tuple(questions), paired=True)


def _paired(
    function: Callable[[float, float, float], float], dz: float, level: float, pairs: int, _: int
) -> float:
    return function(dz, pairs, level)


def _models(
    contrast: Contrast, regions: Sequence[design.RegionRows], metric: str, target: Target
) -> Iterator[_Place]:
    """The group effect of a random-intercept model over the segments of each muscle."""
    for muscle in dict.fromkeys(region.muscle for region in regions):
        own = [region for region in regions if region.muscle == muscle]
        for role in dict.fromkeys(role for region in own for role in region.by_role):
            parts = [region.by_role[role] for region in own if role in region.by_role]
            arms, lacking = [], 0
            for conditions in _conditions(contrast):
                columns = [
                    rows[members(rows, conditions)].set_index("participant_id")[metric] for rows in parts
                ]
                wide = pd.concat(columns, axis=1)
                arms.append(wide.dropna().to_numpy())
                lacking += len(wide) - len(arms[-1])
            if len(parts) < 2 or min(map(len, arms)) < 2:
                continue
            place = _model({"muscle": muscle, "role": role, "metric": metric}, contrast, arms, target)
            if place is not None:
                yield dataclasses.replace(place, lacking=lacking)


def _model(head: dict[str, Any], contrast: Contrast, arms: Sequence[Floats], target: Target) -> _Place | None:
    """Variance components by analysis of variance, of those who have all segments."""
    levels = arms[0].shape[1]
    means = [arm.mean(axis=1) for arm in arms]
    sizes = [len(arm) for arm in arms]
    df = sum(sizes) - 2
    between = levels * sum(float(((m - m.mean()) ** 2).sum()) for m in means) / df
    left = [arm - arm.mean(axis=1, keepdims=True) - arm.mean(axis=0) + arm.mean() for arm in arms]
    residual = sum(float((part**2).sum()) for part in left) / (df * (levels - 1))
    sds = math.sqrt(max(between - residual, 0.0) / levels), math.sqrt(residual)
    sd = math.sqrt(sds[0] ** 2 + sds[1] ** 2 / levels)
    if sd == 0:
        return None
    difference = float(means[0].mean() - means[1].mean())
    error = math.sqrt(between / levels * (1 / sizes[0] + 1 / sizes[1]))
    labels = dict(zip(("label_a", "label_b"), contrast.labels, strict=True))
    cells = {
        **head, "contrast": contrast.text, "segment": "", **labels, "n_a": sizes[0], "n_b": sizes[1],
        "sd_a": means[0].std(ddof=1), "sd_b": means[1].std(ddof=1),
        "sd_participant": sds[0], "sd_residual": sds[1], "levels": levels,
    }  # fmt: skip
    questions = [
        _Question(
            "mixed_model", assumed, shift, "d", shift / sd,
            partial(power.pooled_power, shift, sd, level=target.level),
            partial(power.simulated_power, shift, sds, regions=levels, level=target.level, seed=target.seed),
        )
        for assumed, shift in _assumptions(difference, error, df, sd, target)
    ]  # fmt: skip
    return _Place(cells, tuple(questions))


# --- answers ------------------------------------------------------------------------------------------------

#: Beyond that many participants nothing is simulated: it would take long, and say what the formula says.
_MOST_SIMULATED = 500


def _answer(question: _Question, place: _Place, target: Target) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "test": question.test, "assumed": question.assumed, "difference": question.difference,
        "effect": question.effect, "effect_size": question.effect_size,
        "alpha": target.level, "power": target.power,
    }  # fmt: skip
    if math.isnan(question.effect_size):
        return cells
    size = power.smallest(lambda n: question.power_at(n, _other(n, target)), target.power)
    if size is None:
        return cells
    other = _other(size, target)
    cells |= {"needed_a": size, "needed_b": None if place.paired else other}
    cells["power_reached"] = question.power_at(size, other)
    if question.simulate is not None and size + other <= _MOST_SIMULATED:
        cells["power_simulated"] = question.simulate((size, other))
    return cells


def _curve(question: _Question, place: _Place, target: Target) -> Iterator[dict[str, Any]]:
    if math.isnan(question.effect_size):
        return
    keys = {name: place.cells.get(name, "") for name in _KEYS}
    for size in CURVE_SIZES:
        other = _other(size, target)
        told = {"n_a": size, "n_b": size if place.paired else other, "power": question.power_at(size, other)}
        yield {**keys, "test": question.test, "assumed": question.assumed, **told}


def _of_lacking(place: _Place) -> str:
    """A note on participants whom the mixed model leaves out."""
    where = " ".join(str(place.cells[name]) for name in ("contrast", "muscle", "metric", "role"))
    who = count_of(place.lacking, "participant")
    return (
        f"{where}: mixed_model: {who} without a value at each segment left out; it plans for a study "
        "in which nobody lacks one"
    )


def _remarks(table: pd.DataFrame) -> list[str]:
    notes = [WINNERS_CURSE] if (table["assumed"] == OBSERVED).any() else []
    empty = table[table["needed_a"].isna()]
    open_end = empty[empty["effect_size"].isna()]
    if len(open_end):
        notes.append(
            f"no size in {len(open_end)} of {len(table)} rows: the interval of the difference holds zero, so "
            "its nearer end gives none"
        )
    if rest := len(empty) - len(open_end):
        notes.append(f"no size in {rest} of {len(table)} rows: more than {power.MOST:,} would be needed")
    return notes
