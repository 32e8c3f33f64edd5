"""Folders of label maps that are measured in place of contours, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.labels import Aliases, Region, alias_key, aliases_of, region_of
from mriparaspinal.core.model import Settings
from mriparaspinal.core.text import count_of
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.folder import list_files
from mriparaspinal.io.lock import require_finished
from mriparaspinal.io.nrrd import has_segments
from mriparaspinal.io.numberings import DISC_BETWEEN, NUMBERINGS, TASKS, parse_numbering
from mriparaspinal.io.tables import read_table
from mriparaspinal.io.volumes import ENDINGS as VOLUMES

VALUES_TABLE = "values.csv"

#: The endings of label maps.
ENDINGS = (".png", *VOLUMES)

#: What ``masks`` writes next to slices or label maps: pictures, but no slices.
_PICTURES = ("_mask.png", "_overlay.png")


@dataclass(frozen=True, slots=True)
class MapSource:
    """One folder of label maps."""

    folder: Path
    numbering: Mapping[int, str]
    """Value → label; empty where the files tell it, or each holds one structure, which its name says."""
    told: str = "masks"
    """What results and messages call it, wherever it is: ``masks/2`` for the second of several."""
    joined: bool = False
    """Whether it is one of several."""

    def own_name(self, name: str) -> str:
        """How a label map is called in the results."""
        return f"{self.told}/{name}"

    def shown(self, name: str) -> str:
        """How a label map is called in messages: with its folder where there are several."""
        return self.own_name(name) if self.joined else name


@dataclass(frozen=True, slots=True)
class LabelMaps:
    """Folders of label maps, whose regions are joined."""

    sources: tuple[MapSource, ...]
    places: Mapping[str, SlicePlace]
    """Where slices lie, by the name of the slice."""
    affine: Literal["qform", "sform"] | None = None
    """Which one counts where the two places in a header disagree."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where they lie."""
        return tuple(source.folder for source in self.sources)

    def absolute(self) -> LabelMaps:
        """The same, for workers who know nothing of the folder that the command was given in."""
        sources = tuple(replace(source, folder=source.folder.absolute()) for source in self.sources)
        return replace(self, sources=sources)


@dataclass(frozen=True, slots=True)
class Words:
    """What labels mean in a study."""

    aliases: Aliases

    def region(self, label: str) -> Region | None:
        """The region that a label means."""
        return region_of(label, self.aliases)

    def is_vertebra(self, label: str) -> bool:
        """Whether it means a vertebra between which and the next one a disc is derived."""
        return alias_key(self.aliases.get(alias_key(label), label)) == DISC_BETWEEN

    def is_used(self, label: str) -> bool:
        """Whether it means either."""
        return self.region(label) is not None or self.is_vertebra(label)


def words_of(settings: Settings) -> Words:
    """What labels mean, with those of the lab."""
    return Words(aliases_of(settings))


def maps_in(folders: Sequence[Path], numberings: Sequence[Mapping[int, str]]) -> LabelMaps:
    """The label maps of folders, each with its numbering."""
    several = len(folders) > 1
    sources = [
        MapSource(folder, numbering, f"masks/{number}" if several else "masks", several)
        for number, (folder, numbering) in enumerate(zip(folders, numberings, strict=True), 1)
    ]
    return LabelMaps(tuple(sources), {})


def open_label_maps(
    folders: Sequence[Path], numberings: Sequence[str] = (), option: str = "--masks"
) -> LabelMaps:
    """The label maps of folders, whose numbers mean what ``numberings`` say: names, or tables' paths.

    As many numberings as folders: the n-th is that of the n-th. Fewer: they are, in order, those of the
    folders that do not say it themselves, by ``values.csv`` or a file for each structure. Raises
    :class:`UsageError`, which names the folders as ``option``.
    """
    seen: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            found = "is a file" if folder.is_file() else "does not exist"
            expected = "expected a folder of label maps such as ALS_7_3_mask.png or ALS_7.nii.gz"
            raise UsageError(f"{option} {folder}: {found}; {expected}; check the path")
        if folder.resolve() in seen:
            found = f"is the folder {seen[folder.resolve()]} again"
            raise UsageError(f"{option} {folder}: {found}; expected each once; leave one of them out")
        seen[folder.resolve()] = folder
        names = [name.lower() for name in list_files(folder)[0]]
        if not any(name.endswith(ENDINGS) for name in names) and any(name.endswith(".dcm") for name in names):
            found, expected = "has DICOM files and no label maps", "expected label maps"
            remedy = "make LabelMe files of DICOM SEG by 'contours', and measure these without --masks"
            raise UsageError(f"{option} {folder}: {found}; {expected}; {remedy}")
        try:
            require_finished(folder, "label maps", "masks")
        except NoInputError as error:
            raise UsageError(f"{option} {error}") from None
    return maps_in(folders, numberings_of(folders, numberings, option))


def numberings_of(
    folders: Sequence[Path], given: Sequence[str], option: str
) -> tuple[Mapping[int, str], ...]:
    """The numbering of each folder; raises :class:`UsageError` as :func:`open_label_maps`."""
    if len(given) == len(folders):
        return tuple(_numbering(name) for name in given)
    told = [_told_by_itself(folder) for folder in folders]
    if given and len(given) != told.count(None):
        found = f"{count_of(len(given), 'numbering')} for {count_of(len(folders), 'folder')}"
        found += f", of which {told.count(None)} {'needs' if told.count(None) == 1 else 'need'} one"
        expected = f"expected one for each {option}, or for each without {VALUES_TABLE}"
        raise UsageError(f"--numbering: {found}; {expected}; give them in the order of the folders")
    left = list(given)
    numberings = []
    for folder, own in zip(folders, told, strict=True):
        if own is None and not left:
            known = ", ".join(NUMBERINGS)
            expected = f"expected {known}, or a CSV with value,label"
            found = f"{option} {folder}: no {VALUES_TABLE} in it; {expected}"
            raise UsageError(f"{found}; say by --numbering what the numbers mean")
        numberings.append(_numbering(left.pop(0)) if own is None else own)
    return tuple(numberings)


def _told_by_itself(folder: Path) -> Mapping[int, str] | None:
    """The numbering that a folder has; None where it is to be given."""
    table = folder / VALUES_TABLE
    if table.is_file():
        return _of_table(table)
    names = [name for name in list_files(folder)[0] if name.endswith(ENDINGS)]
    if any(has_segments(folder / name) for name in names):
        return {}  # the files tell it
    of_structures = [name for name in names if "/" in name and not is_mask(name)]
    others = [name for name in names if is_label_map(name) and name not in of_structures]
    return {} if of_structures and not others else None


def is_mask(name: str) -> bool:
    """Whether a file is called the mask of a slice, or a picture of it."""
    return name.split("/")[-1].split(".")[0].endswith(("_mask", "_overlay"))


def _numbering(given: str) -> Mapping[int, str]:
    name = TASKS.get(given, given)
    if name in NUMBERINGS:
        return NUMBERINGS[name]
    path = Path(given)
    if not path.is_file():
        found = "neither a known numbering nor a table"
        expected = f"expected {', '.join(NUMBERINGS)}, or a CSV with value,label"
        remedy = "say by --numbering what the numbers mean"
        raise UsageError(f"--numbering {given}: {found}; {expected}; {remedy}")
    return _of_table(path)


def _of_table(path: Path) -> Mapping[int, str]:
    try:
        table = read_table(path)
    except NoInputError as error:
        raise UsageError(f"--numbering: {error}") from None
    return parse_numbering(table.columns, table.rows, path.name)


def is_label_map(name: str) -> bool:
    """Whether a file is one by its name: a PNG among the masks may be anything, unless it is called one."""
    return name.endswith(ENDINGS) and (not name.endswith(".png") or name.endswith("_mask.png"))


def is_picture_of_masks(root: Path, name: str, maps: LabelMaps) -> bool:
    """Whether a file of the dataset lies in a folder of label maps and is one of them, or an overlay."""
    if not name.lower().endswith(_PICTURES):
        return False
    folders = {folder.resolve() for folder in maps.folders}
    return root.resolve() in folders or not folders.isdisjoint((root / name).resolve().parents)


def numbering_record(numberings: Iterable[Mapping[int, str]]) -> Any:
    """The numberings for ``quantify.json``: one table, or a list of tables, in the order of the folders."""
    told = [{str(value): label for value, label in sorted(numbering.items())} for numbering in numberings]
    return told[0] if len(told) == 1 else told
