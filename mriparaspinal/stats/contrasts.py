"""What is compared with what: the grammar of ``--contrast`` and the paper's own set.

``side:ALS`` compares the symptomatic with the contralateral side within a group; ``group:ALS-LR``,
``psa:1-0`` and so on compare participants by the values of a column, arm a first. A filter in brackets
behind an arm (``group:ALS[onset_region=lower]-LR``) holds for that arm. At the end, where arm a has none,
it holds for both (``psa:1-0[group=ALS]``: PSA+ against PSA− within ALS); an empty filter behind arm a
leaves it to arm b alone (``group:LR[]-ALS[onset_region=lower]``). ``interaction:ALS-LR`` compares what the
sides differ by, symptomatic minus contralateral, between two groups.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.measure_columns import BY_NAME
from mriparaspinal.core.model import COLUMNS
from mriparaspinal.core.participants import read_word
from mriparaspinal.core.text import and_more, natural_key, read_number
from mriparaspinal.stats.cells import PAPER_GROUPS, as_text

Conditions = tuple[tuple[str, str], ...]
"""(column, value), all of which hold."""

SIDE = "side"

INTERACTION = "interaction"

_SPELLINGS = (
    "a spelling such as side:ALS, group:ALS-LR, group:ALS[onset_region=lower]-LR, psa:1-0[group=ALS] or "
    "interaction:ALS-LR"
)

#: These say something about a row, not about a participant.
_ROW_COLUMNS = frozenset({*COLUMNS, *BY_NAME}) - {"group"}

_ARM = re.compile(r"([^\[\]]+)(?:\[([^\[\]]*)\])?\s*")


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two arms of one comparison.

    On ``side`` contrasts ``arm_a`` is the group, ``arm_b`` is empty and both filters are the group's; on
    ``interaction`` contrasts both arms are groups.
    """

    text: str
    """The spelling that it was asked for with; stands in the column ``contrast``."""
    column: str
    arm_a: str
    arm_b: str
    filter_a: Conditions = ()
    filter_b: Conditions = ()

    @property
    def conditions_a(self) -> Conditions:
        """What a participant of arm a (on ``side`` contrasts: of the group) has to meet."""
        return ((self.of, self.arm_a), *self.filter_a)

    @property
    def conditions_b(self) -> Conditions:
        """What a participant of arm b has to meet; on ``side`` contrasts the same as for arm a."""
        if self.column == SIDE:
            return self.conditions_a
        return ((self.of, self.arm_b), *self.filter_b)

    @property
    def of(self) -> str:
        """The column of the participants whose values are the arms."""
        return "group" if self.column in (SIDE, INTERACTION) else self.column

    @property
    def labels(self) -> tuple[str, str]:
        """The arms as spelled, each with its own filter; one that holds for both is left out.

        >>> parse_contrast("group:ALS[onset_region=lower]-LR").labels
        ('ALS[onset_region=lower]', 'LR')
        >>> parse_contrast("psa:1-0[group=ALS]").labels
        ('1', '0')
        """
        if self.filter_a == self.filter_b:
            return self.arm_a, self.arm_b
        return self.arm_a + _filter_text(self.filter_a), self.arm_b + _filter_text(self.filter_b)


def parse_contrast(text: str) -> Contrast:
    """Read a contrast without knowing the data: every value must be free of ``-``.

    Raises UsageError on other spellings; where the data are known, :func:`resolve` can do more.

    >>> parse_contrast("side:ALS")
    Contrast(text='side:ALS', column='side', arm_a='ALS', arm_b='', filter_a=(), filter_b=())
    """
    readings = _readings(text)
    if len(readings) > 1:
        found, expected = "more than one '-' was found", "it between the two arms alone"
        raise UsageError(Fault(text.strip(), found, expected, "rename the value"))
    return readings[0]


def resolve(text: str, cohort: pd.DataFrame) -> Contrast:
    """Read a contrast that was asked for, and hold it against the cohort (one row per measurement).

    Of several ``-`` the one counts where both sides are values of the column. Values are compared
    without regard to case and outer space, numbers as numbers (``1`` is ``1.0``).

    Raises UsageError for a wrong spelling, a column that is not there or says nothing about
    participants, a value that does not occur, an arm without participants, or one that shares
    participants with the other.
    """
    readings = _readings(text)
    if readings[0].column == SIDE:
        (contrast,) = readings
    else:
        column = readings[0].of
        _check_column(readings[0].text, column, cohort)
        found = [r for r in readings if all(matches(cohort[column], v).any() for v in (r.arm_a, r.arm_b))]
        if len(found) != 1:
            what = "can be read in more than one way" if found else "names a value that was not found"
            expected = f"two values of the column {column}, which has {_values(cohort[column])}"
            raise UsageError(
                Fault(readings[0].text, f"the contrast {what}", expected, "correct the contrast")
            )
        (contrast,) = found
    _check_arms(contrast, cohort)
    return contrast


def default_contrasts(cohort: pd.DataFrame) -> tuple[list[Contrast], list[str]]:
    """The paper's comparisons, as far as the cohort allows; notes on those that are skipped.

    The sides within each group; each pair of groups; lower-limb onset ALS against LR; PSA+ against PSA−
    within each group. A single group without a known onset side has nothing to compare.
    """
    groups = _groups(cohort)
    notes = [] if groups else ["default contrasts skipped: no participant has a group"]
    wanted = [Contrast(f"side:{group}", SIDE, group, "") for group in groups]
    if len(groups) == 1 and not _any_onset_side(cohort):
        notes.append(
            f"side:{groups[0]} skipped: no onset side is known; ask for it to compare left and right"
        )
        wanted = []
    wanted += [Contrast(f"group:{a}-{b}", "group", a, b) for a, b in _pairs(groups)]
    if len(groups) == 1:
        notes.append(f"group contrasts skipped: {groups[0]} is the only group")
    if set(PAPER_GROUPS) <= set(groups):
        lower = (("onset_region", "lower"),)
        wanted.append(Contrast("group:ALS[onset_region=lower]-LR", "group", "ALS", "LR", lower))
    if groups and "psa" not in cohort:
        notes.append("psa contrasts skipped: the participants table has no column psa")
    for group in groups if "psa" in cohort else ():
        within = (("group", group),)
        wanted.append(Contrast(f"psa:1-0[group={group}]", "psa", "1", "0", within, within))
    notes += _unread_regions(cohort, groups)
    contrasts = []
    for contrast in wanted:
        try:
            _check_arms(contrast, cohort)
        except UsageError as reason:
            notes.append(f"default contrast skipped: {reason}")
        else:
            contrasts.append(contrast)
    return contrasts, notes


def _unread_regions(cohort: pd.DataFrame, groups: Sequence[str]) -> list[str]:
    """A note on spellings of ``onset_region`` that could be meant for the lower limb and are not read so."""
    if not ({"onset_region", "participant_id"} <= set(cohort) and set(PAPER_GROUPS) <= set(groups)):
        return []
    rows = cohort[matches(cohort["group"], "ALS")].drop_duplicates("participant_id")
    regions = Counter(text for text in map(as_text, rows["onset_region"]) if text)
    unread = {text: n for text, n in regions.items() if read_word("onset_region", text) is None}
    if not unread:
        return []
    found = ", ".join(f"{text} {unread[text]}" for text in sorted(unread, key=natural_key))
    return [
        f"group:ALS[onset_region=lower]-LR: without ALS participants of onset_region {found}; "
        "write lower if that is meant"
    ]


def members(cohort: pd.DataFrame, conditions: Conditions) -> NDArray[np.bool_]:
    """Which rows of the cohort meet all conditions."""
    chosen = np.ones(len(cohort), dtype=bool)
    for column, value in conditions:
        chosen &= matches(cohort[column], value)
    return chosen


def matches(column: pd.Series, value: str) -> NDArray[np.bool_]:
    """Which cells are this value: as a number if it is one, as a text without regard to case.

    In columns of words, such as ``sex``, another spelling of the same word is the same value.

    >>> matches(pd.Series([1.0, 0.0, float("nan")]), "1").tolist()
    [True, False, False]
    """
    wanted, number = _word(column, value), read_number(value)
    known = {cell: _word(column, as_text(cell)) for cell in column.dropna().unique()}
    same = {
        cell: text != "" and (text == wanted or (number is not None and read_number(text) == number))
        for cell, text in known.items()
    }
    return np.array([same.get(cell, False) for cell in column], dtype=bool)


def _word(column: pd.Series, text: str) -> str:
    return (read_word(str(column.name), text) or text).strip().casefold()


def _readings(text: str) -> list[Contrast]:
    """Every way to read a contrast, one for each ``-`` outside brackets that leaves two arms."""
    text = text.strip()
    column, colon, rest = (part.strip() for part in text.partition(":"))
    if not (column and colon and rest):
        raise _misspelt(text, "no column and arms with ':' between them")
    if column == SIDE:
        arm = _arm(text, rest)
        if arm is None:
            raise _misspelt(text, "no group behind 'side:'")
        group, held = arm
        return [Contrast(text, SIDE, group, "", held or (), held or ())]
    readings = []
    for at in _separators(text, rest):
        a, b = _arm(text, rest[:at]), _arm(text, rest[at + 1 :])
        if a is None or b is None:
            continue
        (arm_a, filter_a), (arm_b, filter_b) = a, b
        both = filter_b if filter_a is None else filter_a
        readings.append(Contrast(text, column, arm_a, arm_b, both or (), filter_b or ()))
    if not readings:
        raise _misspelt(text, "no two arms with '-' between them")
    return readings


def _separators(text: str, rest: str) -> list[int]:
    """Where ``-`` stands outside brackets."""
    found, inside = [], False
    for at, letter in enumerate(rest):
        if letter in "[]":
            if inside == (letter == "["):
                raise _misspelt(text, f"{letter!r} without its partner")
            inside = letter == "["
        elif letter == "-" and not inside:
            found.append(at)
    if inside:
        raise _misspelt(text, "'[' without its partner")
    return found


def _arm(text: str, arm: str) -> tuple[str, Conditions | None] | None:
    """Value and filter of one arm: no brackets give None for the filter, empty ones an empty filter."""
    match = _ARM.fullmatch(arm)
    if match is None or not match[1].strip():
        return None
    return match[1].strip(), None if match[2] is None else _conditions(text, match[2])


def _conditions(text: str, content: str) -> Conditions:
    conditions = []
    for part in content.split(",") if content.strip() else []:
        column, equals, value = (piece.strip() for piece in part.partition("="))
        if not (column and equals and value):
            raise _misspelt(text, f"filter {part.strip()!r}, which is not column=value")
        conditions.append((column, value))
    return tuple(conditions)


def _misspelt(text: str, found: str) -> UsageError:
    return UsageError(Fault(f"contrast {text!r}", f"found {found}", _SPELLINGS, "correct the contrast"))


def _filter_text(conditions: Conditions) -> str:
    return f"[{','.join(f'{column}={value}' for column, value in conditions)}]" if conditions else ""


def _check_column(text: str, column: str, cohort: pd.DataFrame) -> None:
    if column in _ROW_COLUMNS:
        found, expected = (
            f"column {column} is one of the measurements'",
            "group or a column of the participants table",
        )
        raise UsageError(Fault(text, found, expected, "correct the contrast"))
    if column not in cohort:
        there = and_more((c for c in cohort if c not in _ROW_COLUMNS), 20)
        remedy = "correct the contrast or add the column to the participants table"
        expected = f"one of: {there or 'none is there'}"
        raise UsageError(Fault(text, f"no column {column} was found", expected, remedy))


def _check_arms(contrast: Contrast, cohort: pd.DataFrame) -> None:
    """Both arms have participants, and none is in both: the tests are for independent samples."""
    for conditions in (contrast.conditions_a, contrast.conditions_b):
        for column, value in conditions:
            _check_column(contrast.text, column, cohort)
            if not matches(cohort[column], value).any():
                found, there = f"no participant has {column} {value}", _values(cohort[column])
                expected = f"a value of that column ({there})"
                raise UsageError(Fault(contrast.text, found, expected, "correct the contrast"))
    in_a, in_b = members(cohort, contrast.conditions_a), members(cohort, contrast.conditions_b)
    for chosen, conditions in ((in_a, contrast.conditions_a), (in_b, contrast.conditions_b)):
        if not chosen.any():
            wanted = " and ".join(f"{column} {value}" for column, value in conditions)
            found, remedy = f"no participant has {wanted}", "correct the contrast"
            raise UsageError(Fault(contrast.text, found, "at least one in each arm", remedy))
    if contrast.column == SIDE:
        if SIDE not in cohort or not cohort.loc[in_a, SIDE].isin(["left", "right"]).any():
            found, remedy = "no left or right measurements were found", "leave the contrast out"
            raise UsageError(Fault(contrast.text, found, "both sides", remedy))
        return
    if (in_a & in_b).any():
        found, expected = "some participants are in both arms", "arms that exclude each other"
        raise UsageError(Fault(contrast.text, found, expected, "add a filter"))
    if contrast.column == INTERACTION:
        for arm, chosen in zip(contrast.labels, (in_a, in_b), strict=True):
            if "role" not in cohort or not (cohort.loc[chosen, "role"] == "symptomatic").any():
                found, expected = f"no onset side is known in {arm}", "symptomatic and contralateral sides"
                remedy = "give onset_side in the participants table"
                raise UsageError(Fault(contrast.text, found, expected, remedy))


def _values(column: pd.Series, most: int = 12) -> str:
    """The values of a column for a message."""
    values: list[str] = sorted({as_text(value) for value in column} - {""}, key=natural_key)
    return and_more(values, most) or "no values"


def _groups(cohort: pd.DataFrame) -> list[str]:
    """Each group once, those of the paper first; two spellings that differ in case are one group."""
    if "group" not in cohort:
        return []
    once: dict[str, str] = {}
    for name in sorted({as_text(value) for value in cohort["group"]} - {""}):
        once.setdefault(name.casefold(), name)
    names = [once[key] for key in sorted(once)]
    first = [name for name in PAPER_GROUPS if name in names]
    return first + [name for name in names if name not in first]


def _pairs(groups: Sequence[str]) -> list[tuple[str, str]]:
    """ALS and LR first, then every other pair, alphabetical."""
    pairs = list(itertools.combinations(sorted(groups, key=str.casefold), 2))
    return sorted(pairs, key=lambda pair: pair != PAPER_GROUPS)


def _any_onset_side(cohort: pd.DataFrame) -> bool:
    return "role" in cohort and bool(cohort["role"].isin(["symptomatic", "contralateral"]).any())
