"""What stands out, compared with NumPy by hand on drawn-out rows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.report.outliers import FEWEST_PARTICIPANTS, MOST_Z, find_outliers, robust_z


def rows(fi: list[float], **cells: object) -> pd.DataFrame:
    """One row per value: left sides of as many participants, at L4."""
    n = len(fi)
    table = pd.DataFrame(
        {
            "image": [f"ALS_{i}_4.png" for i in range(n)],
            "participant_id": [f"ALS_{i}" for i in range(n)],
            "group": "ALS",
            "segment": "L4",
            "muscle": "MF",
            "side": "left",
            "reference": "IVD",
            "fi": fi,
            "rcsa": 0.5,
            "csa_px": 1000.0,
            "asymmetry_pct": math.nan,
        }
    )
    return table.assign(**cells)


def test_robust_z_is_that_of_numpy():
    values = np.random.default_rng(1).normal(0.3, 0.05, 17)
    expected = 0.6745 * (values - np.median(values)) / np.median(np.abs(values - np.median(values)))
    assert robust_z(values) == pytest.approx(expected, rel=1e-12)


def test_a_value_far_from_the_others_is_named_with_its_reason():
    found = find_outliers(rows([0.29, 0.30, 0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.90]))
    (finding,) = found.findings
    assert (finding.image, finding.muscle, finding.side) == ("ALS_8_4.png", "MF", "left")
    # Median 0.33, MAD 0.02: 0.6745 · 0.57 / 0.02 = 19.2.
    assert finding.reason == (
        "FI 0.900 is far above the median 0.330 of MF at L4 in ALS "
        "(9 values of 9 participants; modified z-score +19.2)"
    )
    assert (found.judged, found.too_few) == (1, 1), "all rCSA are equal: no spread to judge by"


def test_the_limit_itself_is_usual():
    # Of 0.1 … 0.7 and x > 0.7: median 0.45, MAD 0.2.
    edge = 0.45 + 0.2 * MOST_Z / 0.6745
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert find_outliers(rows([*values, edge - 1e-9], rcsa=math.nan)).findings == ()
    assert len(find_outliers(rows([*values, edge + 1e-9], rcsa=math.nan)).findings) == 1


def test_values_of_few_participants_are_not_judged_and_counted():
    found = find_outliers(rows([0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.9], rcsa=math.nan))
    assert (found.findings, found.judged, found.too_few) == ((), 0, 1)


def test_two_sides_of_a_participant_are_no_two_participants():
    left = rows([0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.9], rcsa=math.nan)
    found = find_outliers(pd.concat([left, left.assign(side="right")]))
    assert (found.findings, found.judged, found.too_few) == ((), 0, 1)


def share_beyond(participants: int) -> float:
    """Of two normal sides of each participant, correlated by 0.7, the share beyond the limit."""
    random = np.random.default_rng(1)
    size = (4000, participants)
    sides = np.sqrt(0.7) * random.normal(size=(*size, 1)) + np.sqrt(0.3) * random.normal(size=(*size, 2))
    values = sides.reshape(size[0], -1)
    distance = values - np.median(values, axis=1, keepdims=True)
    spread = np.median(np.abs(distance), axis=1, keepdims=True)
    return float(np.mean(np.abs(0.6745 * distance / spread) > MOST_Z))


def test_of_so_many_participants_a_usual_value_rarely_stands_out():
    assert share_beyond(FEWEST_PARTICIPANTS) < 0.01 < 0.025 < share_beyond(3)


def test_groups_and_segments_are_judged_apart():
    low = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18]
    table = pd.concat([rows(low), rows([0.7 + fi for fi in low[:8]])])
    assert find_outliers(table.assign(segment="L4")).findings != (), "together they would stand out"
    table["segment"] = ["L4"] * 9 + ["L5"] * 8
    assert find_outliers(table).findings == ()


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"fi": 0.0}, "FI is 0: no pixel counts as fat"),
        ({"fi": 1.0}, "FI is 1: every pixel counts as fat"),
        ({"csa_px": 99.0}, "the area is only 99 px (fewer than 100)"),
        ({"rcsa": 3.01}, "the area is 3.01 × the reference (more than 3 ×)"),
        ({"side": "both", "asymmetry_pct": 50.5}, "the sides differ by 50.5 % of their mean area"),
    ],
)
def test_what_is_odd_by_itself(cells, reason):
    (finding,) = find_outliers(rows([0.3]).assign(**cells)).findings
    assert finding.reason.startswith(reason)


def test_nothing_is_odd_at_the_limits_or_where_cells_are_empty():
    assert find_outliers(rows([0.3], csa_px=100.0, rcsa=3.0)).findings == ()
    assert find_outliers(rows([0.3], side="both", asymmetry_pct=50.0)).findings == ()
    assert find_outliers(rows([0.3], rcsa=math.nan)).findings == ()


def test_what_own_regions_have_is_not_known():
    assert find_outliers(rows([0.3], rcsa=9.0, reference="DS")).findings == ()
    assert find_outliers(rows([1.0], rcsa=9.0, csa_px=20.0, muscle="GL")).findings == ()
