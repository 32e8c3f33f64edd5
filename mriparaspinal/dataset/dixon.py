"""Fat and water images of the slices of a dataset, pixel for pixel, from Dixon series or volumes.

Nothing is resampled: a slice's pixels must be voxels of both, by its position in ``slices.csv``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, UsageError, unreadable
from mriparaspinal.core.model import Slice
from mriparaspinal.imaging.planes import Plane, Series, Values, pixel_order
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.folder import find_name, list_files, read_bytes
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.scan_files import read_source
from mriparaspinal.io.volumes import ENDINGS, files_of

#: Participants whose images a process holds at a time; slices come sorted by participant.
_HELD = 2

#: How far apart, in mm, two planes may lie that are one.
_SAME_MM = 0.1


@dataclass(frozen=True, slots=True)
class DixonSource:
    """Where the fat and water images of a dataset are."""

    fat: Path
    """A volume, or a folder with ``PARTICIPANT.nii.gz`` or a folder of DICOM ``PARTICIPANT``."""
    water: Path
    places: dict[str, SlicePlace]
    """Of the slices, by image."""
    same_voxels: bool
    """Take water voxel by voxel as fat, whatever its header says of the origin."""
    affine: Form | None = None
    """Which one counts where the two places in a header disagree."""


@dataclass(frozen=True, slots=True)
class Dixon:
    """Fat and water signal of one slice, (rows, columns) each, and the hashes of the files read."""

    fat: Values
    water: Values
    sha256: tuple[tuple[str, str], ...]
    remarks: tuple[Fault, ...] = ()
    """Notes on the positions that their headers give, with the name of the image."""


def open_dixon(
    fat: Path,
    water: Path,
    places: dict[str, SlicePlace],
    slices: Iterable[Slice],
    same_voxels: bool,
    affine: Form | None = None,
) -> DixonSource:
    """Check that the two places can hold the images of a dataset.

    Raises :class:`UsageError` for a place that is not there, or a single volume for several participants.
    """
    people = {slice_.scan for slice_ in slices}
    faults = []
    for option, path in (("--fat", fat), ("--water", water)):
        if not path.exists():
            faults.append(f"{option}: {path} does not exist; expected a volume or a folder; check the path")
        elif path.is_file() and len(people) > 1:
            found = f"one file for {len(people)} participants"
            remedy = "give a folder with PARTICIPANT.nii.gz or a folder PARTICIPANT of DICOM for each"
            faults.append(f"{option}: {found}; expected one for each; {remedy}")
    if faults:
        raise UsageError("\n".join(faults))
    return DixonSource(fat, water, places, same_voxels, affine)


def read_dixon(source: DixonSource, slice_: Slice, shape: tuple[int, int]) -> Dixon:
    """Fat and water of one slice of (rows, columns). Raises :class:`UnreadableError`."""
    place = source.places.get(slice_.name)
    if place is None:
        found = "where it lies in the patient is not known"
        raise unreadable(found, "its place in slices.csv", "make the slice with 'prepare', which writes it")
    who = slice_.scan
    fat_file, water_file = _file_of(source.fat, who, "fat"), _file_of(source.water, who, "water")
    fats, fat_sha256 = _opened(fat_file, _state(fat_file), source.affine)
    waters, water_sha256 = _opened(water_file, _state(water_file), source.affine)
    fat = _cut(fats, place.plane, shape)
    if fat is None:
        raise _off_grid("fat", fats, place.plane, shape)
    values, series, index = fat
    if source.same_voxels:
        water_values = _same_voxel_slice(series, index, waters, place.plane, shape)
    else:
        water = _cut(waters, place.plane, shape)
        if water is None:
            raise _off_grid("water", waters, place.plane, shape)
        water_values = water[0]
    _require_magnitude(values, "fat")
    _require_magnitude(water_values, "water")
    told = ((f"fat/{who}", fats), (f"water/{who}", waters))
    remarks = tuple(s.remark.at(name, "two-places") for name, stacks in told for s in stacks if s.remark)
    return Dixon(values, water_values, ((f"fat/{who}", fat_sha256), (f"water/{who}", water_sha256)), remarks)


def _file_of(place: Path, participant: str, kind: str) -> Path:
    if place.is_file():
        return place
    candidates = [find_name(place, name) for name in (participant, *(participant + end for end in ENDINGS))]
    there = [place / name for name in candidates if name is not None]
    if len(there) == 1:
        return there[0]
    names = " and ".join(path.name for path in there) or f"nothing named {participant}"
    found, expected = (
        f"{names} in --{kind}",
        f"one of {participant}.nii.gz, {participant}.nii, {participant}/",
    )
    raise unreadable(found, expected, "keep one of them" if there else "put the volume or series there")


def _files(path: Path) -> list[Path]:
    return [path / name for name in sorted(list_files(path)[0])] if path.is_dir() else files_of(path)


def _state(path: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes where a file does: images that are held are those of the disk."""
    try:
        told = [(file, file.stat()) for file in _files(path)]
    except OSError as error:
        found = f"{path.name}: cannot be read ({error.strerror})"
        raise unreadable(found, "readable files", "check that they are there and their rights") from None
    return tuple((str(file), stat.st_mtime_ns, stat.st_size) for file, stat in told)


@lru_cache(maxsize=2 * _HELD)
def _opened(
    path: Path,
    state: tuple[tuple[str, int, int], ...],  # noqa: ARG001
    affine: Form | None,
) -> tuple[tuple[Series, ...], str]:
    """The series of a participant, and one SHA-256 over all of its files in the order of their names."""
    try:
        source = read_source(path, form=affine)
        digest = hashlib.sha256()
        for file in _files(path):
            digest.update(read_bytes(file))
    except UnreadableError as error:
        raise UnreadableError(error.fault.about(path.name)) from None
    except NoInputError as error:
        raise unreadable(f"{path.name}: {error}", "a volume", "check the path") from None
    if not source.series:
        nothing = Fault("", "no series", "a volume or a DICOM series", "check what the file is")
        raise UnreadableError((*source.broken, nothing)[0].about(path.name))
    return source.series, digest.hexdigest()


def _cut(
    series: tuple[Series, ...], plane: Plane, shape: tuple[int, int]
) -> tuple[Values, Series, int] | None:
    """The pixels of the one stored slice that lies on a plane, turned as the plane is."""
    found = []
    for stack in series:
        for index, picture in enumerate(stack.pictures):
            if picture.plane is not None and _coplanar(picture.plane, plane):
                cut = _turned(stack, index, picture.plane, plane, shape)
                if cut is not None:
                    found.append((cut, stack, index))
    if len(found) > 1:
        what = f"{len(found)} images lie on the slice"
        raise unreadable(what, "one", "keep only one series in the folder")
    return found[0] if found else None


def _coplanar(one: Plane, other: Plane) -> bool:
    """Whether the origin of one plane lies in the other; :func:`.volume.on_plane` checks the rest."""
    offset = np.subtract(one.position, other.position)
    return abs(float(np.dot(offset, other.normal()))) <= _SAME_MM


def _turned(stack: Series, index: int, stored: Plane, plane: Plane, shape: tuple[int, int]) -> Values | None:
    # The order of the pixels is found from their indices, so that only a slice that fits is read.
    order = pixel_order(stored, stack.size, plane, shape)
    if order is None:
        return None
    values = stack.read(index)
    return values.ravel()[order] if values.shape == stack.size else None


def _same_voxel_slice(
    fat: Series, index: int, waters: tuple[Series, ...], plane: Plane, shape: tuple[int, int]
) -> Values:
    """The water slice of the same index in a stack of the same size, laid where the fat slice lies."""
    alike = [stack for stack in waters if _same_size(fat, stack)]
    at = fat.pictures[index].plane
    if len(alike) != 1 or at is None:
        found = f"{len(alike)} water stacks of the size and orientation of fat"
        raise unreadable(found, "one", "give the two images of one acquisition")
    values = _turned(alike[0], index, at, plane, shape)
    if values is None:
        raise _off_grid("water", waters, plane, shape)
    return values


def _same_size(one: Series, other: Series) -> bool:
    a, b = one.pictures[0].plane, other.pictures[0].plane
    if a is None or b is None or one.size != other.size or len(one.pictures) != len(other.pictures):
        return False
    aligned = replace(b, position=a.position)
    return np.allclose(
        [*a.across, *a.down, a.row_spacing_mm or 0, a.col_spacing_mm or 0],
        [*aligned.across, *aligned.down, aligned.row_spacing_mm or 0, aligned.col_spacing_mm or 0],
        atol=1e-3,
    )


def _off_grid(kind: str, series: tuple[Series, ...], plane: Plane, shape: tuple[int, int]) -> UnreadableError:
    """The line that shows both grids."""
    told = ", ".join(_grid(stack) for stack in series[:3])
    x, y, z = plane.position
    mine = f"{shape[0]}×{shape[1]} px of {plane.row_spacing_mm:.4g}×{plane.col_spacing_mm:.4g} mm"
    found = f"no {kind} image whose voxels are the slice's pixels ({told})"
    expected = f"{mine} with the upper left pixel at ({x:.1f}, {y:.1f}, {z:.1f}) mm"
    remedy = "prepare the slices from the same acquisition"
    if kind == "water":
        remedy += ", or give --same-voxels if fat and water are one grid and only a header's origin is lost"
    return unreadable(found, expected, remedy)


def _grid(stack: Series) -> str:
    plane = stack.pictures[0].plane
    size = f"{len(stack.pictures)} slices of {stack.size[0]}×{stack.size[1]}"
    if plane is None:
        return f"{size} of unknown place"
    x, y, z = plane.position
    spacing = ""
    if plane.row_spacing_mm and plane.col_spacing_mm:
        spacing = f" px of {plane.row_spacing_mm:.4g}×{plane.col_spacing_mm:.4g} mm"
    return f"{size}{spacing} from ({x:.1f}, {y:.1f}, {z:.1f}) mm"


def _require_magnitude(values: NDArray[np.float64], kind: str) -> None:
    lowest = float(np.nanmin(values)) if not np.isnan(values).all() else 0.0
    if lowest < 0:
        found = f"{kind} values down to {lowest:g}"
        raise unreadable(found, "magnitudes of 0 and more", "export the magnitude images, without an offset")
