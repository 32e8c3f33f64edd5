"""The long table that every comparison starts from: measurements and participants joined."""

from __future__ import annotations

from collections.abc import Callable, Container

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.model import COLUMNS
from mriparaspinal.core.spelling import near_names, near_notes
from mriparaspinal.core.text import natural_key
from mriparaspinal.stats.cells import as_text, check_unique, counted, id_list, texts

#: What says which row it is, and whose.
ROW_KEYS = ("participant_id", "group", "segment", "muscle", "side", "role")

#: What a note may be due for.
NOTED = ("fat_rule", "mask_rule", "slices")

_ROLES = {"symptomatic", "contralateral", "bilateral", ""}

_OPPOSITE = {"left": "right", "right": "left"}


def assemble(
    measurements: pd.DataFrame,
    participants: pd.DataFrame | None,
    keep: Callable[[str], bool] = lambda _: True,
) -> tuple[pd.DataFrame, list[str]]:
    """Join the rows of ``L1.csv`` … ``L5.csv`` with the participants table, with group and role settled.

    ``measurements`` has the columns of those files, one row per participant × segment × muscle × side;
    ``group`` and ``role`` may be empty. ``participants`` has one row per ``participant_id`` with
    normalised values (``onset_side`` left, right or empty; ``psa`` 1.0, 0.0 or NaN; numbers as float).
    ``keep``: whether a column is wanted in the result, beside those that say what a row is.

    Group and role come from the participants table: ``symptomatic`` is the onset side,
    ``contralateral`` the other one, ``bilateral`` both together, empty where the onset side is unknown.
    Where the table has no such column, no such row or no group in it, the measurements' own value
    counts. The result is sorted by group, participant, segment, muscle and side, whatever the order of
    the rows; with it come notes on who is missing from either table and whose onset side is unknown.

    Raises NoInputError where the two tables contradict each other, or one of them itself.
    """
    rows = measurements.copy(deep=False)  # columns are replaced, not changed
    del measurements
    for column in ROW_KEYS:
        rows[column] = _plain(rows[column]) if column in rows else ""
    _check_measurements(rows)
    if participants is None:
        people = pd.DataFrame(index=pd.Index([], name="participant_id", dtype=object))
        notes = ["no participants table: groups and roles as in the measurements"]
    else:
        people, notes = _people(participants, {*COLUMNS, *rows})
        notes += absent(rows, people)
        if "onset_side" not in people:
            notes.append("participants table: no column onset_side; roles as in the measurements")
    rows["group"] = pd.Series(_settled_groups(rows, people), rows.index, dtype=object)
    rows["role"] = pd.Series(_settled_roles(rows, people), rows.index, dtype=object)
    rows.loc[rows["side"] == "both", "role"] = "bilateral"
    _check_each_participant(rows)
    notes += [*_unknown(rows), *_unlike_rules(rows), *_unlike_stacks(rows)]
    for table in (rows, people):
        for column in [name for name in table if not keep(name)]:
            del table[column]
    return _joined(rows, people.drop(columns=["group"], errors="ignore")), notes


def _plain(column: pd.Series) -> pd.Series:
    """A column as plain texts; as it is where it has nothing else: a copy of a long one is much memory."""
    if column.dtype == object and all(type(cell) is str and cell == cell.strip() for cell in column):
        return column
    return texts(column)


def _check_measurements(rows: pd.DataFrame) -> None:
    for side in rows["side"]:
        if side not in ("left", "right", "both"):
            raise NoInputError(
                f"measurements: side {side!r} was found; expected left, right or both; measure again"
            )
    for who, role in zip(rows["participant_id"], rows["role"], strict=True):
        if not who:
            raise NoInputError(
                "measurements: a row without participant_id was found; expected one in each; measure again"
            )
        if role not in _ROLES:
            raise NoInputError(
                f"measurements: role {role!r} of {who} was found; expected symptomatic, contralateral, "
                "bilateral or nothing; measure again"
            )
    check_unique(rows)


def _onset_of(side: str, role: str) -> str:
    """The onset side that a row's role stands for; empty where it says nothing."""
    if side not in _OPPOSITE or role not in ("symptomatic", "contralateral"):
        return ""
    return side if role == "symptomatic" else _OPPOSITE[side]


def _check_each_participant(rows: pd.DataFrame) -> None:
    """A participant has one group and one onset side, and only both sides together are bilateral."""
    groups: dict[str, str] = {}
    onsets: dict[str, str] = {}
    columns = (rows[c] for c in ("participant_id", "group", "side", "role"))
    for who, group, side, role in zip(*columns, strict=True):
        if groups.setdefault(who, group) != group:
            raise NoInputError(
                f"measurements: groups {groups[who]!r} and {group!r} of {who} were found; expected one; "
                "measure again"
            )
        if role and (role == "bilateral") != (side == "both"):
            raise NoInputError(
                f"measurements: role {role!r} on side {side!r} of {who} was found; expected bilateral on "
                "both and on nothing else; measure again"
            )
        onset = _onset_of(side, role)
        if onset and onsets.setdefault(who, onset) != onset:
            raise NoInputError(
                f"measurements: the roles of {who} make both sides the onset side; expected one onset side; "
                "measure again"
            )


def _people(participants: pd.DataFrame, own: Container[str]) -> tuple[pd.DataFrame, list[str]]:
    """The participants table, indexed by id, without columns that the measurements have as their ``own``."""
    people = participants.copy()
    people.index = pd.Index(texts(people.pop("participant_id")), name="participant_id", dtype=object)
    twice = people.index[people.index.duplicated()]
    if len(twice):
        raise NoInputError(
            f"participants table: {twice[0]} was found more than once; expected one row per participant; "
            "keep one of them"
        )
    clash = [column for column in people if column in own and column != "group"]
    notes = [
        f"participants table: column {column} left out: the measurements have a column of that name"
        for column in clash
    ]
    people = people.drop(columns=clash)
    for column in people:
        if pd.api.types.is_numeric_dtype(people[column]):
            people[column] = people[column].to_numpy(dtype=float, na_value=np.nan)
    if "group" in people:
        people["group"] = texts(people["group"])
    if "onset_side" in people:
        people["onset_side"] = texts(people["onset_side"])
        for who, side in people["onset_side"].items():
            if side not in ("left", "right", ""):
                raise NoInputError(
                    f"participants table: onset_side {side!r} of {who} was found; expected left, right or "
                    "nothing; correct the cell"
                )
    return people, notes


def absent(rows: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    """Notes on who is in one of two tables only; the ids of ``people`` are its index."""
    measured, listed = set(rows["participant_id"]), set(people.index)
    notes = near_notes(measured, listed, "the measurements", "the participants table")
    alike = near_names(measured, listed)
    if unlisted := measured - listed - alike:
        notes.append(
            f"participants table: no row for {counted(unlisted)} with measurements: {id_list(unlisted)}"
        )
    if unmeasured := listed - measured - alike:
        notes.append(f"participants table: {counted(unmeasured)} without measurements: {id_list(unmeasured)}")
    return notes


def _settled_groups(rows: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    known = people["group"].to_dict() if "group" in people else {}
    settled = []
    for who, own in zip(rows["participant_id"], rows["group"], strict=True):
        table = known.get(who, "")
        if own and table and own != table:
            raise NoInputError(
                f"{who}: group {own!r} in the measurements, {table!r} in the participants table; expected "
                "the same; correct the table or measure again"
            )
        settled.append(table or own)
    return settled


def _settled_roles(rows: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    known = people["onset_side"].to_dict() if "onset_side" in people else {}
    settled = []
    for who, side, own in zip(rows["participant_id"], rows["side"], rows["role"], strict=True):
        if who not in known or side == "both":
            settled.append(own)
            continue
        onset = known[who]
        role = ("symptomatic" if side == onset else "contralateral") if onset else ""
        # An own role where the table knows no onset side is stale: to take it would be a guess.
        if own and own != role:
            raise NoInputError(
                f"{who}: role {own!r} of side {side} in the measurements, {role or 'no onset side'!r} by the "
                "participants table; expected the same; correct the table or measure again"
            )
        settled.append(role)
    return settled


def _unknown(rows: pd.DataFrame) -> list[str]:
    """Notes on participants whose group or onset side is not known."""
    notes = []
    if homeless := set(rows.loc[rows["group"] == "", "participant_id"]):
        notes.append(f"group: unknown for {counted(homeless)}: {id_list(homeless)}")
    one_sided = rows.loc[rows["side"] != "both", ["participant_id", "role"]]
    unknown = set(one_sided.loc[one_sided["role"] == "", "participant_id"])
    if unknown and unknown == set(one_sided["participant_id"]):
        notes.append("onset side: known for no participant; no side is symptomatic or contralateral")
    elif unknown:
        notes.append(f"onset side: unknown for {counted(unknown)}: {id_list(unknown)}")
    return notes


def _unlike_rules(rows: pd.DataFrame) -> list[str]:
    """Notes on measures of different rules in one table, as where folders of results were put together."""
    notes = []
    for column in ("fat_rule", "mask_rule"):
        rules = sorted({as_text(rule) for rule in rows[column]} - {""}) if column in rows else []
        if len(rules) > 1:
            notes.append(
                f"{column}: {' and '.join(rules)} in one table; they are different measures: "
                "measure all with the same"
            )
    return notes


def _unlike_stacks(rows: pd.DataFrame) -> list[str]:
    """Notes on segments of which participants have different numbers of slices."""
    notes = []
    for segment, numbers in rows.groupby("segment")["slices"] if "slices" in rows else ():
        if numbers.nunique() > 1:
            span = f"{as_text(numbers.min())} to {as_text(numbers.max())}"
            notes.append(
                f"{segment}: rows stand for {span} slices, and volume_ml for stacks of unlike height"
            )
    return notes


def _joined(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Both tables as one, sorted; ``rows`` is used up, column by column: twice its size is much memory."""
    order = _order(rows)
    # -1, the place behind the last one, for who is not listed.
    who = people.index.get_indexer(rows["participant_id"].iloc[order])
    table: dict[str, pd.Series] = {}
    for column in [*ROW_KEYS, *(column for column in rows if column not in ROW_KEYS)]:
        table[column] = rows.pop(column).iloc[order].reset_index(drop=True)
    for column in people:
        if pd.api.types.is_numeric_dtype(people[column]):
            table[column] = pd.Series(np.append(people[column].to_numpy(dtype=float), np.nan)[who])
        else:
            cells = np.array([*texts(people[column]), ""], dtype=object)
            table[column] = pd.Series(cells[who], dtype=object)
    return pd.DataFrame(table, copy=False)


def _order(rows: pd.DataFrame) -> NDArray[np.intp]:
    """An order that does not depend on the order of the input, so that sums round the same way."""
    # The last one counts first. The sides have no numbers in their names.
    keys = ("side", "muscle", "segment", "participant_id", "group")
    return np.lexsort([_ranks(rows[column]) for column in keys])


def _ranks(column: pd.Series) -> NDArray[np.int32]:
    """The place of each cell among the column's texts in natural order; texts of one key share it."""
    codes, names = pd.factorize(column)
    keys = [natural_key(name) for name in names]
    ranks = np.zeros(len(names), dtype=np.int32)
    last, rank = None, -1
    for place in sorted(range(len(names)), key=keys.__getitem__):
        rank += keys[place] != last
        ranks[place], last = rank, keys[place]
    return np.asarray(ranks[codes])
