"""How columns, regions, sides and tests are called in tables, figures and sentences, and in which units."""

from __future__ import annotations

from dataclasses import dataclass

from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import FIELDS


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a column, or of one of its values."""

    label: str
    """In tables and on axes: an abbreviation of the field where there is one."""
    unit: str = ""
    """On axes."""
    long: str = ""
    """In sentences."""

    @property
    def axis(self) -> str:
        """The label with the unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def printed(self) -> str:
        """The label as the paper's tables print it: with the unit where the same quantity has several."""
        return self.axis if self.unit in ("px", "px²", "mm²", "%") else self.label


#: By column; any other goes by its own name.
_NAMES = {
    "fi": Name("FI", "share, 0–1", "fatty infiltration (FI)"),
    "rcsa": Name("rCSA", "ratio", "relative area (rCSA)"),
    "lean_rcsa": Name("lean rCSA", "ratio", "relative lean area"),
    "csa_px": Name("CSA", "px", "area (pixels)"),
    "csa_mm2": Name("CSA", "mm²", "area (mm²)"),
    "contour_area_px": Name("contour area", "px²"),
    "fat_px": Name("fat", "px", "fat (pixels)"),
    "lean_px": Name("lean CSA", "px", "lean area (pixels)"),
    "reference_px": Name("reference", "px"),
    "mean_intensity": Name("mean grey level", "", "mean grey level"),
    "asymmetry_pct": Name("asymmetry", "%", "difference of the sides (%)"),
}

#: The same of the participants' columns.
_CLINICAL = {
    "alsfrs_r": Name("ALSFRS-R"),
    "alsfrs_lower": Name("ALSFRS-R lower"),
    "bmi": Name("BMI", "kg/m²"),
    "height": Name("height", "cm"),
    "age": Name("age", "years"),
    "age_onset": Name("age at onset", "years"),
    "disease_duration": Name("disease duration", "months"),
    "psa": Name("PSA"),
}

_UNITS = {f.name: str(f.metadata.get("unit", "")) for f in FIELDS}


def name_of(column: str) -> Name:
    """The name of a column of any table.

    >>> name_of("csa_mm2").axis, name_of("bmi").label, name_of("volume_ml").axis, name_of("fvc").axis
    ('CSA (mm²)', 'BMI', 'volume_ml (ml)', 'fvc')
    """
    if column in BY_NAME:
        return Name(BY_NAME[column].label or column, BY_NAME[column].unit)
    return _NAMES.get(column) or clinical_name_of(column) or Name(column, _UNITS.get(column, ""))


def clinical_name_of(column: str) -> Name | None:
    """The name of a column that says something about a participant; None for other columns."""
    return _CLINICAL.get(column)


MUSCLE_NAMES = {
    "MF": Name("MF", long="multifidus"),
    "ES": Name("ES", long="erector spinae"),
    "PM": Name("PM", long="psoas major"),
    "QL": Name("QL", long="quadratus lumborum"),
}

REFERENCE_NAMES = {
    "IVD": Name("IVD", long="intervertebral disc"),
    "VB": Name("VB", long="vertebral body"),
}

#: Roles and sides.
SIDE_NAMES = {
    "symptomatic": Name("S", long="symptomatic side"),
    "contralateral": Name("C", long="contralateral side"),
    "bilateral": Name("B", long="both sides together"),
    "left": Name("L", long="left"),
    "right": Name("R", long="right"),
}

TEST_NAMES = {
    "student_t": Name("Student's t", long="Student’s t-test"),
    "welch_t": Name("Welch's t", long="Welch’s t-test"),
    "mann_whitney_u": Name("Mann–Whitney U", long="Mann–Whitney U test"),
    "chi_squared": Name("χ²"),
    "fisher_exact": Name("Fisher's exact"),
    "paired_t": Name("paired t", long="paired t-test"),
    "wilcoxon": Name("Wilcoxon", long="Wilcoxon’s signed-rank test"),
    "anova": Name("ANOVA", long="analysis of variance"),
    "welch_anova": Name("Welch's ANOVA", long="Welch’s analysis of variance"),
    "kruskal_wallis": Name("Kruskal–Wallis", long="Kruskal–Wallis test"),
    "tukey_hsd": Name("Tukey", long="Tukey’s test"),
    "games_howell": Name("Games–Howell", long="Games–Howell test"),
    "dunn_holm": Name("Dunn, Holm", long="Dunn’s test with Holm’s adjustment"),
}

EFFECT_NAMES = {
    "hedges_g": Name("g", long="Hedges’ g"),
    "rank_biserial": Name("r", long="rank-biserial correlation"),
    "hedges_g_z": Name("g_z", long="Hedges’ g of the pairs"),
    "matched_rank_biserial": Name("r", long="matched-pairs rank-biserial correlation"),
}

#: How far two arms lie apart, in the unit of the metric.
DIFFERENCE_NAMES = {
    "mean_difference": Name("Δ", long="difference of means"),
    "hodges_lehmann": Name("Δ", long="Hodges–Lehmann shift"),
    "paired_t": Name("Δ", long="mean difference of the pairs"),
    "wilcoxon": Name("Δ", long="pseudo-median of the pairs"),
}

NORMALITY_NAMES = {
    "lilliefors": "Kolmogorov–Smirnov test with Lilliefors' correction",
    "shapiro": "Shapiro–Wilk test",
}

CHOICE_OF_TEST = (
    "two normal arms by Student's t-test, or Welch's where Levene's test finds unequal variances; others by "
    "the Mann–Whitney U test"
)

CHOICE_OF_OMNIBUS = (
    "groups that are all normal by analysis of variance, or Welch's where Levene's test finds unequal "
    "variances; others by the Kruskal–Wallis test"
)

#: Abbreviations and their meaning, for the footnotes of tables.
ABBREVIATIONS = {
    "ALS": "amyotrophic lateral sclerosis",
    "LR": "lumbosacral radiculopathy",
    "HC": "healthy controls",
    **{muscle: name.long for muscle, name in MUSCLE_NAMES.items()},
    "FI": "fatty infiltration",
    "rCSA": "relative cross-sectional area",
    "CSA": "cross-sectional area",
    "BMI": "body mass index",
    "PSA": "pathological spontaneous activity",
    "ALSFRS-R": "ALS functional rating scale–revised",
    "ALSFRS-R lower": "items of the ALSFRS-R for the lower limbs",
}

#: Values of the participants' columns that have a name in the field.
VALUE_NAMES = {
    ("psa", "1"): "PSA+",
    ("psa", "0"): "PSA−",
    ("onset_region", "lower"): "lower-limb onset",
    ("onset_region", "upper"): "upper-limb onset",
    ("onset_region", "bulbar"): "bulbar onset",
}
