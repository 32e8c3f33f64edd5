"""The files of a folder of results: its tables, its manifest."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

from mriparaspinal import __version__
from mriparaspinal.core.filenames import MANIFEST, MEASUREMENTS, PARTICIPANTS, SHARE, WIDE
from mriparaspinal.core.measure_columns import columns_of
from mriparaspinal.core.model import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    PROBLEM_COLUMNS,
    SPINE,
    Measurement,
    Problem,
    Settings,
)
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.versions import library_versions
from mriparaspinal.dataset.open import Dataset
from mriparaspinal.io.manifest import manifest_bytes
from mriparaspinal.io.tables import csv_bytes, csv_lines
from mriparaspinal.io.write import sha256
from mriparaspinal.measure.dataset import MeasuredDataset, with_lost_slices
from mriparaspinal.measure.for_others import further_tables, measurements_csv
from mriparaspinal.measure.rows import choose_reference, each_row, tabulate_slices
from mriparaspinal.measure.wide import WideRows, visits_of


def _clear_reference(measured: MeasuredDataset, settings: Settings) -> str:
    if measured.reference is not None:
        return measured.reference
    # Not clear: this says why.
    return choose_reference(((result.slice, result.seen) for result in measured.results), settings)


def measurements_of(measured: MeasuredDataset, settings: Settings) -> list[Measurement]:
    """The rows of all tables ``L1.csv`` … ``L5.csv``.

    Raises :class:`UsageError` where the reference is not clear, :class:`NoInputError` where
    nothing could be measured.
    """
    reference = _clear_reference(measured, settings)
    measured.require_slices()
    return list(_each_row(measured, settings, reference))


def _each_row(measured: MeasuredDataset, settings: Settings, reference: str) -> Iterator[Measurement]:
    study = measured.study
    settings = _rule_of_masks(study, settings)
    results = with_lost_slices(study, measured.results)
    known = (_onset_sides(study), study.spacings, study.places, study.source.accept_drafts)
    return each_row(results, reference, settings, *known, study.participants)


def _slice_rows(measured: MeasuredDataset, settings: Settings, reference: str) -> list[Measurement]:
    """The rows of ``L1_slices.csv`` …: each slice by itself, of the segments that have several."""
    study = measured.study
    settings = _rule_of_masks(study, settings)
    results = with_lost_slices(study, measured.results)
    known = (_onset_sides(study), study.spacings, study.source.accept_drafts)
    return tabulate_slices(results, reference, settings, *known, study.participants)


def _onset_sides(study: Dataset) -> dict[str, str]:
    people = study.participants
    return {who: people.value(who, "onset_side") for who in people.rows}


def _rule_of_masks(study: Dataset, settings: Settings) -> Settings:
    """The settings as they were used: the pixels of a label map need no rule."""
    return settings if study.maps is None else dataclasses.replace(settings, mask_rule="mask")


def result_files(
    measured: MeasuredDataset, settings: Settings, xlsx: bool = False, sav: bool = False
) -> dict[str, bytes]:
    """The files of a folder of results, by name; the manifest is the last; ``xlsx``, ``sav``: with such ones.

    Raises as :func:`measurements_of`; but a share without any muscle is written, for others to be joined.
    """
    reference = _clear_reference(measured, settings)
    study = measured.study
    if not study.share:
        measured.require_slices()
    tables = _Tables(columns_of(settings.measures))
    rows: Iterable[Measurement] = _each_row(measured, settings, reference)
    several = any(s.letter or s.session for s in chain(study.dataset.slices, study.dataset.lost))
    if settings.fat_rule == "dixon" or several or study.source.accept_drafts:
        rows = list(rows)  # others have no optional columns
    wide = WideRows(settings.muscles)
    tables.add(rows, wide=wide)
    counts = {"participants": len(tables.participants), "rows": tables.rows}
    tables.add(_slice_rows(measured, settings, reference), "_slices")
    files = {name: tables.texts.pop(name).getvalue() for name in sorted(tables.texts, key=_from_above)}
    slices = chain(study.dataset.slices, study.dataset.lost)
    visits = visits_of(
        ((s.group, s.participant_id, s.session) for s in slices), study.participants, study.share
    )
    wide_csv = wide.csv(visits, study.participants)  # first, as it gives up what it was gathered in
    files[MEASUREMENTS] = measurements_csv(files)
    files[WIDE] = wide_csv
    files["problems.csv"] = problems_csv(measured.problems)
    if study.participants_csv is not None:
        files[PARTICIPANTS] = study.participants_csv
    files |= further_tables(files, xlsx, sav, settings.regions)
    if study.share:
        from mriparaspinal.measure.share_file import share_bytes

        files[SHARE] = share_bytes(measured, settings)
    digests = {name: sha256(content) for name, content in files.items()}
    return files | {MANIFEST: _manifest(measured, settings, reference, counts, digests)}


def _from_above(table: str) -> tuple[int, str]:
    """Sort key of names of tables: from the head down."""
    return SPINE.index(re.split(r"[._]", table)[0]), table


class _Tables:
    """The text of tables, one for each segment: rows as objects take three times the memory."""

    def __init__(self, more: tuple[str, ...]) -> None:
        self._more = more
        self.texts: dict[str, io.BytesIO] = {}
        self.participants: set[str] = set()
        self.rows = 0

    def add(self, rows: Iterable[Measurement], ending: str = "", wide: WideRows | None = None) -> None:
        """Add rows to the tables of such an ending; a list has the optional columns that it needs."""
        optional = OPTIONAL_COLUMNS if isinstance(rows, list) else ()
        columns = COLUMNS + tuple(c for c in optional if any(getattr(row, c) is not None for row in rows))
        cells_of = attrgetter(*columns)
        for (segment, who), run in groupby(rows, attrgetter("segment", "participant_id")):
            if self._more:
                cells = [(*cells_of(row), *map(row.more.get, self._more)) for row in run]
            else:
                cells = [cells_of(row) for row in run]
            text = self.texts.setdefault(f"{segment}{ending}.csv", io.BytesIO())
            if not text.tell():
                text.write(csv_lines([(*columns, *self._more)]))
            text.write(csv_lines(cells))
            if wide is not None:
                wide.add((*columns, *self._more), cells)
            self.participants.add(who)
            self.rows += len(cells)


def problems_csv(problems: list[Problem]) -> bytes:
    """``problems.csv``; what comes from file names and labels cannot run as a formula."""
    cells = [tuple(getattr(problem, c) for c in PROBLEM_COLUMNS) for problem in problems]
    return csv_bytes(PROBLEM_COLUMNS, cells)


def problem_records(problems: list[Problem]) -> list[dict[str, str]]:
    """The problems as plain data."""
    return [dataclasses.asdict(problem) for problem in problems]


def _manifest(
    measured: MeasuredDataset,
    settings: Settings,
    reference: str,
    counts: Mapping[str, int],
    outputs: Mapping[str, str],
) -> bytes:
    maps = measured.study.maps
    resolved: dict[str, Any] = dataclasses.asdict(_rule_of_masks(measured.study, settings))
    resolved["reference"] = reference or None
    resolved["labels"] = dict(settings.labels)
    for later in ("affine", "measures", "regions", "segments"):
        if not resolved[later]:
            del resolved[later]
    if maps is not None:
        from mriparaspinal.dataset.map_sources import numbering_record

        resolved["numbering"] = numbering_record(source.numbering for source in maps.sources)
    return manifest_bytes(
        {
            "mriparaspinal": __version__,
            "settings": resolved,
            **_share_record(measured.study),
            **_contours_record(measured),
            "libraries": library_versions(),
            "inputs": _inputs(measured),
            "outputs": outputs,
            "counts": {
                "slices_found": len(measured.results),
                "slices_measured": measured.measured,
                **counts,
                "errors": measured.errors,
                "warnings": measured.warnings,
                **measured.judged_counts,
            },
        }
    )


def _inputs(measured: MeasuredDataset) -> dict[str, str]:
    """All files that were read, and their SHA-256, sorted by name; of one that was read twice the last."""
    pairs = chain(measured.study.sha256.items(), *(result.sha256 for result in measured.results))
    return dict(sorted({composed(name): digest for name, digest in pairs}.items()))


def _contours_record(measured: MeasuredDataset) -> dict[str, Any]:
    """What makes the contours others than those beside the images, all judged; nothing where they are."""
    source = measured.study.source
    record = {
        "annotations": source.name,
        "accept_drafts": source.accept_drafts,
        "excluded": measured.excluded,
    }
    told = {name: value for name, value in record.items() if value}
    return {"contours": told} if told else {}


def _share_record(study: Dataset) -> dict[str, Any]:
    if not study.share:
        return {}
    return {"share": {"participants": list(study.share), "of": len(study.everyone)}}
