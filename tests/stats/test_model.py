"""The mixed model: formulas, bad input, and fits with answers that can be had by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from mriparaspinal.core.errors import UsageError
from mriparaspinal.stats.formula import parse_formula
from mriparaspinal.stats.model import TABLES, Model, fit_model
from mriparaspinal.stats.model_rows import ModelPlan, parse_means


def plan(formula: str, **more: object) -> ModelPlan:
    means = tuple(parse_means(text) for text in more.pop("means", ()))
    return ModelPlan(terms=tuple(parse_formula(formula)), means=means, **more)


FIRSTS = {"group": "ALS", "role": "symptomatic", "segment": "L4"}


def balanced(people: int = 12, seed: int = 1, sd: float = 1.0) -> pd.DataFrame:
    """Two groups, two roles and two segments, every cell once per participant."""
    rng = np.random.RandomState(seed)
    rows = []
    for person in range(people):
        own = rng.normal(0, sd)
        for segment in ("L4", "L5"):
            for role in ("symptomatic", "contralateral"):
                y = own + rng.normal() + (role == "symptomatic")
                rows.append((f"P{person}", ("ALS", "LR")[person % 2], segment, role, y))
    return pd.DataFrame(rows, columns=["participant_id", "group", "segment", "role", "fi"])


def f_tests(model: Model) -> pd.DataFrame:
    return model.tables["f_tests"].set_index("term")


# --- formulas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("a", ["a"]),
        ("a*b*c", ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
        ("a:b + a", ["a", "a:b"]),
        ("a*b + b:a + a", ["a", "b", "a:b"]),
        ("a:(b + c)", ["a:b", "a:c"]),
        ("((a))", ["a"]),
        ("fa cst + age", ["fa cst", "age"]),
        ("a*a", ["a"]),
    ],
)
def test_formula(text: str, terms: list[str]) -> None:
    assert sorted(":".join(term) for term in parse_formula(text)) == sorted(terms)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "its end was found"),
        ("a +", "its end was found"),
        ("a + * b", r"'\*' was found where a column should be"),
        ("(a + b", "a bracket is not closed"),
        ("a)", r"'\)' has no beginning"),
        ("fi ~ group", "'~' was found"),
        ("a b (c)", r"'\(' has no beginning"),
        ("a*b*c*d*e*f*g", "an interaction of 7 columns"),
    ],
)
def test_formulas_that_are_none(text: str, found: str) -> None:
    with pytest.raises(UsageError, match=found):
        parse_formula(text)


def test_a_formula_is_never_run() -> None:
    with pytest.raises(UsageError):
        parse_formula("__import__('os').system('true')")


# --- answers that can be had in another way -----------------------------------------------------------------


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_balanced_data_give_the_analysis_of_variance(method: str) -> None:
    """Of a balanced split-plot design the F tests are those of the strata, with whole degrees of freedom."""
    table = balanced()
    found = f_tests(fit_model(table, ["fi"], plan("group * role * segment", df=method)))
    means = table.groupby(["participant_id", "group"])["fi"].mean().reset_index()
    als, lr = (means.loc[means["group"] == name, "fi"] for name in ("ALS", "LR"))
    assert found.loc["group", "f"] == pytest.approx(stats.ttest_ind(als, lr).statistic ** 2, rel=1e-6)
    assert found.loc["group", "df2"] == pytest.approx(10, abs=1e-4)
    assert found.loc["role", "df2"] == pytest.approx(12 * 4 - 12 - 6, abs=1e-4)
    signs = [np.where(table[name] == first, 1.0, -1.0) for name, first in FIRSTS.items()]
    g, r, s = signs
    own = pd.get_dummies(table["participant_id"]).to_numpy(dtype=float)
    within = np.column_stack([own, r, s, r * s, g * r, g * s, g * r * s])
    rest = float(np.linalg.lstsq(within, table["fi"].to_numpy(), rcond=None)[1][0]) / 30
    wide = table.groupby(["group", "role"])["fi"].mean().unstack()
    change = (wide["symptomatic"] - wide["contralateral"]).mean()
    assert found.loc["role", "f"] == pytest.approx(change**2 / (rest / 12), rel=1e-6)


def test_two_rows_per_participant_give_the_paired_t_test() -> None:
    table = balanced().query("segment == 'L4'")
    found = f_tests(fit_model(table, ["fi"], plan("role")))
    wide = table.pivot_table(index="participant_id", columns="role", values="fi")
    test = stats.ttest_rel(wide["symptomatic"], wide["contralateral"])
    assert found.loc["role", "f"] == pytest.approx(test.statistic**2, rel=1e-6)
    assert found.loc["role", "df2"] == pytest.approx(11, abs=1e-4)
    assert found.loc["role", "p"] == pytest.approx(test.pvalue, rel=1e-5)


def test_the_variances_of_a_balanced_design_are_those_of_its_mean_squares() -> None:
    table = balanced(sd=2.0)
    random = fit_model(table, ["fi"], plan("segment")).tables["random_effects"].set_index("effect")
    fit = smf.ols("fi ~ C(participant_id) + segment", table).fit()
    within = fit.mse_resid
    between = table.groupby("participant_id")["fi"].mean().var() * 4
    participant = (between - within) / 4
    assert random.loc["residual", "variance"] == pytest.approx(within, rel=1e-6)
    assert random.loc["participant_id", "variance"] == pytest.approx(participant, rel=1e-6)
    assert random.loc["participant_id", "icc"] == pytest.approx(
        participant / (participant + within), rel=1e-6
    )


def test_one_row_per_participant_is_least_squares() -> None:
    rng = np.random.RandomState(2)
    table = pd.DataFrame(
        {
            "participant_id": [f"P{i}" for i in range(30)],
            "group": ["ALS", "LR", "HC"] * 10,
            "age": rng.normal(60, 8, 30),
            "fi": rng.normal(0.3, 0.1, 30),
        }
    )
    found = fit_model(table, ["fi"], plan("group + age", means=["group"]))
    fit = smf.ols("fi ~ group + age", table).fit()
    fixed = found.tables["fixed_effects"]
    assert fixed["b"].to_numpy() == pytest.approx(fit.params.to_numpy(), rel=1e-9)
    assert fixed["ci_high"].to_numpy() == pytest.approx(fit.conf_int()[1].to_numpy(), rel=1e-9)
    expected = fit.compare_f_test(smf.ols("fi ~ age", table).fit())
    assert f_tests(found).loc["group", "f"] == pytest.approx(expected[0], rel=1e-9)
    at = pd.DataFrame({"group": ["ALS", "HC", "LR"], "age": table["age"].mean()})
    means = found.tables["estimated_means"].set_index("cell")["mean"]
    assert means[["ALS", "HC", "LR"]].to_numpy() == pytest.approx(fit.predict(at).to_numpy(), rel=1e-9)
    assert found.tables["models"].loc[0, "status"] == "least_squares"
    assert any("one row per participant" in note for note in found.notes)


def test_fitted_values_and_residuals_are_those_of_statsmodels() -> None:
    table = balanced(sd=2.0).drop(index=[0, 1, 2, 5, 10, 16, 17, 31, 40]).reset_index(drop=True)
    checks = fit_model(table, ["fi"], plan("role * segment")).checks["fi"]
    fit = smf.mixedlm("fi ~ role * segment", table, groups="participant_id").fit(reml=True)
    keys = ["participant_id", "segment", "role"]
    both = checks.rows.merge(table.assign(theirs=fit.fittedvalues), on=keys)
    assert len(both) == len(table)
    assert both["fitted"].to_numpy() == pytest.approx(both["theirs"].to_numpy(), abs=1e-3)
    assert both["residual"].to_numpy() == pytest.approx(
        ((both["fi"] - both["theirs"]) / np.sqrt(fit.scale)).to_numpy(), abs=1e-3
    )
    effects = checks.effects.set_index("level")["value"] * np.sqrt(fit.cov_re.iloc[0, 0])
    for who, value in fit.random_effects.items():
        assert effects[who] == pytest.approx(value.iloc[0], abs=1e-3)


def test_crossed_random_effects_add_up() -> None:
    """y is the fitted value and the residual, whatever the random effects."""
    table = balanced(20, sd=2.0)
    table["site"] = np.where(
        np.arange(len(table)) % 3 == 0, "S1", np.where(np.arange(len(table)) % 5 == 0, "S2", "S3")
    )
    table["fi"] += table["site"].map({"S1": 0.0, "S2": 3.0, "S3": -3.0})
    found = fit_model(table, ["fi"], plan("role", random=("site",)))
    random = found.tables["random_effects"].set_index("effect")
    rows = found.checks["fi"].rows.merge(table, on=["participant_id", "segment", "role"])
    whole = rows["fitted"] + rows["residual"] * random.loc["residual", "sd"]
    assert whole.to_numpy() == pytest.approx(rows["fi"].to_numpy(), abs=1e-9)
    assert random.loc["site", "variance"] > 1
    assert random["icc"].sum() + random.loc["residual", "variance"] / random[
        "variance"
    ].sum() == pytest.approx(1)
    assert any("site: 3 levels only" in note for note in found.notes)


def test_a_variance_of_zero_is_told() -> None:
    table = balanced(sd=0.0, seed=4)
    means = table.groupby("participant_id")["fi"].transform("mean")
    table["fi"] -= means  # no participant differs from another
    found = fit_model(table, ["fi"], plan("role"))
    assert found.tables["models"].loc[0, "status"] == "singular"
    assert any("singular fit" in note for note in found.notes)
    assert found.tables["random_effects"].loc[0, "variance"] == pytest.approx(0, abs=1e-9)


def test_neither_units_nor_offsets_nor_the_order_of_rows_change_anything() -> None:
    table = balanced()
    one = fit_model(table, ["fi"], plan("group * role")).tables["f_tests"]
    shuffled = table.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        one, fit_model(shuffled, ["fi"], plan("group * role")).tables["f_tests"], check_exact=True
    )
    moved = table.assign(fi=1e6 + 1e-4 * table["fi"])
    other = fit_model(moved, ["fi"], plan("group * role")).tables["f_tests"]
    assert other["f"].to_numpy() == pytest.approx(one["f"].to_numpy(), rel=1e-4)


def test_months_and_days_are_the_same() -> None:
    table = balanced(20, seed=6)
    table["months"] = np.tile([0.0, 4.0, 9.0, 12.0], 20)
    own = np.repeat(np.random.RandomState(7).normal(0, 0.2, 20), 4)
    table["fi"] += own * table["months"]
    table["days"] = 30.4 * table["months"]
    months, days = (
        fit_model(table, ["fi"], plan(f"group * {name}", slope=name, df="kenward-roger"))
        for name in ("months", "days")
    )
    numbers = ["df2", "f"]
    assert f_tests(days)[numbers].to_numpy() == pytest.approx(f_tests(months)[numbers].to_numpy(), rel=1e-5)
    slopes = [one.tables["random_effects"].loc[1, "sd"] for one in (days, months)]
    assert slopes[1] == pytest.approx(30.4 * slopes[0], rel=1e-5)
    deviances = [one.tables["models"].loc[0, "reml_deviance"] for one in (days, months)]
    assert deviances[0] - deviances[1] == pytest.approx(2 * 2 * np.log(30.4), rel=1e-6)


def test_a_category_of_two_levels_has_a_slope() -> None:
    table = balanced(20, seed=5)
    own = {who: i for i, who in enumerate(sorted(set(table["participant_id"])))}
    change = np.random.RandomState(9).normal(0, 2, 20)
    table["fi"] += (table["role"] == "symptomatic") * table["participant_id"].map(own).map(
        dict(enumerate(change))
    )
    found = fit_model(table, ["fi"], plan("role", slope="role"))
    random = found.tables["random_effects"]
    assert list(random["column"].fillna("")) == ["(Intercept)", "role", ""]
    assert random.loc[1, "sd"] == pytest.approx(2, rel=0.5)
    assert np.isnan(random.loc[1, "icc"])


# --- missing, constant, tiny --------------------------------------------------------------------------------


def test_missing_cells_are_told_by_participant() -> None:
    table = balanced()
    table.loc[table["participant_id"] == "P3", "group"] = ""
    table.loc[[0, 1], "fi"] = np.nan
    found = fit_model(table, ["fi"], plan("group * role"))
    assert "group: empty in 4 rows of 1 participant, left out: P3" in found.notes
    assert "fi: empty in 2 rows of 1 participant, left out: P0" in found.notes
    assert found.tables["models"].loc[0, ["n", "participants"]].tolist() == [42, 11]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (lambda _: 0.3, "it is constant"),
        (lambda table: (table["group"] == "ALS") * 0.2, "the terms determine it exactly"),
        (lambda _: np.nan, "no row has all"),
    ],
)
def test_what_cannot_be_fitted_has_no_numbers(values, why: str) -> None:
    table = balanced()
    found = fit_model(table.assign(rcsa=values(table)), ["rcsa", "fi"], plan("group * role"))
    assert found.tables["models"]["status"].tolist() == ["not_fitted", "converged"]
    assert any(note.startswith("rcsa: ") and why in note for note in found.notes)
    assert set(found.tables["f_tests"]["metric"]) == {"fi"}
    assert list(found.checks) == ["fi"]


def test_values_that_participants_determine_do_not_converge() -> None:
    table = balanced()
    table["fi"] = table.groupby("participant_id")["fi"].transform("mean")
    found = fit_model(table, ["fi"], plan("group"))
    assert found.tables["models"].loc[0, "status"] == "not_converged"
    assert any("did not converge" in note for note in found.notes)
    assert found.tables["f_tests"].empty


def test_more_coefficients_than_rows() -> None:
    table = balanced(2)
    found = fit_model(table, ["fi"], plan("group * role * segment"))
    assert found.tables["models"].loc[0, "status"] == "not_fitted"
    assert any("8 rows for 8 coefficients" in note for note in found.notes)


def test_more_random_effects_than_rows() -> None:
    table = balanced().query("segment == 'L4'")
    found = fit_model(table, ["fi"], plan("role", slope="role"))
    assert found.tables["models"].loc[0, "status"] == "not_fitted"
    assert any("24 random effects for 24 rows" in note for note in found.notes)


def test_a_cell_without_rows_has_no_mean() -> None:
    table = balanced()
    table = table[(table["group"] != "LR") | (table["segment"] != "L5")]
    found = fit_model(table, ["fi"], plan("group * segment", means=["group:segment", "group"]))
    means = found.tables["estimated_means"].set_index("cell")["mean"]
    assert np.isnan(means["LR:L5"])
    assert np.isnan(means["LR"])
    assert means["LR:L4"] == pytest.approx(table.query("group == 'LR'")["fi"].mean())
    assert any("group[LR]:segment[L5]" in note for note in found.notes)


def test_a_number_that_does_not_vary_is_left_out() -> None:
    for value in (61.3, 0.0):
        found = fit_model(balanced().assign(age=value), ["fi"], plan("role + age", means=["role"]))
        assert any("no rows tell age from the other terms" in note for note in found.notes)
        assert np.isnan(f_tests(found).loc["age", "f"])
        assert f_tests(found).loc["role", "df2"] == pytest.approx(35, abs=1e-4)
        assert found.tables["estimated_means"]["mean"].notna().all()


def test_rows_without_participants_are_least_squares() -> None:
    found = fit_model(balanced().drop(columns="participant_id"), ["fi"], plan("role"))
    assert found.tables["models"].loc[0, "status"] == "least_squares"
    assert f_tests(found).loc["role", "df2"] == 46


def test_notes_on_numbers() -> None:
    table = balanced()
    table["months"] = [0, 3, 6, 12] * 12
    found = fit_model(table, ["fi"], plan("group * months"))
    assert any(note.startswith("months: taken as a number (0, 3, 6, 12)") for note in found.notes)
    assert any("those at months = 0" in note for note in found.notes)


def test_the_tables_have_their_columns() -> None:
    found = fit_model(balanced(), ["fi"], plan("role"))
    assert {name: list(table) for name, table in found.tables.items()} == TABLES


@pytest.mark.parametrize(
    ("metrics", "formula", "more", "message"),
    [
        (["mrc"], "group", {}, "^mrc: no such column"),
        ([], "group", {}, "^metric: none"),
        (["fi"], "grp", {}, "^grp: no such column"),
        (["fi"], "fi + group", {}, "^formula fi: is the metric"),
        (["fi"], "participant_id", {}, "^formula participant_id: is the random effect already"),
        (["fi"], "group", {"random": ("grp",)}, "^grp: no such column"),
        (["fi"], "group", {"random": ("group",)}, "^formula group: is a random effect"),
        (["fi"], "role", {"random": ("participant_id",)}, "^random participant_id"),
        (["fi"], "role", {"random": ("one",)}, r"^random one: has one level only \(x\)"),
        (["fi"], "role", {"random": ("twin",)}, "^random twin: has a level for each participant"),
        (["fi"], "one", {}, r"^formula one: has one level only \(x\)"),
        (["group"], "role", {}, "^group: 'ALS' for participant P0; expected a number"),
        (["fi"], "role", {"slope": "segment"}, "^slope segment: is no term of the formula"),
        (["fi"], "group", {"slope": "group"}, "^slope group: is the same in all rows of a participant"),
        (["fi"], "three", {"slope": "three"}, "^slope three: has 3 levels"),
        (["fi"], "role", {"means": ["group"]}, "^means group: is not in the formula"),
        (["fi"], "role", {"means": ["role|segment"]}, "^means segment: is not in the formula"),
        (["fi"], "role + age", {"means": ["age"]}, "^means age: is a column of numbers"),
    ],
)
def test_bad_input(metrics: list[str], formula: str, more: dict[str, object], message: str) -> None:
    table = balanced().assign(one="x", age=lambda t: np.arange(len(t)) * 1.5, three=["a", "b", "c"] * 16)
    table["twin"] = "T" + table["participant_id"]
    with pytest.raises(UsageError, match=message):
        fit_model(table, metrics, plan(formula, **more))


def test_a_slope_needs_several_rows() -> None:
    table = balanced().query("segment == 'L4' and role == 'symptomatic'").assign(age=np.arange(12.0))
    with pytest.raises(UsageError, match=r"^slope age: every participant has one row"):
        fit_model(table, ["fi"], plan("age", slope="age"))


@pytest.mark.parametrize("text", ["", "group:", "group|", "|segment"])
def test_means_without_a_name(text: str) -> None:
    with pytest.raises(UsageError, match="a name is empty"):
        parse_means(text)


# --- slips in ids -------------------------------------------------------------------------------------------


def one_each(n: int = 20) -> pd.DataFrame:
    rng = np.random.RandomState(3)
    groups = ["ALS"] * (n // 2) + ["LR"] * (n // 2)
    return pd.DataFrame(
        {"participant_id": [f"P{i}" for i in range(n)], "group": groups, "fi": rng.normal(size=n)}
    )


def test_a_participant_of_two_groups_is_refused() -> None:
    rows = one_each()
    rows.loc[15, "participant_id"] = "P2"  # an ALS patient, and here with LR
    with pytest.raises(UsageError, match="participant P2: the groups ALS and LR were found; expected one"):
        fit_model(rows, ["fi"], plan("group"))


def test_a_single_participant_with_several_rows_is_told() -> None:
    rows = one_each()
    rows.loc[5, "participant_id"] = "P2"
    told = (
        "participant_id: several rows of 1 of 19 participants only: P2; correct the id where that is a slip"
    )
    assert told in fit_model(rows, ["fi"], plan("group")).notes
    assert not [n for n in fit_model(balanced(), ["fi"], plan("group*role")).notes if "several rows" in n]
