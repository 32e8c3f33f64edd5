"""One number of decimals for all rows of a metric in Tables 2 and 3."""

from __future__ import annotations

import math
import re

import pandas as pd
import pytest

from mriparaspinal.present.decimals import with_even_decimals
from mriparaspinal.present.tables import table3
from mriparaspinal.stats.compare import compare
from mriparaspinal.stats.contrasts import parse_contrast


def row(metric: str, a: tuple[float, float], b: tuple[float, float], **cells: object) -> dict[str, object]:
    """Two arms of mean and SD, normal; median and quartiles lie around the mean."""
    arms = {}
    for letter, (mean, sd) in (("a", a), ("b", b)):
        numbers = (8, mean, sd, mean, mean - sd, mean + sd, 0.5)
        names = ("n", "mean", "sd", "median", "q1", "q3", "normality_p")
        arms |= {f"{name}_{letter}": number for name, number in zip(names, numbers, strict=True)}
    return {"metric": metric, "summary_a": "", "summary_b": "", **arms, **cells}


def summaries(*rows: dict[str, object]) -> list[tuple[str, str]]:
    table = with_even_decimals(pd.DataFrame(rows))
    return list(zip(table["summary_a"], table["summary_b"], strict=True))


def test_two_as_in_the_paper():
    assert summaries(row("fi", (0.3851, 0.1049), (0.02, 0.004))) == [("0.39 ± 0.10", "0.02 ± 0.00")]


def test_a_metric_of_which_two_show_nothing_of_a_row_has_three_in_all_rows():
    found = summaries(row("fi", (0.38, 0.1), (0.5, 0.1)), row("fi", (0.0151, 0.0049), (0.012, 0.003)))
    assert found == [("0.380 ± 0.100", "0.500 ± 0.100"), ("0.015 ± 0.005", "0.012 ± 0.003")]


def test_each_metric_by_itself():
    found = summaries(row("fi", (0.015, 0.002), (0.01, 0.001)), row("rcsa", (0.5, 0.1), (0.6, 0.1)))
    # 0.015 with three significant digits: four decimals.
    assert found == [("0.0150 ± 0.0020", "0.0100 ± 0.0010"), ("0.50 ± 0.10", "0.60 ± 0.10")]


def test_one_tiny_row_does_not_give_all_others_its_decimals():
    found = summaries(row("fi", (0.5, 0.1), (0.5, 0.1)), row("fi", (1.5e-7, 1e-8), (0, 0)))
    assert found == [("0.500 ± 0.100", "0.500 ± 0.100"), ("0.000 ± 0.000", "0.000 ± 0.000")]


def test_median_and_quartiles_and_an_empty_arm():
    skewed = row("fi", (0.015, 0.002), (0.01, 0.001), normality_p_a=0.01, n_b=0)
    assert summaries(skewed) == [("0.0150 (0.0040)", "")]
    empty = {f"{name}_{letter}": math.nan for name in ("mean", "median", "sd") for letter in "ab"}
    assert summaries(row("fi", (1, 1), (1, 1), n_a=0, n_b=0) | empty) == [("", "")]


def test_a_table_without_means_keeps_its_texts():
    table = pd.DataFrame([{"metric": "fi", "summary_a": "0.4", "summary_b": "0.5"}])
    assert with_even_decimals(table) is table


def test_the_order_and_numbers_of_rows_do_not_matter():
    rows = [row("fi", (0.4, 0.1), (0.5, 0.1)), row("rcsa", (0.01, 0.01), (0.01, 0.01))]
    rows.append(row("fi", (0.01, 0.001), (0.3, 0.1)))
    table = pd.DataFrame(rows)
    turned = with_even_decimals(table.iloc[::-1].set_axis([0, 0, 0]))
    assert turned["summary_a"].tolist()[::-1] == with_even_decimals(table)["summary_a"].tolist()


@pytest.mark.parametrize("scale", [1, 0.03])
def test_table_3_of_small_numbers(scale):
    values = [0.41, 0.52, 0.38, 0.47, 0.55, 0.6, 0.35, 0.44]
    people = [(group, n) for group in ("ALS", "LR") for n in range(4)]
    cohort = pd.DataFrame(
        [
            {
                "participant_id": f"{group}_{n}", "group": group, "segment": segment, "muscle": "MF",
                "side": "both", "role": "bilateral", "fi": scale * small * value,
            }
            for segment, small in (("L1", 1), ("L2", 0.2))
            for (group, n), value in zip(people, values, strict=True)
        ]
    )  # fmt: skip
    comparisons, _ = compare(cohort, [parse_contrast("group:ALS-LR")], ["fi"])
    table, _ = table3(comparisons)
    assert table is not None
    cells = [cell for line in table.rows for cell in line[1:3] if cell]
    assert len(cells) == 4
    (decimals,) = {len(text) for cell in cells for text in re.findall(r"\.(\d+)", cell)}
    # Of 0.014 three significant digits have four decimals, of 0.0028 one more.
    assert decimals == (2 if scale == 1 else 5)
