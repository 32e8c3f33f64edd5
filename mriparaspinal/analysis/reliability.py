"""Agreement of raters as files: the statistics, the figures, the overlap of their masks, and their mean."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from mriparaspinal import __version__
from mriparaspinal.analysis.drawing import Drawing, FigureFiles
from mriparaspinal.analysis.frames import frame_csv, read_measurements, with_own_regions
from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.analysis.sessions import chosen_session
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import GateError, NoInputError, UsageError
from mriparaspinal.core.filenames import MANIFEST, PARTICIPANTS
from mriparaspinal.core.model import PROBLEM_COLUMNS
from mriparaspinal.core.participants import read_own
from mriparaspinal.core.spelling import near_notes
from mriparaspinal.core.visits import SESSION
from mriparaspinal.io.manifest import Manifest, manifest_bytes
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.tables import csv_bytes, parse_table, table_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.measure.results import Results, read_results, stale_tables
from mriparaspinal.present.bland_altman import bland_altman_figure
from mriparaspinal.stats.bland_altman import bland_altman
from mriparaspinal.stats.bootstrap import SEED
from mriparaspinal.stats.raters import mean_of_raters
from mriparaspinal.stats.reliability import (
    bland_altman_table,
    exceeding,
    rating_matrices,
    ratings_of_table,
    reliability,
)

METRICS = ("fi", "rcsa")

PROBLEMS = "problems.csv"

AnyAnalysis = TypeVar("AnyAnalysis", bound=Analysis)


@dataclass(frozen=True, slots=True)
class Rater:
    """One rater's folder of results."""

    name: str
    """The folder's name, with as many of the folders around it as tell it from the other raters'."""
    folder: Path
    rows: pd.DataFrame
    """All segments, in the columns of ``L1.csv`` … ``L5.csv``."""
    read: Results
    """The folder as it was read."""
    session: str = ""
    """Of a follow-up: the session whose rows these are."""

    @property
    def manifest(self) -> Manifest | None:
        """``quantify.json``; None for a folder of CSVs without one."""
        return self.read.manifest


@dataclass(frozen=True, eq=False)
class Agreement(Analysis):
    """How far raters agree; :meth:`save` also writes their mean, where it was asked for."""

    mean: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    """The files of a folder of results with the mean of the raters."""
    mean_out: Path | None = None
    """The folder for them."""
    failed: GateError | None = None
    """The error to end with where the CV of a region is beyond the limit that was asked for."""

    def write(
        self, folder: Path, how: FigureFiles | None = None, progress: Callable[[], None] | None = None
    ) -> list[str]:
        """All files into a folder, and those of the mean into its own."""
        refuse_mean_out(self.mean_out, [folder])
        written = super().write(folder, how, progress)
        if self.mean_out is not None:
            with OutputFolder(self.mean_out) as out:
                out.replace(self.mean, stale_tables(out, self.mean))
        return [*written, *self.mean]


def refuse_mean_out(mean_out: Path | None, others: Iterable[Path]) -> None:
    """In a rater's folder the mean would take the place of the rater's own tables."""
    if mean_out is not None and mean_out.resolve() in {path.resolve() for path in others}:
        name, out = argument("mean_out"), argument("save")
        found = f"is an input or {out}"
        raise UsageError(f"{name} {mean_out}: {found}; expected a folder of its own; choose another")


def open_raters(folders: Sequence[Path], session: str = "") -> list[Rater]:
    """Read two or more folders of results; ``session``: the one to look at, of a follow-up.

    Raises :class:`UsageError` for fewer than two, or one given twice, :class:`NoInputError` for a folder
    that is not whole.
    """
    if len(folders) < 2:
        found = f"{folders[0]} alone" if folders else "neither raters nor --table"
        raise UsageError(
            f"RATERS: {found} was found; expected two or more folders of results, or --table; name them"
        )
    places = [folder.resolve() for folder in folders]
    twice = [folder for folder, place in zip(folders, places, strict=True) if places.count(place) > 1]
    if twice:
        raise UsageError(f"{twice[0]}: given more than once; expected one folder per rater; name another")
    named = zip(rater_names(places), folders, strict=True)
    return [_open_rater(name, folder, session) for name, folder in named]


def _open_rater(name: str, folder: Path, session: str) -> Rater:
    found = read_results(folder)
    try:
        rows = with_own_regions(read_measurements(found.contents, found.tables), found.manifest)
    except NoInputError as error:
        raise NoInputError(f"{folder}: {error}") from None
    return rater_of(name, folder, rows, found, session)


def rater_of(name: str, folder: Path, rows: pd.DataFrame, read: Results, session: str) -> Rater:
    """A rater with the rows of one session, where there are several; raises as :func:`chosen_session`."""
    held = [rows]
    chosen, _ = chosen_session(held, session)
    return Rater(name, folder, held[0], read, chosen)


def rater_names(places: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that differ from each other."""
    for length in range(1, max(len(place.parts) for place in places)):
        names = ["/".join(place.parts[-length:]) for place in places]
        if len(set(names)) == len(names):
            return names
    return [place.as_posix() for place in places]


def agreement_of_raters(raters: Sequence[Rater], metrics: Sequence[str] = (), seed: int = SEED) -> Analysis:
    """How far raters agree on each metric (default: FI and rCSA) of each muscle and segment."""
    rows = pd.concat([rater.rows.assign(rater=rater.name) for rater in raters], ignore_index=True)
    names = [rater.name for rater in raters]
    notes = [
        f"{rater.name}: no {MANIFEST}; the tables are taken as they are"
        for rater in raters
        if rater.manifest is None
    ]
    notes += _unlike_stacks(rows)
    notes += _nearly_the_same({rater.name: set(rater.rows["participant_id"]) for rater in raters})
    chosen = list(dict.fromkeys(metrics)) or list(METRICS)
    return _agreement(rows, chosen, names, notes, _inputs_of(raters), seed)


def _inputs_of(raters: Sequence[Rater]) -> dict[str, str]:
    """The SHA-256 of the raters' tables. Raters have numbers: folders are often named after people."""
    return {
        f"rater_{number}/{name}": sha256(rater.read.contents[name])
        for number, rater in enumerate(raters, 1)
        for name in rater.read.tables
    }


def _nearly_the_same(ids: Mapping[str, set[str]]) -> list[str]:
    """Notes on targets that two raters write differently, and that are left out for it."""
    pairs = itertools.combinations(ids.items(), 2)
    return [note for (a, mine), (b, theirs) in pairs for note in near_notes(mine, theirs, a, b)]


def _unlike_stacks(rows: pd.DataFrame) -> list[str]:
    """A note where raters measured different numbers of slices of a segment."""
    if "slices" not in rows:
        return []
    key = [rows[column] for column in ("participant_id", "segment")]
    numbers = rows["slices"].fillna(1).groupby(key).nunique()
    unlike = [" ".join(who) for who in numbers.index[numbers > 1]]
    if not unlike:
        return []
    return [
        f"raters measured different numbers of slices, so values differ for that, too: {', '.join(unlike)}"
    ]


def agreement_of_table(file: Path, seed: int = SEED) -> Analysis:
    """The same for any long table with the columns ``target, rater, value``."""
    try:
        raw = table_bytes(file)
        text = parse_table(raw, file.name)
        # As texts: a target 007 is not 7, and a value that is no number is refused by its row.
        ratings = ratings_of_table(pd.DataFrame(text.rows, columns=list(text.columns), dtype=object))
    except (NoInputError, UsageError) as error:
        raise UsageError(f"--table: {error}") from None
    values = [row[text.columns.index("value")] for row in text.rows]
    ids = {str(rater): set(rows["participant_id"]) for rater, rows in ratings.groupby("rater")}
    notes = [*_nearly_the_same(ids), *read_own("value", values).notes]
    inputs = {file.name: sha256(raw)}
    return _agreement(ratings, ["value"], list(dict.fromkeys(ratings["rater"])), notes, inputs, seed)


def _agreement(
    ratings: pd.DataFrame,
    metrics: Sequence[str],
    raters: Sequence[str],
    notes: list[str],
    inputs: Mapping[str, str],
    seed: int,
) -> Analysis:
    table, found = reliability(ratings, metrics, raters, seed)
    limits, more = bland_altman_table(ratings, metrics, raters)
    notes = list(dict.fromkeys([*notes, *found, *more]))
    contents: dict[str, Content] = {"reliability.csv": table, "bland_altman.csv": limits}
    contents |= _figures(ratings, metrics, raters)
    numbered = [f"{number}: {name}" for number, name in enumerate(raters, 1)]
    contents["notes.txt"] = notes_bytes({"raters": numbered, "metric": metrics}, notes)
    settings = {"raters": [str(len(numbered))], "metric": metrics}
    return Analysis(table, tuple(notes), contents, "reliability.json", settings, tuple(inputs.items()))


def extended(found: AnyAnalysis, contents: Mapping[str, Content], notes: Sequence[str]) -> AnyAnalysis:
    """An analysis with further contents, and with notes that go to the end of ``notes.txt``, too."""
    said = found.contents["notes.txt"]
    assert isinstance(said, bytes)
    said += "".join(f"{note}\n" for note in notes).encode()
    return dataclasses.replace(
        found, notes=(*found.notes, *notes), contents={**found.contents, **contents, "notes.txt": said}
    )


def _figures(ratings: pd.DataFrame, metrics: Sequence[str], raters: Sequence[str]) -> dict[str, Drawing]:
    """A Bland–Altman figure for each metric and pair of raters: one panel per muscle, all segments."""
    matrices, _ = rating_matrices(ratings, metrics, raters)
    drawings = {}
    for metric, (a, b) in itertools.product(metrics, itertools.combinations(range(len(raters)), 2)):
        panels = {
            region.muscle: bland_altman(wide[raters[a]].to_numpy(), wide[raters[b]].to_numpy())
            for region, wide in matrices.items()
            if region.metric == metric and not region.segment
        }
        # Raters by number: their names may hold what no file name can.
        pair = f"_{a + 1}-{b + 1}" if len(raters) > 2 else ""
        draw = partial(bland_altman_figure, panels, metric, raters[a], raters[b])
        drawings[f"bland_altman_{metric}{pair}"] = Drawing(draw)
    return drawings


def gate(table: pd.DataFrame, limit_pct: float) -> GateError | None:
    """The error to end with where the CV of a region of ``reliability.csv`` is not within the limit.

    A missing CV fails the gate. Raises :class:`UsageError` for an invalid limit.
    """
    beyond = exceeding(table, limit_pct)
    if beyond.empty:
        return None
    regions = [
        f"{_region(row)} {'unknown' if pd.isna(cv) else f'{cv:.4g} %'}"
        for (_, row), cv in zip(beyond.iterrows(), beyond["cv_pct"], strict=True)
    ]
    return GateError(
        f"--require-cv: CV {', '.join(regions)} found; expected at most {limit_pct:g} %; "
        "agree on the contours of these regions and draw them again"
    )


def headline(table: pd.DataFrame) -> str:
    """The weakest region of ``reliability.csv`` by ICC(A,1), and by CV, as a sentence."""
    single = table[table["form"] == "ICC(A,1)"]
    words = [f"raters: {int(single['raters'].max())}, regions: {len(single)}"]
    for column, name, unit in (("icc", "lowest ICC(A,1)", ""), ("cv_pct", "highest CV", " %")):
        known = single.dropna(subset=[column]).reset_index(drop=True)
        if len(known):
            row = known.loc[known[column].idxmin() if column == "icc" else known[column].idxmax()]
            words.append(f"{name} {row[column]:.3f}{unit} ({_region(row)})")
    return "; ".join(words)


def _region(row: pd.Series) -> str:
    return " ".join(filter(None, (row["segment"], row["muscle"], row["metric"])))


# --- the mean of the raters ---------------------------------------------------------------------------------


def mean_files(raters: Sequence[Rater]) -> tuple[dict[str, bytes], list[str]]:
    """A folder of results with the mean of the raters, as ``compare`` reads it; and notes.

    The manifest knows raters by number only: folders are often named after people.
    Raises :class:`UsageError` where the raters' settings or participants differ.
    """
    rows, left_out = mean_of_raters([rater.rows for rater in raters], [rater.name for rater in raters])
    if raters[0].session:
        rows[SESSION] = raters[0].session
    files = {
        f"{segment}.csv": frame_csv(rows[rows["segment"] == segment])
        for segment in sorted(set(rows["segment"]))
    }
    files[PROBLEMS] = _problems_of_all(raters, left_out)
    participants = _common_participants(raters)
    if participants is not None:
        files[PARTICIPANTS] = participants
    settings, unclear = _common_settings(raters)
    files[MANIFEST] = manifest_bytes(
        {
            "mriparaspinal": __version__,
            "mean_of_raters": len(raters),
            "settings": settings,
            "libraries": {
                "python": ".".join(map(str, sys.version_info[:3])),
                "numpy": np.__version__,
                "pandas": pd.__version__,
            },
            "inputs": _inputs_of(raters),
            "outputs": {name: sha256(content) for name, content in files.items()},
            "counts": {"participants": int(rows["participant_id"].nunique()), "rows": len(rows)},
        }
    )
    return files, [*left_out, *unclear]


def _problems_of_all(raters: Sequence[Rater], left_out: Sequence[str]) -> bytes:
    """The raters' own problems, each file with its rater's number, and what the mean leaves out."""
    rows: list[tuple[str, ...]] = []
    for number, rater in enumerate(raters, 1):
        if rater.manifest is None or PROBLEMS not in rater.read.contents:
            continue
        table = parse_table(rater.read.contents[PROBLEMS], PROBLEMS)
        for row in table.rows:
            cells = dict(zip(table.columns, row, strict=True))
            file = f"rater_{number}/{cells.get('file', '')}"
            rows.append((file, *(cells.get(column, "") for column in PROBLEM_COLUMNS[1:])))
    remedy = "measure it in every rater's dataset, or go on without"
    rows += [("", "", "warning", "left-out-of-mean", note, remedy) for note in left_out]
    return csv_bytes(PROBLEM_COLUMNS, rows)


def _common_participants(raters: Sequence[Rater]) -> bytes | None:
    """The participants table that all raters have, who have one."""
    first: tuple[Rater, bytes] | None = None
    for rater in raters:
        content = rater.read.contents.get(PARTICIPANTS)
        if content is None:
            continue
        if first is None:
            first = rater, content
        elif _cells(content) != _cells(first[1]):
            raise UsageError(
                f"{PARTICIPANTS}: {first[0].name} and {rater.name} have different ones; expected the same; "
                "measure both datasets with one --participants"
            )
    return None if first is None else first[1]


def _cells(content: bytes) -> tuple[object, ...]:
    table = parse_table(content, PARTICIPANTS)
    return table.columns, table.rows


def _common_settings(raters: Sequence[Rater]) -> tuple[dict[str, Any], list[str]]:
    """The settings that all raters share; the others are not those of the mean."""
    known = [rater.manifest.settings for rater in raters if rater.manifest is not None]
    if len(known) < len(raters):
        return {}, ["mean: no settings saved, as not every rater's are known"]
    same = {
        name: value
        for name, value in known[0].items()
        if all(name in other and other[name] == value for other in known)
    }
    differing = sorted({name for settings in known for name in settings} - set(same))
    notes = [f"mean: raters differ in {', '.join(differing)}, so it is not saved"] if differing else []
    return same, notes
