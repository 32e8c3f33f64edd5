"""``plan``: the size of the next study, as tables, curves and notes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

import pandas as pd

from mriparaspinal.analysis.correlate import require_rows, roles_of
from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort, metrics_of
from mriparaspinal.analysis.result import Analysis, Content, file_name, notes_bytes
from mriparaspinal.core.errors import NothingToCompareError, UsageError
from mriparaspinal.present.power import power_figure
from mriparaspinal.stats.contrasts import SIDE, Contrast, default_contrasts, resolve
from mriparaspinal.stats.design import of_unsided
from mriparaspinal.stats.planning import PLAN_COLUMNS, plan, plan_given
from mriparaspinal.stats.power import Target

MANIFEST = "plan.json"

_GIVEN = "plan_icc_auc.csv"


def plan_study(
    cohort: Cohort | None,
    contrasts: Sequence[str] = (),
    metrics: Sequence[str] = (),
    roles: Sequence[str] = (),
    target: Target = Target(),  # noqa: B008 (frozen)
) -> Analysis:
    """Plan contrasts of a cohort, else the paper's, and the ICC and AUC that ``target`` gives.

    ``cohort`` None: only the ICC and AUC.

    Raises :class:`UsageError` for what is not there or cannot be planned for,
    :class:`NothingToCompareError` where no contrast has two values in each arm.
    """
    if cohort is None and target.icc is None and target.auc is None:
        found = "neither results, nor a table, nor an ICC or AUC was given"
        raise UsageError(f"{found}; expected one of them; name it")
    given = plan_given(target)
    contents: dict[str, Content] = {}
    table = pd.DataFrame(columns=PLAN_COLUMNS)
    settings: dict[str, Sequence[str]] = {
        field.name: [str(value)]
        for field in dataclasses.fields(target)
        if (value := getattr(target, field.name)) is not None
    }
    notes: list[str] = []
    if cohort is not None:
        require_rows(cohort.table)
        chosen, said = _contrasts(cohort, contrasts)
        names, left_out = metrics_of(cohort.table, metrics, {contrast.column for contrast in chosen})
        sides = roles_of(cohort.table, roles)
        table, curve, remarks = plan(cohort.table, chosen, names, sides, target)
        by_group = any(contrast.column != SIDE for contrast in chosen)
        whole = of_unsided(cohort.table, sides) if by_group else []
        notes = [*cohort.notes, *said, *left_out, *remarks, *whole]
        if table.empty:
            reasons = "; ".join(remarks)
            raise NothingToCompareError(
                f"{reasons}; expected two participants in each arm who differ; measure more"
            )
        asked: dict[str, Sequence[str]] = {
            "contrast": [contrast.text for contrast in chosen],
            "metric": names,
            "role": sides,
        }
        settings = {**asked, **settings}
        contents = {"plan.csv": table, "plan_curve.csv": curve}
        for contrast, metric, role in _pictures(table):
            name = file_name("_".join(part for part in ("power", metric, contrast, role) if part), contents)
            draw = partial(power_figure, curve, contrast, metric, role, target.power, target.level)
            contents[name] = Drawing(draw)
    if len(given):
        contents[_GIVEN] = given
    contents["notes.txt"] = notes_bytes(settings, notes)
    inputs = () if cohort is None else cohort.inputs
    main = given if cohort is None else table
    return Analysis(main, tuple(notes), contents, MANIFEST, settings, inputs)


def _contrasts(cohort: Cohort, asked: Sequence[str]) -> tuple[list[Contrast], list[str]]:
    if asked:
        return [resolve(text, cohort.table) for text in asked], []
    chosen, notes = default_contrasts(cohort.table)
    if not chosen:
        reasons = "; ".join(notes) or "no groups"
        raise NothingToCompareError(f"nothing to plan: {reasons}; expected two groups; name a --contrast")
    return chosen, notes


def _pictures(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    keys = table[["contrast", "metric", "role"]].drop_duplicates()
    return list(keys.itertuples(index=False, name=None))
