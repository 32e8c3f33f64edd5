"""How categories of the ALS criteria go over into each other, as tables."""

from __future__ import annotations

import pandas as pd

from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.clinical.criteria import AWAJI, EL_ESCORIAL
from mriparaspinal.clinical.score import Scored
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of
from mriparaspinal.present.table_layout import PaperTable

#: The columns of ``category_shift.csv``.
SHIFT_COLUMNS = ("criteria_a", "criteria_b", "category_a", "category_b", "count", "share")

_SCALES = {"el_escorial": EL_ESCORIAL, "awaji": AWAJI, "awaji_us": AWAJI}

_TITLES = {
    "el_escorial": "Revised El Escorial", "awaji": "Awaji", "awaji_us": "Awaji with ultrasound",
}  # fmt: skip

#: What is set against what, and the name of the printed table.
_PAIRS = {("awaji", "awaji_us"): "shift_ultrasound", ("el_escorial", "awaji"): "shift_awaji"}


def category_shift(instrument: str, scored: Scored) -> Analysis:
    """Cross tables of the categories: Awaji without and with ultrasound, El Escorial and Awaji.

    Participants with both categories alone. Raises :class:`UsageError` where there is none.
    """
    frame = pd.DataFrame.from_dict(dict(scored.rows), orient="index", columns=list(scored.columns))
    rows, papers, notes = [], [], []
    for (a, b), name in _PAIRS.items():
        known = frame[[a, b]].dropna()
        if left := len(frame) - len(known):
            notes.append(f"{a} and {b}: {count_of(left, 'participant')} left out, not both are known")
        if known.empty:
            continue
        counts = pd.crosstab(known[a], known[b]).reindex(
            index=list(_SCALES[a]), columns=list(_SCALES[b]), fill_value=0
        )
        for category, cells in counts.iterrows():
            rows += [
                (a, b, category, other, int(count), int(count) / len(known)) for other, count in cells.items()
            ]
        papers.append(_printed(name, a, b, counts))
        notes.append(f"{a} to {b}: {_moves(known, a, b)}")
    if not rows:
        found = "no participant has two categories"
        raise UsageError(f"--summary: {found}; expected one or more; add the items, or leave --summary out")
    table = pd.DataFrame(rows, columns=list(SHIFT_COLUMNS))
    contents: dict[str, Content] = {"category_shift.csv": table}
    contents |= {paper.name: paper for paper in papers}
    contents["tables.xlsx"] = tuple(papers)
    settings = {"instrument": [instrument]}
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(table, tuple(notes), contents, "criteria.json", settings, ())


def _moves(known: pd.DataFrame, a: str, b: str) -> str:
    """How many go up and down: by what the categories are called, as laboratory-supported is in one only."""
    ranks = [
        known[name].map({word: EL_ESCORIAL.index(word) for word in _SCALES[name]}).to_numpy()
        for name in (a, b)
    ]
    up, down = int((ranks[1] > ranks[0]).sum()), int((ranks[1] < ranks[0]).sum())
    return f"{up} of {count_of(len(known), 'participant')} higher, {down} lower"


def _printed(name: str, a: str, b: str, counts: pd.DataFrame) -> PaperTable:
    header = (_TITLES[a], *(str(word) for word in counts), "Total")
    rows = [
        (str(category), *(str(count) for count in cells), str(sum(cells)))
        for category, cells in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
    rows.append(("Total", *(str(total) for total in counts.sum()), str(int(counts.to_numpy().sum()))))
    title = f"{_TITLES[a]} (rows) and {_TITLES[b]} (columns)."
    return PaperTable(name, title, header, tuple(rows), frozenset(), ("Numbers of participants.",))
