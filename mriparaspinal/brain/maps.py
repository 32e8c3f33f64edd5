"""Maps that are computed from others, voxel by voxel: magnetisation transfer ratio, fat fraction, tensor.

Where a number is not defined the voxel is NaN, never 0.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import read_number

Map = NDArray[np.float64]

TENSOR_MAPS = ("FA", "MD", "AD", "RD")

#: Volumes of a b-value up to this (s/mm²) are without diffusion weighting.
B0_LIMIT = 50

#: A tensor has six numbers; with the signal without weighting there are seven to be found.
_DIRECTIONS = 6

#: Beyond this b-value (s/mm²) the signal of tissue does not fall as the tensor has it.
_TENSOR_LIMIT = 1500

#: How far from 1 the length of a direction may be; dipy takes no more.
_UNIT = 0.01


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Map:
    """One image over another; NaN where the denominator is 0 or either is no number.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (numerator, denominator))
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(a) & np.isfinite(b) & (b != 0), a / b, np.nan)


def magnetisation_transfer_ratio(on: NDArray[Any], off: NDArray[Any]) -> Map:
    """MTR = 100·(off − on)/off, in %: ``on`` with the saturation pulse, ``off`` without.

    >>> magnetisation_transfer_ratio(np.array([60.0]), np.array([100.0])).tolist()
    [40.0]
    """
    return 100 * ratio(np.subtract(off, on, dtype=np.float64), off)


def fat_fraction(fat: NDArray[Any], water: NDArray[Any]) -> Map:
    """Fat / (fat + water), 0–1, of the magnitudes of a Dixon series.

    >>> fat_fraction(np.array([1, 0]), np.array([3, 0])).tolist()
    [0.25, nan]
    """
    return ratio(fat, np.add(fat, water, dtype=np.float64))


def parse_gradients(b_values: str, b_vectors: str, volumes: int) -> tuple[Map, Map, tuple[str, ...]]:
    """b-values, (n,) in s/mm², and directions, (n, 3), from texts as FSL has them; and warnings.

    The vectors may stand in three rows or in three columns. Raises UsageError that says what is wrong.
    """
    values, vectors = _numbers(b_values, "--bval").ravel(), _numbers(b_vectors, "--bvec", gaps=True)
    if values.size != volumes:
        raise UsageError(f"--bval: {values.size} b-values; expected {volumes}, one for each volume; check it")
    if vectors.shape not in ((3, volumes), (volumes, 3)):
        found = f"{vectors.shape[0]}×{vectors.shape[1]} numbers"
        raise UsageError(f"--bvec: {found}; expected 3×{volumes} or {volumes}×3; check it")
    vectors = vectors.T if vectors.shape == (3, volumes) else vectors
    if not np.isfinite(vectors[values > B0_LIMIT]).all():
        raise UsageError("--bvec: a weighted volume has no direction; expected one for each; check it")
    if (values < 0).any():
        raise UsageError(f"--bval: {values.min():g} was found; expected 0 and more; correct it")
    weighted = values > B0_LIMIT
    if weighted.all():
        expected = f"expected a volume without diffusion weighting (b of {B0_LIMIT} and less)"
        raise UsageError(f"--bval: all b-values are {values.min():g} and more; {expected}; add it")
    vectors = np.where(np.isfinite(vectors), vectors, 0.0)  # converters write nan where there is no direction
    lengths = np.linalg.norm(vectors[weighted], axis=1)
    if len(lengths) and abs(lengths - 1).max() > _UNIT:
        odd = lengths[int(np.argmax(abs(lengths - 1)))]
        raise UsageError(f"--bvec: a direction of length {odd:.3g}; expected 1; check that the files belong")
    if _tensor_rank(vectors[weighted]) < _DIRECTIONS:
        found = f"the {len(lengths)} directions do not determine a tensor"
        raise UsageError(f"--bvec: {found}; expected {_DIRECTIONS} that differ, or more; take all volumes")
    said = []
    if values.max() > _TENSOR_LIMIT:
        found = f"b-values up to {values.max():g} s/mm²; the tensor is meant for {_TENSOR_LIMIT} and less"
        said.append(f"--bval: {found}; fit the lower shells alone")
    return values, vectors, tuple(said)


def _numbers(text: str, option: str, gaps: bool = False) -> Map:
    rows = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
    numbers = [[math.nan if cell.casefold() == "nan" else read_number(cell) for cell in row] for row in rows]
    whole = all(number is not None and len(row) == len(rows[0]) for row in numbers for number in row)
    found = np.array(numbers if whole else [], dtype=np.float64)
    if found.ndim == 2 and found.size and (gaps or np.isfinite(found).all()):
        return found
    raise UsageError(f"{option}: not a table of numbers; expected FSL's text file; check the file")


def _tensor_rank(vectors: Map) -> int:
    """How many of the six numbers of a tensor the directions determine."""
    if not len(vectors):
        return 0
    x, y, z = vectors.T
    design = np.column_stack([x * x, y * y, z * z, x * y, x * z, y * z])
    return int(np.linalg.matrix_rank(design, tol=1e-3))


def tensor_maps(
    slabs: Iterable[NDArray[Any]],
    masks: Iterable[NDArray[np.bool_]] | None,
    b_values: Map,
    b_vectors: Map,
    advance: Callable[[], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """FA (0–1) and MD, AD, RD (mm²/s) of each voxel, (i, j, k), by dipy's weighted least squares.

    ``slabs``: slice by slice (i, j, volumes), ``masks`` likewise (i, j). NaN outside the mask, where the
    signal without weighting is not above 0, and where a signal is no number.

    Raises UsageError where dipy is not installed.
    """
    model = _tensor_model(b_values, b_vectors)
    unweighted = b_values <= B0_LIMIT
    made: dict[str, list[NDArray[np.float32]]] = {name: [] for name in TENSOR_MAPS}
    chosen = iter(masks) if masks is not None else None
    for slab in slabs:
        signal = np.asarray(slab, dtype=np.float64)
        usable = np.isfinite(signal).all(axis=2) & (signal[..., unweighted].mean(axis=2) > 0)
        if chosen is not None:
            usable &= next(chosen)
        fit = model.fit(signal[usable]) if usable.any() else None
        for name in TENSOR_MAPS:
            plane = np.full(signal.shape[:2], np.nan, dtype=np.float32)
            if fit is not None:
                plane[usable] = getattr(fit, name.lower())
            made[name].append(plane)
        if advance is not None:
            advance()
    return {name: np.stack(planes, axis=2) for name, planes in made.items()}


def _tensor_model(b_values: Map, b_vectors: Map) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what dipy imports
            from dipy.core.gradients import gradient_table
            from dipy.reconst.dti import TensorModel
    except ImportError:
        found = "dipy: this package is not installed; expected it, for maps dti"
        raise UsageError(f'{found}; run: pip install "mriparaspinal[brain]"') from None
    table = gradient_table(b_values, bvecs=b_vectors, b0_threshold=B0_LIMIT)
    return TensorModel(table, fit_method="WLS")
