from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors
from statsmodels.stats.multitest import multipletests

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.stats.arms import (
    NO_TEST,
    compare_pairs,
)
from mriparaspinal.stats.cohort import assemble
from mriparaspinal.stats.compare import COMPARISON_COLUMNS, compare
from mriparaspinal.stats.contrasts import default_contrasts, resolve
from mriparaspinal.stats.on_request import MARGIN_COLUMNS, MAX_T_COLUMNS, NO_MAX_T, OnRequest, recorded

MUSCLES = ("MF", "ES")
SEGMENTS = ("L1", "L2")


def study(
    seed: int, *, n_als: int = 14, n_lr: int = 11, tied: bool = False, unknown: int = 0
) -> pd.DataFrame:
    """A random cohort through the front door: left, right and both rows, 5 % of rCSA missing."""
    rng = np.random.default_rng(seed)
    rows, people = [], []
    for group, n in (("ALS", n_als), ("LR", n_lr)):
        for number in range(1, n + 1):
            who = f"{group}_{number}"
            people.append(
                {
                    "participant_id": who,
                    "onset_side": "" if number <= unknown else rng.choice(["left", "right"]),
                    "onset_region": rng.choice(["lower", "upper"]) if group == "ALS" else "",
                    "psa": float(number % 2),
                    "bmi": rng.uniform(18, 32),
                }
            )
            for segment in SEGMENTS:
                for muscle in MUSCLES:
                    for side in ("left", "right", "both"):
                        fi = rng.beta(2, 5) if muscle == "MF" else rng.normal(0.4, 0.1)
                        rows.append(
                            {
                                "participant_id": who, "group": group, "segment": segment, "muscle": muscle,
                                "side": side, "role": "", "fi": round(fi, 2) if tied else fi,
                                "rcsa": np.nan if rng.random() < 0.05 else rng.lognormal(-1, 0.4),
                            }
                        )  # fmt: skip
    return assemble(pd.DataFrame(rows), pd.DataFrame(people))[0]


def default_table(cohort: pd.DataFrame, **options: object) -> tuple[pd.DataFrame, list[str]]:
    return compare(cohort, default_contrasts(cohort)[0], **options)


def expect(value: float, oracle: float) -> None:
    assert value == pytest.approx(oracle, rel=1e-9, abs=1e-13)


def test_columns_and_order_of_the_rows():
    cohort = study(1)
    table, notes = default_table(cohort)
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert list(dict.fromkeys(table.contrast)) == [
        "side:ALS", "side:LR", "group:ALS-LR", "group:ALS[onset_region=lower]-LR",
        "psa:1-0[group=ALS]", "psa:1-0[group=LR]",
    ]  # fmt: skip
    sides = table[table.contrast == "side:ALS"]
    assert list(zip(sides.segment, sides.muscle, sides.metric, strict=True)) == [
        (segment, muscle, metric) for segment in SEGMENTS for muscle in MUSCLES for metric in ("fi", "rcsa")
    ]
    assert set(zip(sides.role, sides.label_a, sides.label_b, strict=True)) == {
        ("", "symptomatic", "contralateral")
    }
    groups = table[table.contrast == "group:ALS[onset_region=lower]-LR"]
    assert groups.role.tolist() == ["symptomatic", "bilateral"] * 8
    assert set(zip(groups.label_a, groups.label_b, strict=True)) == {("ALS[onset_region=lower]", "LR")}
    psa = table[table.contrast == "psa:1-0[group=ALS]"]
    assert set(zip(psa.label_a, psa.label_b, strict=True)) == {("1", "0")}
    assert set(groups.paired_test) == {""}
    assert any(re.match(r"rcsa: \d+ cells missing: \d+ participants \(ALS_", note) for note in notes)


def pick(table: pd.DataFrame, contrast: str, role: str = "", metric: str = "fi") -> pd.Series:
    chosen = table[(table.contrast == contrast) & (table.role == role) & (table.metric == metric)]
    return chosen[(chosen.segment == "L2") & (chosen.muscle == "ES")].iloc[0]


@pytest.mark.parametrize("tied", [False, True])
def test_each_row_has_the_values_of_its_arms(tied):
    cohort = study(2, tied=tied)
    table, _ = default_table(cohort)
    here = cohort[(cohort.segment == "L2") & (cohort.muscle == "ES")]
    wanted = {
        ("side:ALS", ""): (
            "group == 'ALS' and role == 'symptomatic'",
            "group == 'ALS' and role == 'contralateral'",
        ),
        ("group:ALS-LR", "symptomatic"): (
            "group == 'ALS' and role == 'symptomatic'",
            "group == 'LR' and role == 'symptomatic'",
        ),
        ("group:ALS[onset_region=lower]-LR", "bilateral"): (
            "group == 'ALS' and onset_region == 'lower' and side == 'both'",
            "group == 'LR' and side == 'both'",
        ),
        ("psa:1-0[group=ALS]", "bilateral"): (
            "group == 'ALS' and psa == 1 and side == 'both'",
            "group == 'ALS' and psa == 0 and side == 'both'",
        ),
    }
    for metric in ("fi", "rcsa"):
        for (contrast, role), (a, b) in wanted.items():
            row = pick(table, contrast, role, metric)
            x, y = here.query(a)[metric].dropna().to_numpy(), here.query(b)[metric].dropna().to_numpy()
            assert (row.n_a, row.n_b) == (len(x), len(y))
            expect(row.mean_a, x.mean())
            expect(row.mean_b, y.mean())
            expect(row.normality_p_a, lilliefors(x, dist="norm", pvalmethod="approx")[1])
            if row.test == "mann_whitney_u":
                oracle = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
            else:
                oracle = stats.ttest_ind(x, y, equal_var=row.test == "student_t")
            expect(row.p, oracle.pvalue)
        row = pick(table, "side:ALS", "", metric)
        pairs = here[here.role.isin(["symptomatic", "contralateral"]) & (here.group == "ALS")]
        wide = pairs.pivot(index="participant_id", columns="role", values=metric).dropna()
        difference = (wide.symptomatic - wide.contralateral).round(12)
        if row.paired_test == "wilcoxon":
            oracle = stats.wilcoxon(difference, method="asymptotic")
        else:
            oracle = stats.ttest_1samp(difference, 0)
        expect(row.paired_p, oracle.pvalue)


def test_adjustment_is_within_a_contrast():
    table, _ = default_table(study(3))
    for _, block in table.groupby("contrast"):
        assert block.p_adjusted.tolist() == pytest.approx(
            multipletests(block.p, method="fdr_bh")[1], rel=1e-12
        )


def test_adjustment_counts_only_rows_with_a_p():
    cohort = study(3)
    cohort.loc[cohort.muscle == "ES", "fi"] = 0.5
    table, notes = compare(cohort, [resolve("group:ALS-LR", cohort)], metrics=["fi"])
    with_p = table[table.muscle == "MF"]
    assert with_p.p_adjusted.tolist() == pytest.approx(multipletests(with_p.p, method="fdr_bh")[1], rel=1e-12)
    assert table[table.muscle == "ES"][["p", "p_adjusted", "statistic", "effect_size"]].isna().all(axis=None)
    assert set(table[table.muscle == "ES"].test) == {""}
    (note,) = [n for n in notes if NO_TEST in n]
    assert note.endswith("L1 ES fi symptomatic, L1 ES fi bilateral, L2 ES fi symptomatic, L2 ES fi bilateral")


def test_shuffled_rows_give_the_same_table():
    cohort = study(4, tied=True)
    shuffled = cohort.sample(frac=1, random_state=7)
    (first, notes), (second, again) = default_table(cohort), default_table(shuffled)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert notes == again
    assert first.to_csv() == second.to_csv()


def test_participants_without_an_onset_side_are_left_out_once():
    cohort = study(5, unknown=2)
    table, notes = default_table(cohort)
    row = pick(table, "side:ALS")
    assert (row.n_a, row.n_b) == (12, 12)
    assert pick(table, "group:ALS-LR", "symptomatic").n_a == 12
    assert pick(table, "group:ALS-LR", "bilateral").n_a == 14
    assert [n for n in notes if n.startswith("side:ALS")][:1] == [
        "side:ALS: left out, no onset side known: 2 participants (ALS_1, ALS_2)"
    ]
    assert (
        "group:ALS-LR: left out of the symptomatic side, no onset side known: "
        "4 participants (ALS_1, ALS_2, LR_1, LR_2)" in notes
    )


def test_left_against_right_where_no_onset_side_is_known():
    cohort = study(6, unknown=99)
    table, notes = default_table(cohort)
    row = pick(table, "side:ALS")
    assert (row.label_a, row.label_b, row.n_a) == ("left", "right", 14)
    left = cohort.query("segment == 'L2' and muscle == 'ES' and side == 'left' and group == 'ALS'").fi
    expect(row.mean_a, left.mean())
    assert "side:ALS: no onset side is known, so left is compared with right" in notes
    assert set(table[table.contrast == "group:ALS-LR"].role) == {"bilateral"}
    assert "group:ALS-LR: no symptomatic rows in ALS and LR, so that role is left out" in notes


def test_a_missing_side_costs_the_pair_only():
    cohort = study(7)
    gone = (cohort.participant_id == "ALS_3") & (cohort.role == "contralateral")
    table, _ = compare(cohort[~gone], [resolve("side:ALS", cohort)])
    row = pick(table, "side:ALS")
    assert (row.n_a, row.n_b) == (14, 13)
    here = cohort.query("segment == 'L2' and muscle == 'ES' and group == 'ALS' and participant_id != 'ALS_3'")
    wide = here.pivot(index="participant_id", columns="role", values="fi")
    assert row.paired_p == pytest.approx(
        compare_pairs(wide.symptomatic, wide.contralateral).p, rel=1e-12
    )  # fmt: skip


def test_a_muscle_that_one_arm_lacks_keeps_its_row():
    cohort = study(8)
    gone = (cohort.group == "LR") & (cohort.muscle == "ES")
    table, notes = compare(cohort[~gone], [resolve("group:ALS-LR", cohort)], metrics=["fi"])
    row = pick(table, "group:ALS-LR", "bilateral")
    assert (row.n_a, row.n_b, row.summary_b, row.test) == (14, 0, "", "")
    assert row.summary_a
    assert any(NO_TEST in note for note in notes)


def test_infinite_values_are_missing_with_a_note():
    cohort = study(9)
    cohort.loc[(cohort.participant_id == "ALS_2") & (cohort.role == "symptomatic"), "fi"] = np.inf
    table, notes = compare(cohort, [resolve("side:ALS", cohort)], metrics=["fi"])
    assert set(table.n_a) == {13}
    assert "fi: 4 cells infinite, taken as missing: 1 participant (ALS_2)" in notes


def test_values_beyond_all_measure_are_missing_with_a_note():
    cohort = study(9)
    cohort.loc[(cohort.participant_id == "ALS_2") & (cohort.role == "symptomatic"), "fi"] = 1e200
    table, notes = compare(cohort, [resolve("side:ALS", cohort)], metrics=["fi"])
    assert set(table.n_a) == {13}
    assert np.isfinite(table.sd_a).all()
    assert "fi: 4 cells beyond 1e+60, taken as missing: 1 participant (ALS_2)" in notes


def test_who_is_in_no_arm_for_want_of_a_value_is_named():
    cohort = study(13)
    cohort.loc[cohort.participant_id.isin(["ALS_3", "LR_4"]), "psa"] = np.nan
    cohort.loc[cohort.participant_id == "ALS_5", "onset_region"] = ""
    table, notes = compare(
        cohort,
        [
            resolve(text, cohort)
            for text in ("psa:1-0[group=ALS]", "group:ALS[onset_region=lower]-LR", "group:ALS-LR")
        ],
        metrics=["fi"],
    )
    row = pick(table, "psa:1-0[group=ALS]", "bilateral", "fi")
    assert row.n_a + row.n_b == 13
    assert [note for note in notes if "is empty" in note] == [
        "psa:1-0[group=ALS]: left out, psa is empty: 1 participant (ALS_3)",
        "group:ALS[onset_region=lower]-LR: left out, onset_region is empty: 1 participant (ALS_5)",
    ]


def test_dividing_by_a_column():
    cohort = study(10)
    cohort.loc[cohort.participant_id == "ALS_1", "bmi"] = 0.0
    cohort.loc[cohort.participant_id == "ALS_2", "bmi"] = np.nan
    table, notes = compare(cohort, [resolve("group:ALS-LR", cohort)], metrics=["fi"], divide_by="bmi")
    row = pick(table, "group:ALS-LR", "bilateral", "fi/bmi")
    here = cohort.query(
        "segment == 'L2' and muscle == 'ES' and side == 'both' and group == 'ALS' and bmi > 0"
    )
    assert row.n_a == 12
    expect(row.mean_a, (here.fi / here.bmi).mean())
    assert "bmi: zero, negative or infinite, so nothing is divided by it: 1 participant (ALS_1)" in notes
    assert "bmi: missing, so nothing is divided by it: 1 participant (ALS_2)" in notes


def test_one_row_per_participant():
    rng = np.random.default_rng(11)
    wide = pd.DataFrame(
        {
            "participant_id": [f"S_{i}" for i in range(30)],
            "segment": "", "muscle": "", "role": "", "side": "",
            "group": ["ALS", "LR"] * 15, "fa": rng.normal(0.5, 0.05, 30), "volume": rng.lognormal(0, 1, 30),
        }
    )  # fmt: skip
    table, _ = compare(wide, [resolve("group:ALS-LR", wide)], metrics=["volume", "fa"])
    assert table[["metric", "segment", "muscle", "role"]].to_numpy().tolist() == [
        ["volume", "", "", ""],
        ["fa", "", "", ""],
    ]
    expect(table.p[1], stats.ttest_ind(wide.fa[::2], wide.fa[1::2]).pvalue)
    bare = wide.drop(columns=["participant_id", "side"])
    pd.testing.assert_frame_equal(
        compare(bare, [resolve("group:ALS-LR", bare)], metrics=["volume", "fa"])[0], table
    )


def test_shapiro_can_be_chosen():
    cohort = study(12)
    table, _ = default_table(cohort, normality="shapiro")
    x = cohort.query("segment == 'L2' and muscle == 'ES' and role == 'symptomatic' and group == 'ALS'").fi
    expect(pick(table, "side:ALS").normality_p_a, stats.shapiro(x).pvalue)


def test_no_text_is_ever_nan():
    cohort = study(13, n_als=3, n_lr=2)
    table, notes = default_table(cohort)
    texts = [
        c for c in COMPARISON_COLUMNS if "label" in c or "summary" in c or c.endswith("test") or c == "effect"
    ]
    assert not table[texts].isna().any(axis=None)
    assert not any("nan" in str(cell) for cell in table[texts].to_numpy().ravel())
    assert not any("nan" in note for note in notes)


def test_asking_twice_gives_one_block():
    cohort = study(14)
    contrast = resolve("side:ALS", cohort)
    assert len(compare(cohort, [contrast, contrast])[0]) == len(compare(cohort, [contrast])[0]) == 8


def test_nothing_to_compare():
    table, _ = compare(study(15), [])
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert len(table) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"metrics": ["fat"]},
            "fat: no such column was found for the metric; expected one of: fi, rcsa, psa, bmi",
        ),
        ({"metrics": ["onset_region"]}, "onset_region: 'lower' was found for the metric|'upper' was found"),
        ({"divide_by": "weight"}, "weight: no such column was found for the divisor"),
        ({"divide_by": "onset_region"}, "was found for the divisor; expected numbers"),
        ({"divide_by": "empty"}, "empty: no number was found"),
        ({"normality": "anderson"}, "normality: 'anderson' was found; expected lilliefors or shapiro"),
    ],
)
def test_wrong_options(options, message):
    cohort = study(16).assign(empty="")
    with pytest.raises(UsageError, match=message) as caught:
        compare(cohort, [resolve("group:ALS-LR", cohort)], **options)
    assert "\n" not in str(caught.value)


def test_a_row_that_is_there_twice():
    cohort = study(17)
    twice = pd.concat([cohort, cohort.iloc[[5]]], ignore_index=True)
    with pytest.raises(NoInputError, match="found more than once"):
        compare(twice, [resolve("side:ALS", cohort)])


def test_paired_p_is_adjusted_within_each_contrast_of_sides():
    table, _ = default_table(study(3))
    for contrast in ("side:ALS", "side:LR"):
        rows = table[(table.contrast == contrast) & table.paired_p.notna()]
        assert len(rows) == 8
        oracle = multipletests(rows.paired_p, method="fdr_bh")[1]
        assert rows.paired_p_adjusted.to_numpy() == pytest.approx(oracle, rel=1e-12)
    assert table[~table.contrast.str.startswith("side:")].paired_p_adjusted.isna().all()


def test_a_note_counts_where_the_exact_p_lies_on_the_other_side():
    """Four of 1, 2, 3 … against three larger ones: asymptotic 0.034, exact 2/35."""
    rows = [
        {"participant_id": f"p{k}", "group": "AB"[k > 4], "segment": "", "muscle": "", "side": "", "role": "",
         "v": float(k), "w": 1.0}
        for k in range(1, 8)
    ]  # fmt: skip
    cohort = pd.DataFrame(rows)
    table, notes = compare(cohort, [resolve("group:A-B", cohort)], ["v", "w"])
    assert table.p_exact[0] == pytest.approx(2 / 35)
    assert table.p[0] == pytest.approx(0.0339, abs=1e-4)
    assert math.isnan(table.p_exact[1])
    sides = "group:A-B: p and p_exact lie on different sides of 0.05"
    said = f"{sides} in 1 of 1 small samples; read p_exact there: v"
    assert said in notes


# --- interaction, and what is added on request --------------------------------------------------------------


def test_the_interaction_compares_the_differences_of_the_sides():
    cohort = study(8, unknown=1)
    gone = (cohort.participant_id == "LR_3") & (cohort.role == "contralateral") & (cohort.segment == "L2")
    cohort = cohort[~gone]
    table, notes = compare(
        cohort, [resolve("interaction:ALS[onset_region=lower]-LR", cohort)], divide_by="bmi"
    )
    here = cohort[(cohort.segment == "L2") & (cohort.muscle == "ES")]
    wide = here[here.role.isin(["symptomatic", "contralateral"])].assign(v=lambda t: t.fi / t.bmi)
    wide = wide.pivot(index=["participant_id", "group", "onset_region"], columns="role", values="v").dropna()
    d = (wide.symptomatic - wide.contralateral).reset_index(name="d")
    x = d[(d.group == "ALS") & (d.onset_region == "lower")].d
    y = d[d.group == "LR"].d
    row = table[(table.segment == "L2") & (table.muscle == "ES") & (table.metric == "fi/bmi")].iloc[0]
    assert (row.n_a, row.n_b, row.role, row.paired_test) == (len(x), len(y), "", "")
    assert row.n_b == 9  # of 11: one onset side is unknown, one side is not there
    assert row.paired_n is pd.NA
    expect(row.mean_a, x.mean())
    expect(row.median_b, y.median())
    expect(row.difference, x.mean() - y.mean())
    assert (
        "interaction:ALS[onset_region=lower]-LR: left out where one side has no row: 1 participant (LR_3)"
        in notes
    )
    assert any("left out, no onset side known: 1 participant (LR_1)" in n for n in notes) or any(
        "left out, no onset side known: 2 participants (ALS_1, LR_1)" in n for n in notes
    )


def test_differences_of_sides_are_tied_where_they_are_but_for_rounding():
    """0.3 − 0.2 and 0.2 − 0.1 are one tenth each."""
    cohort = study(9, n_als=4, n_lr=4)
    cohort["fi"] = 0.0
    sides = [(0.3, 0.2), (0.2, 0.1), (0.7, 0.6), (0.9, 0.7)]
    for number, pair in enumerate(sides, 1):
        for role, value in zip(("symptomatic", "contralateral"), pair, strict=True):
            cohort.loc[(cohort.participant_id == f"ALS_{number}") & (cohort.role == role), "fi"] = value
    table, _ = compare(cohort, [resolve("interaction:ALS-LR", cohort)], ["fi"])
    oracle = stats.mannwhitneyu([1, 1, 1, 2], [0] * 4, use_continuity=False, method="asymptotic")
    expect(table.p[0], oracle.pvalue)
    expect(table.difference[0], 0.1)


def test_rows_in_another_order_give_the_same_permutations_and_margins():
    cohort = study(4, tied=True)
    shuffled = cohort.sample(frac=1, random_state=7)
    asked = OnRequest({"fi": 0.05, "rcsa": 0.1}, 1000, 3)
    texts = ("interaction:ALS-LR", "side:ALS", "group:ALS-LR")
    first, second = (
        compare(rows, [resolve(text, cohort) for text in texts], asked=asked)[0]
        for rows in (cohort, shuffled)
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert list(first) == [*COMPARISON_COLUMNS, *MARGIN_COLUMNS, *MAX_T_COLUMNS]
    plain, _ = compare(cohort, [resolve(text, cohort) for text in texts])
    pd.testing.assert_frame_equal(first[list(COMPARISON_COLUMNS)], plain, check_exact=True)
    sides = first.contrast == "side:ALS"
    assert first[sides].paired_p_max_t.notna().all()
    assert first[~sides].p_max_t.notna().all()
    assert (first.p_max_t.dropna() >= first.p[first.p_max_t.notna()] * 0.5).all()


def test_a_plain_table_without_ids_is_permuted_row_by_row():
    """Three against three, apart: of the twenty arrangements two are as far apart."""
    table = pd.DataFrame({"group": list("AAABBB"), "v": [1.0, 2, 3, 7, 8, 9], "w": [3.0, 1, 2, 2, 3, 1]})
    table = table.assign(segment="", muscle="", role="", side="")
    found, notes = compare(table, [resolve("group:A-B", table)], ["v", "w"], asked=OnRequest({}, 1000))
    assert found.p_max_t.tolist() == pytest.approx([2 / 20, 1.0])
    assert "group:A-B: p_max_t over 2 rows, from all 20 arrangements" in notes


def test_a_row_that_permutations_leave_too_few_values_has_no_p():
    table = pd.DataFrame({"group": list("AAAABBBB"), "v": [1.0, 2, 3, 4, 7, 8, 9, 5]})
    table = table.assign(segment="", muscle="", role="", side="", w=[1.0, 2, None, None, 3, 5, None, None])
    found, notes = compare(table, [resolve("group:A-B", table)], ["v", "w"], asked=OnRequest({}, 1000))
    assert found.p_max_t.notna().tolist() == [True, False]
    assert f"group:A-B: {NO_MAX_T}: w" in notes


def test_a_margin_is_of_what_is_compared():
    cohort = study(3)
    contrast = [resolve("group:ALS-LR", cohort)]
    found, _ = compare(cohort, contrast, ["fi"], divide_by="bmi", asked=OnRequest({"fi/bmi": 1.0}))
    assert set(found.equivalent) == {"yes"}
    with pytest.raises(UsageError, match=r"margins: fi was found, which is not compared; .* fi/bmi"):
        compare(cohort, contrast, ["fi"], divide_by="bmi", asked=OnRequest({"fi": 1.0}))


@pytest.mark.parametrize(
    "settings",
    [{"margin": ["fi"]}, {"margin": ["fi=0"]}, {"permutations": ["x"], "seed": ["1"]}, {"seed": ["-1"]}],
)
def test_recorded_settings_that_are_none(settings):
    with pytest.raises(UsageError):
        recorded(settings)


def test_a_measure_of_one_muscle_or_of_both_sides_has_no_rows_of_others() -> None:
    cohort = study(3)
    psoas = cohort["muscle"].replace("ES", "PM")
    both = cohort["side"] == "both"
    cohort = cohort.assign(
        muscle=psoas,
        psoas_index=cohort["fi"].where(both & (psoas == "PM")),
        pm_mf_es_ratio=cohort["fi"].where(psoas == "PM"),
        eccentricity=cohort["fi"].where(~both),
    )
    metrics = ("psoas_index", "pm_mf_es_ratio", "eccentricity")
    contrasts = [resolve(text, cohort) for text in ("side:ALS", "group:ALS-LR")]
    table, notes = compare(cohort, contrasts, metrics=metrics)
    where = {
        metric: set(zip(rows["contrast"].str[:4], rows["muscle"], rows["role"], strict=True))
        for metric, rows in table.groupby("metric")
    }
    one_sided, bilateral = (("side", ""), ("grou", "symptomatic")), ("grou", "bilateral")
    assert where == {
        "psoas_index": {("grou", "PM", "bilateral")},
        "pm_mf_es_ratio": {(c, "PM", r) for c, r in (*one_sided, bilateral)},
        "eccentricity": {(c, m, r) for c, r in one_sided for m in ("MF", "PM")},
    }
    assert (table["n_a"] > 0).all()
    assert not [note for note in notes if "missing" in note]
    assert "side:ALS: there is no psoas_index of these sides, so it is left out" in notes
