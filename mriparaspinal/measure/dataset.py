"""A whole dataset folder: its slices, participants and spacings, measured together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mriparaspinal.core.errors import NoInputError, ParaspinalError
from mriparaspinal.core.model import Problem, Settings, SliceResult, Spacing
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import natural_key
from mriparaspinal.dataset.find import name_parser, participant_of
from mriparaspinal.dataset.open import Dataset, other_than_prepared
from mriparaspinal.dataset.plausibility import Gathered
from mriparaspinal.measure.duplicates import duplicate_problems
from mriparaspinal.measure.rows import Regions, choose_reference, missing_regions
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
        remedy = "correct the problems above" if self.problems else "check the path and the names"
        raise NoInputError(f"{self.study.root}: {found}; {expected}; {remedy}")


def measure_dataset(
    study: Dataset,
    settings: Settings,
    spread: int | Execution = 1,
    progress: Callable[[], None] | None = None,
) -> MeasuredDataset:
    """Measure every slice of a study and gather all problems, those of missing regions among them."""
    slices = study.dataset.slices
    results = measure_slices(study.root, slices, settings, spread, progress, study.maps, study.dixon)
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
    depths = _Depths()
    gathered = Gathered(_trusted(study))
    for result in results:
        problems += result.problems
        gathered.add(result)
        if any(side for _, side in result.counts):
            by_segment[result.slice.segment] += 1
            people.add((result.slice.group, result.slice.participant_id))
        seen.append(result.seen if result.measurable else frozenset())
        depths.add(result)
    slices = [result.slice for result in results]
    reference: str | None = None
    try:
        reference = choose_reference(zip(slices, seen, strict=True), settings)
    except ParaspinalError as error:
        problems.append(error.fault.problem())
    else:
        problems += missing_regions(slices, seen, reference, study.maps is not None)
    problems += stack_problems(with_lost_slices(study, results), study.spacings, study.places or None)
    problems += duplicate_problems(results)
    problems += depths.problems(settings)
    problems += gathered.problems()
    problems += other_than_prepared(study, results)
    # What is said of a file that several slices share is said once.
    problems = list(dict.fromkeys(problems))
    problems.sort(key=lambda problem: natural_key(composed(problem.file)))
    segments = dict(sorted(by_segment.items()))
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
    lost = [SliceResult(slice_, {}, frozenset(), False, (), ()) for slice_ in study.dataset.lost]
    return [*results, *lost] if lost else results
