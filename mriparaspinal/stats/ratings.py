"""Grades by two or more raters: tables of any usual form made into codes, and their agreement as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.text import and_more, count_of, is_missing, natural_key, read_number
from mriparaspinal.stats.agreement_coefficients import (
    GWET,
    LINEAR,
    QUADRATIC,
    UNWEIGHTED,
    Codes,
    Coefficient,
    coefficients,
    cohen,
    cross_table,
    rater_pairs,
)
from mriparaspinal.stats.bootstrap import SEED, Clusters, clusters_of
from mriparaspinal.stats.cells import as_text

#: The columns of ``rating_agreement.csv``.
RATING_COLUMNS = (
    "coefficient", "weights", "rater_a", "rater_b", "raters", "n", "value", "se", "ci_low", "ci_high",
    "chance", "participants", "ci_low_bootstrap", "ci_high_bootstrap",
)  # fmt: skip

#: The columns of ``rating_pairs.csv``.
PAIR_COLUMNS = ("rater_a", "rater_b", "grade_a", "grade_b", "count", "share")

#: Columns that say together what was graded.
TARGET_KEYS = ("target", "participant_id", "segment", "muscle", "side")

RATER, GRADE = "rater", "grade"

#: More different grades than this are measurements, or something else.
_MOST_LEVELS = 20

_NAMES = {"cohen": "cohen_kappa", "conger": "conger_kappa", "fleiss": "fleiss_kappa"}


@dataclass(frozen=True, slots=True, eq=False)
class Grades:
    """Grades of targets by raters."""

    targets: tuple[str, ...]
    raters: tuple[str, ...]
    levels: tuple[str, ...]
    """The scale, from low to high where it is ``ordered``."""
    ordered: bool
    codes: Codes
    participants: tuple[str, ...] = ()
    """Of each target; empty where the tables do not say whom they graded."""
    notes: tuple[str, ...] = ()

    @property
    def clusters(self) -> Clusters | None:
        """Targets by their participants; None where no participant has two."""
        found = clusters_of(self.participants) if self.participants else None
        return found if found is not None and found.shared else None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The weights that make sense for the scale."""
        return (UNWEIGHTED, LINEAR, QUADRATIC) if self.ordered and len(self.levels) > 2 else (UNWEIGHTED,)


@dataclass(frozen=True, slots=True)
class _Cell:
    file: str
    row: int
    rater: str
    target: tuple[str, ...]
    grade: str


def grades_of_tables(tables: Mapping[str, pd.DataFrame], scale: Sequence[str] = ()) -> Grades:
    """The grades of one table for all raters, or of one for each rater, by the name of its file.

    What was graded is told by the columns ``target, participant_id, segment, muscle, side``, as many of them
    as there are. Besides, one table has either ``rater`` and ``grade``, or a column for each rater; tables of
    one rater have ``grade``, and the rater is called as the file. An empty grade is a missing one.

    ``scale``: all grades from low to high. Without it, whole numbers are the scale from the lowest to the
    highest that was given; texts are a scale without an order.

    Raises :class:`UsageError` for a missing column, an empty target or rater, a grade that is not on the
    scale, a target that a rater graded twice, and fewer than two raters.
    """
    keys = _shared_keys(tables)
    cells = [
        cell for name, table in tables.items() for cell in _cells(name, table, keys, alone=len(tables) == 1)
    ]
    raters = _raters(cells, by_name=len(tables) == 1 and RATER in next(iter(tables.values())))
    targets = sorted({cell.target for cell in cells}, key=lambda target: [natural_key(t) for t in target])
    levels, ordered, notes = _scale(cells, scale)
    codes = np.full((len(targets), len(raters)), -1, dtype=np.intp)
    rows, columns = ({name: n for n, name in enumerate(names)} for names in (targets, raters))
    seen: set[tuple[tuple[str, ...], str]] = set()
    for cell in cells:
        if (cell.target, cell.rater) in seen:
            raise _fault(
                cell, f"{' '.join(cell.target)} twice for rater {cell.rater}", "one grade", "keep one"
            )
        seen.add((cell.target, cell.rater))
        if cell.grade:
            codes[rows[cell.target], columns[cell.rater]] = levels.index(cell.grade)
    who = keys.index("participant_id") if "participant_id" in keys else None
    return Grades(
        tuple(" ".join(target) for target in targets),
        tuple(raters),
        tuple(levels),
        ordered,
        codes,
        () if who is None else tuple(target[who] for target in targets),
        tuple(notes),
    )


def _shared_keys(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The columns that say what was graded: the same in each table."""
    if not tables:
        raise UsageError("ratings: none; expected one table, or one for each rater; name it")
    first, *others = tables
    keys = [key for key in TARGET_KEYS if key in tables[first]]
    if not keys:
        found = f"the columns are {and_more(map(str, tables[first]))}"
        expected = f"one of {', '.join(TARGET_KEYS)}, which say what was graded"
        raise UsageError(Fault(first, found, expected, "name the column so"))
    for name in others:
        theirs = [key for key in TARGET_KEYS if key in tables[name]]
        if theirs != keys:
            found = f"targets by {', '.join(theirs) or 'no column'}"
            raise UsageError(Fault(name, found, f"{', '.join(keys)} as in {first}", "name the columns alike"))
    return keys


def _cells(name: str, table: pd.DataFrame, keys: Sequence[str], *, alone: bool) -> Iterable[_Cell]:
    """One cell per grade of a table, with the raters' names."""
    texts = {column: [as_text(value) for value in table[column]] for column in table}
    targets = list(zip(*(texts[key] for key in keys), strict=True))
    for row, target in enumerate(targets, 1):
        if "" in target:
            found = f"no {keys[target.index('')]} in row {row}"
            raise UsageError(Fault(name, found, "one in each row", "fill it in or delete the row"))
    if GRADE in texts:
        if alone and RATER not in texts:
            raise UsageError(
                Fault(name, f"a column {GRADE} and no {RATER}", "two raters", "give each rater's table")
            )
        own = [_stem(name)] * len(targets) if not alone else texts[RATER]
        if "" in own:
            found = f"no {RATER} in row {own.index('') + 1}"
            raise UsageError(Fault(name, found, "one in each row", "fill it in or delete the row"))
        columns = [(own, texts[GRADE])]
    elif alone:
        columns = [([str(c)] * len(targets), texts[c]) for c in table if c not in keys]
    else:
        raise UsageError(Fault(name, f"no column {GRADE}", "one in each rater's table", "name the column so"))
    for raters, grades in columns:
        for row, (target, rater, grade) in enumerate(zip(targets, raters, grades, strict=True), 1):
            yield _Cell(name, row, rater, target, "" if is_missing(grade) else _plain(grade))


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _plain(grade: str) -> str:
    """A grade as it is compared: 2.0 is 2.

    >>> _plain("2.0"), _plain("02"), _plain("yes")
    ('2', '2', 'yes')
    """
    number = read_number(grade)
    return grade if number is None else as_text(number)


def _raters(cells: Sequence[_Cell], *, by_name: bool) -> list[str]:
    """In the order of columns or files; of rows, which have none, by name."""
    found = list(dict.fromkeys(cell.rater for cell in cells))
    if len(found) < 2:
        had = f"only {found[0]} was found" if found else "none was found"
        raise UsageError(f"raters: {had}; expected two or more; add another rater")
    return sorted(found, key=natural_key) if by_name else found


def _scale(cells: Sequence[_Cell], named: Sequence[str]) -> tuple[list[str], bool, list[str]]:
    """The grades from low to high, whether they have an order, and notes."""
    given = [cell for cell in cells if cell.grade]
    if not given:
        raise UsageError("ratings: no grade was found; expected one per target and rater; fill them in")
    name = argument("grades")
    if named:
        scale = [_plain(grade.strip()) for grade in named]
        if len(scale) < 2 or len(set(scale)) < len(scale) or "" in scale:
            found = f"{','.join(named)!r} was found"
            raise UsageError(f"{name}: {found}; expected two or more different grades; correct it")
        for cell in given:
            if cell.grade not in scale:
                raise _fault(cell, f"grade {cell.grade!r}", f"one of {', '.join(scale)}", "correct it")
        return scale, True, []
    numbers = {cell.grade: read_number(cell.grade) for cell in given}
    whole = [number for number in numbers.values() if number is not None and _is_whole(number)]
    if len(whole) == len(numbers):
        low, high = int(min(whole)), int(max(whole))
        _require_few(given[0].file, high - low + 1)
        scale = [str(number) for number in range(low, high + 1)]
        shown = ", ".join(scale)
        return scale, True, [f"scale: {shown}, as found; if it has more grades, name all of them by {name}"]
    if any(number is not None for number in numbers.values()):
        odd = next(cell for cell in given if not _is_whole(numbers[cell.grade]))
        expected = "whole numbers throughout or texts throughout"
        raise _fault(odd, f"grade {odd.grade!r}", expected, f"correct it, or name all grades by {name}")
    scale = sorted(numbers, key=natural_key)
    _require_few(given[0].file, len(scale))
    _require_one_spelling(given, scale)
    note = f"scale: {', '.join(scale)}, without an order; name the grades from low to high by {name}"
    return scale, False, [f"{note} for weighted coefficients"] if len(scale) > 2 else []


def _is_whole(number: float | None) -> bool:
    return number is not None and number.is_integer()


def _require_few(file: str, count: int) -> None:
    if count > _MOST_LEVELS:
        found = f"{count} different grades"
        raise UsageError(Fault(file, found, f"at most {_MOST_LEVELS}", "give measurements with --table"))


def _require_one_spelling(cells: Sequence[_Cell], scale: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for level in scale:
        other = seen.setdefault(level.casefold(), level)
        if other != level:
            cell = next(cell for cell in cells if cell.grade == level)
            raise _fault(cell, f"grade {level!r} beside {other!r}", "one spelling", "correct it")


def _fault(cell: _Cell, found: str, expected: str, remedy: str) -> UsageError:
    return UsageError(Fault(cell.file, f"row {cell.row}, rater {cell.rater}: {found}", expected, remedy))


# --- the tables ---------------------------------------------------------------------------------------------


def rating_agreement(grades: Grades, seed: int = SEED) -> tuple[pd.DataFrame, list[str]]:
    """The rows of ``rating_agreement.csv`` and what there is to say of them.

    For each kind of weights: per cent agreement, Cohen's κ of each pair of raters, Conger's κ (three raters
    or more), Fleiss' κ and Gwet's AC1, which with weights is AC2.
    """
    clusters = grades.clusters
    rows, levels = [], len(grades.levels)
    for kind in grades.kinds:
        of_all = coefficients(grades.codes, levels, kind, clusters, seed)
        rows.append(_row(grades, of_all[0], None))
        for pair in rater_pairs(len(grades.raters)):
            rows.append(_row(grades, cohen(grades.codes[:, pair], levels, kind, clusters, seed), pair))
        rows += [_row(grades, one, None) for one in of_all[1:]]
    table = pd.DataFrame(rows, columns=list(RATING_COLUMNS))
    texts = RATING_COLUMNS[:4]
    kinds = dict.fromkeys(("raters", "n"), "int64") | {"participants": "Int64"}
    return table.astype({c: kinds.get(c, "float64") for c in table if c not in texts}), _notes(grades, rows)


def _row(grades: Grades, one: Coefficient, pair: tuple[int, int] | None) -> dict[str, Any]:
    a, b = ("", "") if pair is None else (grades.raters[place] for place in pair)
    codes = grades.codes if pair is None else grades.codes[:, pair]
    paired = (codes >= 0).sum(axis=1) > 1
    who = {who for who, used in zip(grades.participants, paired, strict=False) if used}
    name = _NAMES.get(one.name, one.name)
    if one.name == GWET:
        name = "gwet_ac1" if one.weights == UNWEIGHTED else "gwet_ac2"
    return {
        "coefficient": name,
        "weights": one.weights,
        "rater_a": a,
        "rater_b": b,
        "raters": len(grades.raters) if pair is None else 2,
        "n": one.n,
        "value": one.value,
        "se": one.se,
        "ci_low": one.ci_low,
        "ci_high": one.ci_high,
        "chance": one.chance,
        "participants": len(who) if grades.participants else None,
        "ci_low_bootstrap": one.ci_low_bootstrap,
        "ci_high_bootstrap": one.ci_high_bootstrap,
    }


def _notes(grades: Grades, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = list(grades.notes)
    number = (grades.codes >= 0).sum(axis=1)
    lacking = [target for target, count in zip(grades.targets, number, strict=True) if count < 2]
    if lacking:
        some = and_more(lacking)
        notes.append(
            f"{count_of(len(lacking), 'target')} with fewer than two grades, no pair to agree: {some}"
        )
    incomplete = int(((number > 1) & (number < len(grades.raters))).sum())
    if incomplete:
        notes.append(
            f"{count_of(incomplete, 'target')} without a grade of every rater: used by all coefficients but "
            "the Cohen's κ of pairs that lack one"
        )
    if grades.clusters is not None:
        notes.append(
            "several targets of one participant are not independent: read ci_low_bootstrap and "
            "ci_high_bootstrap, which draw whole participants; se, ci_low and ci_high take targets as "
            "independent"
        )
    elif not grades.participants:
        notes.append(
            "intervals take targets as independent; with a column participant_id there are also intervals "
            "that draw whole participants"
        )
    undefined = list(dict.fromkeys(str(row["coefficient"]) for row in rows if row["value"] is None))
    if undefined:
        notes.append(f"{', '.join(undefined)}: empty where all grades are the same, or no target has two")
    alike = list(dict.fromkeys(str(row["coefficient"]) for row in rows if _has_no_interval(row)))
    if alike:
        notes.append(f"{', '.join(alike)}: no interval where all targets agree alike: their spread is 0")
    return notes


def _has_no_interval(row: Mapping[str, Any]) -> bool:
    return row["se"] is not None and row["ci_low"] is None


def pairs_of_grades(grades: Grades) -> pd.DataFrame:
    """The rows of ``rating_pairs.csv``: how often each pair of raters gave each pair of grades."""
    rows = []
    for a, b in rater_pairs(len(grades.raters)):
        counts = cross_table(grades.codes[:, (a, b)], len(grades.levels)).astype(int)
        for (i, j), count in np.ndenumerate(counts):
            share = count / counts.sum() if counts.sum() else np.nan
            names = (grades.raters[a], grades.raters[b], grades.levels[i], grades.levels[j])
            rows.append((*names, count, share))
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))
