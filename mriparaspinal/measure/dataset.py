"""A whole dataset folder: its slices, participants and spacings, measured together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mriparaspinal.core.errors import NoInputError, ParaspinalError
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import WHOLE, Problem, Settings, SliceResult, Spacing
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import natural_key
from mriparaspinal.dataset.made import told_once
from mriparaspinal.dataset.names import name_parser, participant_of
from mriparaspinal.dataset.open import Dataset, other_than_prepared
from mriparaspinal.dataset.plausibility import Gathered
from mriparaspinal.measure.causes import root_causes
from mriparaspinal.measure.duplicates import duplicate_problems
from mriparaspinal.measure.lacking import lacking
from mriparaspinal.measure.rows import Regions, choose_reference, missing_regions
from mriparaspinal.measure.sessions import session_problems
from mriparaspinal.measure.slice import measure_slices
from mriparaspinal.measure.stacks import stack_problems
from mriparaspinal.parallel.map import Execution


@dataclass(frozen=True, slots=True)
class MeasuredDataset:
    """What measuring a study gave."""

    study: Dataset
    results: Sequence[SliceResult]
    problems: list[Problem]
    """Of files, tables and slices, sorted by file."""
    by_segment: dict[str, int]
    """By segment, the number of slices of which at least one muscle was measured."""
    people: frozenset[tuple[str, str]]
    """Group and id of the participants whose slices those are."""
    reference: str | None
    """What areas are divided by, empty where there is nothing; None where that is not clear."""

    @property
    def measured(self) -> int:
        """The number of slices of which at least one muscle was measured."""
        return sum(self.by_segment.values())

    @property
    def drafts(self) -> int:
        """The number of slices that were measured though nobody has judged their contours."""
        return sum(result.draft for result in self.results)

    @property
    def as_drawn(self) -> int:
        """The number of contours that a person let stand as the program drew them."""
        return sum(result.as_drawn for result in self.results)

    @property
    def excluded(self) -> dict[str, list[str]]:
        """The regions that a review leaves out, by image; ``slice`` for all of it."""
        results = with_lost_slices(self.study, self.results)
        return {
            composed(result.slice.name): [
                "slice" if key == WHOLE else str(Region(*key)) for key in sorted(result.left_out)
            ]
            for result in results
            if result.left_out
        }

    @property
    def judged_counts(self) -> dict[str, int]:
        """What there is to know of drafts and of a review, in numbers; empty where there are neither."""
        source, counts = self.study.source, {}
        if source.accept_drafts:
            counts["drafts_measured"] = self.drafts
        if source.drawn is not None:
            counts["accepted_as_drawn"] = self.as_drawn
        if source.judgements is not None:
            codes = Counter((problem.code, not problem.shape) for problem in self.problems)
            counts["excluded_slices"] = codes["excluded-by-review", True]
            counts["excluded_regions"] = codes["excluded-by-review", False]
            counts["look_again"] = codes["look-again", True] + codes["look-again", False]
        return counts

    @property
    def errors(self) -> int:
        """The number of problems that are errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        """The number of problems that are warnings."""
        return len(self.problems) - self.errors

    def require_slices(self) -> None:
        """Raise :class:`NoInputError` where no muscle of any slice was measured."""
        if self.measured:
            return
        slices = len(self.results)
        none = "no annotated slices" if self.study.maps is None else "no slices"
        found = f"{slices} slices, but no muscle could be measured" if slices else none
        beside = "LabelMe files of the same stem" if self.study.maps is None else "label maps"
        expected = f"expected images GROUP_N_L.png with {beside}"
        names = "check the path and the names, or make slices of DICOM and volumes by prepare"
        remedy = "correct the problems above" if self.problems else names
        raise NoInputError(f"{self.study.root}: {found}; {expected}; {remedy}")


def measure_dataset(
    study: Dataset,
    settings: Settings,
    spread: int | Execution = 1,
    progress: Callable[[], None] | None = None,
) -> MeasuredDataset:
    """Measure every slice of a study and gather all problems, those of missing regions among them."""
    slices = study.dataset.slices
    how = (study.maps, study.dixon, study.source, study.spacings)
    results = measure_slices(study.root, slices, settings, spread, progress, *how)
    return gather_problems(study, results, settings)


def _trusted(study: Dataset) -> dict[str, Spacing]:
    """The spacings without those that were told as odd: areas by them are odd for the same reason."""
    odd = {study.spacings.get(p.shape) for p in study.problems if p.code == "odd-spacing"}
    return {image: spacing for image, spacing in study.spacings.items() if spacing not in odd}


def gather_problems(study: Dataset, results: Sequence[SliceResult], settings: Settings) -> MeasuredDataset:
    """The results of a study's slices with all problems, those of the whole dataset among them."""
    problems = _own_problems(study, settings)
    by_segment: Counter[str] = Counter()
    people: set[tuple[str, str]] = set()
    seen: list[Regions] = []
    told: list[Regions] = []
    depths = _Depths()
    gathered = Gathered(_trusted(study))
    for result in results:
        problems += result.problems
        gathered.add(result)
        if any(name in settings.muscles for name, _ in result.counts):
            by_segment[result.slice.segment] += 1
            people.add((result.slice.group, result.slice.participant_id))
        seen.append(result.seen if result.measurable else frozenset())
        told.append(seen[-1] | result.left_out if seen[-1] else seen[-1])
        depths.add(result)
    slices = [result.slice for result in results]
    reference: str | None = None
    try:
        reference = choose_reference(zip(slices, seen, strict=True), settings)
    except ParaspinalError as error:
        problems.append(error.fault.problem())
    else:
        missing = missing_regions(slices, told, reference, study.maps is not None, settings)
        problems = root_causes([*problems, *missing], results, settings)
    problems += stack_problems(
        with_lost_slices(study, results), study.spacings, study.places or None, settings
    )
    problems += duplicate_problems(results)
    problems += session_problems(results)
    problems += depths.problems(settings)
    problems += gathered.problems()
    problems += other_than_prepared(study, results)
    problems += lacking(study, results, settings) if settings.measures else []
    # What is said of a file that several slices share is said once.
    problems = list(dict.fromkeys(problems))
    problems = told_once(problems, "contours" if study.maps is None else "masks")
    problems.sort(key=lambda problem: natural_key(composed(problem.file)))
    segments = {name: by_segment[name] for name in settings.levels if name in by_segment}
    return MeasuredDataset(study, results, problems, segments, frozenset(people), reference)


class _Depths:
    """How many of the slices that could be read have 8 bits, and how many have more, with the first names."""

    def __init__(self) -> None:
        self._counts = [0, 0]
        self._first = ["", ""]

    def add(self, result: SliceResult) -> None:
        """Count a slice."""
        if result.measurable:
            self._counts[result.deep] += 1
            self._first[result.deep] = self._first[result.deep] or result.slice.name

    def problems(self, settings: Settings) -> list[Problem]:
        """The warning that the grey levels of slices are on two scales, where they are."""
        if settings.window is None or not all(self._counts):
            return []
        eight, deep = self._counts
        found = f"{eight} of {eight + deep} slices have 8 bits (first {self._first[0]}), {deep} have more "
        found += f"(first {self._first[1]}): two grey scales in one study; expected one for all slices"
        remedy = "export all slices in the same way: --window changes those of more than 8 bits alone"
        return [Problem("dataset", "", "warning", "mixed-depth", found, remedy)]


def _own_problems(study: Dataset, settings: Settings) -> list[Problem]:
    """Those of files and tables; of a share without those of the slices that others measure."""
    if not study.share:
        return list(study.problems)
    who = name_parser(settings)
    others = set(study.everyone) - set(study.share)
    return [problem for problem in study.problems if participant_of(problem.file, who) not in others]


def with_lost_slices(study: Dataset, results: Sequence[SliceResult]) -> Sequence[SliceResult]:
    """The results, and one without any region for each slice that its stack is not whole without."""
    lost = [
        SliceResult(s, {}, frozenset(), False, (), (), left_out=study.source.left_out(s.name))
        for s in study.dataset.lost
    ]
    return [*results, *lost] if lost else results
