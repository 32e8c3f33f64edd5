"""``model`` against lme4, lmerTest, pbkrtest, emmeans and car: every number of 231 random tables."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.stats.formula import parse_formula
from mriparaspinal.stats.model import Model, fit_model
from mriparaspinal.stats.model_rows import ModelPlan, parse_means
from tests.stats.r.mixed_tables import KINDS, Case, cases

ANSWERS = pd.read_csv(
    Path(__file__).parent / "r" / "mixed.csv", dtype={"number": str, "part": str, "key": str}
).fillna({"key": ""})
BY_CASE = {int(number): rows for number, rows in ANSWERS.groupby("number")}
FOUND = list(cases())
METHODS = ("satterthwaite", "kenward-roger")


@functools.cache
def fitted(case: Case, method: str) -> Model:
    means = [parse_means(f"{case.means}|{case.by}" if case.by else case.means)]
    plan = ModelPlan(
        terms=tuple(parse_formula(case.formula)),
        slope=case.slope or None,
        random=(case.random,) if case.random else (),
        df=method,
        means=tuple(means),
    )
    return fit_model(FOUND[case.number][1], ["y"], plan)


def answers(case: Case, part: str) -> pd.DataFrame:
    rows = BY_CASE[case.number]
    return rows[rows["part"] == part].set_index("key")


def close(found: object, expected: object, what: str, relative: float, absolute: float) -> None:
    np.testing.assert_allclose(
        np.asarray(found, dtype=float), np.asarray(expected, dtype=float), relative, absolute, err_msg=what
    )


def estimates(found: object, expected: object, what: str) -> None:
    close(found, expected, what, 1e-4, 1e-6)


def degrees(found: object, expected: object, what: str) -> None:
    close(found, expected, what, 1e-4, 1e-2)


def cells(table: pd.DataFrame, name: str) -> Iterator[str]:
    for at, cell in zip(table["at"], table[name], strict=True):
        yield f"{at}:{cell}" if at else str(cell)


def test_the_tables_are_many_and_of_every_kind() -> None:
    assert len(FOUND) >= 200
    assert {case.kind for case, _ in FOUND} == set(KINDS)
    assert set(BY_CASE) == {case.number for case, _ in FOUND}
    singular = ANSWERS[(ANSWERS["part"] == "fit") & (ANSWERS["X2"] == 1)]
    assert 20 < len(singular) < 150


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_number_is_that_of_r(kind: str, method: str) -> None:
    place = METHODS.index(method)
    se, df = (("X2", "X3"), ("X4", "X5"))[place]
    f, df2 = (("X2", "X3"), ("X4", "X5"))[place]
    for case, _ in FOUND:
        if case.kind != kind:
            continue
        what = f"table {case.number}, {kind}, {method}"
        if kind == "covariance":
            se, df, f, df2 = "X2", "X3", "X2", "X3"
        if answers(case, "fixed")["X2"].isna().all():  # as many coefficients as rows
            continue
        tables = fitted(case, method).tables
        fixed, expected = tables["fixed_effects"], answers(case, "fixed")
        names = [name.replace("[", "").replace("]", "") for name in fixed["term"]]
        assert names == list(expected.index), what
        estimates(fixed["b"], expected["X1"], what)
        estimates(fixed["se"], expected[se], what)
        degrees(fixed["df"], expected[df], what)
        tests, expected = tables["f_tests"], answers(case, "test")
        if len(expected):
            assert list(tests["term"]) == list(expected.index), what
            close(tests["df1"], expected["X1"], what, 0, 0)
            close(tests["f"], expected[f], what, 1e-4, 1e-5)
            degrees(tests["df2"], expected[df2], what)
        means, expected = tables["estimated_means"], answers(case, "means")
        expected = expected.loc[list(cells(means, "cell"))]
        estimates(means["mean"], expected["X1"], what)
        estimates(means["se"], expected[se], what)
        degrees(means["df"], expected[df], what)


@pytest.mark.parametrize("kind", KINDS)
def test_differences_and_holm_are_those_of_emmeans(kind: str) -> None:
    for case, _ in FOUND:
        if case.kind != kind:
            continue
        found = fitted(case, "satterthwaite").tables["mean_differences"]
        expected = answers(case, "pairs")
        if expected["X2"].isna().all():  # as many coefficients as rows
            continue
        is_whole = found["p"].notna().all()
        found = found[found["p"].notna()]
        assert len(found) == len(expected)
        for a, b, row in zip(
            cells(found, "cell_a"),
            cells(found.assign(at=""), "cell_b"),
            found.to_dict("records"),
            strict=True,
        ):
            at = f"{row['at']}:" if row["at"] else ""
            first = a.removeprefix(at).replace(":", " ")
            second = b.replace(":", " ")
            key, sign = f"{at}{first} - {second}", 1
            if key not in expected.index:
                key, sign = f"{at}{second} - {first}", -1
            answer = expected.loc[key]
            what = f"table {case.number}, {key}"
            estimates([sign * row["difference"], row["se"]], [answer["X1"], answer["X2"]], what)
            degrees(row["df"], answer["X3"], what)
            if is_whole:  # emmeans counts tests that there are not
                close(row["p_adjusted"], answer["X6"], what, 1e-3, 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_variances_and_deviance_are_those_of_lme4(kind: str) -> None:
    for case, _ in FOUND:
        if case.kind != kind:
            continue
        what = f"table {case.number}, {kind}"
        tables = fitted(case, "satterthwaite").tables
        (model,) = tables["models"].to_dict("records")
        random, expected = tables["random_effects"], answers(case, "variance")["X1"]
        if kind == "covariance" and np.isnan(expected["residual"]):
            assert model["status"] == "not_fitted"
            continue
        columns = ["" if pd.isna(name) else str(name) for name in random["column"]]
        own = dict(zip(random["effect"] + " " + columns, random["variance"], strict=True))
        if kind == "covariance":
            assert model["status"] == "least_squares"
            estimates(own["residual "], expected["residual"], what)
            continue
        deviance = answers(case, "fit")
        close(model["reml_deviance"], deviance["X1"].iloc[0], what, 1e-6, 1e-5)
        assert (model["status"] == "singular") == bool(deviance["X2"].iloc[0]), what
        close(own["residual "], expected["Residual"], what, 1e-4, 1e-7)
        close(own["participant_id (Intercept)"], expected["participant_id (Intercept)"], what, 1e-3, 1e-6)
        if case.random:
            close(own[f"{case.random} (Intercept)"], expected[f"{case.random} (Intercept)"], what, 1e-3, 1e-6)
        if case.slope:
            close(own["participant_id months"], expected["participant_id months"], what, 1e-3, 1e-6)
