"""Two arms against each other: side against side, group against group, with and without PSA.

The rule of the paper's tables: an arm is normal if Lilliefors' test does not reject it at 0.05. Two normal
arms are compared by Student's t-test, or Welch's where Levene's test finds unequal variances; all others
by the Mann–Whitney U test. An arm whose normality cannot be judged (fewer than four values, or all equal)
counts as not normal.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import MUSCLES, SEGMENTS
from mriparaspinal.core.text import natural_key, read_cell
from mriparaspinal.stats.cells import as_text, check_unique, counted, id_list, texts
from mriparaspinal.stats.contrasts import SIDE, Contrast, members
from mriparaspinal.stats.effect_sizes import hedges_g_unpooled, rank_biserial_interval
from mriparaspinal.stats.exact_ranks import mann_whitney_exact, wilcoxon_exact
from mriparaspinal.stats.limits import TOO_LARGE, TOO_SMALL, of_usual_size

Normality = Literal["lilliefors", "shapiro"]

Floats = NDArray[np.float64]

#: The columns of ``comparisons.csv``.
COMPARISON_COLUMNS = (
    "contrast", "segment", "muscle", "metric", "role", "label_a", "label_b", "n_a", "n_b",
    "mean_a", "sd_a", "median_a", "q1_a", "q3_a", "mean_b", "sd_b", "median_b", "q1_b", "q3_b",
    "normality_p_a", "normality_p_b", "summary_a", "summary_b", "test", "statistic", "df", "p", "p_adjusted",
    "effect", "effect_size", "effect_ci_low", "effect_ci_high", "paired_test", "paired_statistic", "paired_p",
    "p_exact", "paired_p_exact", "paired_p_adjusted",
)  # fmt: skip

ALPHA = 0.05

CONFIDENCE = 0.95

#: A spread below this share of the largest value is rounding, not data.
_ROUNDING = 1e-12

_NAN = math.nan

NOT_JUDGED = "normality could not be judged (too few values, or all equal), taken as not normal"

NO_TEST = "no test (fewer than two values in an arm, or all values of both arms equal)"

NO_INTERVAL = "no interval for an effect size this large (t beyond 300)"

NO_PAIRED_TEST = "no paired test (fewer than two pairs, or no pair differs)"

PAIRS_NOT_JUDGED = "normality of the differences could not be judged, taken as not normal"


@dataclass(frozen=True, slots=True)
class Arm:
    """What describes one arm; what cannot be computed is NaN."""

    n: int
    mean: float
    sd: float
    """With n − 1."""
    median: float
    q1: float
    q3: float
    """Quartiles at (n + 1)·p, as SPSS's HAVERAGE; none for a single value."""
    normality_p: float

    @property
    def normal(self) -> bool:
        """True where normality could be judged and was not rejected."""
        return self.normality_p >= ALPHA

    def summary(self, digits: int) -> str:
        """``mean ± SD`` where the arm is normal, else ``median (IQR)``; empty for an empty arm."""
        if self.n == 0:
            return ""
        if self.normal:
            return f"{self.mean:z.{digits}f} ± {self.sd:z.{digits}f}"
        centre = f"{self.median:z.{digits}f}"
        return centre if self.n == 1 else f"{centre} ({self.q3 - self.q1:z.{digits}f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two independent arms; without a test, ``test`` and ``effect`` are empty and the numbers NaN."""

    a: Arm
    b: Arm
    test: str = ""
    """``student_t``, ``welch_t`` or ``mann_whitney_u``."""
    statistic: float = _NAN
    """t, positive where arm a is larger; or U of arm a."""
    df: float = _NAN
    p: float = _NAN
    effect: str = ""
    """``hedges_g`` or ``rank_biserial``, positive where arm a is larger."""
    effect_size: float = _NAN
    effect_ci_low: float = _NAN
    effect_ci_high: float = _NAN
    p_exact: float = _NAN
    """Of a Mann–Whitney test with n_a·n_b < 400."""
    remarks: tuple[str, ...] = ()
    """What could not be done, and why."""

    @property
    def summaries(self) -> tuple[str, str]:
        """Each arm as ``mean ± SD`` or ``median (IQR)``, by its own normality.

        >>> compare_arms([1, 2, 3, 4, 5], [2, 2, 2, 9]).summaries
        ('3.00 ± 1.58', '2.00 (5.25)')
        """
        digits = _decimals([abs(x) for arm in (self.a, self.b) for x in (arm.mean, arm.median, arm.sd)])
        return self.a.summary(digits), self.b.summary(digits)


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """One arm against the other over pairs; without a test, ``test`` is empty and the numbers NaN."""

    test: str = ""
    """``paired_t`` or ``wilcoxon``."""
    statistic: float = _NAN
    """t of a − b, or the smaller rank sum."""
    p: float = _NAN
    p_exact: float = _NAN
    """Of a Wilcoxon test with 20 differences at most, zeros not counted."""
    remarks: tuple[str, ...] = ()


def compare(
    cohort: pd.DataFrame,
    contrasts: Sequence[Contrast],
    metrics: Sequence[str] = ("fi", "rcsa"),
    normality: Normality = "lilliefors",
    divide_by: str | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Compare the arms of each contrast at every segment, muscle, metric and role.

    ``cohort`` is the long table of :func:`mriparaspinal.cohort.assemble`; where ``segment`` is empty
    throughout (one row per participant), each contrast is made once per metric. ``contrasts`` come from
    :func:`mriparaspinal.contrasts.resolve` or ``default_contrasts``. ``divide_by`` is a column of the
    participants by which each metric is divided first.

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
        check_unique(cohort[cohort["participant_id"].map(as_text) != ""])
    measures, notes = _measures(cohort, metrics, divide_by)
    rows: list[dict[str, object]] = []
    for contrast in dict.fromkeys(contrasts):
        block, remarks = _compare_contrast(cohort, contrast, measures, normality)
        _adjust(block, "p")
        _adjust(block, "paired_p")
        rows += block
        notes += [*remarks, *_exact_notes(contrast.text, block)]
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS)), notes


def compare_arms(a: ArrayLike, b: ArrayLike, normality: Normality = "lilliefors") -> Comparison:
    """Compare two independent samples; ``a`` and ``b`` are 1-D, values that are not finite are left out.

    Both arms normal: Student's t-test, Welch's where Levene's test (centred on the mean) gives p < 0.05.
    Beside Student's test Hedges' g = d·(1 − 3/(4N − 9)), d with the pooled SD; its 95 % interval has the
    large-sample standard error of Hedges & Olkin 1985 (p. 86) and the t quantile with N − 2 degrees of
    freedom. Beside Welch's that of :func:`~mriparaspinal.effect_sizes.hedges_g_unpooled`.
    Otherwise the Mann–Whitney U test (asymptotic, corrected for ties, no continuity correction; an exact p
    beside it where n_a·n_b < 400) and the rank-biserial correlation 2·U_a/(n_a·n_b) − 1 with the interval of
    :func:`~mriparaspinal.effect_sizes.rank_biserial_interval`. Each arm needs two values, and not all values
    may be equal.

    >>> result = compare_arms([1, 2, 3, 4, 5], [2, 3, 4, 5, 9])
    >>> result.test, result.df, round(result.statistic, 3)
    ('student_t', 8.0, -1.143)
    """
    x, y = _sample(a), _sample(b)
    arm_a, arm_b = _describe(x, normality), _describe(y, normality)
    if min(x.size, y.size) < 2 or _is_constant(np.concatenate([x, y])):
        return Comparison(arm_a, arm_b, remarks=(NO_TEST,))
    judged = not (math.isnan(arm_a.normality_p) or math.isnan(arm_b.normality_p))
    remarks = () if judged else (NOT_JUDGED,)
    if arm_a.normal and arm_b.normal:
        equal = _equal_variances(x, y)
        result = stats.ttest_ind(x, y, equal_var=equal)
        if equal:
            g = _hedges_g(x, y)
            low, high = _hedges_interval(g, x.size, y.size)
        else:
            g, low, high = hedges_g_unpooled(x, y)
            remarks = (NO_INTERVAL,) if math.isnan(low) else ()
        return Comparison(
            arm_a, arm_b, "student_t" if equal else "welch_t",
            float(result.statistic), float(result.df), float(result.pvalue),
            "hedges_g", g, low, high, remarks=remarks,
        )  # fmt: skip
    result = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
    u = float(result.statistic)
    r = 2 * u / (x.size * y.size) - 1
    low, high = rank_biserial_interval(r, x.size, y.size)
    return Comparison(
        arm_a, arm_b, "mann_whitney_u", u, _NAN, float(result.pvalue),
        "rank_biserial", r, low, high, mann_whitney_exact(x, y), remarks,
    )  # fmt: skip


def compare_pairs(a: ArrayLike, b: ArrayLike, normality: Normality = "lilliefors") -> PairedComparison:
    """Compare two samples of the same participants, a − b; pairs without two finite values are left out.

    ``paired_t`` if the differences are normal, else Wilcoxon's signed-rank test (asymptotic, corrected for
    ties, no continuity correction, zero differences dropped; an exact p beside it for 20 differences at
    most). ``a`` and ``b`` are 1-D, of one length.

    >>> compare_pairs([3, 5, 6, 9], [1, 1, 1, 1]).test
    'paired_t'
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    complete = np.isfinite(x) & np.isfinite(y)
    x, y = x[complete], y[complete]
    differences = np.sort(x - y)
    size = float(max(np.abs(x).max(), np.abs(y).max())) if x.size else 0.0
    rounded = _without_rounding_errors(differences, size)
    if x.size < 2 or not rounded.any():
        return PairedComparison(remarks=(NO_PAIRED_TEST,))
    normal_p = _NAN if _is_constant(differences, size) else _normality_p(differences, normality)
    if normal_p >= ALPHA:
        result = stats.ttest_1samp(differences, 0.0)
        return PairedComparison("paired_t", float(result.statistic), float(result.pvalue))
    result = stats.wilcoxon(rounded, correction=False, method="asymptotic")
    remarks = (PAIRS_NOT_JUDGED,) if math.isnan(normal_p) else ()
    exact = wilcoxon_exact(rounded)
    return PairedComparison("wilcoxon", float(result.statistic), float(result.pvalue), exact, remarks)


def _without_rounding_errors(differences: Floats, size: float) -> Floats:
    """To 13 digits of ``size``, the largest value: 0.3 − 0.2 and 0.2 − 0.1 are ties and share a rank."""
    if size == 0:
        return differences
    return np.round(differences, 13 - math.ceil(math.log10(size)))


def _sample(values: ArrayLike) -> Floats:
    """Finite values in ascending order, so that sums do not depend on the order of the rows."""
    x = np.asarray(values, dtype=np.float64)
    return np.sort(x[np.isfinite(x)])


def _describe(x: Floats, normality: Normality) -> Arm:
    if x.size == 0:
        return Arm(0, _NAN, _NAN, _NAN, _NAN, _NAN, _NAN)
    if x.size == 1:
        return Arm(1, float(x[0]), _NAN, float(x[0]), _NAN, _NAN, _NAN)
    q1, median, q3 = (float(q) for q in np.quantile(x, [0.25, 0.5, 0.75], method="weibull"))
    normal_p = _NAN if _is_constant(x) else _normality_p(x, normality)
    return Arm(x.size, float(x.mean()), float(x.std(ddof=1)), median, q1, q3, normal_p)


def _is_constant(x: Floats, size: float | None = None) -> bool:
    """All equal up to rounding, measured against ``size`` (the largest value of the data)."""
    return bool(np.ptp(x) <= _ROUNDING * (np.abs(x).max() if size is None else size))


def _normality_p(x: Floats, normality: Normality) -> float:
    """The p of a sample that is not constant; NaN where it is too small, or too large for Shapiro–Wilk."""
    if x.size < 3 or x.std(ddof=1) == 0:  # tiny numbers, whose squares are 0
        return _NAN
    if normality == "shapiro":
        return float(stats.shapiro(x).pvalue) if 3 <= x.size <= 5000 else _NAN
    return float(lilliefors(x, dist="norm", pvalmethod="approx")[1]) if x.size >= 4 else _NAN


def _equal_variances(x: Floats, y: Floats) -> bool:
    """Levene's test, centred on the mean, does not reject equal variances."""
    deviations = [np.abs(sample - sample.mean()) for sample in (x, y)]
    size = float(max(np.abs(x).max(), np.abs(y).max()))
    if all(_is_constant(d, size) for d in deviations):
        # Levene's F is then 0/0 or infinite, whatever the rounding makes of it.
        return bool(abs(deviations[0][0] - deviations[1][0]) <= _ROUNDING * size)
    return float(stats.levene(x, y, center="mean").pvalue) >= ALPHA


def _hedges_g(x: Floats, y: Floats) -> float:
    n = x.size + y.size
    pooled = ((x.size - 1) * x.var(ddof=1) + (y.size - 1) * y.var(ddof=1)) / (n - 2)
    return float((x.mean() - y.mean()) / math.sqrt(pooled) * (1 - 3 / (4 * n - 9)))


def _hedges_interval(g: float, n_a: int, n_b: int) -> tuple[float, float]:
    n = n_a + n_b
    error = math.sqrt(n / (n_a * n_b) + g**2 / (2 * n))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 2)) * error
    return g - half, g + half


def _decimals(sizes: Sequence[float]) -> int:
    """Two, as in the paper; where two would show nothing of all these sizes, three significant digits."""
    largest = max((size for size in sizes if size == size), default=0.0)
    return 2 if largest >= 0.02 or largest == 0 else 2 - math.floor(math.log10(largest))


def _measures(
    cohort: pd.DataFrame, metrics: Sequence[str], divide_by: str | None
) -> tuple[dict[str, Floats], list[str]]:
    """The values of each metric by its name in the table; what is missing or not finite is NaN."""
    notes: list[str] = []
    divisor = None
    if divide_by is not None:
        divisor = _numbers(cohort, divide_by, "the divisor")
        absent = np.isnan(divisor)
        if absent.all():
            raise UsageError(
                f"{divide_by}: no number was found; expected one per participant; fill in the column"
            )
        wrong = ~absent & ~((divisor > 0) & np.isfinite(divisor))
        for chosen, what in ((absent, "missing"), (wrong, "zero, negative or infinite")):
            if chosen.any():
                notes.append(f"{divide_by}: {what}, so nothing is divided by it:{_who(cohort, chosen)}")
        divisor = np.where(wrong, np.nan, divisor)
    measures = {}
    for metric in dict.fromkeys(metrics):
        values = _numbers(cohort, metric, "the metric")
        missing, infinite = np.isnan(values), np.isinf(values)
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
        raise UsageError(
            f"{column}: no such column was found for {what}; expected one of: {', '.join(there) or 'none'}; "
            "name a column of numbers"
        )
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


def _compare_contrast(
    cohort: pd.DataFrame, contrast: Contrast, measures: dict[str, Floats], normality: Normality
) -> tuple[list[dict[str, object]], list[str]]:
    if contrast.column == SIDE:
        arms, notes = _side_arms(cohort, contrast)
    else:
        arms, notes = _group_arms(cohort, contrast)
    notes += _unassigned(cohort, contrast)
    rows = []
    remarks: dict[str, list[str]] = defaultdict(list)
    for segment, muscle in sorted(
        set(zip(cohort["segment"], cohort["muscle"], strict=True)), key=_table_order
    ):
        here = ((cohort["segment"] == segment) & (cohort["muscle"] == muscle)).to_numpy()
        for metric, values in measures.items():
            for role, (a, b) in arms.items():
                rows_a, rows_b = a.rows & here, b.rows & here
                if not (rows_a.any() or rows_b.any()):
                    continue
                result = compare_arms(values[rows_a], values[rows_b], normality)
                paired = PairedComparison()
                if contrast.column == SIDE:
                    paired = compare_pairs(*_pairs(cohort, values, rows_a, rows_b), normality)
                head = {
                    "contrast": contrast.text, "segment": segment, "muscle": muscle, "metric": metric,
                    "role": role, "label_a": a.label, "label_b": b.label,
                }  # fmt: skip
                rows.append(head | _cells(result, paired))
                for remark in (*result.remarks, *paired.remarks):
                    remarks[remark].append(_place(rows[-1]))
    notes += [f"{contrast.text}: {remark}: {', '.join(where)}" for remark, where in remarks.items()]
    return rows, notes


def _pairs(
    cohort: pd.DataFrame, values: Floats, rows_a: NDArray[np.bool_], rows_b: NDArray[np.bool_]
) -> tuple[list[float], list[float]]:
    """The values of arm a and arm b of the participants who have both, in the order of their ids."""
    ids = cohort["participant_id"].to_numpy()
    of_a = dict(zip(ids[rows_a], values[rows_a], strict=True))
    of_b = dict(zip(ids[rows_b], values[rows_b], strict=True))
    shared = sorted(of_a.keys() & of_b.keys())
    return [of_a[who] for who in shared], [of_b[who] for who in shared]


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


def _cells(result: Comparison, paired: PairedComparison) -> dict[str, object]:
    cells: dict[str, object] = {}
    for letter, arm, summary in zip("ab", (result.a, result.b), result.summaries, strict=True):
        for name in ("n", "mean", "sd", "median", "q1", "q3", "normality_p"):
            cells[f"{name}_{letter}"] = getattr(arm, name)
        cells[f"summary_{letter}"] = summary
    for name in ("test", "statistic", "df", "p", "effect", "effect_size", "effect_ci_low", "effect_ci_high"):
        cells[name] = getattr(result, name)
    return cells | {
        "p_adjusted": _NAN,
        "paired_test": paired.test,
        "paired_statistic": paired.statistic,
        "paired_p": paired.p,
        "p_exact": result.p_exact,
        "paired_p_exact": paired.p_exact,
        "paired_p_adjusted": _NAN,
    }


def _adjust(rows: list[dict[str, object]], column: str) -> None:
    """Benjamini–Hochberg over the rows of one contrast that have a p-value in this column."""
    with_p = [row for row in rows if not _is_empty(row[column])]
    if with_p:
        adjusted = stats.false_discovery_control([row[column] for row in with_p], method="bh")
        for row, value in zip(with_p, adjusted, strict=True):
            row[f"{column}_adjusted"] = float(value)


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


def _table_order(cell: tuple[str, str]) -> tuple[object, ...]:
    """Segments from L1 down, muscles as in the paper; unknown ones behind, in natural order."""
    segment, muscle = cell
    known = (("", *SEGMENTS), ("", *MUSCLES))
    return tuple(
        (names.index(name) if name in names else len(names), natural_key(name))
        for names, name in zip(known, (segment, muscle), strict=True)
    )


def _place(row: dict[str, object]) -> str:
    """Which row this is, within its contrast."""
    parts = (str(row[name]) for name in ("segment", "muscle", "metric", "role"))
    return " ".join(part for part in parts if part)
