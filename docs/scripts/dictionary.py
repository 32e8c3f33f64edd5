"""The page ``data-dictionary.md``: every table that the commands write, column by column.

Which columns there are, and in which order, comes from the package; what those of ``L1.csv`` … mean, too. It
is not in the repository: ``make docs`` makes it while the site is built. A column without a meaning here, or
a meaning without a column, stops the build. Run ``python docs/scripts/dictionary.py`` to see it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from markdown_page import table

from mriparaspinal.analysis import criteria as criteria_tables
from mriparaspinal.analysis import overlap as mask_agreement
from mriparaspinal.analysis import ratings as rating_items
from mriparaspinal.brain import atlas as regions
from mriparaspinal.brain import paint
from mriparaspinal.cli.kinds import KINDS
from mriparaspinal.core import meanings, participants
from mriparaspinal.core.measure_columns import MEASURE_COLUMNS
from mriparaspinal.core.model import COLUMNS, FIELDS, OPTIONAL_COLUMNS, Problem
from mriparaspinal.io import numberings as numbering
from mriparaspinal.measure import for_others
from mriparaspinal.review import adjudicate, blind, timing, verdicts
from mriparaspinal.scans.picture import SLICES_COLUMNS
from mriparaspinal.stats import (
    calibration,
    change,
    change_model,
    change_tests,
    characteristics,
    compare,
    correlate,
    decision,
    fixed_rates,
    logistic_model,
    many_groups,
    model,
    on_request,
    partial_area,
    prediction,
    regress,
    reliability,
    roc,
    sweep,
)
from mriparaspinal.stats import grades as grade_tables
from mriparaspinal.stats import missing as missing_tables
from mriparaspinal.stats import planning as plan_tables
from mriparaspinal.stats import ratings as rating_tables

_INTRODUCTION = """\
# Data dictionary

Every table that the commands write, with its columns in their order. All tables are CSV: UTF-8, commas,
decimal points, one header line. **An empty cell means that there is no such number**, never 0. Proportions
are 0–1, unless the column's name ends in `_pct`. Numbers have enough digits to be read back exactly.

This page is made from the program itself. More on the numbers: [From contour to number](measurement.md) and
[Statistics](methods.md)."""

#: What a column means in every table that has it, unless the table says otherwise.
_COMMON = {
    "contrast": "what was compared, as `compare --contrast` writes it",
    "segment": "L1 to L5, or as declared; empty in table mode",
    "muscle": "MF, ES, PM, QL, or a region of one's own; empty in table mode",
    "metric": "the column that was compared, such as `fi` or `rcsa`",
    "role": "symptomatic or bilateral; empty where two sides are compared, and in table mode",
    "label_a": "name of arm a",
    "label_b": "name of arm b",
    "n_a": "values used in arm a",
    "n_b": "values used in arm b",
    **{
        f"{name}_{arm}": f"{text} of arm {arm}"
        for arm in "ab"
        for name, text in {
            "mean": "mean",
            "sd": "standard deviation (n − 1)",
            "median": "median",
            "q1": "first quartile",
            "q3": "third quartile",
            "normality_p": "p of the test of normality",
            "summary": "mean ± SD, or median (IQR) if not normal,",
        }.items()
    },
    "test": "which test was used",
    "statistic": "t, U of arm a, or χ²",
    "df": "degrees of freedom",
    "p": "p-value, two-sided, not adjusted",
    "p_adjusted": "p after Benjamini and Hochberg, within one family",
    "effect": "`hedges_g` or `rank_biserial`",
    "effect_size": "its value; positive where arm a is larger",
    "effect_ci_low": "lower limit of its 95 % interval",
    "effect_ci_high": "upper limit",
    "n": "number of values, targets or participants used",
    "ci_low": "lower limit of the 95 % interval",
    "ci_high": "upper limit",
    "covariates": "what was held constant",
    "se": "standard error",
    "n_positive": "positives with a value",
    "n_negative": "negatives with a value",
    "cutoff": "a value on or beyond it counts as positive",
    "sensitivity": "share of positives found, 0–1",
    "specificity": "share of negatives left out, 0–1",
    "youden": "sensitivity + specificity − 1",
    "predictor": "the column that separates the groups",
    "direction": "`higher` or `lower`: which values count as positive",
    "bias": "mean of second rater minus first; two raters only",
    "loa_low": "lower limit of agreement, bias − 1.96 SD",
    "loa_high": "upper limit of agreement",
    "threshold": "grey level above which a pixel is fat",
    "fi_mean": "mean FI over the rows",
}

#: Of the tables of `change`.
_REGION = {"group": "study group", "role": "symptomatic, contralateral or bilateral"}

_WHOSE = {
    **_REGION,
    "participant_id": "who was measured",
    "side": "left or right of the patient, or both sides together",
    "role": "symptomatic, contralateral or bilateral; empty: onset side not known",
    "metric": "the column that was followed",
}

_MEAN_AND_SD = (("mean", "mean"), ("sd", "standard deviation (n − 1)"))

_RECORDS = """\
`problems.csv` of `quantify`, `run` and `prepare`, and `check --json`: one row per finding. What each code
means is in [Problem codes](problems.md)."""


#: Of tables of raters.
_BOOTSTRAP = {
    "participants": "participants of the targets",
    "ci_low_bootstrap": "lower limit of the 95 % interval by bootstrap over participants",
    "ci_high_bootstrap": "upper limit",
}

_CLUSTER = {
    "cluster": "with `--cluster`: the column whose rows with one value belong together",
    "clusters": "with `--cluster`: how many of them were used",
}


_OF_DICTIONARY = {
    "sheet": "name of the sheet",
    "column": "name of the column",
    "meaning": "what it holds",
    "unit": "its unit",
    "values": "what its values stand for",
}


@dataclasses.dataclass(frozen=True)
class _Table:
    """One table of the page."""

    file: str
    words: str
    columns: Iterable[str]
    meanings: Mapping[str, str]
    """Of the columns that are not common, or mean something else here."""


_TABLES = (
    _Table(
        "comparisons.csv",
        "From `compare` and `run`: one row per contrast, segment, muscle, metric and role.",
        (*compare.COMPARISON_COLUMNS, *on_request.MARGIN_COLUMNS, *on_request.MAX_T_COLUMNS),
        {
            "role": "symptomatic or bilateral; empty where two sides are compared, also between groups",
            "difference_kind": "`mean_difference` (t-tests) or `hodges_lehmann` (Mann–Whitney test)",
            "difference": "how far arm a lies above arm b, in the unit of the metric",
            "difference_ci_low": "lower limit of its 95 % interval",
            "difference_ci_high": "upper limit",
            "paired_n": "on side rows: participants with both sides",
            "paired_difference": "mean of a − b, or the pseudo-median (Wilcoxon), in the metric's unit",
            "paired_difference_ci_low": "lower limit of its 95 % interval",
            "paired_difference_ci_high": "upper limit",
            "paired_effect": "`hedges_g_z` or `matched_rank_biserial`",
            "paired_effect_size": "its value, positive if arm a is larger",
            "paired_effect_ci_low": "lower limit of its 95 % interval",
            "paired_effect_ci_high": "upper limit",
            "margin": "with `--margin`: the margin of equivalence of the metric",
            "p_equivalence": "with `--margin`: the larger p of two one-sided tests against ±margin",
            "equivalent": "with `--margin`: `yes` if p_equivalence is below 0.05, else `no`",
            "difference_ci90_low": "with `--margin`: lower limit of the 90 % interval of the difference",
            "difference_ci90_high": "with `--margin`: upper limit",
            **{
                f"paired_{name}": f"with `--margin`: the same for the paired test: `{name}`"
                for name in ("p_equivalence", "equivalent", "difference_ci90_low", "difference_ci90_high")
            },
            "p_max_t": "with `--max-t`: p adjusted for all rows of the contrast by permutation",
            "paired_p_max_t": "with `--max-t`: the same for the paired test, on side rows",
            "paired_test": "on side rows: `paired_t` or `wilcoxon`, over participants with both sides",
            "paired_statistic": "t, or the smaller rank sum",
            "paired_p": "the p to read for the two sides of a patient; not adjusted",
            "p_exact": "exact p of a Mann–Whitney test with n_a·n_b below 400",
            "paired_p_exact": "exact p of a Wilcoxon test with 20 differences at most",
            "paired_p_adjusted": "`paired_p` adjusted by Benjamini and Hochberg within the contrast",
            "test": "`student_t`, `welch_t` or `mann_whitney_u`",
            "statistic": "t, or U of arm a",
            "df": "degrees of freedom of t",
        },
    ),
    _Table(
        "characteristics.csv",
        "From `compare` and `run`, the numbers of Table 1: one row per characteristic and pair of groups. "
        "The last three columns are there with `--smd`.",
        (*characteristics.CHARACTERISTIC_COLUMNS, *characteristics.SMD_COLUMNS),
        {
            "p_exact": "exact p (Fisher, Freeman and Halton) where χ² is approximate",
            "smd": "standardised mean difference, a − b; of categories without a sign",
            "smd_ci_low": "lower limit of its 95 % interval",
            "smd_ci_high": "upper limit",
            "characteristic": "column of the participants table",
            "item": "its name in Table 1",
            "unit": "its unit",
            "levels": "the categories, in the order of the counts",
            "label_a": "the first group",
            "label_b": "the second group; empty where there is one only",
            "missing_a": "participants of group a without a value",
            "missing_b": "the same in group b",
            "counts_a": "participants of group a in each category",
            "counts_b": "the same in group b",
            "test": "`student_t`, `welch_t`, `mann_whitney_u`, `chi_squared` or `fisher_exact`",
            "remark": "what to know about the row",
        },
    ),
    _Table(
        "missing.csv",
        "From `compare --missing`: one row per group, segment, muscle and side ([more](missing-data.md)).",
        missing_tables.REGION_COLUMNS,
        {
            "group": "study group",
            "side": "left or right of the patient; both: a region without sides",
            "expected": "participants of the group, of the participants table and of the dataset",
            "measured": "those with a row in `L1.csv` …",
            "refused": "those whose slice or contour is there, and has an error, or is excluded by a review",
            "missing": "all others: no slice, or no contour",
            "without": "who was not measured, the first ten",
        },
    ),
    _Table(
        "missing_columns.csv",
        "From `compare --missing`: one row per column of the participants and group.",
        missing_tables.COLUMN_COLUMNS,
        {
            "group": "study group",
            "column": "column of the participants table; of a plain table every column",
            "expected": "participants of the group",
            "missing": "those without a value",
            "missing_pct": "100 · missing / expected",
            "without": "who they are, the first ten",
        },
    ),
    _Table(
        "plan.csv",
        "From `plan`: one row per contrast, place, test and assumption ([more](planning.md)).",
        plan_tables.PLAN_COLUMNS,
        {
            "segment": "L1 to L5; empty for the mixed model over all segments, and in table mode",
            "metric": "the column that is planned for",
            "role": "symptomatic, contralateral or bilateral; empty where two sides are compared",
            "test": "`welch_t`, `mann_whitney_u`, `auc`, `mixed_model`; of two sides `paired_t`, `wilcoxon`",
            "n_a": "values in arm a of this study",
            "n_b": "values in arm b of this study",
            "sd_a": "standard deviation of arm a; of the mixed model of the participants' means",
            "sd_b": "the same of arm b",
            "sd_difference": "standard deviation of the differences of the two sides",
            "correlation": "of the two sides",
            "sd_participant": "of the mixed model: standard deviation between participants",
            "sd_residual": "of the mixed model: that within a participant",
            "levels": "of the mixed model: segments of each participant",
            "assumed": "`observed`, `end of its interval nearer to zero`, or `given`",
            "difference": "the difference that is to be found, in the unit of the metric",
            "effect": "`d` and `dz` (in SD), `superiority` P(a > b), or `auc`",
            "effect_size": "its value",
            "alpha": "level of the test, after Bonferroni",
            "power": "power that is wanted",
            "needed_a": "participants of arm a, or pairs, that are needed",
            "needed_b": "participants of arm b",
            "power_reached": "power with these",
            "power_simulated": "of the mixed model: share of 2,000 simulated studies that find it",
        },
    ),
    _Table(
        "plan_curve.csv",
        "From `plan`: power by size; the rows of `plan.csv` that assume a difference.",
        plan_tables.CURVE_COLUMNS,
        {
            "segment": "as in `plan.csv`",
            "metric": "the column that is planned for",
            "role": "as in `plan.csv`",
            "test": "as in `plan.csv`",
            "assumed": "as in `plan.csv`",
            "n_a": "participants of arm a, or pairs",
            "n_b": "participants of arm b; of pairs the same",
            "power": "power with these",
        },
    ),
    _Table(
        "plan_icc_auc.csv",
        "From `plan --icc` and `plan --auc`.",
        plan_tables.GIVEN_COLUMNS,
        {
            "measure": "`icc` or `auc`",
            "aim": "`power` to tell it from `null`, or a `width` of its 95 % interval",
            "expected": "the value that is expected",
            "null": "the value that it is to be told from",
            "width": "width of the interval that is wanted",
            "raters": "readings of each target",
            "alpha": "level of the test, after Bonferroni",
            "power": "power that is wanted",
            "needed_a": "targets; of an area positives",
            "needed_b": "of an area negatives",
        },
    ),
    _Table(
        "omnibus.csv",
        "From `compare` and `run` with three groups or more: all groups at once, one row per segment, "
        "muscle, metric and role.",
        many_groups.OMNIBUS_COLUMNS,
        {
            "groups": "the column whose values are the groups",
            "n": "values used, by group",
            "summary": "mean ± SD, or median (IQR) if not normal, by group",
            "levene_p": "p of Levene's test; empty unless all groups are normal",
            "test": "`anova`, `welch_anova` or `kruskal_wallis`",
            "statistic": "F, or H",
            "df1": "degrees of freedom between the groups",
            "df2": "degrees of freedom within; none for H",
            "p_adjusted": "p after Benjamini and Hochberg, over all rows",
            "effect": "`eta_squared`, `omega_squared` or `epsilon_squared`",
            "effect_size": "its value, 0–1",
            "effect_ci_low": "lower limit of the 95 % interval of η²",
        },
    ),
    _Table(
        "post_hoc.csv",
        "Beside `omnibus.csv`: each pair of groups of each of its rows.",
        many_groups.POST_HOC_COLUMNS,
        {
            "groups": "the column whose values are the groups",
            "test": "`tukey_hsd`, `games_howell` or `dunn_holm`",
            "label_a": "the first group",
            "label_b": "the second group",
            "n_a": "values used in the first",
            "n_b": "values used in the second",
            "difference_of": "`means`, or `mean ranks` among all groups",
            "difference": "group a minus group b",
            "ci_low": "lower 95 % limit of a difference of means; the limits hold for all pairs together",
            "statistic": "studentized range q, or z; positive where group a is larger",
            "df": "degrees of freedom of q",
            "p_adjusted": "p, adjusted for all pairs of the row by the test itself, or by Holm",
            "letters_a": "letters of group a; groups of a row that share none differ",
            "letters_b": "letters of group b",
        },
    ),
    _Table(
        "correlations.csv",
        "From `correlate`; `table4_correlations.csv` from `compare` has the same columns. The limits "
        "`bonett_wright_…` are there with `--method spearman`.",
        [*correlate.COLUMNS, *correlate.SPEARMAN_COLUMNS, *regress.CLUSTER_COLUMNS],
        {
            **_CLUSTER,
            "bonett_wright_low": "lower 95 % limit after Bonett and Wright",
            "bonett_wright_high": "upper limit",
            "role": "symptomatic, contralateral or bilateral",
            "metric": "the column that was correlated",
            "score": "the clinical score",
            "method": "`pearson` or `spearman`",
            "r": "partial correlation",
        },
    ),
    _Table(
        "regressions.csv",
        "From `regress`: one row per term of each model. The last column is there with `--each`.",
        [*regress.COLUMNS, *regress.CLUSTER_COLUMNS, "predictor"],
        {
            **_CLUSTER,
            "predictor": "the predictor of the model",
            "role": "symptomatic, contralateral or bilateral",
            "metric": "the outcome, where it is a measure of a muscle",
            "outcome": "the column that is explained",
            "term": "intercept, predictor or covariate; `sex[M]` is M against the first level",
            "df": "residual degrees of freedom; with `--cluster` Satterthwaite's",
            "b": "coefficient",
            "beta": "standardised coefficient",
            "t": "b / se",
            "r2": "share of the variance explained by the model",
            "r2_adjusted": "the same, adjusted for the number of terms",
            "model_p": "p of the F test of the model; with `--cluster` of Hotelling's T²",
            "p_adjusted": "p after Benjamini and Hochberg, over all rows of one predictor",
        },
    ),
    _Table(
        "models.csv",
        "From `model`: one row per metric. What the tables are is described in [Models](models.md).",
        model.MODEL_COLUMNS,
        {
            "metric": "the column that is explained",
            "n": "rows used",
            "participants": "participants they are from",
            "coefficients": "coefficients of the formula, the intercept among them",
            "status": "`converged`, `singular` (a variance of 0, or a correlation of ±1), `least_squares` "
            "(one row per participant), `not_converged` or `not_fitted`",
            "reml_deviance": "−2 log restricted likelihood",
        },
    ),
    _Table(
        "f_tests.csv",
        "From `model`: one row per metric and term of the formula.",
        model.TEST_COLUMNS,
        {
            "metric": "the column that is explained",
            "term": "a column of the formula, or an interaction",
            "df1": "degrees of freedom of the term",
            "df2": "degrees of freedom of its error: residual, Satterthwaite's, or Kenward and Roger's",
            "f": "F of the term beside all others (type III)",
            "p": "p of F, not adjusted",
        },
    ),
    _Table(
        "fixed_effects.csv",
        "From `model`: one row per metric and coefficient.",
        model.FIXED_COLUMNS,
        {
            "metric": "the column that is explained",
            "term": "intercept, number, or category: `group[LR]` is LR against the first group",
            "b": "coefficient",
            "df": "its degrees of freedom: residual, Satterthwaite's, or Kenward and Roger's",
            "t": "b / se",
        },
    ),
    _Table(
        "random_effects.csv",
        "From `model`: one row per metric and random effect, and one for the residuals.",
        model.RANDOM_COLUMNS,
        {
            "metric": "the column that is explained",
            "effect": "the column whose levels differ at random, or `residual`",
            "column": "`(Intercept)`, or the column of a slope; empty for the residuals",
            "levels": "participants, sites, …; of the residuals rows",
            "variance": "variance (REML; of least squares the residual mean square)",
            "sd": "its square root",
            "correlation": "of the slopes with the intercepts of the same participants",
            "icc": "share of this intercept in the variance of all intercepts and the residuals",
        },
    ),
    _Table(
        "estimated_means.csv",
        "From `model --means`: one row per metric and combination of categories.",
        model.MEAN_COLUMNS,
        {
            "metric": "the column that is explained",
            "factors": "the categories, as `--means` has them",
            "cell": "a level of each, such as `ALS:symptomatic`",
            "by": "the categories within which means are compared",
            "at": "a level of each",
            "mean": "estimated marginal mean; empty where the data have no row that tells it",
            "df": "degrees of freedom",
        },
    ),
    _Table(
        "mean_differences.csv",
        "From `model --means`: one row per metric and pair of means.",
        model.DIFFERENCE_COLUMNS,
        {
            "metric": "the column that is explained",
            "factors": "the categories, as `--means` has them",
            "by": "the categories within which means are compared",
            "at": "a level of each",
            "cell_a": "the first mean",
            "cell_b": "the second mean",
            "difference": "first minus second",
            "t": "difference / se",
            "p_adjusted": "p after Holm, among the differences of the same `factors`, `by` and `at`",
        },
    ),
    _Table(
        "regressions.csv with --impute",
        "Behind the columns above ([more](missing-data.md)); `df` is then Barnard and Rubin's.",
        regress.IMPUTED_COLUMNS,
        {
            "n_complete": "participants without a missing cell",
            "cells_imputed": "missing cells that were imputed; 0: complete cases",
            "sets": "imputed data sets",
            "fmi": "fraction of missing information of the coefficient, 0–1",
        },
    ),
    _Table(
        "roc.csv",
        "From `roc`: one row per predictor.",
        roc.ROC_COLUMNS,
        {
            "auc": "area under the curve",
            "se": "standard error after Hanley and McNeil",
            "ci_low": "lower 95 % limit after Hanley and McNeil",
            "delong_low": "lower 95 % limit after DeLong",
            "delong_high": "upper 95 % limit after DeLong",
            "p": "p for a true area of 0.5",
            "cutoff": "the cut-off with the highest Youden index",
        },
    ),
    _Table(
        "roc_points.csv",
        "From `roc`: one row per predictor and cut-off, with Wilson's 95 % intervals.",
        roc.POINT_COLUMNS,
        {
            "sensitivity_low": "lower limit",
            "sensitivity_high": "upper limit",
            "specificity_low": "lower limit",
            "specificity_high": "upper limit",
        },
    ),
    _Table(
        "roc_differences.csv",
        "From `roc` with two predictors or more: DeLong's test of each pair.",
        roc.DELONG_COLUMNS,
        {
            "predictor_a": "first predictor",
            "predictor_b": "second predictor",
            "n_positive": "positives with both values",
            "n_negative": "negatives with both values",
            "auc_a": "area of the first",
            "auc_b": "area of the second",
            "difference": "first minus second",
            "z": "difference / se",
        },
    ),
    _Table(
        "roc_fixed.csv",
        "From `roc --specificity` or `--sensitivity`: one row per predictor and rate that is fixed. See "
        "[ROC: what to report](roc.md).",
        fixed_rates.FIXED_COLUMNS,
        {
            "fixed": "`specificity` or `sensitivity`: the rate that was asked for",
            "at_least": "its value that was asked for; the one that is reached stands under its own name",
            "ci_low": "lower 95 % limit of the other rate",
            "ci_high": "upper limit",
        },
    ),
    _Table(
        "roc_partial.csv",
        "From `roc --partial-auc`: one row per predictor.",
        partial_area.PARTIAL_COLUMNS,
        {
            "of": "`specificity` or `sensitivity`: of which the range is",
            "from": "its lower end",
            "to": "its upper end",
            "partial_auc": "area under the curve within the range",
            "standardised": "after McClish: 0.5 by chance, 1 at most",
            "standardised_low": "lower 95 % limit of it",
            "standardised_high": "upper limit",
        },
    ),
    _Table(
        "roc_model.csv",
        "From `roc --validate`: the logistic model of all predictors, one row per term.",
        logistic_model.MODEL_COLUMNS,
        {
            "method": "`maximum_likelihood`, or `firth` where the predictors separate the groups",
            "term": "intercept or predictor",
            "n_positive": "positives with all predictors",
            "n_negative": "negatives with all predictors",
            "b": "coefficient: log odds per unit of the predictor",
            "ci_low": "lower 95 % limit, profile likelihood; none for the intercept",
            "sd": "standard deviation (n − 1) of the predictor",
            "odds_ratio": "of one SD more",
            "odds_ratio_low": "lower 95 % limit",
            "odds_ratio_high": "upper limit",
            "p": "likelihood-ratio test of b = 0",
        },
    ),
    _Table(
        "roc_validation.csv",
        "From `roc --validate`: how the model would do in new patients, one row per measure.",
        prediction.VALIDATION_COLUMNS,
        {
            "measure": "`auc`, `brier`, `calibration_intercept`, `calibration_slope`",
            "n_positive": "positives with all predictors",
            "n_negative": "negatives with all predictors",
            "apparent": "in the patients that the model was made from",
            "optimism": "how much better that is than in others, by the bootstrap",
            "corrected": "apparent − optimism",
            "ci_low": "lower 95 % limit of the corrected area",
            "leave_pair_out": "area by leave-pair-out",
            "resamples": "resamples used",
        },
    ),
    _Table(
        "roc_calibration.csv",
        "From `roc --validate`: one row per group of patients with similar probabilities.",
        calibration.CALIBRATION_COLUMNS,
        {
            "group": "number of the group, lowest probabilities first",
            "n": "patients in it",
            "n_positive": "positives among them",
            "predicted": "mean of their predicted probabilities",
            "observed": "share of positives",
            "ci_low": "lower 95 % limit of it, Wilson",
        },
    ),
    _Table(
        "roc_decision.csv",
        "From `roc --validate`: the decision curve, one row per threshold.",
        decision.DECISION_COLUMNS,
        {
            "threshold": "probability from which a patient counts as positive",
            "net_benefit": "of the model, in the patients that it was made from",
            "net_benefit_corrected": "the same, corrected for optimism",
            "treat_all": "net benefit if all count as positive",
            "treat_none": "if none does: 0",
        },
    ),
    _Table(
        "detection.csv",
        "From `score --summary`: how often each item has a grade above 0, by pair of study groups. The "
        "scores are described in [Clinical scores](scores.md).",
        grade_tables.DETECTION_COLUMNS,
        {
            "item": "name of the item; `all`: all of them",
            "label": "its name in words",
            "measure": "`detected`: a grade above 0; `high_grade`: a high grade, of those detected",
            "n_a": "records of group a (both sides)",
            "n_b": "records of group b",
            "count_a": "how many of them",
            "count_b": "the same in group b",
            "share_a": "count_a / n_a",
            "share_b": "count_b / n_b",
            "test": "`chi_squared` or `fisher_exact`",
            "statistic": "χ²",
            "p_adjusted": "p after Benjamini and Hochberg, over the items of a pair of groups",
        },
    ),
    _Table(
        "grades.csv",
        "From `score --summary`: grades, and participants' scores, by pair of study groups.",
        grade_tables.GRADE_COLUMNS,
        {
            "item": "name of the item, or of the score; `all`: all items",
            "label": "its name in words",
            "unit": "what is counted: `items` (each item and side) or `participants`",
            "mean_rank_a": "mean rank of group a",
            "mean_rank_b": "mean rank of group b",
            "u": "the smaller U of Mann and Whitney",
            "z": "its z, corrected for ties; never above 0",
            "p_adjusted": "p after Benjamini and Hochberg, over the items of a pair of groups",
        },
    ),
    _Table(
        "distribution.csv",
        "From `score --summary`: how many have each grade.",
        grade_tables.DISTRIBUTION_COLUMNS,
        {
            "unit": "`items` (each item and side) or `participants` (by their highest grade)",
            "group": "study group",
            "grade": "the grade",
            "n": "items or participants of the group",
            "count": "those with the grade",
            "share": "count / n",
        },
    ),
    _Table(
        "places.csv",
        "From `score --summary`: where low and high grades are.",
        grade_tables.PLACE_COLUMNS,
        {
            "group": "study group",
            "place": "region and place of the items",
            "level": "`low` or `high`",
            "n": "items of the group with a grade above 0",
            "count": "those of them of the level in the place",
            "share": "count / n",
        },
    ),
    _Table(
        "changes.csv",
        "From [`change`](follow-up.md): one row per participant, region, metric and session.",
        change.CHANGE_COLUMNS,
        {
            **_WHOSE,
            "session": "which scan of the participant",
            "months": "since the participant's first session",
            "value": "the metric at the session",
            "change": "value − value at the first session of the study",
            "mdc95": "with `--mdc`: minimal detectable change of the region",
            "beyond_mdc": "with `--mdc`: 1 where the change is larger than that, in either direction, else 0",
        },
    ),
    _Table(
        "participant_slopes.csv",
        "From `change`: one row per participant, region and metric.",
        change.PARTICIPANT_SLOPE_COLUMNS,
        {
            **_WHOSE,
            "n": "sessions with a value and a time",
            "months": "from the first of them to the last",
            "slope_per_month": "change of the metric per month, by least squares",
        },
    ),
    _Table(
        "change_tests.csv",
        "From `change`: one row per group, region, metric and pair of sessions.",
        change_tests.TEST_COLUMNS,
        {
            **_REGION,
            "session_a": "the earlier session",
            "session_b": "the later one",
            "n": "participants who have both",
            **{f"{name}_{arm}": f"{text} at session {arm}" for arm in "ab" for name, text in _MEAN_AND_SD},
            "change": "mean of later − earlier",
            "sd_change": "standard deviation of the changes (n − 1)",
            "ci_low": "lower limit of the 95 % interval of the mean change",
            "srm": "standardised response mean, change / sd_change",
            "srm_ci_low": "lower limit of its 95 % interval",
            "srm_ci_high": "upper limit",
            "test": "`paired_t` or `wilcoxon`",
            "statistic": "t, positive where values grow, or the smaller rank sum",
            "p_exact": "exact p of a Wilcoxon test with 20 differences at most",
            "p_adjusted": "p after Benjamini and Hochberg, over all rows of the group",
        },
    ),
    _Table(
        "slopes.csv",
        "From `change`: one row per group, region and metric.",
        change_tests.SLOPE_COLUMNS,
        {
            **_REGION,
            "n": "participants with a slope",
            "slope_per_month": "mean of their slopes",
            "sd": "standard deviation of the slopes (n − 1)",
        },
    ),
    _Table(
        "change_differences.csv",
        "From `change`: one row per pair of groups, region, metric and quantity.",
        change_tests.DIFFERENCE_COLUMNS,
        {
            **{name: text for name, text in _REGION.items() if name != "group"},
            "contrast": "the two groups, a-b",
            "quantity": "`change` between two sessions, or `slope_per_month`",
            "session_a": "the earlier session; empty for slopes",
            "session_b": "the later one",
            "n_a": "participants of group a",
            "n_b": "participants of group b",
            **{f"{name}_{arm}": f"{text} in group {arm}" for arm in "ab" for name, text in _MEAN_AND_SD},
            "difference": "mean_a − mean_b",
            "ci_low": "lower limit of its 95 % interval, by Welch's t",
            "test": "`student_t`, `welch_t` or `mann_whitney_u`",
            "statistic": "t, or U of group a",
            "df": "degrees of freedom of t",
            "p_adjusted": "p after Benjamini and Hochberg, over all rows of the contrast",
        },
    ),
    _Table(
        "change_model.csv",
        "From `change`: group × time in a mixed model, one row per pair of groups, region and metric.",
        change_model.MODEL_COLUMNS,
        {
            **{name: text for name, text in _REGION.items() if name != "group"},
            "contrast": "the two groups, a-b",
            "role": "symptomatic or bilateral",
            "random": "`slope`: intercepts and slopes of participants; `intercept`: intercepts alone",
            "status": "`converged`, `singular` (a variance is zero), `not_converged` or `not_fitted`",
            "n": "rows: participants × sessions",
            "participants": "participants of both groups",
            "difference": "slope per month of group a − that of group b",
            "se": "its standard error",
            "df": "Satterthwaite's degrees of freedom",
            "t": "difference / se",
            "p_adjusted": "p after Benjamini and Hochberg, over all rows of the contrast",
        },
    ),
    _Table(
        "reliability.csv",
        "From `reliability`: one row per segment, muscle, metric and form of ICC.",
        reliability.RELIABILITY_COLUMNS,
        {
            "segment": "L1 to L5, or as declared; empty: all together",
            "n": "targets (participant × segment × side) with a value from every rater",
            "raters": "number of raters",
            "form": "form of ICC after McGraw and Wong, such as `ICC(A,1)`",
            "icc": "intraclass correlation coefficient",
            "f": "F of the test of ICC = 0",
            "df1": "its first degrees of freedom",
            "df2": "its second degrees of freedom",
            "p": "p of that test",
            "cv_pct": "coefficient of variation of repeated measurements, %",
            "sem": "standard error of measurement",
            "mdc95": "minimal detectable change",
            **_BOOTSTRAP,
            "cv_low_bootstrap": "lower limit of such an interval of the CV, %",
            "cv_high_bootstrap": "upper limit",
        },
    ),
    _Table(
        "bland_altman.csv",
        "From `reliability`: one row per segment, muscle, metric and pair of raters.",
        reliability.BLAND_ALTMAN_COLUMNS,
        {
            "segment": "L1 to L5, or as declared; empty: all together",
            "rater_a": "first rater",
            "rater_b": "second rater",
            "bias": "mean of second rater minus first",
            "sd": "SD of the differences (n − 1)",
            **{
                f"{name}_ci_{end}": f"{'lower' if end == 'low' else 'upper'} 95 % limit of {text}"
                for name, text in {
                    "bias": "the bias",
                    "loa_low": "the lower limit of agreement",
                    "loa_high": "the upper limit of agreement",
                }.items()
                for end in ("low", "high")
            },
            "participants": "participants of the targets",
            "repeated_variance_within": "variance of the differences within participants",
            "repeated_variance_between": "variance between participants; 0 where its estimate is below",
            "repeated_sd": "SD of the differences for repeated measures, from both variances",
            "repeated_bias_ci_low": "lower 95 % limit of the bias for repeated measures",
            "repeated_bias_ci_high": "upper 95 % limit",
            "repeated_loa_low": "lower limit of agreement for repeated measures",
            "repeated_loa_low_ci_low": "its lower 95 % limit",
            "repeated_loa_low_ci_high": "its upper 95 % limit",
            "repeated_loa_high": "upper limit of agreement for repeated measures",
            "repeated_loa_high_ci_low": "its lower 95 % limit",
            "repeated_loa_high_ci_high": "its upper 95 % limit",
        },
    ),
    _Table(
        "rating_agreement.csv",
        "From `reliability --ratings`: one row per coefficient, weights and, for Cohen's κ, pair of raters.",
        rating_tables.RATING_COLUMNS,
        {
            "coefficient": "`percent_agreement`, `cohen_kappa`, `conger_kappa`, `fleiss_kappa`, `gwet_ac1`, "
            "`gwet_ac2`",
            "weights": "`unweighted`, `linear` or `quadratic`",
            "rater_a": "first rater; empty: all raters together",
            "rater_b": "second rater",
            "raters": "number of raters",
            "n": "targets with two grades or more",
            "value": "the coefficient; 1 is agreement in all, 0 that of chance (but per cent agreement, 0–1)",
            "chance": "agreement expected by chance",
            **_BOOTSTRAP,
        },
    ),
    _Table(
        "rating_agreement_items.csv",
        "From `reliability --ratings --instrument`: the same of each muscle or sign alone.",
        rating_items.ITEM_COLUMNS,
        {
            "item": "the muscle or sign, by its name in the instrument",
            "coefficient": "as in `rating_agreement.csv`",
            "weights": "`unweighted`, `linear` or `quadratic`",
            "rater_a": "first rater; empty: all raters together",
            "rater_b": "second rater",
            "raters": "number of raters",
            "n": "targets with two grades or more",
            "value": "the coefficient",
            "chance": "agreement expected by chance",
            **_BOOTSTRAP,
        },
    ),
    _Table(
        "category_shift.csv",
        "From `score als-criteria --summary`: how categories go over into each other; see "
        "[Clinical scores](scores.md#als-criteria).",
        criteria_tables.SHIFT_COLUMNS,
        {
            "criteria_a": "`awaji` or `el_escorial`",
            "criteria_b": "`awaji_us` (with ultrasound) or `awaji`",
            "category_a": "category by the first",
            "category_b": "category by the second",
            "count": "participants with both",
            "share": "count / participants whose two categories are known",
        },
    ),
    _Table(
        "painted_regions.csv",
        "From `maps paint`: one row per region of the atlas.",
        paint.PAINTED_COLUMNS,
        {
            "region": "its name in the table of the atlas",
            "value": "its number in the atlas",
            "metric": "row of `comparisons.csv`; empty: none",
            "n_voxels": "voxels of the region",
            "p": "p-value, of the column that was asked for",
            "effect_size": "effect size; above 0 where arm a is larger",
            "signed_log10_p": "−log10 p with the sign of the effect: what is painted",
        },
    ),
    _Table(
        "rating_pairs.csv",
        "From `reliability --ratings`: how often each pair of raters gave each pair of grades.",
        rating_tables.PAIR_COLUMNS,
        {
            "rater_a": "first rater",
            "rater_b": "second rater",
            "grade_a": "grade of the first",
            "grade_b": "grade of the second",
            "count": "targets with both",
            "share": "count / targets that both graded",
        },
    ),
    _Table(
        "overlap.csv",
        "From `reliability --dataset`: one row per region that both raters drew.",
        mask_agreement.OVERLAP_COLUMNS,
        {
            "participant_id": "who was measured",
            "muscle": "the muscle, or the reference",
            "side": "left or right; empty for a region without sides",
            "dice": "Dice coefficient of the two masks, 0–1",
            "hausdorff_px": "largest distance between the boundaries, px",
            "hausdorff95_px": "95th percentile of the distances, px",
            "hausdorff_mm": "largest distance in mm, where the spacing is known",
        },
    ),
    _Table(
        "overlap_summary.csv",
        "From `reliability --dataset`: one row per muscle.",
        mask_agreement.SUMMARY_COLUMNS,
        {
            "n": "regions compared",
            "dice_mean": "mean",
            "dice_sd": "standard deviation (n − 1)",
            "dice_min": "smallest",
            "hausdorff_px_mean": "mean of the largest distances, px",
            "hausdorff_px_max": "largest of them",
            "hausdorff95_px_mean": "mean of the 95th percentiles, px",
            "hausdorff95_px_max": "largest of them",
            "n_mm": "regions with a distance in mm",
            "hausdorff_mm_mean": "mean of the largest distances, mm",
            "hausdorff_mm_max": "largest of them",
        },
    ),
    _Table(
        "sweep.csv",
        "From `threshold-sweep`: FI at each threshold.",
        sweep.SWEEP_COLUMNS,
        {"fi_median": "median FI over the rows", "fi_q1": "first quartile", "fi_q3": "third quartile"},
    ),
    _Table(
        "slope.csv",
        "From `threshold-sweep`: how fast FI changes at the study's threshold.",
        sweep.SLOPE_COLUMNS,
        {"slope": "change of mean FI per grey level"},
    ),
    _Table(
        "sweep_contrasts.csv",
        "From `threshold-sweep`: the contrasts of FI again, at the thresholds around the study's own.",
        sweep.CONTRAST_COLUMNS,
        {"p_adjusted_fi": "p after Benjamini and Hochberg, over the rows of FI of a contrast at a threshold"},
    ),
    _Table(
        "values.csv",
        "From `masks`: what the values of the index images mean.",
        numbering.VALUE_COLUMNS,
        {
            "value": "pixel value",
            "region": "muscle, reference or region of one's own; `overlap` where several share the pixel",
            "side": "left or right; empty for a region without sides",
        },
    ),
    _Table(
        "regions.csv",
        "From `regions`: one row per participant, region and map; each number is explained in "
        "[Brain maps](brain-maps.md#what-is-computed). `--wide` writes one row per participant, with columns "
        "such as `fa_mean_CST`.",
        regions.COLUMNS,
        {
            "participant_id": "whose maps they are",
            "region": "its name in the table of the atlas",
            "map": "its name, such as `fa`; empty where there are volumes only",
            "mean": "mean of the voxels used",
            "sd": "standard deviation (n − 1)",
            "median": "median",
            "n_voxels": "voxels of the region",
            "n_used": "voxels that the mean rests on",
            "n_nan": "voxels in which the map is no number, left out",
            "n_zero": "voxels in which it is 0: values, unless `--ignore-zero`",
            "volume_ml": "volume of the region, ml",
            "volume_pct_tiv": "the same as share of the intracranial volume, %",
            "tissue_ml": "volume of the tissue in the region, ml; of maps of `--tissue` only",
            "tissue_pct_tiv": "the same as share of the intracranial volume, %",
        },
    ),
    _Table(
        "slices.csv",
        "From `prepare`: where each slice comes from. Only the first three columns are needed if you write "
        "it yourself; without it, areas in mm² stay empty. Lengths are in mm, directions are unit vectors in "
        "the patient's space.",
        SLICES_COLUMNS,
        {
            "image": "file name of the slice",
            "row_spacing_mm": "distance between rows, top to bottom",
            "col_spacing_mm": "distance between columns",
            "window_low": "grey level of the source that became 0",
            "window_high": "grey level of the source that became 255",
            "source": "row of `levels.csv` that the slice comes from",
            "window": "rule of the window, as `--window` names it",
            "voi_function": "VOI function of the DICOM image",
            "voi_centre": "its window centre",
            "voi_width": "its window width",
            "slice_spacing_mm": "distance of neighbouring slices of the source",
            "level_distance_mm": "how far above (+) or below (−) the middle of its level in a label map",
            **{f"position_{axis}_mm": f"{axis} of the centre of the upper left pixel" for axis in "xyz"},
            **{f"across_{axis}": f"{axis} of the direction of growing column" for axis in "xyz"},
            **{f"down_{axis}": f"{axis} of the direction of growing row" for axis in "xyz"},
        },
    ),
    _Table(
        "review.csv",
        "From [`review`](review.md): one row for each judgement of a reader. You may write it yourself.",
        verdicts.COLUMNS,
        {
            "image": "name relative to the dataset, with forward slashes; the code of a blinded reading",
            "region": "`MF_L` … `IVD`; empty for the slice as a whole",
            "reader": "who judged; may be empty",
            "verdict": "`reviewed`, `look-again` or `exclude`",
            "reason": "why; never empty for `exclude`",
            "comment": "any text",
        },
    ),
    _Table(
        "adjudication.csv",
        "From `review --compare`: the regions on which two readers differ.",
        adjudicate.COLUMNS,
        {
            "image": "name relative to the dataset",
            "region": "`MF_L` … `IVD`",
            "dice": "Dice coefficient of the two masks, 0–1; 0 where only one reader drew the region",
            "px_a": "pixels of the first reader",
            "px_b": "pixels of the second",
        },
    ),
    _Table(
        "timing.csv",
        "From `review --timing`, and only then.",
        timing.COLUMNS,
        {
            "image": "name relative to the dataset; the code of a blinded reading",
            "reader": "who was busy",
            "seconds": "for how long, in all; pauses of a minute or more are left out",
        },
    ),
    _Table(
        "The key of a blinded reading",
        "From `review --blind`, in the file that `--key` names; `unblind` reads it.",
        blind.COLUMNS,
        {
            "code": "such as `S017`",
            "image": "name relative to the dataset",
            "reading": "1; 2 where the slice is read again",
        },
    ),
)


def page() -> str:
    """The page as Markdown."""
    results = [[f"`{f.name}`", _bar(f.metadata["doc"]), f.metadata.get("unit", "")] for f in FIELDS]
    always, now_and_then = results[: len(COLUMNS)], results[len(COLUMNS) :]
    assert len(now_and_then) == len(OPTIONAL_COLUMNS)
    header = ["column", "meaning", "unit"]
    parts = [
        _INTRODUCTION,
        "## L1.csv … L5.csv",
        "From `quantify` and `run`: one row per participant, muscle and side, sorted by group, participant, "
        "muscle and side. A row is there only for what was measured.",
        table(header, always),
        "These columns follow only where a row has a value for them:",
        table(header, now_and_then),
        "`L1_slices.csv` … are there where a segment has [several slices](stacks.md): the same columns, one "
        "row for each slice, muscle and side.",
        "## Further measures of L1.csv … L5.csv",
        "At the end of the tables, for each `--measure` that was asked for: [Further measures](measures.md) "
        "has the formulas and the papers.",
        *_measures(header),
        "## measurements.csv",
        "From `quantify`, `merge` and `run`: the rows of `L1.csv` … `L5.csv` one after another, in the same "
        "columns. [Excel, SPSS and BIDS](tables.md#for-excel-spss-and-r) have the same: `results.xlsx` "
        "(`--xlsx`), `measurements.sav` and `results.sav` (`--sav`), a folder (`--bids`).",
        "## wide.csv",
        _wide(),
        "## results.xlsx",
        "With `--xlsx`: a sheet for each table, named as it is, and a sheet `dictionary`:",
        table(["column", "meaning"], meant("results.xlsx", for_others.DICTIONARY, _OF_DICTIONARY)),
        "## problems.csv",
        _RECORDS,
        table(["column", "meaning"], _problem_rows()),
        "## participants.csv",
        _participants(),
        "## Words of participants.csv",
        "All spellings that are read; case, and which separator parts two words, do not matter.",
        _spellings(),
    ]
    for described in _TABLES:
        parts += [f"## {described.file}", described.words, table(["column", "meaning"], _rows(described))]
    return "\n\n".join(parts) + "\n"


def _measures(header: list[str]) -> list[str]:
    """A table for each group of measures."""
    parts = []
    for name, columns in MEASURE_COLUMNS.items():
        rows = [[f"`{c.name}`", _bar(c.doc), c.unit] for c in columns]
        parts += [f"`--measure {name}`:", table(header, rows)] if rows else []
    return parts


def _problem_rows() -> list[list[str]]:
    told = {name: meaning.text for name, meaning in meanings.PROBLEMS.items()}
    return meant("problems.csv", [f.name for f in dataclasses.fields(Problem)], told)


def _participants() -> str:
    spelt = {
        "onset_side": "`left`, `right`, `L`, `R`; empty for bulbar onset",
        "onset_region": "`lower`, `upper`, `bulbar` …",
        "psa": "pathological spontaneous activity: `1`, `0`, `+`, `-`",
        "session": "in a [follow-up](follow-up.md), one row per session: such as `v2`",
        "months": "since the first session; a `date` becomes it in the copy",
    }
    rows = []
    for name, meaning in meanings.PARTICIPANTS.items():
        low, high, _ = participants.NUMBERS.get(name, (None, None, ""))
        believed = "" if low is None else f"; {low:g} to {high:g} are believed"
        rows.append([f"`{name}`", spelt.get(name, meaning.text) + believed, meaning.unit])
    words = (
        "You write this one (or a BIDS `participants.tsv`); `quantify` copies it to the results. Only "
        "`participant_id` is needed. Columns of your own can be used in `compare`, `correlate`, `regress`, "
        "`roc`."
    )
    return f"{words}\n\n{table(['column', 'meaning', 'unit'], rows)}"


def _wide() -> str:
    """What the parts of the columns' names mean."""
    sides = [[f"`{letter}`", name] for letter, name in meanings.SIDE_LETTERS.items()]
    names = [f.name for f in FIELDS if f.name not in meanings.NOT_WIDE]
    shared = ", ".join(f"`L4_{name}`" for name in meanings.OF_SEGMENT)
    words = (
        "From `quantify`, `merge` and `run`: one row per participant, in a follow-up per participant and "
        "session. First the columns of the participants table, then the measures, each called muscle, "
        "segment, side and column of `L1.csv`: `MF_L4_S_fi` is the FI of the multifidus at L4 on the "
        "symptomatic side. "
        f"What all muscles of a segment share stands once: {shared}. A column is there where somebody has a "
        "value."
    )
    measures = ", ".join(f"`{name}`" for name in names if name not in meanings.OF_SEGMENT)
    return (
        f"{words}\n\n{table(['side', 'meaning'], sides)}\n\nMeasures: {measures}, and those of `--measure`."
    )


def codes() -> str:
    """The codes of problems in plain words, for ``problems.md``."""
    return table(["code", "what was found"], [[f"`{code}`", KINDS[code]] for code in sorted(KINDS)])


def _spellings() -> str:
    rows = [
        [f"`{column}`", f"`{word}`" if word else "no side, with a warning", _words(texts)]
        for column, words in participants.WORDS.items()
        for word, texts in words.items()
    ]
    rows.append(["all four", "missing, counted", _words(participants.UNKNOWN)])
    return table(["column", "read as", "spellings"], rows)


def _words(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _rows(described: _Table) -> list[list[str]]:
    columns = list(described.columns)
    meanings = {name: text for name, text in _COMMON.items() if name in columns} | dict(described.meanings)
    return meant(described.file, columns, meanings)


def meant(file: str, columns: Iterable[str], meanings: Mapping[str, str]) -> list[list[str]]:
    """The columns of a file with their meanings; stops the build where one has none, or is not there."""
    columns = list(columns)
    _same(file, columns, meanings)
    return [[f"`{name}`", _bar(meanings[name])] for name in columns]


def _same(file: str, columns: Iterable[str], meanings: Iterable[str]) -> None:
    """Stop where columns and meanings are not the same set."""
    apart = set(columns) ^ set(meanings)
    if apart:
        raise SystemExit(f"docs/scripts/dictionary.py: {file}: column or meaning is missing: {sorted(apart)}")


def _bar(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
