"""Figures drawn and written: in which formats, in whose style, in how many processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from mriparaspinal.analysis.style_sheet import read_style
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.tables import Cell, csv_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.parallel.map import map_in_order

if TYPE_CHECKING:
    from mriparaspinal.present.style import PaperFigure

#: Formats on request; each figure is a PNG and an SVG, too.
Format: TypeAlias = Literal["pdf", "tiff"]


class Drawing(NamedTuple):
    """A figure that is drawn when somebody looks at it, or saves it."""

    draw: Callable[[], PaperFigure]


@dataclass(frozen=True, slots=True)
class FigureFiles:
    """How figures are written; :func:`figure_files` reads it."""

    formats: tuple[str, ...] = ()
    style: Mapping[str, Any] = field(default_factory=dict)
    jobs: int = 1
    """Processes; never seen in what comes out."""
    settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What was asked for, for the manifest."""


def figure_files(
    formats: Sequence[str] = (), style: str | Path | None = None, jobs: int | None = None
) -> FigureFiles:
    """How figures are written, from what was asked for; raises :class:`UsageError` for what cannot be."""
    for name in formats:
        if name not in get_args(Format):
            expected = " or ".join(get_args(Format))
            option = argument("figure_format")
            raise UsageError(f"{option}: {name!r} was found; expected {expected}; correct it")
    settings: dict[str, Sequence[str]] = {"figure format": list(dict.fromkeys(formats))}
    over: Mapping[str, Any] = {}
    if style is not None:
        file = Path(style)
        over, content = read_style(file)
        settings["style"] = [f"{file.name}, SHA-256 {sha256(content)}"]
    return FigureFiles(tuple(dict.fromkeys(formats)), over, jobs or 1, settings)


def each_drawn(
    drawings: Mapping[str, Drawing], how: FigureFiles, progress: Callable[[], None] | None = None
) -> Iterator[dict[str, bytes]]:
    """The files of each figure, by name, in the order of the figures."""
    return map_in_order(partial(files_of, drawings, how), list(drawings), how.jobs, progress)


def files_of(drawings: Mapping[str, Drawing], how: FigureFiles, name: str) -> dict[str, bytes]:
    """A figure as PNG, SVG and what else was asked for, and its data as a table."""
    from mriparaspinal.analysis.files import pdf_bytes, png_bytes, svg_bytes, tiff_bytes
    from mriparaspinal.present.style import laid_over

    writers = {"png": png_bytes, "svg": svg_bytes, "pdf": pdf_bytes, "tiff": tiff_bytes}
    with laid_over(how.style):
        figure = drawings[name].draw()
        found = {f"{name}.{kind}": writers[kind](figure) for kind in ("png", "svg", *how.formats)}
    columns = list(dict.fromkeys(column for row in figure.drawn for column in row))
    rows = [[_cell(row.get(column)) for column in columns] for row in figure.drawn]
    return {**found, f"{name}_data.csv": csv_bytes(columns, rows)}


def _cell(value: Any) -> Cell:
    plain: Cell = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
