"""Which contours are measured: a folder of their own, drafts, what readers judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from mriparaspinal.api.given import PathLike
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, ParaspinalError, UsageError
from mriparaspinal.core.filenames import DRAFTS, JOURNAL, REVIEW
from mriparaspinal.core.labels import Own, parse_label
from mriparaspinal.core.model import WHOLE, Problem
from mriparaspinal.core.spelling import composed
from mriparaspinal.dataset.contour_source import BESIDE, ContourSource, Judgement, agreed
from mriparaspinal.dataset.strays import kind
from mriparaspinal.io.folder import file_sha256, list_files
from mriparaspinal.io.protocol import declared_regions
from mriparaspinal.io.tables import read_table


class ContourArguments(TypedDict, total=False):
    """Which contours are measured: arguments of the functions that measure."""

    annotations: PathLike | None
    """Folder of the LabelMe files, where they do not lie beside the images."""
    review: PathLike | None
    """The ``review.csv`` of what is left out or to be looked at again."""
    accept_drafts: bool
    """Measure contours that nobody has judged."""


@dataclass(frozen=True, kw_only=True)
class ContourChoice:
    """The same, as they were given."""

    annotations: PathLike | None = None
    review: PathLike | None = None
    accept_drafts: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ContourChoice:
        """Those among other arguments."""
        return cls(**{name: given[name] for name in ContourArguments.__annotations__ if name in given})

    @property
    def paths(self) -> tuple[Path, ...]:
        """What is read."""
        return tuple(Path(path) for path in (self.annotations, self.review) if path is not None)

    def source(self, dataset: Path, mapped: bool = False) -> tuple[ContourSource, dict[str, str]]:
        """Where the contours lie and which of them count, and the SHA-256 of the tables that tell it.

        ``mapped``: label maps are measured. Raises :class:`UsageError` for what cannot be used.
        """
        if mapped:
            self._refuse_with_masks()
        folder = None if self.annotations is None else Path(self.annotations)
        if folder is not None and not folder.is_dir():
            found = "no such folder; expected the LabelMe files"
            raise UsageError(f"{argument('annotations')} {folder}: {found}; check the path")
        judgements, digests = None, {}
        if self.review is not None:
            judgements = read_judgements(Path(self.review), declared_regions(dataset), dataset)
            digests[Path(self.review).name] = file_sha256(Path(self.review))
        drawn: dict[str, frozenset[str]] = {}
        problems: list[Problem] = []
        for place in () if mapped else dict.fromkeys(p for p in (dataset, folder) if p is not None):
            problems += _unsaved(place)
            if not (place / DRAFTS).is_file():
                continue
            try:
                found_there = _drawn_in(place)
            except ParaspinalError as error:
                problems.append(_unreadable(error))
                continue
            for image, hashes in found_there.items():
                drawn[image] = drawn.get(image, frozenset()) | hashes
            digests[DRAFTS] = file_sha256(place / DRAFTS)
        if not digests and not problems and folder is None and not self.accept_drafts:
            return BESIDE, {}
        there = DRAFTS in digests
        return (
            ContourSource(
                folder,
                self.accept_drafts,
                drawn if there else None,
                judgements,
                tuple(problems),
                REVIEW if self.review is None else Path(self.review).name,
            ),
            digests,
        )

    def _refuse_with_masks(self) -> None:
        for name, given in (("annotations", self.annotations), ("accept_drafts", self.accept_drafts)):
            if given:
                found = f"given with {argument('masks')}, which measures no contours"
                raise UsageError(f"{argument(name)}: {found}; expected one of them; leave one out")


def judged_in(folder: Path, own: Own) -> ContourSource:
    """The contours of a folder, without what its own ``review.csv`` excludes; raises :class:`UsageError`."""
    if not (folder / REVIEW).is_file():
        return BESIDE
    return ContourSource(judgements=read_judgements(folder / REVIEW, own))


def _drawn_in(place: Path) -> dict[str, frozenset[str]]:
    from mriparaspinal.drafts.files import read_drafts

    drawn: dict[str, frozenset[str]] = {}
    for row in read_drafts(place):
        image = composed(row.image)
        drawn[image] = drawn.get(image, frozenset()) | {row.sha256}
    return drawn


def _unsaved(place: Path) -> list[Problem]:
    if not (place / JOURNAL).is_file():
        return []
    from mriparaspinal.review.journal import unsaved_names

    found = "more was drawn on it with review than was saved; expected all of it in its LabelMe file"
    remedy = "open the folder with review once more, and save it or give it up"
    return [Problem(n, "", "warning", "unsaved-contours", found, remedy) for n in unsaved_names(place)]


def _unreadable(error: ParaspinalError) -> Problem:
    found = f"{error.fault.found.removeprefix(f'{error.fault.file}: ')}"
    message = f"not the table that draft writes ({found}); expected it as it was written"
    remedy = "put it back: contours that were accepted as the program drew them are not counted without"
    return Problem(DRAFTS, "", "warning", "bad-table", message, remedy)


def read_judgements(path: Path, own: Own, dataset: Path | None = None) -> tuple[Judgement, ...]:
    """The judgements of a ``review.csv``; raises :class:`UsageError` with a line for each of its faults.

    ``own``: the study's own regions; ``dataset``: where one of its rows is faulty, what does not fit this
    dataset is told with it.
    """
    from mriparaspinal.review.verdicts import sound_and_faulty

    try:
        verdicts, faults = sound_and_faulty(read_table(path), path.name, own)
    except NoInputError as error:
        verdicts, faults = [], [str(error)]
    judgements = tuple(
        Judgement(
            verdict.image, _region(verdict.region, own), verdict.reader, verdict.verdict, verdict.reason
        )
        for verdict in verdicts
    )
    if not faults:
        return judgements
    lines = [f"{argument('review')}: {fault}" for fault in faults]
    if dataset is not None:
        try:
            agreed(judgements, [name for name in list_files(dataset)[0] if kind(name) == "image"], path.name)
        except UsageError as error:
            lines.append(str(error))
    raise UsageError("\n".join(lines))


def _region(label: str, own: Own) -> tuple[str, str]:
    region = parse_label(label, own) if label else None
    return WHOLE if region is None else (region.name, region.side)
