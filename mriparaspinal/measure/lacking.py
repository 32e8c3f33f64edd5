"""What measures lack in a dataset: one warning for all slices, or participants, whose cells stay empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mriparaspinal.core.model import SAT, Problem, Settings, SliceResult
from mriparaspinal.core.participants import HEIGHT
from mriparaspinal.core.spelling import composed
from mriparaspinal.dataset.open import Dataset
from mriparaspinal.measure.size import height_of

#: The columns in mm, mm² and cm² of each group that has some.
_IN_MM = {"shape": "columns in mm", "size": "csa_height2 and psoas_index"}


def lacking(study: Dataset, results: Sequence[SliceResult], settings: Settings) -> list[Problem]:
    """The warnings; ``results`` are those of the slices that are measured."""
    measured = [result for result in results if any(name in settings.muscles for name, _ in result.counts)]
    asked = settings.measures
    problems: list[Problem] = []
    if "signal" in asked:
        without = [result.slice.name for result in measured if (SAT, "") not in result.counts]
        what = f"no contour {SAT} of subcutaneous fat"
        problems += _warning(SAT, what, without, len(measured), "slices", "sat_mean and sat_ratio")
        problems += _windows(measured, settings)
    if "distribution" in asked:
        problems += _axes(measured)
    columns = " and ".join(told for name, told in _IN_MM.items() if name in asked)
    if columns:
        without = [result.slice.name for result in measured if result.slice.name not in study.spacings]
        problems += _warning("", "no pixel spacing in slices.csv", without, len(measured), "slices", columns)
    if "size" in asked:
        visits = list(dict.fromkeys((r.slice.participant_id, r.slice.session) for r in measured))
        without = [
            f"{who} {s}".rstrip() for who, s in visits if height_of(study.participants, who, s) is None
        ]
        kind = "sessions of participants" if any(session for _, session in visits) else "participants"
        what = f"no {HEIGHT} in the participants table"
        problems += _warning("", what, without, len(visits), kind, "csa_height2 and psoas_index")
    return problems


def _warning(
    shape: str, what: str, without: Sequence[str], of: int, kind: str, columns: str
) -> Iterable[Problem]:
    if without:
        found = f"{what} for {len(without)} of {of} {kind}, among them {composed(without[0])}"
        remedy = f"add them, or go on: {columns} stay empty without them"
        yield Problem("dataset", shape, "warning", "measure-lacks", f"{found}; expected one for each", remedy)


def _windows(results: Sequence[SliceResult], settings: Settings) -> Iterable[Problem]:
    """The warning that the window shifts grey levels, where it begins at another level than 0."""
    deep = [result.slice.name for result in results if result.deep]
    if deep and settings.window is not None and settings.window[0] != 0:
        found = f"the window begins at {settings.window[0]:g} for {len(deep)} slices, among them {deep[0]}"
        remedy = "give --window 0,HIGH: ratios of signal are those of shifted grey levels"
        yield Problem("dataset", "", "warning", "shifted-grey", f"{found}; expected it to begin at 0", remedy)


def _axes(results: Sequence[SliceResult]) -> Iterable[Problem]:
    """The warning about slices whose bands follow the image, as no muscle tells how the patient lies."""
    without = [
        result.slice.name
        for result in results
        if not any((name, "right") in result.counts for name, side in result.counts if side == "left")
    ]
    if without:
        found = f"no muscle with both sides in {len(without)} of {len(results)} slices, among them "
        found += f"{composed(without[0])}; expected one, which tells how the patient lies"
        remedy = "draw both sides, or check that they lie straight: there medial and deep are the image's"
        yield Problem("dataset", "", "warning", "image-axes", found, remedy)
