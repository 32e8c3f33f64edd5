"""The sentences of the page: findings from a drawn-out table, the methods paragraph, the commands."""

from __future__ import annotations

import dataclasses
import math
import shlex

import pandas as pd
import pytest

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import Settings
from mriparaspinal.io.numberings import NUMBERINGS, VALUES
from mriparaspinal.report.findings import caveats, main_findings
from mriparaspinal.report.methods import StudyFacts, commands, methods_paragraph
from mriparaspinal.stats.on_request import OnRequest


def comparison(**cells: object) -> dict[str, object]:
    return {
        "contrast": "group:ALS-LR",
        "segment": "L4",
        "muscle": "MF",
        "metric": "fi",
        "role": "symptomatic",
        "label_a": "ALS",
        "label_b": "LR",
        "n_a": 7,
        "n_b": 8,
        "summary_a": "0.31 ± 0.04",
        "summary_b": "0.45 (0.03)",
        "test": "mann_whitney_u",
        "p": 0.2,
        "p_adjusted": 0.4,
        "effect": "rank_biserial",
        "effect_size": -0.5,
        "effect_ci_low": -0.8,
        "effect_ci_high": 0.1,
        "paired_test": "",
        "paired_p": math.nan,
        "difference_kind": "hodges_lehmann",
        "difference": -0.131,
        "difference_ci_low": -0.2,
        "difference_ci_high": 0.0049,
        "paired_difference": math.nan,
        "paired_difference_ci_low": math.nan,
        "paired_difference_ci_high": math.nan,
    } | cells


def said(*rows: dict[str, object]) -> str:
    return " | ".join(f"{s.about}: {s.text}" for s in main_findings(pd.DataFrame(rows)))


def test_the_clearest_comparison_is_told_with_its_numbers():
    text = said(
        comparison(),
        comparison(segment="L5", p=0.0004, p_adjusted=0.0008),
        comparison(contrast="psa:1-0[group=ALS]", label_a="1", label_b="0"),
    )
    assert text == (
        ": 1 of 3 comparisons stand out: adjusted p below 0.05 (1 unadjusted). | "
        "ALS against LR: 1 of 2 comparisons stand out. The clearest: fatty infiltration (FI) of multifidus "
        "(MF) at L5, symptomatic side, is lower in ALS: Hodges–Lehmann shift −0.13, 95 % CI −0.20 to 0.00; "
        "adjusted p < 0.001, Mann–Whitney U test; rank-biserial correlation −0.50, 95 % CI −0.80 to 0.10; "
        "0.31 ± 0.04 against 0.45 (0.03) (n = 7 and 8). | "
        ": No comparison stands out in: PSA+ against PSA− in ALS."
    )


def test_sides_bring_their_paired_test_and_empty_cells_no_nan():
    side = {"contrast": "side:ALS", "label_a": "symptomatic", "label_b": "contralateral", "role": ""}
    text = said(
        comparison(**side, p=0.01, p_adjusted=0.04996, effect_size=1.0, effect_ci_low=math.nan,
                   effect_ci_high=math.nan, paired_test="wilcoxon", paired_p=0.0123,
                   difference=math.nan, difference_ci_low=math.nan, difference_ci_high=math.nan,
                   paired_difference=0.0314, paired_difference_ci_low=0.01, paired_difference_ci_high=0.0512)
    )  # fmt: skip
    assert "ALS, symptomatic against contralateral side: 1 of 1 comparison" in text
    assert "is higher on the symptomatic side" in text
    assert "adjusted p = 0.0499" in text
    assert "on the symptomatic side: adjusted p" in text
    assert (
        "rank-biserial correlation 1.00; pseudo-median of the pairs 0.031, 95 % CI 0.010 to 0.051; "
        "paired test p = 0.012" in text
    )
    assert "nan" not in text


def test_an_interaction_is_told_as_a_difference_of_sides():
    row = comparison(
        contrast="interaction:ALS-LR", role="", metric="csa_px", p=0.01, p_adjusted=0.02, test="student_t",
        difference_kind="mean_difference", difference=-1234.5, difference_ci_low=math.nan,
        difference_ci_high=math.nan,
    )  # fmt: skip
    text = said(row)
    assert "symptomatic minus contralateral side, ALS against LR: 1 of 1 comparison" in text
    assert (
        "The clearest: symptomatic minus contralateral area (pixels) of multifidus (MF) at L4 is lower in "
        "ALS: difference of means −1234; adjusted p = 0.02" in text
    )


def test_nothing_found_is_said_plainly():
    assert "0 of 1 comparison stand out" in said(comparison())
    assert said(comparison(p=math.nan)) == (
        ": No comparison could be tested: every arm was too small, or all its values equal."
    )


def test_caveats_count_what_chance_alone_would_give():
    table = pd.DataFrame([comparison()] * 40 + [comparison(p=math.nan)])
    first, *others = caveats(table)
    assert first.startswith("If nothing differed, about 2 of 40 tests would still have p < 0.05.")
    assert not any("paired" in text for text in others)


def test_paired_p_are_said_not_to_be_counted_and_how_many_are_below_005():
    rows = [comparison(contrast="side:ALS", paired_p=p) for p in (0.001, 0.049, 0.05, 0.3, math.nan)]
    (said,) = [text for text in caveats(pd.DataFrame(rows)) if "paired" in text]
    assert "its p are not counted: 2 of 4 are below 0.05, not adjusted" in said


STUDY = StudyFacts(
    version="1.2.3",
    settings=Settings(reference="IVD"),
    muscles=("MF", "ES"),
    segments=("L3", "L4", "L5"),
    participants=16,
    slices=48,
    libraries={"Python": "3.11", "numpy": "2.0"},
)


def test_the_methods_paragraph_says_what_was_done_and_no_more():
    text = methods_paragraph(STUDY)
    assert text.startswith(
        "On 48 axial MRI slices of 16 participants (lumbar segments L3–L5), multifidus and erector spinae "
        "were measured on both sides with mriparaspinal 1.2.3, after Ren et al. (2026). Contours were drawn "
        "in LabelMe"
    )
    assert "whose grey level is above 50 (8-bit images)." in text
    assert "intervertebral disc on the same slice" in text
    assert "the patient’s right" in text
    assert "Software: Python 3.11, numpy 2.0." in text
    assert "doi 10.3389/fneur.2026.1751139" in text
    assert not any(word in text for word in ("Benjamini", "Levene", "paired", "None", "nan"))


def test_what_compare_did_on_request_is_in_the_paragraph_and_in_its_command():
    asked = OnRequest({"fi": 0.03}, 2000, 7)
    text = methods_paragraph(dataclasses.replace(STUDY, compared=True, asked=asked))
    assert "Equivalence within 0.03 (fi) was tested by two one-sided tests." in text
    assert "step-down max-T permutation (Westfall and Young 1993) within each contrast, with 2000" in text
    (line,) = [line for line in commands(STUDY.settings, ["side:ALS"], asked=asked) if " compare " in line]
    words = "--contrast side:ALS --margin fi=0.03 --max-t 2000 --seed 7"
    assert line == f"mriparaspinal compare RESULTS {words} --out COMPARISON"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            Settings(threshold=60, window=(0, 1200)),
            "above 60 (8-bit images, grey levels 0 to 1200 mapped to 0–255)",
        ),
        (Settings(fat_rule="otsu"), "Otsu’s threshold of the slice’s muscles"),
        (Settings(fat_rule="reference", sat_fraction=0.4), "above 0.4 × the median of subcutaneous fat"),
        (Settings(fat_rule="dixon"), "fat / (fat + water) of Dixon images, is above 0.5"),
        (Settings(mask_rule="centre"), "whose centre lies inside the contour"),
        (Settings(mask_rule="mask"), "those of label maps, pixel by pixel"),
        (Settings(image_left="left"), "the patient’s left"),
    ],
)
def test_each_rule_has_its_words(settings, words):
    study = StudyFacts("1", settings, ("MF",), ("L4",), 1, 1, {})
    text = methods_paragraph(study)
    assert words in text
    assert "On 1 axial MRI slice of 1 participant (lumbar segments L4), multifidus" in text
    assert "rCSA" not in text


def test_what_the_program_made_of_label_maps_is_in_the_paragraph():
    study = dataclasses.replace(STUDY, settings=Settings(mask_rule="mask"))
    text = methods_paragraph(study)
    assert "derived" not in text
    assert "one number" not in text
    split = methods_paragraph(dataclasses.replace(study, noted=frozenset({"sides-split", "overlap"})))
    assert "both sides of a muscle in one number, each connected part was assigned to the side" in split
    assert "derived" not in split
    derived = methods_paragraph(dataclasses.replace(study, noted=frozenset({"derived-disc"})))
    assert "no intervertebral disc, the disc was derived: its outline was interpolated" in derived
    assert "one number" not in derived


def test_the_commands_name_every_folder_of_label_maps_and_what_its_numbers_mean():
    ours = {value: str(Region(*key)) for key, value in VALUES.items()}
    tables = [NUMBERINGS["paraspinalseg"], {**ours, 255: "overlap"}, {}, {7: "disc"}]
    first, *_, report = commands(Settings(mask_rule="mask"), compared=False, numberings=tables)
    folders = "--masks MASKS1 --masks MASKS2 --masks MASKS3 --masks MASKS4"
    assert f"{folders} --numbering paraspinalseg --numbering TABLE.csv" in first
    assert folders in report
    first, report = commands(Settings(mask_rule="mask"), compared=False, numberings=[ours])
    assert "--masks MASKS" in first
    assert "--numbering" not in first
    assert "--masks MASKS " in report


def test_statistics_are_in_the_paragraph_where_there_are_any():
    study = StudyFacts("1", Settings(), ("MF",), ("L4",), 1, 1, {}, compared=True, normality="shapiro",
                  divide_by="bmi", sides_compared=True)  # fmt: skip
    text = methods_paragraph(study)
    for words in ("Shapiro–Wilk", "Benjamini and Hochberg", "divided by bmi", "Wilcoxon"):
        assert words in text


def test_the_commands_have_every_setting_and_survive_a_shell():
    settings = Settings(threshold=45, mask_rule="centre", name_pattern="(?P<group>A) B", window=(0, 9.5))
    first, second, third = commands(settings, ("group:ALS[onset_region=lower]-LR",))
    assert shlex.split(first) == [
        *("mriparaspinal", "quantify", "DATASET", "--out", "RESULTS", "--threshold", "45"),
        *("--mask-rule", "centre", "--name-pattern", "(?P<group>A) B", "--window", "0,9.5"),
    ]
    assert "group:ALS[onset_region=lower]-LR" in shlex.split(second)
    assert "--comparison" in third
    assert len(commands(settings, compared=False)) == 2
