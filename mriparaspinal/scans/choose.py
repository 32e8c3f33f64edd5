"""Which slices of a source the rows of ``levels.csv`` mean. What is not clear is not guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.core.model import SEGMENTS, SPINE, Problem
from mriparaspinal.core.text import count_of
from mriparaspinal.imaging.planes import Plane, Series
from mriparaspinal.io.scan_files import ScanSource, told
from mriparaspinal.scans.level_maps import (
    APART_MM,
    FoundLevels,
    LevelRule,
    Structure,
    cuts,
    distance_mm,
    nearest,
)
from mriparaspinal.scans.levels import LETTERS, Level, image_name, problem_of_row, row_problem

#: How unequal the steps of a stack may be, as a share of their median.
_UNEVEN = 0.05

#: Slices that lie nearer to each other, in mm, lie in one place.
_ONE_PLACE = 0.01


#: What the word axial means, for messages.
_LIMIT = ", its normal within 45° of the body axis (60° in a series of axial slices)"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One slice that a row means."""

    level: Level
    segment: str
    stack: Series
    index: int
    distance_mm: float | None = None
    """How far it lies above the middle of its level; None where no label map was used."""

    @property
    def number(self) -> int | None:
        """Its number in the source."""
        return self.stack.pictures[self.index].number


def choose(
    source: ScanSource,
    level: Level,
    found: FoundLevels | None,
    rule: LevelRule | None,
    problems: list[Problem],
) -> list[Chosen]:
    """The slices that a row means, in no order; raises :class:`UnreadableError`.

    ``found``: the levels of the row's label map, if it has one. Of a row for every segment, a segment that
    cannot be prepared becomes one of the ``problems``, and so do remarks.
    """
    axial, everything = _axial(source, level)
    if found is not None and rule is not None:
        if found.remark is not None:
            remark = found.remark.about("label map").at("", "two-places")
            problems.append(problem_of_row(level.row, remark, "warning"))
        return _by_map(level, axial, found, rule, problems)
    assert level.segment is not None  # only rows of label maps have none
    if level.position_mm is not None:
        places = [_by_position(axial, level.position_mm)]
    else:
        places = [_by_number(axial, everything, number) for number in level.slices]
    chosen = [Chosen(level, level.segment, stack, index) for stack, index in places]
    _check_stack(chosen)
    return chosen


def _axial(source: ScanSource, level: Level) -> tuple[list[Series], list[Series]]:
    """The axial stacks of the series that a row means, and all stacks of it."""
    everything = list(source.series)
    if not everything:
        if source.broken:
            # Without the file's name, which often holds the patient's.
            files = len(source.broken)
            which = "a broken file" if files == 1 else f"{files} broken files, the first"
            fault = source.broken[0].about(f"no series in its source, but {which}")
            raise UnreadableError(fault.at("", "no-series"))
        raise unreadable("no series in its source", "one", "correct the row", "no-series")
    if level.series is not None:
        everything = [series for series in everything if series.number == level.series]
        if not everything:
            found = f"no series {level.series} in its source ({told(source.series)})"
            raise unreadable(found, "one of these", "correct the row", "no-series")
    axial = [series for series in everything if series.plane_name() == "axial"]
    axial = axial or [series for series in everything if series.steep]
    if not axial:
        raise unreadable(
            f"no axial slices ({told(everything)})", f"some{_LIMIT}", "choose an axial series", "not-axial"
        )
    if len({(series.kind, series.key) for series in axial}) > 1:
        found = f"several axial series ({told(axial)})"
        remedy = "name the SeriesNumber in a column series, or the series' own folder or file in source"
        raise unreadable(found, "one", remedy, "ambiguous-series")
    return axial, everything


def _by_number(axial: list[Series], everything: list[Series], number: int) -> tuple[Series, int]:
    def at(stacks: list[Series]) -> list[tuple[Series, int]]:
        return [(s, i) for s in stacks for i, picture in enumerate(s.pictures) if picture.number == number]

    found = at(axial)
    if len(found) == 1:
        return found[0]
    if found:
        what = f"{len(found)} slices with the number {number}{_same_uid(found)} ({told(axial)})"
        raise unreadable(
            what, "one", "name one folder or file in source, or give position_mm", "ambiguous-slice"
        )
    others = sorted({series.plane_name() for series, _ in at(everything)})
    if others:
        what = f"slice {number} is {' and '.join(others)}"
        raise unreadable(what, f"an axial one{_LIMIT}", "correct the slice", "not-axial")
    what = f"no slice {number} ({told(axial)})"
    raise unreadable(what, "one of these", "correct the slice", "no-slice")


def _same_uid(found: Sequence[tuple[Series, int]]) -> str:
    """What is to be said of slices whose files have one SOPInstanceUID, but not the same content."""
    twins = any(stack.pictures[index].twin for stack, index in found)
    return ", whose files have one SOPInstanceUID and different content" if twins else ""


def _by_position(axial: list[Series], position: float) -> tuple[Series, int]:
    if len(axial) > 1:
        found = f"position_mm in a series of {len(axial)} stacks of different tilt"
        raise unreadable(found, "a slice number", "give slice instead", "ambiguous-slice")
    (series,) = axial
    places = _positions(series)
    distances = np.abs(np.asarray(places) - position)
    nearest_one = float(distances.min())
    half = (series.slice_spacing_mm() or 0.0) / 2
    if nearest_one > max(half, 0.5):
        found = f"the nearest slice to {position:g} mm is {nearest_one:.1f} mm away"
        expected = f"one within {half:g} mm (they go from {places[0]:g} to {places[-1]:g})"
        raise unreadable(found, expected, "correct position_mm", "no-slice")
    equal = np.flatnonzero(distances <= nearest_one + _ONE_PLACE)
    if len(equal) > 1:
        found = f"{len(equal)} slices at {position:g} mm"
        raise unreadable(found, "one", "give slice instead", "ambiguous-slice")
    return series, int(equal[0])


def _positions(series: Series) -> list[float]:
    return [picture.plane.position_mm() for picture in series.pictures if picture.plane]


def _check_stack(chosen: Sequence[Chosen]) -> None:
    """Raise :class:`UnreadableError` where slices that one row asks for are no even stack."""
    if len({id(one.stack) for one in chosen}) > 1:
        found = "slices of different tilt"
        raise unreadable(found, "parallel ones for one segment", "give slices of one stack", "uneven-stack")
    remark = _uneven(chosen)
    if remark:
        raise unreadable(remark, "equal steps", "give each slice a row of its own", "uneven-stack")


def _uneven(chosen: Sequence[Chosen]) -> str:
    """What is to be said about the steps between slices of one stack; nothing where they are equal."""
    if len(chosen) < 2:
        return ""
    places = _positions(chosen[0].stack)
    steps = np.diff(sorted(places[one.index] for one in chosen))
    middle = float(np.median(steps))
    if middle > _ONE_PLACE and np.abs(steps - middle).max() <= _UNEVEN * middle:
        return ""
    return f"the slices are {steps.min():.2f} to {steps.max():.2f} mm apart"


def _by_map(
    level: Level, axial: list[Series], found: FoundLevels, rule: LevelRule, problems: list[Problem]
) -> list[Chosen]:
    def words(segments: Sequence[str]) -> str:
        return ", ".join(segments) or "none"

    if level.segment is not None:
        if level.segment not in found.levels:
            what = f"no {rule.at} {level.segment} in its label map"
            raise unreadable(what, f"one of {words(list(found.levels))}", "correct the row", "no-level")
        return _around(level, level.segment, axial, found, rule, problems)
    missing = [segment for segment in SEGMENTS if segment not in found.levels]
    if missing:
        what = f"no {rule.at} {words(missing)} in its label map; expected L1 to L5"
        remedy = "nothing to do if the scan ends there: no slice is made for it"
        problems.append(row_problem(level.row, "no-level", what, remedy, "warning"))
    chosen = []
    for segment in found.levels:
        try:
            chosen += _around(level, segment, axial, found, rule, problems)
        except UnreadableError as error:
            problems.append(problem_of_row(level.row, error.fault))
    return chosen


def _around(
    level: Level,
    segment: str,
    axial: list[Series],
    found: FoundLevels,
    rule: LevelRule,
    problems: list[Problem],
) -> list[Chosen]:
    """The slices of one level of a label map, the middle one first."""
    structure = found.levels[segment]
    if segment in found.unclear:
        what = "the label map has a sixth lumbar vertebra"
        remedy = f"look at the patient, and give slice for {segment}"
        raise unreadable(what, f"five, to know what {segment} is", remedy, "sixth-vertebra")
    if structure.fault:
        what = f"{segment} in the label map is not one {rule.at}: {structure.fault}"
        raise unreadable(what, "one", f"correct the label map, or give slice for {segment}", "unclear-level")
    middle = _middle(level, segment, axial, structure, rule, problems)
    if structure.strays:
        many = f"{count_of(structure.strays, 'voxel')}"
        what = f"{many} of {segment} in the label map far from its main part; expected none"
        remedy = "they were left out: look whether the slice goes through the level"
        problems.append(row_problem(level.row, "stray-voxels", what, remedy, "warning"))
    if rule.slices == 1:
        return [middle]
    half = rule.slices // 2
    wanted = range(middle.index - half, middle.index + half + 1)
    if wanted[0] < 0 or wanted[-1] >= len(middle.stack.pictures):
        there = len(middle.stack.pictures)
        what = f"slice {middle.number}, the middle of {segment}, is number {middle.index + 1} of {there}"
        what += " from the foot"
        raise unreadable(what, f"{half} on both sides", "take fewer slices for each level", "no-slice")
    chosen = [Chosen(level, segment, middle.stack, i, _distance(structure, middle.stack, i)) for i in wanted]
    _check_stack(chosen)
    return chosen


def _distance(structure: Structure, stack: Series, index: int) -> float:
    return distance_mm(structure, _plane(stack, index))


def _plane(stack: Series, index: int) -> Plane:
    plane = stack.pictures[index].plane
    assert plane is not None  # it is axial
    return plane


def _middle(
    level: Level,
    segment: str,
    axial: list[Series],
    structure: Structure,
    rule: LevelRule,
    problems: list[Problem],
) -> Chosen:
    """The slice that is nearest to the middle of a level; where it cannot be read, a neighbour."""
    places = nearest(structure, axial)
    where = ", ".join(f"{mm:.1f}" for mm in structure.middle)
    same_space = "check that label map and series are of one scan and have kept their origins"
    if not places:
        what = f"no slice shows the middle of {segment} ({where} mm, LPS) in its picture"
        raise unreadable(what, "one", same_space, "level-outside")
    lost = []
    for stack, index, distance in places:
        plane = _plane(stack, index)
        half = (stack.slice_spacing_mm() or np.inf) / 2
        # Of a map of single voxels, no slice need go through one: then the next slice is the right one.
        near = np.isfinite(half) and abs(distance) <= half * (1 + 1e-6)
        # A steep plane can cut the edge of a disc, and belong to the next one.
        far = rule.at == "disc" and abs(distance) > APART_MM
        if not near and (far or not cuts(structure, plane)):
            break
        twins = [p for p in _positions(stack) if abs(p - plane.position_mm()) <= _ONE_PLACE]
        if len(twins) > 1:
            what = f"{len(twins)} slices at the middle of {segment} ({told([stack])})"
            raise unreadable(what, "one", "give slice instead", "ambiguous-slice")
        one = Chosen(level, segment, stack, index, distance)
        # Of several slices around the middle, those that cannot be read are told one by one.
        if rule.slices == 1 and not _can_be_read(one):
            lost.append(f"slice {one.number} cannot be read")
            continue
        if lost or abs(distance) > half * (1 + 1e-6):
            what = f"{', '.join(lost)}; " if lost else ""
            what += f"slice {one.number} lies {_far(distance)} the middle of {segment}"
            what += f"; expected one within {half:.1f} mm" if np.isfinite(half) else "; expected the nearest"
            remedy = "it is a neighbour: look whether it will do"
            problems.append(row_problem(level.row, "level-distance", what, remedy, "warning"))
        return one
    if lost:
        what = f"{', '.join(lost)}, and no other slice cuts {segment}"
        raise unreadable(what, "one that can be read", "export the series again", "unreadable-slice")
    stack, index, distance = places[0]
    number = stack.pictures[index].number
    what = f"the nearest slice, {number}, lies {_far(distance)} the middle of {segment}"
    expected = f"one within {APART_MM:g} mm"
    if not cuts(structure, _plane(stack, index)):
        what, expected = f"{what} and does not cut it", "one that does"
    raise unreadable(what, expected, same_space, "level-outside")


def _far(distance: float) -> str:
    return f"{abs(distance):.1f} mm {'above' if distance >= 0 else 'below'}"


def _can_be_read(one: Chosen) -> bool:
    try:
        one.stack.read(one.index)
    except UnreadableError:
        return False
    return True


def named(chosen: Sequence[Chosen], problems: list[Problem]) -> list[tuple[str, Chosen]]:
    """Each slice with the name of its image: with letters, foot to head, where a segment has several.

    What cannot be one stack is left out, each of its rows with a problem.
    """
    stacks: dict[tuple[str, str, str], list[Chosen]] = defaultdict(list)
    for one in _in_order(chosen, problems):
        stacks[one.level.group, one.level.patient, one.segment].append(one)
    images = []
    for (group, patient, segment), members in stacks.items():
        fault, remedy = _fault(members)
        rows = sorted({one.level.row for one in members})
        if fault:
            words = f"row{'s' * (len(rows) > 1)} {', '.join(map(str, rows))} of {group}_{patient} {segment}"
            problems += [row_problem(row, "duplicate-slice", f"{fault} in {words}", remedy) for row in rows]
            continue
        remark = _uneven(members)
        if remark:
            remark += "; expected equal steps"
            remedy = "volumes of the segment may be wrong"
            problems.append(row_problem(rows[0], "uneven-stack", remark, remedy, "warning"))
        members.sort(key=lambda one: one.index)  # a stack runs from foot to head
        letters = LETTERS if len(members) > 1 else ("",)
        for letter, one in zip(letters, members, strict=False):
            images.append((image_name(group, patient, segment, letter), one))
    return images


def _in_order(chosen: Sequence[Chosen], problems: list[Problem]) -> list[Chosen]:
    """The slices but those of a patient whose levels are not in order from head to foot in one stack."""
    stacks: dict[tuple[str, str, int], list[Chosen]] = defaultdict(list)
    for one in chosen:
        stacks[one.level.group, one.level.patient, id(one.stack)].append(one)
    wrong: set[int] = set()
    for (group, patient, _), members in stacks.items():
        faulty: dict[int, str] = {}
        for upper in members:
            for lower in members:
                in_order = SPINE.index(upper.segment) < SPINE.index(lower.segment)
                if in_order and upper.index <= lower.index:
                    where = "is the slice of" if upper.index == lower.index else "lies below"
                    words = f"of {group}_{patient}, {upper.segment} {where} {lower.segment}"
                    rows = f"rows {upper.level.row} and {lower.level.row}"
                    faulty[upper.level.row] = faulty[lower.level.row] = f"{words} ({rows})"
        for row, found in sorted(faulty.items()):
            message = f"{found}; expected L1 nearest to the head, and a slice of its own for each level"
            problems.append(row_problem(row, "levels-out-of-order", message, "correct the rows"))
        wrong |= {id(one) for one in members if one.level.row in faulty}
    return [one for one in chosen if id(one) not in wrong]


def _fault(members: Sequence[Chosen]) -> tuple[str, str]:
    """Why slices of one segment cannot be one stack, and what to do; nothing where they can."""
    if len({id(one.stack) for one in members}) > 1:
        return "slices of different series or tilt; expected one stack", "give slices of one stack"
    if len({one.index for one in members}) < len(members):
        return "one slice twice; expected each slice once", "keep one of them"
    places = sorted(_positions(members[0].stack)[one.index] for one in members)
    if len(places) > 1 and np.diff(places).min() <= _ONE_PLACE:
        return "slices of one place; expected neighbours", "keep one of them"
    if len(members) > len(LETTERS):
        return f"{len(members)} slices; expected at most {len(LETTERS)}", "take fewer slices"
    return "", ""
