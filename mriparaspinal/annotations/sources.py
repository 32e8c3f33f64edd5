"""Which files of a folder of annotations belong to which slice, by their names, and what they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError
from mriparaspinal.core.filenames import IMAGE_ENDINGS
from mriparaspinal.core.model import Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.dataset.label_maps import (
    Is,
    mask_candidates,
    own_candidates,
    structure_files,
    structure_label,
)
from mriparaspinal.dataset.map_sources import ENDINGS, MapSource
from mriparaspinal.io.dicom_header import modality_of
from mriparaspinal.io.folder import list_files
from mriparaspinal.io.volumes import ENDINGS as VOLUMES

Kind = Literal["label map", "structures", "ROI set", "DICOM"]

#: Endings of files that are read, in small letters; a PNG only where it is called a mask.
_OURS = (*VOLUMES, "_mask.png", ".roi", ".zip", ".dcm")

#: What may lie in a participant's folder beside DICOM files.
_NO_DICOM = (
    *_OURS[:-1],
    ".raw",
    ".zraw",
    ".raw.gz",
    ".json",
    ".csv",
    ".tsv",
    ".txt",
    ".toml",
    *IMAGE_ENDINGS,
)

_ANNOTATIONS = ("RTSTRUCT", "SEG")


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """Files that together say what is on a slice."""

    kind: Kind
    names: tuple[str, ...]
    """Relative to the folder."""
    own: bool = False
    """Whether label maps are of this slice alone."""


@dataclass(frozen=True, slots=True)
class Sources:
    """A folder of annotations, and the claims of its files on the slices, by the slices' names."""

    folder: Path
    """Where they lie."""
    given: Path
    """The same, or the one file."""
    claims: dict[str, tuple[SourceFiles, ...]]
    lost: tuple[str, ...]
    """Files that belong to no slice."""
    passed: tuple[str, ...] = ()
    """Structures with a file of their own that are no regions."""

    @property
    def has_numbers(self) -> bool:
        """Whether there are label maps whose numbers need a meaning."""
        return any(claim.kind == "label map" for claims in self.claims.values() for claim in claims)


def find_sources(source: Path, slices: Sequence[Slice], is_used: Is) -> Sources:
    """The annotations of slices in a folder, or in one file.

    A single file is found by its name as in a folder; if that says nothing, it is the annotation of the
    one participant (DICOM, NIfTI) or of the one slice (ROI set) of the dataset. DICOM files are
    opened to see what they are: images are passed over. ``is_used``: the labels that mean a region. Raises
    :class:`NoInputError` and :class:`UsageError`.
    """
    alone = source.is_file()
    folder = source.parent if alone else source
    names = [source.name] if alone else list_files(folder)[0]
    claims: dict[str, list[SourceFiles]] = defaultdict(list)
    _claim_label_maps(names, slices, claims)
    structures = () if alone else _claim_structures(folder, slices, claims, is_used)
    _claim_roi_sets(names, slices, claims)
    seen = _claim_dicom(folder, names, slices, claims)
    if alone and not any(claims.values()):
        _claim_alone(source, slices, claims)
    seen |= {name for found in claims.values() for claim in found for name in claim.names}
    others = {name for name in names if name.startswith(structures) and name.endswith(ENDINGS)} - seen
    passed = {structure_label(name, is_used) for name in others} if structures else set()
    seen |= others if structures else set()
    lost = [name for name in names if name not in seen and name.lower().endswith(_OURS)]
    claimed = {name: tuple(found) for name, found in claims.items()}
    return Sources(folder, source, claimed, tuple(lost), tuple(sorted(passed)))


def _stem(slice_: Slice) -> str:
    return composed(slice_.name.rpartition(".")[0])


def _claim_label_maps(
    names: Sequence[str], slices: Sequence[Slice], claims: dict[str, list[SourceFiles]]
) -> None:
    there = {composed(name): name for name in names}
    for slice_ in slices:
        found = [there[name] for name in mask_candidates(slice_) if name in there]
        own = own_candidates(slice_)
        claims[slice_.name] += [SourceFiles("label map", (name,), composed(name) in own) for name in found]


def _claim_structures(
    folder: Path, slices: Sequence[Slice], claims: dict[str, list[SourceFiles]], is_used: Is
) -> tuple[str, ...]:
    """A file for each structure, in a folder of the slice or of the participant; returns those folders."""
    folders: dict[str, None] = {}
    for slice_ in slices:
        for files in structure_files(MapSource(folder, {}), slice_, is_used):
            if files.names:
                claims[slice_.name].append(SourceFiles("structures", files.names, files.own))
                folders[f"{files.names[0].rpartition('/')[0]}/"] = None
    return tuple(folders)


def _claim_roi_sets(
    names: Sequence[str], slices: Sequence[Slice], claims: dict[str, list[SourceFiles]]
) -> None:
    """``STEM.zip``, or ``STEM.roi`` and ``STEM_*.roi``, or a folder ``STEM`` of ``.roi`` files."""
    # The longest stem first, so that ALS_7_3_a.roi is of slice ALS_7_3_a, not of ALS_7_3.
    stems = sorted(((_stem(s), s.name) for s in slices), key=lambda pair: -len(pair[0]))
    sets: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in (name for name in names if name.endswith((".roi", ".zip"))):
        for stem, slice_name in stems:
            if not composed(name).startswith(stem):
                continue
            rest = composed(name)[len(stem) :]
            kind = next((k for k, pattern in _ROI_NAMES.items() if re.fullmatch(pattern, rest)), None)
            if kind:
                sets[slice_name, kind].append(name)
                break
    for (slice_name, _), found in sets.items():
        claims[slice_name].append(SourceFiles("ROI set", tuple(sorted(found))))


_ROI_NAMES = {"zip": r"\.zip", "files": r"(_[^/]*)?\.roi", "folder": r"/[^/]*\.roi"}


def _claim_dicom(
    folder: Path, names: Sequence[str], slices: Sequence[Slice], claims: dict[str, list[SourceFiles]]
) -> set[str]:
    """``PARTICIPANT.dcm``, and whatever is RTSTRUCT or SEG in a folder ``PARTICIPANT``.

    Of a follow-up ``PARTICIPANT_SESSION``: outlines of another session may lie at the same place. Returns the
    files that were looked at, images among them.
    """
    below: dict[str, list[str]] = defaultdict(list)
    for name in names:
        top, slash, _ = name.partition("/")
        if slash and not name.lower().endswith(_NO_DICOM):
            below[composed(top)].append(name)
    found: dict[str, tuple[str, ...]] = {}
    for slice_ in slices:
        who = slice_.scan
        if who not in found:
            own = [name for name in names if composed(name) == f"{who}.dcm"]
            found[who] = (*own, *(name for name in below[who] if _is_annotation(folder / name)))
        if found[who]:
            claims[slice_.name].append(SourceFiles("DICOM", found[who]))
    return {name for who in found for name in below[who]}


def _is_annotation(path: Path) -> bool:
    """Whether a file is a DICOM RTSTRUCT or SEG, or one that is damaged and may have been."""
    try:
        return modality_of(path) in _ANNOTATIONS
    except UnreadableError:
        return True


def _claim_alone(source: Path, slices: Sequence[Slice], claims: dict[str, list[SourceFiles]]) -> None:
    name = source.name
    lower = name.lower()
    if len({slice_.scan for slice_ in slices}) != 1:
        found = "a file whose name is of no slice or participant of the dataset"
        expected = "expected a folder of annotations, or a dataset of one participant and session"
        raise UsageError(f"{source}: {found}; {expected}; rename it, or give the folder")
    if lower.endswith((".roi", ".zip", ".png")):
        if len(slices) != 1:
            found = f"one file for {len(slices)} slices; expected a folder with a file for each"
            raise UsageError(f"{source}: {found}; call them as the slices are called")
        kind_alone: Kind = "label map" if lower.endswith(".png") else "ROI set"
        claims[slices[0].name].append(SourceFiles(kind_alone, (name,), own=True))
        return
    if lower.endswith(ENDINGS):
        kind: Kind = "label map"
    elif _is_annotation(source):
        kind = "DICOM"
    else:
        found = "neither a label map (.nii.gz, .nrrd, .mha, .png), nor ROIs (.roi, .zip), "
        found += "nor DICOM RTSTRUCT or SEG"
        raise NoInputError(f"{source}: {found}; expected one of them; check what the file is")
    for slice_ in slices:
        claims[slice_.name].append(SourceFiles(kind, (name,), own=len(slices) == 1))
