"""Write docs/simulation.md and its tables: error rates and power of the protocol of ``compare``.

Run: ``python docs/scripts/simulation.py`` (about five minutes on one core; the same page each time).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from markdown_page import joined, table
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from mriparaspinal.stats.arms import compare_arms, compare_pairs
from mriparaspinal.stats.effect_sizes import rank_biserial_interval
from mriparaspinal.stats.exact_ranks import mann_whitney_exact, wilcoxon_exact

DOCS = Path(__file__).resolve().parents[1]
PAGE = "simulation.md"
SEED = 20260317
#: Patients with ALS and with LR in Ren et al. 2026.
N_ALS, N_LR = 38, 32
ALPHA = 0.05
POWER = 0.8
CORRELATIONS = (0.0, 0.5, 0.7, 0.9)
#: Values per group, and pairs, of small studies.
SMALL = (3, 4, 5, 6, 8, 10, 12, 15)
#: Rank-biserial correlations whose interval is tried.
EFFECTS = (0.0, 0.3, 0.6, 0.9)
#: Five segments, three muscles, two metrics.
ROWS = 30
#: As many as the paper finds different: rCSA of three muscles at L3–L5.
DIFFERENT = 9

Floats = NDArray[np.float64]


class Share(NamedTuple):
    """A simulated share, 0–1, and of how many independent replications it is the mean."""

    value: float
    n: int

    def __str__(self) -> str:
        return _percent(self.value)


class Case(NamedTuple):
    """One row of a table: what was simulated, and what came out by the column's heading."""

    labels: tuple[str, ...]
    shares: dict[str, Share]


class Setting(NamedTuple):
    """Two arms, as a paper's table prints them: mean ± SD."""

    name: str
    n_a: int
    n_b: int
    a: tuple[float, float]
    b: tuple[float, float]

    @property
    def difference(self) -> float:
        """Difference of the means in SDs (the root mean square of the two)."""
        return abs(self.a[0] - self.b[0]) / math.sqrt((self.a[1] ** 2 + self.b[1] ** 2) / 2)


#: Ren et al. 2026, Table 2: symptomatic against contralateral side.
SIDES = (
    Setting("L4 MF rCSA in ALS", N_ALS, N_ALS, (0.28, 0.16), (0.58, 0.16)),
    Setting("L5 ES rCSA in ALS", N_ALS, N_ALS, (0.48, 0.19), (0.69, 0.28)),
    Setting("L2 PM rCSA in ALS", N_ALS, N_ALS, (0.37, 0.14), (0.40, 0.15)),
    Setting("L4 PM rCSA in LR", N_LR, N_LR, (0.80, 0.19), (0.83, 0.19)),
)
#: Ren et al. 2026: ALS against LR, from Table 2 (symptomatic side) and Table 3 (both sides).
GROUPS = (
    Setting("L5 ES rCSA, symptomatic side", N_ALS, N_LR, (0.48, 0.19), (0.64, 0.32)),
    Setting("L5 ES FI, symptomatic side", N_ALS, N_LR, (0.51, 0.20), (0.55, 0.20)),
    Setting("L3 MF rCSA, both sides", N_ALS, N_LR, (0.81, 0.19), (0.93, 0.19)),
)


def main() -> None:
    """Write the page."""
    for name, content in made(*(simulate() for simulate in SIMULATIONS)).items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(content, encoding="utf-8")
        print(f"wrote {DOCS / name}")


# --- what is simulated --------------------------------------------------------------------------------------


def same_groups(replications: int = 4000, seed: int = SEED) -> list[Case]:
    """Two groups without a difference: how often p is below 0.05, and which test was chosen."""
    shapes: list[tuple[str, Callable[[Floats], Floats], Callable[[Floats], Floats]]] = [
        ("normal, equal SD", lambda z: z, lambda z: z),
        ("normal, SD of ALS twice that of LR", lambda z: 2 * z, lambda z: z),
        ("normal, SD of LR twice that of ALS", lambda z: z, lambda z: 2 * z),
        ("skewed (log-normal, σ = 0.5)", lambda z: np.exp(0.5 * z), lambda z: np.exp(0.5 * z)),
        ("very skewed (log-normal, σ = 1)", np.exp, np.exp),
    ]
    cases = []
    for number, (name, shape_a, shape_b) in enumerate(shapes):
        rng = np.random.default_rng([seed, 1, number])
        a = shape_a(rng.standard_normal((replications, N_ALS)))
        b = shape_b(rng.standard_normal((replications, N_LR)))
        found = [compare_arms(x, y) for x, y in zip(a, b, strict=True)]
        chosen = [result.test for result in found]
        shares = {
            "protocol": _below([result.p for result in found]),
            "Student alone": _below(stats.ttest_ind(a, b, axis=1).pvalue),
            "Mann–Whitney alone": _below(
                stats.mannwhitneyu(a, b, axis=1, use_continuity=False, method="asymptotic").pvalue
            ),
        }
        for test, heading in (("student_t", "Student"), ("welch_t", "Welch"), ("mann_whitney_u", "U")):
            shares[f"chose {heading}"] = _mean([test == one for one in chosen])
        cases.append(Case((name,), shares))
    return cases


def same_sides(replications: int = 2000, seed: int = SEED) -> list[Case]:
    """Two sides of one patient without a difference: the independent test and the paired one."""
    cases = []
    for shape in (NORMAL, SKEWED):
        for number, correlation in enumerate(CORRELATIONS):
            rng = np.random.default_rng([seed, 2, number, shape == SKEWED])
            a, b = _correlated(rng, replications, N_ALS, correlation)
            if shape == SKEWED:
                a, b = np.exp(0.5 * a), np.exp(0.5 * b)
            cases.append(Case((shape, f"{correlation:.1f}"), _both_tests(a, b)))
    return cases


def power_of_sides(replications: int = 1000, seed: int = SEED) -> list[Case]:
    """The paper's differences between two sides, at its n: how often each test finds them."""
    cases = []
    for number, setting in enumerate(SIDES):
        for correlation in (0.5, 0.9):
            for shape in (NORMAL, SKEWED):
                rng = np.random.default_rng([seed, 3, number, round(10 * correlation), shape == SKEWED])
                z_a, z_b = _correlated(rng, replications, setting.n_a, correlation)
                a, b = _shaped(z_a, *setting.a, shape), _shaped(z_b, *setting.b, shape)
                labels = (setting.name, f"{setting.difference:.2f}", f"{correlation:.1f}", shape)
                cases.append(Case(labels, _both_tests(a, b)))
    return cases


def power_of_groups(replications: int = 1000, seed: int = SEED) -> list[Case]:
    """The paper's differences between ALS and LR, at its n: how often the protocol finds them."""
    cases = []
    for number, setting in enumerate(GROUPS):
        shares = {}
        for shape in (NORMAL, SKEWED):
            rng = np.random.default_rng([seed, 4, number, shape == SKEWED])
            a = _shaped(rng.standard_normal((replications, setting.n_a)), *setting.a, shape)
            b = _shaped(rng.standard_normal((replications, setting.n_b)), *setting.b, shape)
            shares[shape] = _below([compare_arms(x, y).p for x, y in zip(a, b, strict=True)])
        cases.append(Case((setting.name, f"{setting.difference:.2f}"), shares))
    return cases


def many_rows(studies: int = 300, seed: int = SEED) -> list[Case]:
    """Whole studies of 30 rows, ALS against LR: what Benjamini and Hochberg's adjustment does."""
    designs = [
        ("nothing differs, rows independent", 0, 0.0),
        ("nothing differs, rows of a patient correlated 0.5", 0, 0.5),
        (f"{DIFFERENT} rows differ by 0.8 SD, correlated 0.5", DIFFERENT, 0.5),
    ]
    cases = []
    for number, (name, different, correlation) in enumerate(designs):
        rng = np.random.default_rng([seed, 5, number])
        is_real = np.arange(ROWS) < different
        counted = []
        for _ in range(studies):
            als, lr = (_rows_of_patients(rng, n, correlation) for n in (N_ALS, N_LR))
            als[:, is_real] -= 0.8
            p = np.array([compare_arms(als[:, row], lr[:, row]).p for row in range(ROWS)])
            counted.append(
                [_outcomes(values, is_real) for values in (p, stats.false_discovery_control(p, method="bh"))]
            )
        shares = {}
        # (studies, p or adjusted p, kind of outcome)
        for column, kind in enumerate(("a false hit", "false among hits", "found")):
            for place, heading in enumerate(("p", "adjusted p")):
                shares[f"{kind}, {heading}"] = _mean([study[place][column] for study in counted])
        if not different:  # then every hit is false, and nothing real can be found
            shares = {heading: share for heading, share in shares.items() if "a false hit" in heading}
        cases.append(Case((name,), shares))
    return cases


def small_samples(replications: int = 500, seed: int = SEED) -> list[Case]:
    """Two small groups, and few pairs, without a difference: the tests, and the exact p beside them."""
    cases = []
    for shape in (NORMAL, SKEWED):
        for n in SMALL:
            rng = np.random.default_rng([seed, 6, n, shape == SKEWED])
            a, b = rng.standard_normal((2, replications, n))
            if shape == SKEWED:
                a, b = np.exp(a), np.exp(b)
            pairs = list(zip(a, b, strict=True))
            shares = {
                "protocol (p)": _below([compare_arms(x, y).p for x, y in pairs]),
                "U, asymptotic": _below(
                    stats.mannwhitneyu(a, b, axis=1, use_continuity=False, method="asymptotic").pvalue
                ),
                "U, exact": _below([mann_whitney_exact(x, y) for x, y in pairs]),
                "paired (paired_p)": _below([compare_pairs(x, y).p for x, y in pairs]),
                "Wilcoxon, asymptotic": _below(
                    stats.wilcoxon(a - b, axis=1, correction=False, method="asymptotic").pvalue
                ),
                "Wilcoxon, exact": _below([wilcoxon_exact(x - y) for x, y in pairs]),
            }
            cases.append(Case((shape, str(n)), shares))
    return cases


def coverage(replications: int = 2000, seed: int = SEED) -> list[Case]:
    """How often the interval of the rank-biserial correlation has the true one in it."""
    designs = [
        *((NORMAL, n_a, n_b) for n_a, n_b in ((3, 3), (5, 5), (8, 8), (8, 20), (8, 60), (20, 20), (38, 32))),
        *((NORMAL, n_a, n_b) for n_a, n_b in ((20, 60), (60, 60))),
        *((STRETCHED, n_a, n_b) for n_a, n_b in ((8, 8), (8, 60), (60, 8), (38, 32))),
        *((WIDER, n_a, n_b) for n_a, n_b in ((8, 8), (8, 60), (60, 8), (38, 32))),
    ]
    cases = []
    for number, (shape, n_a, n_b) in enumerate(designs):
        shares = {}
        for effect in EFFECTS:
            rng = np.random.default_rng([seed, 7, number, round(10 * effect)])
            a, b = _with_effect(rng, replications, n_a, n_b, effect, shape)
            wins = (a[:, :, None] > b[:, None, :]).sum(axis=(1, 2)).tolist()
            limits = {u: rank_biserial_interval(2 * u / (n_a * n_b) - 1, n_a, n_b) for u in set(wins)}
            shares[f"r = {effect:.1f}"] = _mean([limits[u][0] <= effect <= limits[u][1] for u in wins])
        cases.append(Case((shape, f"{n_a} and {n_b}"), shares))
    return cases


SIMULATIONS = (same_groups, same_sides, power_of_sides, power_of_groups, many_rows, small_samples, coverage)

NORMAL, SKEWED = "normal", "skewed"
STRETCHED = "exponential, a stretched"
WIDER = "normal, SD of a three times that of b"


def _with_effect(
    rng: np.random.Generator, replications: int, n_a: int, n_b: int, effect: float, shape: str
) -> tuple[Floats, Floats]:
    """Two arms, (replications, n), where a is the larger one in a share (effect + 1)/2 of pairs."""
    share = (effect + 1) / 2
    if shape == STRETCHED:
        return (
            rng.exponential(share / (1 - share), (replications, n_a)),
            rng.exponential(1.0, (replications, n_b)),
        )
    sd = 3.0 if shape == WIDER else 1.0
    shift = float(stats.norm.ppf(share)) * math.hypot(sd, 1)
    return (
        shift + sd * rng.standard_normal((replications, n_a)),
        rng.standard_normal((replications, n_b)),
    )


def _both_tests(a: Floats, b: Floats) -> dict[str, Share]:
    return {
        "independent (p)": _below([compare_arms(x, y).p for x, y in zip(a, b, strict=True)]),
        "paired (paired_p)": _below([compare_pairs(x, y).p for x, y in zip(a, b, strict=True)]),
    }


def _correlated(
    rng: np.random.Generator, replications: int, n: int, correlation: float
) -> tuple[Floats, Floats]:
    """Standard normal values of two sides, each (replications, n)."""
    a, own = rng.standard_normal((2, replications, n))
    return a, correlation * a + math.sqrt(1 - correlation**2) * own


def _rows_of_patients(rng: np.random.Generator, n: int, correlation: float) -> Floats:
    """Standard normal values, (n, rows); those of one patient share a part."""
    shared, own = rng.standard_normal((n, 1)), rng.standard_normal((n, ROWS))
    return math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own


def _shaped(z: Floats, mean: float, sd: float, shape: str) -> Floats:
    """Standard normal values turned into normal or log-normal ones of this mean and SD."""
    if shape == NORMAL:
        return mean + sd * z
    variance = math.log1p((sd / mean) ** 2)
    return np.exp(math.log(mean) - variance / 2 + math.sqrt(variance) * z)


def _outcomes(p: Floats, is_real: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Whether there is a false hit, the share of false ones among hits, and the share of real ones found."""
    hits = p < ALPHA
    false = int((hits & ~is_real).sum())
    found = float(hits[is_real].mean()) if is_real.any() else math.nan
    return float(false > 0), false / max(int(hits.sum()), 1), found


def _below(p: Sequence[float]) -> Share:
    return _mean([value < ALPHA for value in p])


def _mean(values: Sequence[float]) -> Share:
    return Share(float(np.mean(values)), len(values))


# --- what can be computed -----------------------------------------------------------------------------------


def smallest_difference() -> float:
    """The difference between ALS and LR, in SDs, that Student's t-test finds with 80 % power."""
    return float(TTestIndPower().solve_power(nobs1=N_ALS, ratio=N_LR / N_ALS, alpha=ALPHA, power=POWER))


def smallest_paired_difference(correlation: float) -> float:
    """The difference between two sides in ALS, in SDs of one side, that a paired t-test finds likewise."""
    in_sd_of_differences = TTestPower().solve_power(nobs=N_ALS, alpha=ALPHA, power=POWER)
    return float(in_sd_of_differences * math.sqrt(2 * (1 - correlation)))


# --- the page -----------------------------------------------------------------------------------------------


def made(
    groups: list[Case],
    sides: list[Case],
    sides_power: list[Case],
    groups_power: list[Case],
    rows: list[Case],
    few_values: list[Case],
    intervals: list[Case],
) -> dict[str, str]:
    """The page (Markdown) and its long tables (CSV) by their names in ``docs``, from SIMULATIONS' results."""
    lists: dict[str, str] = {}
    levels = [case.shares["protocol"].value for case in groups]
    moderate, alike = (next(c for c in sides if c.labels == (NORMAL, at)) for at in ("0.5", "0.9"))
    paired_levels = [case.shares["paired (paired_p)"].value for case in sides]
    small = [case for case in sides_power if case.labels[0].startswith("L2 PM")]
    at_09 = next(case for case in small if case.labels[2:] == ("0.9", NORMAL))
    real = rows[-1]
    same_sides = _listed(lists, "same-sides", ("Data", "correlation of the sides"), sides)
    power = _listed(lists, "power-sides", ("Row", "d", "correlation of the sides", "Data"), sides_power)
    parts = [
        INTRODUCTION,
        f"""\
## Two groups that do not differ

Type-I error: ALS (n = {N_ALS}) and LR (n = {N_LR}) with equal means.
""",
        _cases(("Data",), groups),
        f"""\
Choosing the test from the data does little harm: {_percent(min(levels))} to {_percent(max(levels))}.
Student's test alone is biased if SDs and group sizes differ.
""",
        f"""\
## Two sides of one patient that do not differ

{N_ALS} patients, normal and log-normal data (σ = 0.5): [all cases]({same_sides}). Paired test:
{_percent(min(paired_levels))} to {_percent(max(paired_levels))}. Independent test, far too conservative:
{moderate.shares["independent (p)"]} at a correlation of 0.5, {alike.shares["independent (p)"]} at 0.9, as
in rCSA [of the paper](the-papers-numbers.md).
""",
        f"""\
## The paper's differences between sides

Power (share of p < 0.05) if the paper's means and SDs were true: [all cases]({power}). d is the difference in
SDs.

- Either test detects the large differences (L4–L5 in ALS).
- {small[0].labels[0]} (d = {small[0].labels[1]}), correlation 0.9: the independent test detects
  {at_09.shares["independent (p)"]}, the paired one {at_09.shares["paired (paired_p)"]}.
- A paired t-test has 80 % power for {smallest_paired_difference(0.5):.2f} SD at a correlation of 0.5,
  {smallest_paired_difference(0.9):.2f} SD at 0.9.
""",
        """\
## The paper's differences between groups

""",
        _cases(("Row of the paper's tables", "d"), groups_power),
        f"""\
A t-test has 80 % power for {smallest_difference():.2f} SD: a study of this size may well miss the difference
in FI.
""",
        f"""\
## Thirty tests at once

{ROWS} rows: five segments, three muscles, FI and rCSA. A *hit* is a row with p (or adjusted p) below 0.05,
*false* if nothing differs.
""",
        table(MANY_ROWS_HEADER, [(*case.labels, *_texts(case, list(real.shares))) for case in rows]),
        *_small_samples_parts(few_values, lists),
        *_coverage_parts(intervals, lists),
    ]
    return {PAGE: joined(parts), **lists}


def _small_samples_parts(cases: list[Case], lists: dict[str, str]) -> list[str]:
    highest = {heading: max(case.shares[heading].value for case in cases) for heading in cases[0].shares}
    return [
        f"""\
## Small samples that do not differ

3 to 15 values in each group, or pairs of independent sides, normal and log-normal (σ = 1):
[all cases]({_listed(lists, "small-samples", ("Data", "n"), cases)}).

- The asymptotic p, which is shown and adjusted, errs in up to {_percent(highest["U, asymptotic"])}
  (Mann–Whitney) and {_percent(highest["Wilcoxon, asymptotic"])} (Wilcoxon); the protocol in up to
  {_percent(highest["protocol (p)"])}, the paired test {_percent(highest["paired (paired_p)"])}.
- The exact p errs in more than 5 % only by chance. With three per group it is at least 0.1, with five pairs
  0.0625.
""",
    ]


def _coverage_parts(cases: list[Case], lists: dict[str, str]) -> list[str]:
    def span(shape: str, least: int = 0) -> str:
        values = [
            share.value
            for case in cases
            if case.labels[0] == shape and min(map(int, case.labels[1].split(" and "))) >= least
            for share in case.shares.values()
        ]
        return f"{_percent(min(values))} to {_percent(max(values))}"

    return [
        f"""\
## The interval of the rank-biserial correlation

Coverage of the 95 % interval for r from 0 to 0.9, of normal groups (a shifted; or with three times the SD of
b) and exponential ones (a is b times a factor): [all
cases]({_listed(lists, "coverage", ("Data", "n of a and b"), cases)}).

- If groups differ by a shift: {span(NORMAL, 8)} from 8 values per group on, between
  {_coverage_of(cases, "3 and 3")} with three.
- **It fails if groups differ in both shape and size**: {span(STRETCHED)} if a is stretched, {span(WIDER)} if
  its SD is three times that of b: too narrow if the smaller group varies more (8 and 60), too wide if the
  larger one does.
""",
    ]


def _coverage_of(cases: list[Case], n: str) -> str:
    values = [share.value for case in cases if case.labels[1] == n for share in case.shares.values()]
    return f"{_percent(min(values))} and {_percent(max(values))}"


MANY_ROWS_HEADER = (
    "Studies", "with a false hit: p", "adjusted p", "false among the hits: p", "adjusted p",
    "real differences found: p", "adjusted p",
)  # fmt: skip

INTRODUCTION = """\
# Error rates and power

Simulations of `compare` and its [protocol](methods.md#which-test), with the patients, means and SDs of Ren et
al. 2026: how often is a difference reported where there is none (*type-I error*, which should be 5 %), and
one detected that is there (*power*)? Shares of 5 % are within one to two points, for thirty tests 2.5.

- Of the two sides of one patient read `paired_p`; of many rows the adjusted p; of few patients the exact p.
- A large p is no evidence of no difference: look at the effect size and its interval.
"""


def _cases(labels: Sequence[str], cases: Sequence[Case]) -> str:
    headings = list(cases[0].shares)
    return table((*labels, *headings), [(*case.labels, *_texts(case, headings)) for case in cases])


def _listed(lists: dict[str, str], name: str, labels: Sequence[str], cases: Sequence[Case]) -> str:
    """Add a table to the files beside the page; its address."""
    headings = list(cases[0].shares)
    text = io.StringIO()
    rows = [(*labels, *headings), *((*case.labels, *_texts(case, headings)) for case in cases)]
    csv.writer(text, lineterminator="\n").writerows(rows)
    lists[f"simulation/{name}.csv"] = text.getvalue()
    return f"simulation/{name}.csv"


def _texts(case: Case, headings: Sequence[str]) -> list[str]:
    return [str(case.shares.get(heading, "–")) for heading in headings]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    main()
