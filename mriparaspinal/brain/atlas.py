"""Means and volumes of maps in the regions of an atlas: what a region is, and the numbers of its voxels.

Arrays of voxels are flat here, (n,), all of one image in the same order.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import natural_key

Values = NDArray[np.float64]

_MM3_PER_ML = 1000


@dataclass(frozen=True, slots=True)
class AtlasRegion:
    """Voxels of one name."""

    name: str
    where: NDArray[np.intp]
    """The numbers of its voxels."""
    weights: Values | None = None
    """How much of each voxel belongs to it (0–1, above 0); None: all of it."""

    def volume_mm3(self, voxel_mm3: float) -> float:
        """Voxels × their volume; the parts of voxels count as parts."""
        return voxel_mm3 * (len(self.where) if self.weights is None else float(self.weights.sum()))


@dataclass(frozen=True, slots=True)
class MapValues:
    """One image of a participant."""

    name: str
    values: NDArray[np.generic]
    """(n,), every voxel."""
    is_tissue: bool = False
    """Whether its values are shares of tissue (0–1, or modulated), whose sum is the tissue's volume."""


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One row of the long table: a map in a region. Its fields are the columns."""

    participant_id: str
    region: str
    map: str
    """Empty where there are volumes only."""
    mean: float | None
    sd: float | None
    median: float | None
    n_voxels: int
    n_used: int
    n_nan: int
    n_zero: int
    volume_ml: float | None
    volume_pct_tiv: float | None
    tissue_ml: float | None
    tissue_pct_tiv: float | None


COLUMNS = tuple(field.name for field in dataclasses.fields(RegionRow))


@dataclass(frozen=True, slots=True)
class Described:
    """The values of a map in a region; None where too few are left."""

    mean: float | None
    sd: float | None
    median: float | None
    n_used: int
    n_nan: int
    n_zero: int


def labelled_regions(
    labels: NDArray[np.integer], names: Mapping[int, str]
) -> tuple[list[AtlasRegion], dict[int, int]]:
    """The regions of an atlas of labels, in the order of ``names`` (label → name).

    ``labels``: (n,). 0 is the background. A name without voxels becomes a region of none. With them come
    the labels that have no name: label → number of voxels.

    >>> regions, unnamed = labelled_regions(np.array([0, 2, 2, 7]), {1: "CST", 2: "CC"})
    >>> [(region.name, region.where.tolist()) for region in regions], unnamed
    ([('CST', []), ('CC', [1, 2])], {7: 1})
    """
    there = np.flatnonzero(labels)
    order = np.argsort(labels[there], kind="stable")
    sorted_ = labels[there][order]
    starts = np.flatnonzero(np.diff(sorted_, prepend=0))  # 0 is no label: the first one starts, too
    parts = np.split(there[order], starts[1:]) if len(starts) else []
    by_label = {int(sorted_[start]): part for start, part in zip(starts, parts, strict=True)}
    nothing = np.empty(0, dtype=np.intp)
    regions = [AtlasRegion(name, by_label.get(label, nothing)) for label, name in names.items()]
    return regions, {label: len(part) for label, part in by_label.items() if label not in names}


def weighted_region(name: str, weights: Values) -> AtlasRegion:
    """The region of a probability map, (n,): the voxels above 0. What is no number belongs to no region."""
    where = np.flatnonzero(weights > 0)
    return AtlasRegion(name, where, weights[where])


def describe(values: Values, weights: Values | None = None, ignore_zero: bool = False) -> Described:
    """Mean, SD and median of the voxels of a region.

    ``values``, ``weights``: (n,). What is no finite number is left out, and counted; zeros are values
    unless ``ignore_zero``. SD with n − 1; with weights, which tell how much of a voxel counts,

        mean = Σwx / Σw,    SD² = Σw(x − mean)² / (Σw − Σw² / Σw),

    the unbiased form for such weights; with weights of 1 it is that with n − 1. The weighted median is the
    value that half of the weight lies below, the middle of two where half lies exactly between them.

    >>> describe(np.array([1.0, 2.0, 6.0, np.nan])).mean
    3.0
    >>> describe(np.array([1.0, 2.0, 6.0]), np.array([0.5, 0.5, 0.0])).median
    1.5
    """
    finite = np.isfinite(values)
    zero = values == 0
    used = finite & ~zero if ignore_zero else finite
    counts = (int(used.sum()), int((~finite).sum()), int(zero.sum()))
    chosen = values[used]
    if weights is None:
        mean = float(chosen.mean()) if len(chosen) else None
        sd = float(chosen.std(ddof=1)) if len(chosen) > 1 else None
        median = float(np.median(chosen)) if len(chosen) else None
        return Described(mean, sd, median, *counts)
    return Described(*_weighted(chosen, weights[used]), *counts)


def _weighted(values: Values, weights: Values) -> tuple[float | None, float | None, float | None]:
    """Mean, SD and median; None where the weights do not suffice for them."""
    total = float(weights.sum())
    if total <= 0:
        return None, None, None
    mean = float((weights * values).sum()) / total
    # What is left of the weights: 0 for a single voxel, whatever its weight is.
    left = total - float((weights**2).sum()) / total
    enough = np.count_nonzero(weights) > 1 and left > 0
    sd = float(np.sqrt((weights * (values - mean) ** 2).sum() / left)) if enough else None
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) / total
    # Sums of weights round: what is half but for that is half.
    half = np.isclose(below, 0.5, rtol=0, atol=1e-12)
    first = int(np.argmax((below >= 0.5) | half))
    following = np.flatnonzero(weights[order][first + 1 :])
    middle = [values[order][first]]
    if half[first] and len(following):
        middle.append(values[order][first + 1 + following[0]])
    return mean, sd, float(np.mean(middle))


def region_rows(
    participant_id: str,
    regions: Iterable[AtlasRegion],
    maps: Sequence[MapValues],
    voxel_mm3: float,
    tiv_ml: float | None = None,
    ignore_zero: bool = False,
    own_volumes: bool = True,
) -> list[RegionRow]:
    """The rows of one participant: each map in each region, or the regions alone where there is no map.

    ``own_volumes``: whether the regions are the participant's own; the volume of a region that all
    participants share is no share of anybody's intracranial volume. A region without voxels has no numbers.
    """
    rows = []
    for region in regions:
        volume = region.volume_mm3(voxel_mm3) / _MM3_PER_ML if len(region.where) else None
        for image in maps or (None,):
            found, tissue = _found(region, image, voxel_mm3, ignore_zero)
            rows.append(
                RegionRow(
                    participant_id,
                    region.name,
                    "" if image is None else image.name,
                    found.mean,
                    found.sd,
                    found.median,
                    len(region.where),
                    found.n_used,
                    found.n_nan,
                    found.n_zero,
                    volume,
                    _pct(volume, tiv_ml) if own_volumes else None,
                    tissue,
                    _pct(tissue, tiv_ml),
                )
            )
    return rows


def _found(
    region: AtlasRegion, image: MapValues | None, voxel_mm3: float, ignore_zero: bool
) -> tuple[Described, float | None]:
    """The numbers of a map in a region, and the volume of tissue in ml where it is one of tissue."""
    if image is None:
        return Described(None, None, None, 0, 0, 0), None
    values = image.values[region.where].astype(np.float64)
    found = describe(values, region.weights, ignore_zero)
    # How much tissue is in voxels without a number is not known, and so the sum is not.
    if not image.is_tissue or found.n_nan or not len(values):
        return found, None
    weighted = values if region.weights is None else values * region.weights
    return found, float(weighted.sum()) * voxel_mm3 / _MM3_PER_ML


def _pct(volume_ml: float | None, tiv_ml: float | None) -> float | None:
    return None if volume_ml is None or tiv_ml is None else 100 * volume_ml / tiv_ml


# --- the wide table -----------------------------------------------------------------------------------------

Cells = Sequence[str]


def wide_table(rows: Iterable[Cells]) -> tuple[list[str], list[list[str]]]:
    """One row per participant from the rows of the long table (texts, in the order of :data:`COLUMNS`).

    Of a map ``{map}_mean_{region}``; of a map of tissue ``{map}_pct_tiv_{region}`` where that is known of
    anybody, else ``{map}_ml_{region}``; of the regions ``volume_pct_tiv_{region}`` or ``volume_ml_{region}``,
    unless they are the same for all of several participants. Letters, digits and ``_`` stay in the name of a
    region, all else becomes ``_``.

    Raises UsageError where a participant has two rows for one map and region, or two columns one name.
    """
    records = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    _check_once_each(records)
    everyone = sorted({record["participant_id"] for record in records}, key=natural_key)
    regions = list(dict.fromkeys(record["region"] for record in records))
    maps = [name for name in dict.fromkeys(record["map"] for record in records) if name]
    columns: dict[str, dict[str, str]] = {}
    for name in maps:
        of_map = [record for record in records if record["map"] == name]
        _add(columns, name, _filled(of_map, _OF_MAPS), regions, of_map)
    volume = _filled(records, _OF_REGIONS)
    if len(everyone) == 1 or not _same_for_all(records, volume[1]):
        _add(columns, "volume", volume, regions, records)
    table = [[who, *(cells.get(who, "") for cells in columns.values())] for who in everyone]
    return ["participant_id", *columns], table


def _check_once_each(records: Sequence[Mapping[str, str]]) -> None:
    seen = set()
    for record in records:
        key = (record["participant_id"], record["region"], record["map"])
        if key in seen:
            who, region, name = (part or "(none)" for part in key)
            found = f"participant {who}, region {region}, map {name}: two rows"
            raise UsageError(f"{found}; expected one; keep one of them")
        seen.add(key)


#: What a column says, and the cell of the long table that it holds: the first that anybody has.
_OF_MAPS = (("pct_tiv", "tissue_pct_tiv"), ("ml", "tissue_ml"), ("mean", "mean"))

_OF_REGIONS = (("pct_tiv", "volume_pct_tiv"), ("ml", "volume_ml"))


def _filled(records: Sequence[Mapping[str, str]], kinds: Sequence[tuple[str, str]]) -> tuple[str, str]:
    return next((kind for kind in kinds if any(record[kind[1]] for record in records)), kinds[-1])


def _same_for_all(records: Sequence[Mapping[str, str]], cell: str) -> bool:
    """Whether the regions' volumes are those of one atlas that all participants share."""
    seen: dict[str, set[str]] = {}
    for record in records:
        seen.setdefault(record["region"], set()).add(record[cell])
    return all(len(values) == 1 for values in seen.values())


def _add(
    columns: dict[str, dict[str, str]],
    name: str,
    kind: tuple[str, str],
    regions: Sequence[str],
    records: Sequence[Mapping[str, str]],
) -> None:
    what, cell = kind
    for region in regions:
        column = f"{name}_{what}_{column_part(region)}"
        if column in columns:
            found = f"{name} in {region} and something else would both be the column {column}"
            raise UsageError(f"{found}; expected names that differ in letters or digits; rename one")
        columns[column] = {}
        for record in records:
            if record["region"] == region:
                columns[column][record["participant_id"]] = record[cell]


def column_part(region: str) -> str:
    """The name of a region as part of the name of a column.

    >>> column_part("Corticospinal tract (L)")
    'Corticospinal_tract_L'
    """
    return re.sub(r"\W+", "_", region).strip("_")
