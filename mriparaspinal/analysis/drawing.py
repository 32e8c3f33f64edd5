"""Figures drawn and written: in which formats, in whose style, in how many processes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.io.tables import Cell, csv_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.parallel.map import map_in_order

if TYPE_CHECKING:
    from mriparaspinal.present.style import PaperFigure

#: Formats on request; each figure is a PNG and an SVG, too.
Format: TypeAlias = Literal["pdf", "tiff"]


#: Settings of windows and programs, and those by which texts are no texts: not of how figures look.
_NO_LOOK = (
    *("backend", "date.epoch", "docstring.", "interactive", "keymap.", "pgf.", "savefig.directory"),
    *("text.latex", "text.parse_math", "text.usetex", "timezone", "tk.", "toolbar", "webagg."),
)


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
    over: dict[str, Any] = {}
    if style is not None:
        file = Path(style)
        content = _read(file)
        over = _settings(content, file)
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


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise _wrong(file, found, "a style sheet of matplotlib", "check the path") from None


def _settings(content: bytes, file: Path) -> dict[str, Any]:
    """The settings of a style sheet; raises :class:`UsageError` for one that matplotlib does not know."""
    import matplotlib

    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise _wrong(file, "is no text", "a style sheet of matplotlib", "choose another") from None
    found: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        text = _without_comment(line)
        if not text:
            continue
        key, colon, value = (part.strip() for part in text.partition(":"))
        if not colon or key not in matplotlib.rcParams or key.startswith(_NO_LOOK):
            said = f"line {number}: {key!r} was found"
            raise _wrong(file, said, "NAME: VALUE, a setting of matplotlib's figures", "correct the line")
        try:
            found[key] = matplotlib.RcParams({key: value.strip('"')})[key]
        except ValueError as error:
            reason = str(error).split("\n", 1)[0].replace(";", ",")
            raise _wrong(file, f"line {number}: {reason}", f"a value of {key}", "correct the line") from None
    _keep_fonts_that_are_there(found, file)
    return found


def _without_comment(line: str) -> str:
    """A line up to a # that is not inside of quotes.

    >>> _without_comment('axes.edgecolor: "#333333" # dark'), _without_comment("# all")
    ('axes.edgecolor: "#333333"', '')
    """
    kept = re.match(r"""(?:"[^"]*"|'[^']*'|[^#])*""", line)
    return kept[0].strip() if kept else ""


def _keep_fonts_that_are_there(settings: dict[str, Any], file: Path) -> None:
    """Of each list of fonts those of this machine; ours behind them, for letters that they lack."""
    from matplotlib import font_manager

    known = {entry.name for entry in font_manager.fontManager.ttflist} | font_manager.font_family_aliases
    for key in ("font.family", "font.sans-serif", "font.serif", "font.monospace"):
        if key in settings:
            there = [name for name in settings[key] if name in known]
            if not there:
                said = f"{key}: none of {', '.join(settings[key])} is installed"
                raise _wrong(file, said, "a font of this machine", "install one, or name another")
            settings[key] = [*there, *(["DejaVu Sans"] if key == "font.family" else [])]


def _wrong(file: Path, found: str, expected: str, remedy: str) -> UsageError:
    return UsageError(Fault(f"{argument('style')} {file}", found, expected, remedy))
