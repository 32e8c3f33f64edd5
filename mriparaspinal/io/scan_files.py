"""What the places hold that a user names: DICOM series and volumes, and the words for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import and_more
from mriparaspinal.imaging.planes import Series
from mriparaspinal.io.dicom import read_series
from mriparaspinal.io.folder import find_name, list_files, stands_for
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.volumes import read_volume, volume_kind


@dataclass(frozen=True, slots=True)
class ScanSource:
    """What a place holds: its series, and what could not be read there (name; found; remedy)."""

    series: tuple[Series, ...]
    broken: tuple[Fault, ...]


def require_there(path: Path) -> None:
    """Raise :class:`NoInputError` where a source is not there."""
    if not (path.is_dir() or path.is_file()):
        raise NoInputError(f"{path}: does not exist; expected DICOM series or a volume; check the path")


def read_source(
    path: Path, leave_out: Path | None = None, no_images: Collection[Path] = (), form: Form | None = None
) -> ScanSource:
    """All series and volumes of a file or folder. Raises :class:`NoInputError` where it is not there.

    ``leave_out``: a folder in it that is no part of it. ``no_images``: files, resolved, that are label maps.
    ``form``: which one counts where sform and qform of a volume disagree.
    """
    return read_sources([path], leave_out, no_images, form)


def read_sources(
    paths: Sequence[Path],
    leave_out: Path | None = None,
    no_images: Collection[Path] = (),
    form: Form | None = None,
) -> ScanSource:
    """The same of several files and folders together, each file once."""
    files: dict[Path, tuple[str, Path]] = {}
    for path in paths:
        require_there(path)
        for name in list_files(path, leave_out)[0] if path.is_dir() else [path.name]:
            file = path / name if path.is_dir() else path
            files.setdefault(file.resolve(), (name, file))
    there = [named for resolved, named in files.items() if resolved not in no_images]
    absent = [name for name, _ in there if stands_for(name)]
    there = [(name, file) for name, file in there if not stands_for(name)]
    series, broken = read_series([(name, file) for name, file in there if not volume_kind(name)])
    found, remedy = "a placeholder of a file that is not on this disk", "download it: slices may be missing"
    broken += [Fault(name, found, "the file", remedy) for name in absent]
    for name, file in there:
        if volume_kind(name):
            try:
                series.append(read_volume(file, name, form))
            except UnreadableError as error:
                broken.append(error.fault.at(name))
    for path in paths:
        if path.suffix.lower() in (".hdr", ".img") and path.is_file() and not series:
            found = "a header or image of a pair (Analyze or NIfTI)"
            remedy = "convert the pair, and look at left and right: Analyze has no sides"
            broken.append(Fault(path.name, found, "one file .nii or .nii.gz", remedy))
    return ScanSource(tuple(_beside(series)), tuple(broken))


def _beside(series: Sequence[Series]) -> list[Series]:
    """The series; of each is noted whether slices of 45° to 60° in it are taken for axial ones.

    They are where their own series has axial ones, as of blocks along the discs, or no other one has.
    """
    axial = {(one.kind, one.key) for one in series if one.plane_name() == "axial" and not one.steep}
    return [replace(one, among_axial=not axial or (one.kind, one.key) in axial) for one in series]


def has_series(source: ScanSource, series: Series) -> bool:
    """Whether a source has slices of a series."""
    return any((one.kind, one.key) == (series.kind, series.key) for one in source.series)


def places(sources: Sequence[Path], name: str) -> list[Path]:
    """The files and folders that a name in ``levels.csv`` means: a source, or what lies below one."""
    if not name:
        return list(sources) if len(sources) == 1 else []
    found: dict[Path, Path] = {}
    name = composed(name)
    for source in sources:
        below = source / (find_name(source, name) or name)
        inside = source.is_dir() and below.exists() and below.resolve().is_relative_to(source.resolve())
        if name in map(composed, (source.name, str(source), source.resolve().name)):
            found.setdefault(source.resolve(), source)
        elif inside:
            found.setdefault(below.resolve(), below)
    return list(found.values())


def told(series: Sequence[Series]) -> str:
    """Series in words that hold nothing of the patient."""
    return and_more((f"{_title(s)}: {len(s.pictures)} {_plane_words(s)}, {numbers(s)}" for s in series), 12)


def _plane_words(series: Series) -> str:
    name = series.plane_name()
    return _WORDS.get(name, name)


_WORDS = {"unknown": "of unknown orientation", "mosaic": "Siemens mosaics of many slices each"}


def _title(series: Series) -> str:
    if series.kind != "DICOM":
        return f"{series.kind} volume"
    return "series without number" if series.number is None else f"series {series.number}"


def numbers(series: Series) -> str:
    """The numbers of its slices, as a range."""
    known = [picture.number for picture in series.pictures if picture.number is not None]
    return f"slices {min(known)} to {max(known)}" if known else "slices without numbers"
