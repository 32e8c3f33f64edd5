"""Regions of an atlas painted with a comparison, as files: a map, a table and a figure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.brain.measure import read_names
from mriparaspinal.brain.paint import (
    PAINTED_COLUMNS,
    PColumn,
    chosen_rows,
    painted_map,
    painted_regions,
    towards_ras,
)
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.nifti_maps import MapImage, map_bytes, read_atlas
from mriparaspinal.io.tables import parse_table, table_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.present.painted import painted_figure


def paint(
    comparisons: Path,
    atlas: Path,
    table: Path,
    metric: str,
    contrast: str | None = None,
    p_column: PColumn = "p",
    affine: Form | None = None,
) -> Analysis:
    """The regions of an atlas in −log10 p of ``compare --table``, with the sign of the effect.

    Raises :class:`UsageError` for regions that do not fit, :class:`NoInputError` for files that cannot be
    read.
    """
    raw = table_bytes(comparisons)
    text = parse_table(raw, comparisons.name)
    names = read_names(table)
    try:
        image = read_atlas(atlas, affine)
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{argument('atlas')} {atlas}")) from None
    if not isinstance(image, MapImage):
        found = "probability maps were found; expected one volume of labels"
        raise UsageError(f"{argument('atlas')} {atlas.name}: {found}; name the atlas of labels")
    chosen = chosen_rows(text.columns, text.rows, comparisons.name, metric, p_column, contrast)
    painted, notes = painted_regions(chosen, names, image.values, p_column, comparisons.name)
    values = painted_map(image.values, painted)
    turned, place = towards_ras(values, image.grid)
    inside, _ = towards_ras(image.values != 0, image.grid)
    rows = [dataclasses.asdict(region) for region in painted]
    found = pd.DataFrame(rows, columns=list(PAINTED_COLUMNS))
    a, b = chosen.labels
    what = {"p": "p", "p_adjusted": "adjusted p", "p_exact": "exact p"}[p_column]
    label = f"−log10 {what}; above 0: {a} larger than {b}"
    drawn = [row for row in rows if row["signed_log10_p"] is not None]
    contents: dict[str, Content] = {
        "painted_regions.csv": found,
        "painted.nii.gz": map_bytes(values, image.header),
        "painted": Drawing(partial(painted_figure, turned, inside, place, label, drawn)),
    }
    settings: dict[str, Sequence[str]] = {"contrast": [chosen.contrast], "metric": [metric], "p": [p_column]}
    contents["notes.txt"] = notes_bytes(settings, notes)
    inputs = (
        (comparisons.name, sha256(raw)),
        *((path.name, sha256(read_bytes(path))) for path in (atlas, table)),
    )
    return Analysis(
        found,
        tuple(notes),
        contents,
        "maps.json",
        settings,
        inputs,
        paths=(comparisons, atlas, table),
        summary={"painted": len(drawn), "regions": len(painted)},
    )
