"""Further measures on their way: asked for, packed, averaged over a stack, written and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

import mriparaspinal as mp
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.measure_columns import BY_NAME, MEASURE_COLUMNS, columns_of
from mriparaspinal.core.model import Slice, SliceResult
from mriparaspinal.core.names import name_of
from mriparaspinal.measure.groups import GROUPS
from mriparaspinal.measure.pack import pack, unpack
from mriparaspinal.measure.stacks import mean_values
from mriparaspinal.stats.raters import mean_of_raters

SAMPLE = Path(__file__).parents[2] / "sample_data"


def result_of(letter: str, **values: float) -> SliceResult:
    slice_ = Slice("ALS_1", "ALS", "L3", f"{letter}.png", f"{letter}.json", letter)
    more = {("MF", "both"): values}
    return SliceResult(slice_, {}, frozenset(), True, (), (), more=more)


def test_packing_keeps_further_measures():
    result = result_of("a", grey_p5=0.1, sat_ratio=3.0)
    again = unpack(result.slice, pack(result))
    assert again == result
    assert {name: repr(value) for name, value in again.more["MF", "both"].items()} == {
        "grey_p5": "0.1",
        "sat_ratio": "3.0",
    }


def test_of_a_stack_the_mean_where_every_slice_has_a_value():
    stack = result_of("a", x=1.0, y=5.0), result_of("b", x=2.0), result_of("c", x=6.0, y=7.0)
    assert mean_values(stack, ("MF", "both")) == {"x": 3.0}
    assert mean_values(stack, ("MF", "left")) == {}
    assert mean_values(stack[:1], ("MF", "both")) == {"x": 1.0, "y": 5.0}


def test_every_group_has_its_columns_once():
    names = [column.name for columns in MEASURE_COLUMNS.values() for column in columns]
    assert len(names) == len(set(names)) == len(BY_NAME)
    assert all(group.columns == MEASURE_COLUMNS[name] for name, group in GROUPS.items())
    assert name_of("sat_ratio").axis == "grey / SAT (ratio)"


def test_without_measures_the_tables_are_as_before_and_with_them_they_have_more_columns():
    plain = mp.quantify(SAMPLE, only=["ALS_1"])
    more = mp.quantify(SAMPLE, only=["ALS_1"], settings={"measures": ["signal"]})
    own = list(columns_of(["signal"]))
    assert more.table.columns.tolist() == [*plain.table.columns, *own]
    assert more.table[plain.table.columns].equals(plain.table)
    assert b'"measures"' not in plain.contents["quantify.json"]
    assert more.read.manifest.measured_with.measures == ("signal",)


def test_shares_are_merged_with_their_measures(tmp_path):
    settings = {"measures": ("signal",)}
    for who in ("ALS_1", "LR_1"):
        mp.quantify(SAMPLE, out=tmp_path / who, only=[who], settings=settings)
    mp.merge([tmp_path / "ALS_1", tmp_path / "LR_1"], tmp_path / "both")
    mp.quantify(SAMPLE, out=tmp_path / "whole", only=["ALS_1", "LR_1"], settings=settings, jobs=2)
    for name in ("L1.csv", "quantify.json", "share.msgpack"):
        assert (tmp_path / "both" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_share_measured_otherwise_is_refused(tmp_path):
    mp.quantify(SAMPLE, out=tmp_path / "a", only=["ALS_1"], settings={"measures": ("signal",)})
    mp.quantify(SAMPLE, out=tmp_path / "b", only=["LR_1"])
    with pytest.raises(UsageError, match="other settings"):
        mp.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["sginal"], r"signal \(did you mean it\?\), or another of signal, .* in place of 'sginal'"),
        (("signal,shape",), "^measures: 'signal,shape' was found; expected one name at a time, of signal,"),
        (["shape", "x"], "one of signal, distribution, shape, size in place of 'x'"),
        ("signal", "a list such as"),
        ([1], "a list such as"),
    ],
)
def test_other_names_are_refused(given, expected):
    with pytest.raises(UsageError, match=expected):
        mp.quantify(SAMPLE, settings={"measures": given})


def test_the_order_and_repeats_do_not_matter():
    one = mp.quantify(SAMPLE, only=["ALS_1"], settings={"measures": ["signal", "shape"]})
    two = mp.quantify(SAMPLE, only=["ALS_1"], settings=mp.Settings(measures=("shape", "signal", "shape")))
    assert {n: one.contents[n] for n in one.contents} == {n: two.contents[n] for n in two.contents}


def test_the_mean_of_raters_has_the_measures_that_all_have():
    measured = [mp.quantify(SAMPLE, only=["ALS_1"], settings={"measures": asked}).table
                for asked in (["signal", "size"], ["signal"])]  # fmt: skip
    other = measured[1].assign(grey_p50=measured[1]["grey_p50"] + 3)
    mean, _ = mean_of_raters([measured[0], other], ["a", "b"])
    assert mean["grey_p50"].tolist() == (measured[0]["grey_p50"] + 1.5).tolist()
    assert set(columns_of(["signal"])) <= set(mean.columns)
    assert not set(columns_of(["size"])) & set(mean.columns)


@pytest.fixture(scope="module")
def cohort():
    people = [f"{group}_{n}" for group in ("ALS", "LR") for n in range(1, 5)]
    return mp.quantify(SAMPLE, only=people, settings={"measures": ["signal", "shape", "size"]})


def test_the_statistics_take_the_columns_by_name(cohort):
    rows = cohort.table[(cohort.table["segment"] == "L4") & (cohort.table["muscle"] == "MF")]
    both = rows[rows["side"] == "both"]
    mean = both.groupby("group")["reference_ratio"].mean()
    compared = mp.compare(cohort, metrics=["reference_ratio"], contrasts=["group:ALS-LR"]).table
    row = compared[(compared[["segment", "muscle", "role"]] == ["L4", "MF", "bilateral"]).all(axis=1)].iloc[0]
    assert (row["mean_a"], row["mean_b"]) == pytest.approx((mean["ALS"], mean["LR"]))
    fitted = mp.regress(cohort, outcomes=["solidity"], predictors=["age"], roles=["symptomatic"]).table
    assert set(fitted["metric"]) == {"solidity"}
    arms = {"outcome": "group", "positive": "ALS", "negative": "LR"}
    curve = mp.roc(cohort, predictors=["rcsa_ivd_L4_MF"], **arms).table
    same = mp.roc(cohort, predictors=["rcsa_L4_MF"], **arms).table
    assert curve["auc"].tolist() == same["auc"].tolist()


def test_the_report_shows_them_below_each_slice(cohort, tmp_path):
    cohort.save(tmp_path / "results")
    mp.make_report(tmp_path / "results", dataset=SAMPLE, out=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<summary>Further measures</summary>") == 8 * 5
    row = cohort.table[cohort.table["image"] == "ALS_1_3.png"].iloc[0]
    article = page[page.index('data-image="ALS_1_3.png"') :].partition("</article>")[0]
    assert f'<th scope="row">P50 of grey</th><td>{row["grey_p50"]:.1f}</td>' in article
    assert "grey of SAT" not in article  # no slice has a value
    assert "Further measures were taken: signal, shape and size." in page
    assert "--measure signal --measure shape --measure size" in page


def test_they_change_nothing_of_the_comparison_of_fi_and_rcsa(cohort):
    """Neither its rows nor its notes; and no message offers them as columns of participants."""
    plain = mp.quantify(SAMPLE, only=cohort.share)
    assert cohort.table[plain.table.columns].equals(plain.table)
    with_them, without = mp.compare(cohort), mp.compare(plain)
    assert with_them.table.equals(without.table)
    assert with_them.notes == without.notes
    told = []
    for results in (cohort, plain):
        with pytest.raises(UsageError, match="no column shoe was found") as refused:
            mp.compare(results, contrasts=["shoe:1-0"])
        told.append(str(refused.value))
    assert told[0] == told[1]
