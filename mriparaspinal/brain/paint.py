"""The regions of an atlas painted with what a comparison of study groups found in each of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import nibabel
import numpy as np
from numpy.typing import NDArray

from mriparaspinal.brain.atlas import column_part
from mriparaspinal.core.errors import Fault, UsageError
from mriparaspinal.core.text import and_more, read_number
from mriparaspinal.imaging.grids import LPS_TO_RAS, Grid

PColumn = Literal["p", "p_adjusted", "p_exact"]

AnyType = TypeVar("AnyType", bound=np.generic)

#: More names than this are counted.
_MOST = 200


@dataclass(frozen=True, slots=True)
class PaintedRegion:
    """One region of the atlas. Its fields are the columns of ``painted_regions.csv``."""

    region: str
    value: int
    """Its number in the atlas."""
    metric: str
    """The row of the comparison; empty where it has none."""
    n_voxels: int
    p: float | None
    effect_size: float | None
    signed_log10_p: float | None
    """−log10 p, with the sign of the effect; None where either is missing."""


PAINTED_COLUMNS = tuple(field.name for field in dataclasses.fields(PaintedRegion))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of one contrast."""

    contrast: str
    labels: tuple[str, str]
    """Arm a and arm b."""
    rows: Mapping[str, Mapping[str, str]]
    """By the part of the metric's name that is the region."""


def chosen_rows(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    file: str,
    metric: str,
    p_column: PColumn,
    contrast: str | None = None,
) -> Chosen:
    """The rows of ``comparisons.csv`` whose metrics are a map's statistic by region: ``fa_mean_REGION``.

    ``metric`` is what these names begin with, such as ``fa_mean``; ``contrast`` is needed where there are
    several.

    Raises :class:`UsageError` for a table that is none of ``compare --table``, and where a region has two
    rows.
    """
    needed = ("contrast", "segment", "metric", "role", "label_a", "label_b", "effect_size", p_column)
    if lost := [name for name in needed if name not in columns]:
        found = f"no column {', '.join(lost)}"
        raise UsageError(Fault(file, found, "comparisons.csv of compare --table", "name that file"))
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    contrasts = list(dict.fromkeys(record["contrast"] for record in records))
    if contrast is None and len(contrasts) > 1:
        found = f"{len(contrasts)} contrasts: {and_more(contrasts)}"
        raise UsageError(Fault(file, found, "one", "name one with --contrast"))
    wanted = contrast if contrast is not None else "".join(contrasts)
    if wanted not in contrasts:
        found = f"no contrast {wanted}" if wanted else "no rows"
        raise UsageError(Fault(file, found, f"one of {and_more(contrasts)}", "name one of them"))
    start = f"{metric}_"
    mine = [r for r in records if r["contrast"] == wanted and r["metric"].startswith(start)]
    if not mine:
        there = dict.fromkeys(r["metric"] for r in records if r["contrast"] == wanted)
        found = f"no metric {start}… in {wanted}, but {and_more(there)}"
        raise UsageError(Fault(file, found, "some, such as fa_mean_REGION for fa_mean", "name another"))
    if any(r["segment"] or r["role"] for r in mine):
        found = f"{metric} by segment or role"
        raise UsageError(Fault(file, found, "one row per region", "compare the table of regions alone"))
    by_region: dict[str, Mapping[str, str]] = {}
    for record in mine:
        if by_region.setdefault(record["metric"].removeprefix(start), record) is not record:
            found = f"{record['metric']} twice in {wanted}"
            raise UsageError(Fault(file, found, "one row per region", "keep one of them"))
    return Chosen(wanted, (mine[0]["label_a"], mine[0]["label_b"]), by_region)


def painted_regions(
    chosen: Chosen, names: Mapping[int, str], labels: NDArray[np.integer], p_column: PColumn, file: str
) -> tuple[list[PaintedRegion], list[str]]:
    """Each region of the atlas with its row, and notes on those without.

    ``names``: label → region, of the atlas's table; ``labels``: the atlas, of any shape.

    Raises :class:`UsageError` where a row's region is not in the table or has no voxel, all of them named,
    where two regions have one name, and for cells that are no p-value or effect.
    """
    counts = dict(zip(*(found.tolist() for found in np.unique(labels, return_counts=True)), strict=True))
    by_part: dict[str, int] = {}
    for label, name in names.items():
        other = by_part.setdefault(column_part(name), label)
        if other != label:
            found = f"{names[other]!r} and {name!r} are both {column_part(name)} in names of columns"
            raise UsageError(f"--table: {found}; expected names that differ in letters or digits; rename one")
    _require_known(chosen, by_part, counts, file)
    painted = [
        _region(label, name, counts.get(label, 0), chosen.rows.get(column_part(name)), p_column, file)
        for label, name in names.items()
    ]
    notes = []
    for what, lacking in (
        ("regions of the atlas without a row, left unpainted", [r.region for r in painted if not r.metric]),
        (
            "regions without p-value or effect, left unpainted",
            [r.region for r in painted if r.metric and (r.p is None or r.effect_size is None)],
        ),
        (
            "regions of p = 0, which has no logarithm, left unpainted",
            [r.region for r in painted if r.metric and r.p == 0 and r.effect_size is not None],
        ),
    ):
        if lacking:
            notes.append(f"{what}: {and_more(lacking, _MOST)}")
    return painted, notes


def _require_known(chosen: Chosen, by_part: Mapping[str, int], counts: Mapping[int, int], file: str) -> None:
    unknown = [record["metric"] for part, record in chosen.rows.items() if part not in by_part]
    if unknown:
        found = f"no region of the atlas's table for {and_more(unknown, _MOST)}"
        expected = f"regions of it ({and_more(by_part, _MOST)})"
        raise UsageError(Fault(file, found, expected, "name the table of the atlas that was compared"))
    absent = [record["metric"] for part, record in chosen.rows.items() if not counts.get(by_part[part])]
    if absent:
        found = f"no voxel in the atlas for {and_more(absent, _MOST)}"
        raise UsageError(Fault(file, found, "some of each", "name the atlas that was compared"))


def _region(
    label: int, name: str, voxels: int, record: Mapping[str, str] | None, p_column: PColumn, file: str
) -> PaintedRegion:
    if record is None:
        return PaintedRegion(name, label, "", voxels, None, None, None)
    metric = record["metric"]
    p = _number(record[p_column], f"{metric}: {p_column}", file)
    effect = _number(record["effect_size"], f"{metric}: effect_size", file)
    if p is not None and not 0 <= p <= 1:
        raise UsageError(Fault(file, f"{metric}: {p_column} {p:g}", "a p-value of 0–1", "check the table"))
    # Of a p that is too small for a number of the machine no logarithm is known.
    known = p is not None and p > 0 and effect is not None
    value = -math.log10(p) * float(np.sign(effect)) + 0.0 if known and p and effect is not None else None
    return PaintedRegion(name, label, metric, voxels, p, effect, value)


def _number(cell: str, what: str, file: str) -> float | None:
    if not cell:
        return None
    value = read_number(cell)
    if value is None or not math.isfinite(value):
        raise UsageError(Fault(file, f"{what} {cell[:40]!r}", "a number or nothing", "check the table"))
    return value


def painted_map(labels: NDArray[np.integer], painted: Sequence[PaintedRegion]) -> NDArray[np.float32]:
    """The value of each voxel's region; NaN outside of the painted regions."""
    values = np.full(labels.shape, np.nan, dtype=np.float32)
    for region in painted:
        if region.signed_log10_p is not None:
            values[labels == region.value] = region.signed_log10_p
    return values


def towards_ras(volume: NDArray[AnyType], grid: Grid) -> tuple[NDArray[AnyType], NDArray[np.float64]]:
    """A volume with its axes turned to right, anterior and superior, and its affine in NIfTI's mm."""
    space: Any = nibabel.orientations  # without types of its own
    affine = LPS_TO_RAS @ grid.affine
    turn = space.io_orientation(affine)
    return space.apply_orientation(volume, turn), affine @ space.inv_ornt_aff(turn, volume.shape)
