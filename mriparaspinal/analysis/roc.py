"""ROC analysis of any table, or of a folder of results, as files: the tables, the curves and the notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.participants import read_word
from mriparaspinal.present.calibration import calibration_figure
from mriparaspinal.present.decision_curve import decision_figure
from mriparaspinal.present.roc import roc_figure
from mriparaspinal.stats.assess import assess
from mriparaspinal.stats.fixed_rates import fixed_rates
from mriparaspinal.stats.partial_area import partial_areas, read_range
from mriparaspinal.stats.roc import RocResult, roc

DIFFERENCES = "roc_differences.csv"

#: Resamples without --bootstrap, at least and at most; the seed without --seed.
RESAMPLES, FEWEST, MOST, SEED = 2000, 100, 100_000, 1


@dataclass(frozen=True, kw_only=True)
class Further:
    """What is asked for beside the curves."""

    validate: bool = False
    specificity: Sequence[float] = ()
    sensitivity: Sequence[float] = ()
    partial_auc: str | None = None
    bootstrap: int | None = None
    seed: int | None = None

    @property
    def resampling(self) -> tuple[int, int]:
        """How many resamples, and their seed."""
        times = RESAMPLES if self.bootstrap is None else self.bootstrap
        return times, SEED if self.seed is None else self.seed

    @property
    def settings(self) -> dict[str, Sequence[str]]:
        """What was asked for, in words."""
        resampled = self.validate or self.partial_auc is not None
        return {
            "validate": ["yes"] if self.validate else [],
            "specificity": [f"{value:g}" for value in self.specificity],
            "sensitivity": [f"{value:g}" for value in self.sensitivity],
            "partial area": [self.partial_auc] if self.partial_auc is not None else [],
            "resamples": [str(self.resampling[0])] if resampled else [],
            "seed": [str(self.resampling[1])] if resampled else [],
        }

    def check(self) -> None:
        """Raise :class:`UsageError` for what cannot be used."""
        for name, values in (("specificity", self.specificity), ("sensitivity", self.sensitivity)):
            for value in values:
                if not 0 < value <= 1:
                    found = f"{argument(name)}: {value:g} was found"
                    raise UsageError(f"{found}; expected a share above 0, up to 1, such as 0.9; correct it")
                if list(values).count(value) > 1:
                    found = f"{argument(name)}: {value:g} is given twice"
                    raise UsageError(f"{found}; expected each value once; remove one")
        if self.partial_auc is not None:
            read_range(self.partial_auc)
        for name, number, least, most in (
            ("bootstrap", self.bootstrap, FEWEST, MOST),
            ("seed", self.seed, 0, 2**32 - 1),
        ):
            if number is None:
                continue
            if not least <= number <= most:
                found = f"{argument(name)}: {number} was found"
                raise UsageError(f"{found}; expected a whole number from {least} to {most}; correct it")
            if not self.validate and self.partial_auc is None:
                found = f"{argument(name)}: there is nothing to resample"
                expected = f"expected {argument('validate')} or {argument('partial_auc')} with it"
                raise UsageError(f"{found}; {expected}; add one of them, or leave it out")


def discriminate(
    cohort: Cohort,
    outcome: str,
    positive: str,
    predictors: Sequence[str],
    negative: str | None = None,
    lower_is_positive: Sequence[str] = (),
    combine: bool = False,
    further: Further | None = None,
) -> Analysis:
    """ROC curves of columns of ``open_wide``'s table for an outcome; see ``stats.roc.roc``.

    Raises :class:`UsageError` for a column or value that is not there or not what it has to be,
    :class:`NoInputError` where there are not both positives and negatives.
    """
    further = Further() if further is None else further
    further.check()
    # As the cells were read: another spelling of a word, such as male for M, is the same value.
    positive = read_word(outcome, positive) or positive
    negative = negative and (read_word(outcome, negative) or negative)
    found = roc(cohort.table, outcome, positive, predictors, negative, lower_is_positive, combine)
    contents: dict[str, Content] = {"roc.csv": found.table, "roc_points.csv": found.points}
    if len(found.delong):
        contents[DIFFERENCES] = found.delong
    contents["roc"] = Drawing(partial(roc_figure, found))
    notes = [*cohort.notes, *found.notes]
    contents |= _further(found, len(predictors), further, notes)
    settings = {
        "outcome": [outcome], "positive": [positive], "negative": [negative or "all others"],
        "predictor": predictors, "lower is positive": lower_is_positive, **further.settings,
    }  # fmt: skip
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(found.table, tuple(notes), contents, "roc.json", settings, cohort.inputs)


def _further(found: RocResult, single: int, further: Further, notes: list[str]) -> dict[str, Content]:
    """The tables and figures that were asked for beside the curves; ``single``: how many predictors."""
    contents: dict[str, Content] = {}
    if further.specificity or further.sensitivity:
        contents["roc_fixed.csv"] = fixed_rates(
            found.predictors, found.is_positive, further.specificity, further.sensitivity, notes
        )
    if further.partial_auc is not None:
        part = read_range(further.partial_auc)
        contents["roc_partial.csv"] = partial_areas(
            found.predictors, found.is_positive, part, *further.resampling, notes
        )
    if further.validate:
        model = assess(found.predictors[:single], found.is_positive, *further.resampling, notes)
        contents["roc_model.csv"] = model.model
        contents["roc_validation.csv"] = model.validation
        contents["roc_calibration.csv"] = model.calibration
        contents["roc_decision.csv"] = model.decision
        contents["roc_calibration"] = Drawing(partial(calibration_figure, model))
        contents["roc_decision"] = Drawing(partial(decision_figure, model))
    return contents
