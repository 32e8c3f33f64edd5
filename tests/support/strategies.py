"""Hypothesis strategies that several tests share: LabelMe files, labels, names of slices, tables."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import strategies as st

from mriparaspinal.core.model import MUSCLES, REFERENCES
from tests.support.builders.slices import labelme, polygon

#: Size of the image that the LabelMe files are drawn on, (rows, columns).
SIZE = (60, 80)

_WRITTEN = {
    "MF": ("MF", "mf", "Multifidus", "multifidus muscle"),
    "ES": ("ES", "erector spinae", "ErectorSpinae"),
    "PM": ("PM", "psoas", "psoas major", "Psoas-Major"),
    "QL": ("QL", "quadratus lumborum"),
    "IVD": ("IVD", "disc", "Disk", "intervertebral disc"),
    "VB": ("VB", "vertebra", "vertebral body"),
}
_GAPS = st.sampled_from(["_", "-", ".", " ", ""])


@st.composite
def labels(draw: st.DrawFn) -> tuple[str, str, str]:
    """(label as an annotator may write it, region, side)."""
    region = draw(st.sampled_from((*MUSCLES, *REFERENCES)))
    written = draw(st.sampled_from(_WRITTEN[region]))
    if region in REFERENCES:
        return written, region, ""
    side = draw(st.sampled_from(["left", "right", ""]))
    if not side:
        return written, region, ""
    word = draw(st.sampled_from([side, side[0], side[0].upper(), side.upper()]))
    gap = draw(_GAPS)
    return (f"{word}{gap}{written}" if draw(st.booleans()) else f"{written}{gap}{word}"), region, side


def coordinates(size: int, outside: float = 5) -> st.SearchStrategy[float]:
    """Pixel positions along a side of ``size`` px: whole, halves and any others, some outside."""
    return st.one_of(
        st.integers(0, size - 1).map(float),
        st.integers(0, 2 * size).map(lambda n: n / 2),
        st.floats(-outside, size + outside, allow_nan=False),
    )


def points(least: int = 3, most: int = 9) -> st.SearchStrategy[list[list[float]]]:
    rows, columns = SIZE
    return st.lists(
        st.tuples(coordinates(columns), coordinates(rows)).map(list), min_size=least, max_size=most
    )


def shapes() -> st.SearchStrategy[dict[str, Any]]:
    """Shapes of every closed type, with labels of ours and others."""
    names = st.one_of(
        labels().map(lambda label: label[0]), st.sampled_from(["", "x", "多裂肌", 'a"\\\n', "<b>"])
    )
    return st.one_of(
        st.builds(polygon, names, points()),
        st.builds(polygon, names, points(2, 2), shape_type=st.sampled_from(["rectangle", "circle", "line"])),
        st.builds(polygon, names, points(4, 4), shape_type=st.just("oriented_rectangle")),
    )


def labelme_files() -> st.SearchStrategy[bytes]:
    """Sound LabelMe files, of this version or as the oldest wrote them."""
    whole = st.builds(lambda several: labelme("ALS_1_3.png", SIZE, several), st.lists(shapes(), max_size=8))
    oldest = st.builds(lambda several: {"shapes": several}, st.lists(shapes(), max_size=8))
    written = st.sampled_from([{}, {"indent": 2}, {"ensure_ascii": False}])
    return st.builds(lambda content, how: json.dumps(content, **how).encode(), whole | oldest, written)


@st.composite
def slice_names(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """(stem as GROUP_N_L, participant id, group, segment)."""
    group = draw(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,5}", fullmatch=True))
    number = draw(st.from_regex(r"[0-9]{1,4}", fullmatch=True))
    segment = draw(st.integers(1, 5))
    mark = draw(st.sampled_from(["", "L", "l"]))
    return f"{group}_{number}_{mark}{segment}", f"{group}_{number}", group, f"L{segment}"


#: What a cell can hold and come back as: no line ends of other systems, no space around it, no mark of order.
cells = (
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\ufeff"), max_size=12),
        st.sampled_from(["", "1.5", "-3", "n/a", "a, b", 'say "x"', "two\nlines", "=1+1", "Müller", "1;2"]),
    )
    .map(str.strip)
    .filter(lambda text: text == text.strip())
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """(columns, rows): texts as a table holds them; the first cell of a row is never empty."""
    columns = draw(st.lists(cells.filter(bool), min_size=1, max_size=5, unique=True))
    row = st.tuples(cells.filter(bool), *[cells] * (len(columns) - 1))
    return tuple(columns), tuple(draw(st.lists(row, max_size=5)))


def dressed(columns: tuple[str, ...], rows: Any, separator: str, line_end: str, mark: bytes) -> bytes:
    """A table as some spreadsheet saves it; quotes where its separator stands in a cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([columns, *rows])
    return mark + text.getvalue().encode()
