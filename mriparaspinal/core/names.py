"""Display names, units and orders of what is printed or drawn."""

from __future__ import annotations

import dataclasses

from mriparaspinal.core.model import Measurement

#: How the columns of the tables are called on an axis; any other goes by its own name.
COLUMN_NAMES = {
    "fi": "FI",
    "rcsa": "rCSA",
    "lean_rcsa": "lean rCSA",
    "csa_px": "CSA",
    "csa_mm2": "CSA",
    "contour_area_px": "contour area",
    "fat_px": "fat",
    "lean_px": "lean CSA",
    "reference_px": "reference",
    "mean_intensity": "mean intensity",
    "asymmetry_pct": "asymmetry",
    "alsfrs_r": "ALSFRS-R",
    "alsfrs_lower": "ALSFRS-R, lower limb",
    "bmi": "BMI",
    "disease_duration": "disease duration",
    "age_onset": "age at onset",
}

UNITS = {f.name: str(f.metadata.get("unit", "")) for f in dataclasses.fields(Measurement)} | {
    "fi": "share, 0–1",
    "bmi": "kg/m²",
    "disease_duration": "months",
    "age": "years",
    "age_onset": "years",
}

TEST_NAMES = {
    "student_t": "Student’s t-test",
    "welch_t": "Welch’s t-test",
    "mann_whitney_u": "Mann–Whitney U test",
    "paired_t": "paired t-test",
    "wilcoxon": "Wilcoxon’s signed-rank test",
}

METRIC_NAMES = {
    "fi": "FI", "rcsa": "rCSA", "lean_rcsa": "lean rCSA", "csa_px": "CSA (px)", "csa_mm2": "CSA (mm²)",
    "lean_px": "lean CSA (px)", "fat_px": "fat (px)", "mean_intensity": "mean grey level",
    "asymmetry_pct": "asymmetry (%)",
}  # fmt: skip

CLINICAL_NAMES = {
    "alsfrs_lower": "ALSFRS-R lower", "alsfrs_r": "ALSFRS-R", "bmi": "BMI", "age": "age", "sex": "sex",
    "age_onset": "age at onset", "disease_duration": "disease duration", "psa": "PSA",
}  # fmt: skip

SIDE_NAMES = {
    "symptomatic": ("S", "symptomatic onset side"),
    "contralateral": ("C", "contralateral side"),
    "bilateral": ("B", "both sides together"),
    "left": ("L", "left"),
    "right": ("R", "right"),
}

LONG_NAMES = {
    "ALS": "amyotrophic lateral sclerosis",
    "LR": "lumbosacral radiculopathy",
    "HC": "healthy controls",
    "MF": "multifidus",
    "ES": "erector spinae",
    "PM": "psoas major",
    "QL": "quadratus lumborum",
    "FI": "fatty infiltration",
    "rCSA": "relative cross-sectional area",
    "CSA": "cross-sectional area",
    "BMI": "body mass index",
    "PSA": "pathological spontaneous activity",
    "ALSFRS-R": "ALS functional rating scale–revised",
    "ALSFRS-R lower": "items of the ALSFRS-R for the lower limbs",
}

NORMALITY_NAMES = {
    "lilliefors": "Kolmogorov–Smirnov test with Lilliefors' correction",
    "shapiro": "Shapiro–Wilk test",
}

CHOICE_OF_TEST = (
    "two normal arms by Student's t-test, or Welch's where Levene's test finds unequal variances; others by "
    "the Mann–Whitney U test"
)

#: Values of the participants' columns that have a name in the field.
VALUE_NAMES = {
    ("psa", "1"): "PSA+",
    ("psa", "0"): "PSA−",
    ("onset_region", "lower"): "lower-limb onset",
    ("onset_region", "upper"): "upper-limb onset",
    ("onset_region", "bulbar"): "bulbar onset",
}
