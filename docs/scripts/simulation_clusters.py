"""Write docs/simulation/clusters.csv: intervals and tests where targets or rows share a patient.

Run: ``python docs/scripts/simulation_clusters.py`` (about two minutes on one core; the same table each time).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.stats.agreement_coefficients import GWET, QUADRATIC, coefficients, cohen
from mriparaspinal.stats.bland_altman import bland_altman, repeated_limits
from mriparaspinal.stats.bootstrap import Clusters, cluster_bootstrap
from mriparaspinal.stats.clustered_correlation import clustered_correlation
from mriparaspinal.stats.icc import icc_table
from mriparaspinal.stats.icc_bootstrap import icc_and_cv

FILE = Path(__file__).resolve().parents[1] / "simulation" / "clusters.csv"
SEED = 20260317
PATIENTS = (8, 20, 40)
#: Five segments, two sides.
TARGETS = 10
#: Half of all variance, of values and of errors, is that of the patient.
SHARED = 0.5
#: Variance of the raters' errors, where that of the targets is 1.
ERRORS = (0.05, 0.5)

Floats = NDArray[np.float64]


class Row(NamedTuple):
    """How often an interval has the true value in it, or a test errs: as usual, and by patients."""

    what: str
    setting: str
    patients: int
    as_independent: float
    by_patient: float
    replications: int


def main() -> None:
    """Write the table."""
    rows = [row for simulated in (iccs(), limits(), grades(), slopes()) for row in simulated]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("what", "setting", "patients", "as_independent", "by_patient", "replications"))
    writer.writerows((*row[:3], f"{row[3]:.3f}", f"{row[4]:.3f}", row[5]) for row in rows)
    FILE.write_text(text.getvalue(), encoding="utf-8")
    print(text.getvalue())


def _of_patients(rng: np.random.Generator, patients: int, each: int, width: int) -> Floats:
    """Standard normal values (rows, width) that share half of their variance within a patient."""
    own = np.repeat(rng.standard_normal((patients, width)), each, axis=0)
    return np.sqrt(SHARED) * own + np.sqrt(1 - SHARED) * rng.standard_normal(own.shape)


def iccs(replications: int = 500, seed: int = SEED) -> Iterator[Row]:
    """Coverage of the interval of ICC(A,1); two raters, of whom the second reads 0.2 SD higher."""
    for error in ERRORS:
        true = 1 / (1 + 0.02 + error)
        for patients in PATIENTS:
            rng = np.random.default_rng([seed, 1, patients, round(100 * error)])
            clusters = Clusters(np.repeat(np.arange(patients), TARGETS), patients)
            hits = np.zeros(2)
            for _ in range(replications):
                values = _of_patients(rng, patients, TARGETS, 1) + np.array([0, 0.2])
                values = values + np.sqrt(error) * _of_patients(rng, patients, TARGETS, 2)
                usual = icc_table(values)[0][1]
                low, high = cluster_bootstrap(icc_and_cv(values, clusters), patients)
                hits += (usual.ci_low <= true <= usual.ci_high), (low[1] <= true <= high[1])
            yield Row(
                "interval of ICC(A,1)", f"ICC {true:.2f}", patients, *(hits / replications), replications
            )


def limits(replications: int = 2000, seed: int = SEED) -> Iterator[Row]:
    """Coverage of the interval of the upper limit of agreement."""
    true = 1.96 * np.sqrt(2)
    for patients in PATIENTS:
        rng = np.random.default_rng([seed, 2, patients])
        clusters = Clusters(np.repeat(np.arange(patients), TARGETS), patients)
        hits = np.zeros(2)
        for _ in range(replications):
            a, b = _of_patients(rng, patients, TARGETS, 2).T
            usual, repeated = bland_altman(a, b), repeated_limits(b - a, clusters)
            hits += [one.loa_high_ci_low <= true <= one.loa_high_ci_high for one in (usual, repeated)]
        yield Row("interval of a limit of agreement", "", patients, *(hits / replications), replications)


def _graded(rng: np.random.Generator, patients: int) -> NDArray[np.intp]:
    """Grades 0–4 of two raters."""
    truth = _of_patients(rng, patients, TARGETS, 1)
    seen = truth + np.sqrt(0.4) * _of_patients(rng, patients, TARGETS, 2)
    return np.searchsorted([-1.0, 0.0, 0.8, 1.6], seen)


def grades(replications: int = 300, seed: int = SEED) -> Iterator[Row]:
    """Coverage of the intervals of Cohen's κ and Gwet's AC2, both with quadratic weights."""
    many = _graded(np.random.default_rng([seed, 3]), 20_000)
    true = {one.name: one.value for one in _both(many, None)}
    for patients in PATIENTS:
        rng = np.random.default_rng([seed, 3, patients])
        clusters = Clusters(np.repeat(np.arange(patients), TARGETS), patients)
        hits = {name: np.zeros(2) for name in true}
        for _ in range(replications):
            for one in _both(_graded(rng, patients), clusters):
                ends = (one.ci_low, one.ci_high), (one.ci_low_bootstrap, one.ci_high_bootstrap)
                hits[one.name] += [low <= true[one.name] <= high for low, high in ends]
        for name, found in hits.items():
            what = "interval of Gwet's AC2" if name == GWET else "interval of Cohen's κ"
            yield Row(what, f"{true[name]:.2f}, quadratic", patients, *(found / replications), replications)


def _both(codes, clusters):  # type: ignore[no-untyped-def]
    return [cohen(codes, 5, QUADRATIC, clusters), coefficients(codes, 5, QUADRATIC, clusters)[-1]]


def slopes(replications: int = 2000, seed: int = SEED) -> Iterator[Row]:
    """Type-I error of a correlation of 0, and coverage of its interval at 0.5; four rows per patient."""
    for r in (0.0, 0.5):
        for patients in PATIENTS:
            rng = np.random.default_rng([seed, 4, patients, round(10 * r)])
            clusters = Clusters(np.repeat(np.arange(patients), 4), patients)
            hits = np.zeros(2)
            n = 4 * patients
            for _ in range(replications if r == 0 else replications // 4):
                y, x = _of_patients(rng, patients, 4, 2).T
                x = r * y + np.sqrt(1 - r**2) * x
                found, _ = clustered_correlation(x, y, np.empty((n, 0)), clusters)
                usual = stats.pearsonr(x, y)
                if r == 0:
                    hits += usual.pvalue < 0.05, found["p"] < 0.05
                else:
                    low, high = usual.confidence_interval()
                    hits += (low <= r <= high), (found["ci_low"] <= r <= found["ci_high"])
            count = replications if r == 0 else replications // 4
            what = "type-I error of correlate and regress" if r == 0 else "interval of r"
            yield Row(what, f"r = {r:.1f}", patients, *(hits / count), count)


if __name__ == "__main__":
    main()
