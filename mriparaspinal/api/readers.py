"""Readers of one dataset, each with a folder of contours: measured, to be compared as results are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mriparaspinal.analysis.reliability import Rater, rater_names, rater_of
from mriparaspinal.api.contoured import ContourChoice
from mriparaspinal.api.given import PathLike, Progress
from mriparaspinal.api.measuring import measure_into, requested
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError
from mriparaspinal.core.filenames import IMAGE_ENDINGS, REVIEW
from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.io.folder import list_files, read_bytes
from mriparaspinal.io.images import decode_image

if TYPE_CHECKING:
    from mriparaspinal.api.results import StudyResults


def measured_readers(
    datasets: Sequence[PathLike],
    readers: Sequence[PathLike],
    settings: Settings | Mapping[str, Any] | None,
    progress: Progress | None,
    session: str = "",
) -> tuple[list[Rater], list[Problem], list[str]]:
    """The contours of each reader measured, what was wrong with them, and notes on slices without contours.

    Raises :class:`UsageError` for fewer than two readers, for one that is given twice, for another number of
    datasets than one, and for a reader whose images are not those of the dataset.
    """
    if len(datasets) != 1:
        found = f"{len(datasets)} datasets were given with {argument('readers')}"
        raise UsageError(f"{argument('datasets')}: {found}; expected the one that all have read; name it")
    if len(readers) < 2:
        found = f"{readers[0]} alone was given"
        raise UsageError(f"{argument('readers')}: {found}; expected two folders or more; name another")
    dataset, folders = Path(datasets[0]), [Path(reader) for reader in readers]
    places = [folder.resolve() for folder in folders]
    twice = [f for f, place in zip(folders, places, strict=True) if places.count(place) > 1]
    if twice:
        raise UsageError(f"{twice[0]}: given more than once; expected one folder per reader; name another")
    raters: list[Rater] = []
    problems: list[Problem] = []
    notes: list[str] = []
    for name, folder in zip(rater_names(places), folders, strict=True):
        measured = _measured(dataset, folder, settings, progress)
        raters.append(rater_of(name, folder, measured.table, measured.read, session))
        # Readers may share the slices: each has contours of some.
        without = [p for p in measured.problem_list if p.code == "image-without-json"]
        if without:
            of = measured.summary["slices_found"] + len(without)
            notes.append(f"{name}: no contours of {len(without)} of {of} slices")
        rest = (problem for problem in measured.problem_list if problem.code != "image-without-json")
        problems += [replace(problem, file=f"{name}/{problem.file}") for problem in rest]
    return raters, problems, notes


def _measured(
    dataset: Path,
    folder: Path,
    settings: Settings | Mapping[str, Any] | None,
    progress: Progress | None,
) -> StudyResults:
    review = folder / REVIEW
    contours = ContourChoice(annotations=folder, review=review if review.is_file() else None)
    asked = requested(dataset, settings, None, (None, None), None, (), None, contours=contours)
    _refuse_other_images(dataset, folder)
    try:
        return measure_into(asked, None, progress)
    except NoInputError as error:
        raise NoInputError(f"{folder}: {error}") from None


def _refuse_other_images(dataset: Path, folder: Path) -> None:
    """Contours on another image are those of another slice, however well they fit."""
    if folder.resolve() == dataset.resolve():
        return
    for name in list_files(folder)[0]:
        own = dataset / name
        if not name.lower().endswith(IMAGE_ENDINGS) or not own.is_file():
            continue
        theirs, ours = read_bytes(folder / name), read_bytes(own)
        if theirs != ours and not _same_pixels(theirs, ours):
            found = f"another image than {own}"
            remedy = "the contours were drawn on it: give the reader the dataset's images"
            raise UsageError(f"{folder / name}: {found}; expected the same grey levels; {remedy}")


def _same_pixels(theirs: bytes, ours: bytes) -> bool:
    try:
        first, second = (np.asarray(decode_image(raw, None).grey) for raw in (theirs, ours))
    except UnreadableError:
        return False
    return np.array_equal(first, second)
