"""Derived maps from files: images read, held to one grid, computed, and made into NIfTI files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.brain.maps import (
    fat_fraction,
    magnetisation_transfer_ratio,
    parse_gradients,
    ratio,
    tensor_maps,
)
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, UsageError
from mriparaspinal.imaging.grids import Grid, difference, same_but_origin, same_grid
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.manifest import outputs_manifest
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.nifti_maps import MapImage, MapSeries, map_bytes, read_map, read_series
from mriparaspinal.io.write import sha256

#: The file that lists the maps of a folder.
MAPS = "maps.json"

#: More bytes than the b-values and directions of any series have.
_TEXT_LIMIT = 10_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class MadeMaps:
    """Files by name, and what is to be said."""

    files: dict[str, bytes]
    notes: tuple[str, ...]
    summaries: tuple[str, ...]
    """One line for each map."""


@dataclasses.dataclass(frozen=True, slots=True)
class Diffusion:
    """A diffusion series with all that fitting it needs."""

    series: MapSeries
    b_values: NDArray[np.float64]
    b_vectors: NDArray[np.float64]
    inside: NDArray[np.bool_] | None
    """The voxels to fit, (i, j, k)."""
    notes: tuple[str, ...]


def maps_manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of a folder of maps."""
    return outputs_manifest({name: sha256(content) for name, content in files.items()})


def open_map(path: Path, option: str, form: Form | None = None) -> MapImage:
    """The map of an option; raises :class:`NoInputError`.

    ``form``, here and below: which one counts where sform and qform of an image disagree.
    """
    try:
        return read_map(path, form)
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{option} {path}")) from None


def require_same_grid(
    path: Path, option: str, grid: Grid, other: Grid, whose: str, same_voxels: bool = False
) -> None:
    """Raise :class:`NoInputError` where an image has not the voxels of another; both are shown.

    ``same_voxels``: the place of the first voxel may differ, all else may not.
    """
    if same_grid(grid, other) or (same_voxels and same_but_origin(grid, other)):
        return
    remedy = "resample one of them, and look at it"
    if option != "--mask" and not same_voxels and same_but_origin(grid, other):
        remedy = "give --same-voxels if they are one grid and only a header's origin is lost"
    found, expected = difference(grid, other)
    raise NoInputError(Fault(f"{option} {path}", found, f"{expected}, as {whose}", remedy))


def make_mtr(on: Path, off: Path, out: Path, same_voxels: bool, form: Form | None = None) -> MadeMaps:
    """The magnetisation transfer ratio in %, in the place of the image with the pulse."""
    with_pulse, without = _pair(("--mt", on), ("--no-mt", off), same_voxels, form)
    _require_magnitude(with_pulse, "--mt", on)
    _require_magnitude(without, "--no-mt", off)
    values = magnetisation_transfer_ratio(with_pulse.values, without.values)
    notes = []
    if np.isfinite(values).any() and float(np.nanmedian(values)) < 0:
        notes.append("MTR is below 0 in most voxels: are --mt and --no-mt swapped?")
    return _made(values, with_pulse, out, notes)


def make_ratio(
    numerator: Path, denominator: Path, out: Path, same_voxels: bool, form: Form | None = None
) -> MadeMaps:
    """The ratio of two images, in the place of the first."""
    a, b = _pair(("--numerator", numerator), ("--denominator", denominator), same_voxels, form)
    return _made(ratio(a.values, b.values), a, out, [])


def make_fat_fraction(
    fat: Path, water: Path, out: Path, same_voxels: bool, form: Form | None = None
) -> MadeMaps:
    """The fat fraction (0–1) of a Dixon series, in the place of the fat image."""
    fats, waters = _pair(("--fat", fat), ("--water", water), same_voxels, form)
    _require_magnitude(fats, "--fat", fat)
    _require_magnitude(waters, "--water", water)
    return _made(fat_fraction(fats.values, waters.values), fats, out, [])


def open_diffusion(
    data: Path, b_values: Path, b_vectors: Path, mask: Path | None, form: Form | None = None
) -> Diffusion:
    """A diffusion series, compared with its gradients and the mask.

    Raises :class:`NoInputError` for files that cannot be read or do not fit, :class:`UsageError` for
    gradients that do not.
    """
    try:
        series = read_series(data, form)
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"--data {data}")) from None
    texts = (_text(b_values, "--bval"), _text(b_vectors, "--bvec"))
    values, vectors, said = parse_gradients(*texts, len(series))
    inside = None
    if mask is not None:
        image = open_map(mask, "--mask", form)
        require_same_grid(mask, "--mask", image.grid, series.grid, "--data has them")
        inside = np.isfinite(image.values) & (image.values != 0)
        if not inside.any():
            raise NoInputError(f"--mask {mask}: no voxel but 0; expected those to fit; check the mask")
    return Diffusion(series, values, vectors, inside, said)


def make_tensor(diffusion: Diffusion, advance: Callable[[], None] | None = None) -> MadeMaps:
    """FA, MD, AD and RD of a diffusion series, in its place; ``advance`` is called for each slice."""
    inside = diffusion.inside
    slices = range(diffusion.series.grid.shape[2])
    maps = tensor_maps(
        (diffusion.series.slab(k) for k in slices),
        None if inside is None else (inside[:, :, k] for k in slices),
        diffusion.b_values,
        diffusion.b_vectors,
        advance,
    )
    files = {f"{name}.nii.gz": map_bytes(found, diffusion.series.header) for name, found in maps.items()}
    undefined = int(np.isnan(maps["FA"]).sum())
    notes = list(diffusion.notes)
    if undefined:
        notes.append(f"{undefined} of {maps['FA'].size} voxels are NaN: outside the mask, or without signal")
    return MadeMaps(files, tuple(notes), tuple(_summary(name, found) for name, found in maps.items()))


def _text(path: Path, option: str) -> str:
    try:
        return read_bytes(path, _TEXT_LIMIT).decode("utf-8-sig")
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{option} {path}")) from None
    except UnicodeDecodeError:
        found = "not a text"
        raise NoInputError(f"{option} {path}: {found}; expected FSL's text file; check the file") from None


def _pair(
    one: tuple[str, Path], other: tuple[str, Path], same_voxels: bool, form: Form | None
) -> tuple[MapImage, MapImage]:
    (option, path), (second_option, second_path) = one, other
    first, second = open_map(path, option, form), open_map(second_path, second_option, form)
    require_same_grid(second_path, second_option, second.grid, first.grid, f"{option} has them", same_voxels)
    return first, second


def _require_magnitude(image: MapImage, option: str, path: Path) -> None:
    if (lowest := image.lowest()) < 0:
        found = f"values down to {lowest:g}; expected magnitudes of 0 and more"
        raise NoInputError(f"{option} {path}: {found}; export the magnitude images, without an offset")


def _made(values: NDArray[np.float64], source: MapImage, out: Path, notes: list[str]) -> MadeMaps:
    undefined = int(np.isnan(values).sum())
    if undefined:
        notes.append(f"{undefined} of {values.size} voxels are NaN: the ratio is not defined there")
    packed = out.name.lower().endswith(".gz")
    return MadeMaps(
        {out.name: map_bytes(values, source.header, packed)}, tuple(notes), (_summary(out.name, values),)
    )


def _summary(name: str, values: NDArray[np.floating[Any]]) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return f"{name}: no voxel has a number"
    low, middle, high = (f"{value:.4g}" for value in np.quantile(known, (0, 0.5, 1)))
    return f"{name}: median {middle}, {low} to {high}, in {len(known)} voxels"


def require_nifti_name(out: Path) -> None:
    """Raise :class:`UsageError` for an output whose name is not that of a NIfTI file."""
    if not out.name.lower().endswith((".nii", ".nii.gz")):
        found = f"{out.name} was found; expected a name that ends in .nii.gz (or .nii)"
        raise UsageError(f"--out: {found}; name the file so")
