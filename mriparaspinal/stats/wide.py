"""One row per participant, from rows per region."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import COLUMNS, SPINE
from mriparaspinal.stats.cells import list_first, muscles_of, require_column, unsided

#: The roles that ``widen`` can be asked for; the empty one is that of tables without sides.
ROLES = ("symptomatic", "contralateral", "bilateral", "")


def widen(cohort: pd.DataFrame, metrics: Sequence[str], role: str) -> tuple[pd.DataFrame, list[str]]:
    """One row per participant from the long cohort table, with columns such as ``rcsa_L4_MF``.

    ``cohort`` has one row per participant, segment, muscle and side; the rows of ``role`` (``symptomatic``,
    ``contralateral``, ``bilateral``, or empty in a table without sides) are used, and the one row of a region
    of one's own that has no sides, whatever the role. Each of ``metrics`` becomes
    one column per segment and muscle; the participant's own columns stand before them. A participant without
    a row keeps empty cells. Columns that differ within a participant are left out with a note.

    Raises UsageError for an unknown role or one that no row has, missing columns, and two rows for one
    participant, segment and muscle.
    """
    keys = ["participant_id", "segment", "muscle"]
    for name in [*keys, "role", *metrics]:
        require_column(cohort, name, "cohort")
    roles = cohort["role"].fillna("").astype(str)
    if role not in ROLES or not (roles == role).any():
        raise UsageError(
            f"--role: no row has '{role}'; expected one of {list_first(sorted(set(roles)))}; "
            "name another role, or give onset_side in the participants table"
        )
    of_role = (roles == role).to_numpy()
    whole = [] if role in ("bilateral", "") else unsided(cohort)
    rows = cohort[of_role | cohort["muscle"].isin(whole).to_numpy()]
    repeated = rows[rows.duplicated(keys)]
    if len(repeated):
        where = " ".join(part for part in map(str, repeated[keys].iloc[0]) if part)
        raise UsageError(f"{where}: two rows with the role '{role}'; expected one; remove one of them")

    notes = [f"{', '.join(whole)}: without sides, so the same in each role"] if whole else []
    wide = _participant_columns(cohort, metrics, notes)
    regions = sorted(
        set(zip(rows["segment"], rows["muscle"], strict=True)), key=partial(_region_order, muscles_of(rows))
    )
    columns: dict[str, Any] = {}
    for segment, muscle in regions:
        region = rows[((rows["segment"] == segment) & (rows["muscle"] == muscle)).to_numpy()]
        by_participant = region.set_index("participant_id")
        for metric in metrics:
            name = "_".join(part for part in (metric, segment, muscle) if part)
            columns[name] = by_participant[metric].reindex(wide["participant_id"]).to_numpy()
    taken = [name for name in columns if name in wide]
    if taken:
        raise UsageError(
            f"{taken[0]}: a column of the participants table; expected no column with the name of a result; "
            "rename it there"
        )
    absent = int((~wide["participant_id"].isin(cohort.loc[of_role, "participant_id"])).sum())
    if absent:
        notes.append(
            f"{absent} of {len(wide)} participants have no {role or 'such'} row: their cells stay empty"
        )
    return pd.concat([wide, pd.DataFrame(columns)], axis=1), notes


# --- long to wide -------------------------------------------------------------------------------------------


def _participant_columns(cohort: pd.DataFrame, metrics: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """One row per participant, in the order of the cohort, with the participant's own columns."""
    measured = set(COLUMNS) - {"participant_id", "group"} | set(metrics)
    wide = cohort[[name for name in cohort.columns if name not in measured]]
    varying = [
        name
        for name in wide.columns
        if name != "participant_id"
        and (wide.groupby("participant_id", sort=False)[name].nunique(dropna=False) > 1).any()
    ]
    for name in (name for name in varying if name not in BY_NAME):
        notes.append(f"{name}: left out, as it differs within a participant")
    wide = wide.drop(columns=varying).drop_duplicates("participant_id").reset_index(drop=True)
    return wide


def _region_order(muscles: tuple[str, ...], region: tuple[str, str]) -> tuple[Any, ...]:
    """Segments and muscles in the order of the spine and of the tables, others behind by name."""

    def place(name: str, known: tuple[str, ...]) -> tuple[int, str]:
        if name == "":
            return -1, ""
        return (known.index(name), "") if name in known else (len(known), name)

    segment, muscle = region
    return *place(segment, SPINE), *place(muscle, muscles)
