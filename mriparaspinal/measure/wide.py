"""``wide.csv``: one row per participant, in a follow-up per participant and session, for SPSS, R and Excel.

It is gathered while the rows of ``L1.csv`` … go by. Names of columns: ``MF_L4_L_fi`` is the FI of the left
multifidus at L4; ``L`` left, ``R`` right, ``B`` both, and, where the onset side is known, ``S`` symptomatic,
``C`` contralateral. What all rows of a segment share is ``L4_reference_px``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from mriparaspinal.core.meanings import NOT_WIDE, OF_SEGMENT, is_measure
from mriparaspinal.core.model import SPINE
from mriparaspinal.core.participants import KEY, Participants
from mriparaspinal.core.spss_names import spss_names
from mriparaspinal.core.text import is_missing, natural_key
from mriparaspinal.core.visits import CONSTANT, SESSION
from mriparaspinal.io.tables import csv_bytes, csv_lines, escape_formula

#: How sides and roles are written in names of columns, in their order.
SIDES = {"left": "L", "right": "R", "both": "B", "": "", "symptomatic": "S", "contralateral": "C"}

Where = tuple[str, str, str]
"""Muscle (empty: what all of its segment share), segment, side or role."""

Column = tuple[str, str, str, str]
"""The same, and the metric."""

Visit = tuple[str, str, str]
"""Group, participant and session, which may be empty."""


class WideRows:
    """The numbers of each visit, as text: as objects they would take ten times the memory."""

    def __init__(self, muscles: tuple[str, ...]) -> None:
        """``muscles``: in the order of the columns."""
        self._muscles = muscles
        self._places: dict[Where, dict[str, int]] = {}
        self._count = 0
        self._metrics: dict[str, None] = {}
        self._visit: Visit | None = None
        self._cells: dict[int, str] = {}
        self._lines: dict[Visit, str] = {}

    def add(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Take rows of one segment of a visit, with these columns; a visit's come one after another."""
        of = {name: place for place, name in enumerate(columns)}
        metrics = [(name, place) for name, place in of.items() if name not in NOT_WIDE]
        self._metrics |= dict.fromkeys(name for name, _ in metrics)
        shared = [pair for pair in metrics if pair[0] in OF_SEGMENT]
        metrics = [pair for pair in metrics if pair[0] not in OF_SEGMENT]
        for row in rows:
            visit = row[of["group"]], row[of[KEY]], (row[of[SESSION]] or "") if SESSION in of else ""
            if visit != self._visit:
                self._close()
                self._visit = visit
            segment, muscle, side, role = (row[of[c]] for c in ("segment", "muscle", "side", "role"))
            self._put(("", segment, ""), shared, row)
            self._put((muscle, segment, side), metrics, row)
            if role in ("symptomatic", "contralateral"):
                self._put((muscle, segment, role), metrics, row)

    def _put(self, where: Where, metrics: Sequence[tuple[str, int]], row: Sequence[Any]) -> None:
        places = self._places.setdefault(where, {})
        for name, place in metrics:
            value = row[place]
            if value is not None:
                if name not in places:
                    places[name] = self._count
                    self._count += 1
                self._cells[places[name]] = repr(value)

    def _close(self) -> None:
        if self._visit is not None:
            self._lines[self._visit] = ",".join([self._cells.get(i, "") for i in range(self._count)])
            self._cells = {}

    def csv(self, visits: Iterable[Visit], people: Participants) -> bytes:
        """The table: a row for each of ``visits`` that has numbers or not, with the participants' columns.

        A column of theirs that is called as a number is left out: it may be one of earlier results.
        """
        self._close()
        columns = [
            ((*where, name), place) for where, of in self._places.items() for name, place in of.items()
        ]
        metrics = {name: rank for rank, name in enumerate(self._metrics)}
        columns.sort(key=lambda column: (*self._order(column[0]), metrics[column[0][-1]]))
        order = [place for _, place in columns]
        names = column_names(column for column, _ in columns)
        taken = {*names, KEY, "group", SESSION}
        own = [name for name in people.columns if name not in taken and not is_measure(name)]
        visits = sorted({*visits, *self._lines}, key=lambda visit: [natural_key(part) for part in visit])
        session = [SESSION] if any(label for _, _, label in visits) else []
        written = io.BytesIO(csv_bytes([KEY, "group", *session, *own, *names], []))
        written.seek(0, io.SEEK_END)
        for visit in visits:
            group, who, label = visit
            cells = cells_of(people, who, label)
            texts = ["" if is_missing(cells.get(name, "")) else cells[name] for name in own]
            known = [who, group, *([label] if session else []), *map(escape_formula, texts)]
            head = csv_lines([known]).rstrip(b"\n")
            numbers = self._lines.pop(visit, "").split(",")
            numbers += [""] * (self._count - len(numbers))
            written.write(
                b",".join([head, *([",".join([numbers[i] for i in order]).encode()] * bool(order))])
            )
            written.write(b"\n")
        return written.getvalue()

    def _order(self, column: Column) -> tuple[Any, ...]:
        """By region, segment and side; the metrics of one place follow in the order of their tables."""
        muscle, segment, side, _ = column
        return (
            bool(muscle),
            *_known(muscle, self._muscles),
            *_known(segment, SPINE),
            *_known(side, tuple(SIDES)),
        )


def _known(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    return (order.index(name), "") if name in order else (len(order), name)


def column_names(places: Iterable[Column]) -> list[str]:
    """What the columns are called, each as SPSS takes it.

    >>> column_names([("", "L4", "", "reference_px"), ("MF", "L4", "both", "fi"), ("DS", "L4", "", "csa_px")])
    ['L4_reference_px', 'MF_L4_B_fi', 'DS_L4_csa_px']
    """
    parts = ((muscle, segment, SIDES[side], metric) for muscle, segment, side, metric in places)
    return spss_names(["_".join(part for part in of if part) for of in parts])


def visits_of(measured: Iterable[Visit], people: Participants, share: Sequence[str] = ()) -> set[Visit]:
    """All who were or could have been measured: those with slices, and those of the participants table.

    ``share``: only these participants, where not everyone was measured.
    """
    found = set(measured)
    groups = {who: group for group, who, _ in found}
    there = {who for _, who, _ in found}
    for who, row in people.rows.items():
        if share and who not in share:
            continue
        group = groups.get(who) or row.get("group", "")
        if of := people.visits.get(who):
            found |= {(group, who, session) for session in of}
        elif who not in there:
            found.add((group, who, ""))
    return found


def cells_of(people: Participants, who: str, session: str) -> dict[str, str]:
    """The cells of a participant; of one session, where the table has several."""
    common = people.rows.get(who, {})
    if not session or not people.visits:
        return common
    here = people.visits.get(who, {}).get(session)
    return here or {name: cell if name in CONSTANT else "" for name, cell in common.items()}
