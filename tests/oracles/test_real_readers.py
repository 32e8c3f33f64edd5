"""331 real scans: volumes of four muscles by hand and by software, as two raters."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import stats

from mriparaspinal.stats.icc import FORMS
from mriparaspinal.stats.reliability import agreement_of_table, bland_altman_table, ratings_of_table

READERS = Path(__file__).parents[2] / "../shared/real/readers/MRI_volume_internal_test331.csv"

pytestmark = pytest.mark.skipif(
    not READERS.is_file(), reason="../shared/real/readers is not beside the project"
)


def volumes(which):
    """One muscle in the long form of ``--table``: right ES, right MF, left MF, left ES."""
    wide = pd.read_csv(READERS)
    long = wide.melt(
        id_vars="CT_id",
        value_vars=[f"volume{which}_gd", f"volume{which}_ai"],
        var_name="rater",
        value_name="value",
    ).rename(columns={"CT_id": "target"})
    return wide[f"volume{which}_gd"].to_numpy(), wide[f"volume{which}_ai"].to_numpy(), long


def of_pingouin(long):
    """Its six rows in the order of FORMS, with intervals that are not rounded."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # pingouin uses what pandas is about to drop
        for name in [name for name in pingouin.options if name.startswith("round.column.CI95")]:
            patch.setitem(pingouin.options, name, None)
        found = pingouin.intraclass_corr(long, "target", "rater", "value")
    return found.rename(columns={"CI95%": "CI95"})


@pytest.mark.parametrize("which", [1, 2, 3, 4])
def test_hand_against_software_is_as_in_pingouin(which):
    hand, software, long = volumes(which)
    table, notes = agreement_of_table(long)
    expected = of_pingouin(long)
    assert list(table["form"]) == list(FORMS)
    assert set(table["n"]) == {331}
    for ours, theirs in [("icc", "ICC"), ("f", "F"), ("p", "pval"), ("df1", "df1"), ("df2", "df2")]:
        assert table[ours].astype(float).tolist() == pytest.approx(expected[theirs].tolist(), rel=1e-9)
    bounds = np.array(expected["CI95"].tolist())
    np.testing.assert_allclose(table[["ci_low", "ci_high"]].to_numpy(), bounds, rtol=1e-9)
    difference = software - hand
    assert table["bias"].iloc[0] == pytest.approx(difference.mean())
    assert table["loa_low"].iloc[0] == pytest.approx(difference.mean() - 1.96 * difference.std(ddof=1))
    # For two raters s² is half the squared difference.
    squares = (difference**2 / 2) / ((hand + software) / 2) ** 2
    assert table["cv_pct"].iloc[0] == pytest.approx(100 * np.sqrt(squares.mean()))
    assert notes == [f"bias and limits of agreement: volume{which}_ai minus volume{which}_gd"]


def test_the_paired_t_test_and_the_interval_of_the_bias_agree():
    hand, software, long = volumes(2)
    table, _ = bland_altman_table(ratings_of_table(long), ["value"])
    interval = stats.ttest_rel(software, hand).confidence_interval(0.95)
    assert table[["bias_ci_low", "bias_ci_high"]].iloc[0].tolist() == pytest.approx(list(interval))


def test_both_ways_of_measuring_agree_on_real_muscles():
    # The software was trained on such contours: published ICCs of this kind lie above 0.9.
    for which in (1, 2, 3, 4):
        table, _ = agreement_of_table(volumes(which)[2])
        assert table.set_index("form").loc["ICC(A,1)", "icc"] > 0.9
