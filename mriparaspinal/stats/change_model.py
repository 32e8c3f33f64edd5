"""Group × time in a mixed model: do two groups change at different speeds?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pandas as pd

from mriparaspinal.stats.adjust import adjust
from mriparaspinal.stats.change import groups_of, regions_of
from mriparaspinal.stats.model import fit_model
from mriparaspinal.stats.model_rows import ModelPlan

#: The columns of ``change_model.csv``.
MODEL_COLUMNS = (
    "contrast", "segment", "muscle", "metric", "role", "random", "status", "n", "participants", "difference",
    "se", "df", "t", "ci_low", "ci_high", "p", "p_adjusted",
)  # fmt: skip

#: The roles that groups are compared on, as in ``compare``.
ROLES = ("symptomatic", "bilateral")

#: Fewer sessions do not tell the participants' slopes from the noise.
_FEWEST_SESSIONS = 3

_BECAUSE = {
    "not_fitted": (
        ": values that all are equal, or fewer than two participants of a group with values at two times"
    )
}

_TERMS = (("group",), ("months",), ("group", "months"))


def change_model(changes: pd.DataFrame, sessions: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """``change_model.csv``, and notes: of each region and pair of groups the difference of their slopes.

    value ~ group * months, by REML, with random intercepts and slopes of the participants from three sessions
    on, and random intercepts alone where there are fewer or that fit is singular or has not converged.
    ``changes``: rows of ``changes.csv``. Without months or a second group the table is empty.
    """
    rows = changes[changes["role"].isin(ROLES).to_numpy()].dropna(subset=["months"])
    found: list[dict[str, object]] = []
    why: dict[str, int] = {}
    for a, b in itertools.combinations([group for group, _ in groups_of(rows)], 2):
        block: list[dict[str, object]] = []
        for key, run in regions_of(rows[rows["group"].isin([a, b]).to_numpy()]):
            place = dict(zip(("segment", "muscle", "metric", "role"), key, strict=True))
            fitted = _fitted(run, (a, b), len(sessions))
            block.append({"contrast": f"{a}-{b}", **place, **fitted})
            if fitted["status"] != "converged":
                why[str(fitted["status"])] = why.get(str(fitted["status"]), 0) + 1
        adjust(block)
        found += block
    notes = [
        f"group × time: {status.replace('_', ' ')} in {n} of {len(found)} models{_BECAUSE.get(status, '')}"
        for status, n in why.items()
    ]
    return pd.DataFrame(found, columns=list(MODEL_COLUMNS)), notes


def _followed(rows: pd.DataFrame) -> set[object]:
    """The groups in which two participants or more were measured at two times: others have no slope.

    Their participants differ in months, too, and the model would take that for a change.
    """
    times = rows.groupby(["group", "participant_id"])["months"].nunique()
    followed = times[times > 1].groupby("group").size()
    return set(followed.index[followed > 1])


def _fitted(run: pd.DataFrame, groups: tuple[str, str], sessions: int) -> dict[str, object]:
    rows = run.dropna(subset=["value"])[["participant_id", "session", "group", "months", "value"]]
    nothing: dict[str, object] = dict.fromkeys(MODEL_COLUMNS[9:], math.nan)
    told: dict[str, object] = {"n": len(rows), "participants": int(rows["participant_id"].nunique())}
    if not set(groups) <= _followed(rows):
        return {**nothing, **told, "random": "", "status": "not_fitted"}
    kinds = ["slope", "intercept"] if sessions >= _FEWEST_SESSIONS else ["intercept"]
    for kind in kinds:
        plan = ModelPlan(terms=_TERMS, slope="months" if kind == "slope" else None)
        model = fit_model(rows, ["value"], plan)
        status = str(model.tables["models"]["status"].iloc[0])
        if status == "converged":
            break
    effects = model.tables["fixed_effects"]
    terms = {f"group[{group}]:months": sign for group, sign in zip(groups, (1, -1), strict=True)}
    own = effects[effects["term"].isin(list(terms)).to_numpy()]
    if own.empty:
        return {**nothing, **told, "random": kind, "status": status}
    row = own.iloc[0]
    sign = terms[row["term"]]
    low, high = sorted(sign * float(row[name]) for name in ("ci_low", "ci_high"))
    numbers = {
        "difference": sign * float(row["b"]),
        "t": sign * float(row["t"]),
        "ci_low": low,
        "ci_high": high,
    }
    same = {name: float(row[name]) for name in ("se", "df", "p")}
    return {**nothing, **told, **numbers, **same, "random": kind, "status": status}
