"""What follows from one mistake is told with it, not as a mistake of its own."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mriparaspinal.core.labels import Own, Region, aliases_of, near_regions, own_of, parse_label
from mriparaspinal.core.model import Problem, Settings, SliceResult
from mriparaspinal.core.spelling import nearest
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.dataset.read import unknown_labels
from mriparaspinal.dataset.strays import Who, kind

#: Told of regions that no label of a slice names.
_MISSING = ("missing-muscle", "missing-region", "missing-reference")

#: Files of a folder without a partner that are compared with each other.
_MOST = 50


def root_causes(
    problems: Sequence[Problem], results: Sequence[SliceResult], settings: Settings
) -> list[Problem]:
    """The problems without those that follow from others: of a mistyped label, of a reference not drawn.

    A region is missing where its label is mistyped: that is one error, about the label. Contours without a
    side have none where there is no reference to part the sides: that is one error, about the reference.
    """
    files = {
        result.slice.annotation: result
        for result in results
        if result.ignored or result.several or not any(side for _, side in result.seen)
    }
    by_file: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.file in files:
            by_file[problem.file].append(problem)
    aliases = aliases_of(settings)
    found: list[Problem] = []
    for problem in problems:
        if problem.file not in files:
            found.append(problem)
        elif own := by_file.pop(problem.file, None):
            result = files[problem.file]
            own = _mistyped(own, result.ignored, aliases)
            found += _without_sides(_labelled_twice(own, result.several), result, settings)
    return _names_apart(found, settings)


def _names_apart(problems: list[Problem], settings: Settings) -> list[Problem]:
    """The problems, with one for an image and a JSON of one folder that each lack the other by a slip."""
    folders: dict[str, tuple[list[Problem], list[Problem]]] = defaultdict(lambda: ([], []))
    for problem in problems:
        is_json = kind(problem.file) == "json"
        alone = "json-without-image" if is_json else "image-without-json"
        # A bad name is a warning where the file has no partner.
        if problem.code == alone or (problem.code, problem.severity) == ("bad-name", "warning"):
            folders[posixpath.dirname(problem.file)][is_json].append(problem)
    who = name_parser(settings)
    joined: dict[Problem, Problem | None] = {}
    for images, jsons in folders.values():
        pairs = [(i, j) for i in images[:_MOST] for j in jsons[:_MOST] if _one_slice(i, j, who)]
        times = Counter(problem for pair in pairs for problem in pair)
        for image, other in pairs:
            if times[image] == times[other] == 1:
                found = f"{image.file} has no JSON, {other.file} has no image, and their names are alike"
                remedy = "rename one of them if they are one slice: neither is measured"
                message = f"{found}; expected one name but for the ending"
                joined[image] = Problem(image.file, "", "error", "names-differ", message, remedy)
                joined[other] = None
    told = (joined.get(problem, problem) for problem in problems)
    return [problem for problem in told if problem is not None]


def _one_slice(image: Problem, annotation: Problem, who: Callable[[str], Who | str]) -> bool:
    """Whether two files may be one slice: by what their names mean, or by the names but for a slip."""
    if image.code == annotation.code:
        return False  # names of no slice
    stems = [problem.file.rpartition(".")[0] for problem in (image, annotation)]
    whose = [who(stem) for stem in stems]
    if whose[0] == whose[1]:
        return True
    one, other = map(posixpath.basename, stems)
    if re.sub(r"[\W_]+", "", one).casefold() == re.sub(r"[\W_]+", "", other).casefold():
        return True
    return re.findall(r"\d+", one) == re.findall(r"\d+", other) and nearest(one, [other]) != ""


def _mistyped(own: list[Problem], ignored: Sequence[str], aliases: Mapping[str, str]) -> list[Problem]:
    """The problems of a file, with one error for each label that must be meant for a missing region."""
    missing = [problem for problem in own if problem.code in _MISSING]
    meant: dict[str, list[Problem]] = {}
    for label in ignored:
        for region in near_regions(label, own_of(aliases)):
            if there := [p for p in missing if _is_of(p.shape, region, own_of(aliases))]:
                meant[label] = there
                missing = [problem for problem in missing if problem not in there]
                break
    if not meant:
        return own
    explained = {problem for problems in meant.values() for problem in problems}
    rest = [label for label in ignored if label not in meant]
    found = []
    for problem in own:
        if problem.code == "unknown-label":
            found += [_mistake(problem.file, label, gone) for label, gone in meant.items()]
            found += [unknown_labels(problem.file, rest, aliases)] * bool(rest)
        elif problem not in explained:
            found.append(problem)
    return found


def _is_of(missing: str, meant: Region, declared: Own) -> bool:
    """Whether a region may be one that is missing: ``MF_L``, ``IVD``, or ``IVD or VB``."""
    gone = [parse_label(name, declared) for name in missing.split(" or ")]
    return any(g is not None and g.name == meant.name and meant.side in ("", g.side) for g in gone)


def _mistake(file: str, label: str, gone: Sequence[Problem]) -> Problem:
    regions = " and ".join(problem.shape for problem in gone)
    verb = "is" if len(gone) == 1 else "are"
    found = f"the label {label!r} means no region; expected {regions}, which {verb} missing: did you mean "
    found += f"{gone[0].shape}?"
    sided = gone[0].shape[-2:] in ("_L", "_R")
    hence = "there is no row, nor one for both sides" if sided else "there is no row"
    hence = "rcsa stays empty" if gone[0].code == "missing-reference" else hence
    remedy = f"correct the label, or draw {regions}: without it {hence}"
    return Problem(file, label, "error", "unknown-label", found, remedy)


def _labelled_twice(own: list[Problem], several: Sequence[str]) -> list[Problem]:
    """The problems of a file, those of missing muscles with the label that two contours of the side have."""
    found = []
    told: set[str] = set()
    for problem in own:
        same_side = [label for label in several if label[-1] == problem.shape[-1:]]
        if problem.code == "missing-muscle" and same_side:
            told.update(same_side)
            twice = " and ".join(same_side)
            words = f"no contour of {problem.shape}, but several of {twice}; expected a label for each region"
            remedy = f"label one of them {problem.shape} if it is that: until then it counts as {twice}"
            problem = replace(problem, message=words, remedy=f"{remedy}, and {problem.shape} has no row")
        found.append(problem)
    # That one of the two lies elsewhere follows from it.
    places = {p for p in found if p.code == "front-contradicts-back" and str(parse_label(p.shape)) in told}
    return [problem for problem in found if problem not in places]


def _of_reference(problem: Problem, settings: Settings) -> bool:
    """Whether a problem is about the mistyped label of a reference."""
    mistyped = (problem.code, problem.severity) == ("unknown-label", "error")
    near = near_regions(problem.shape, settings.regions) if mistyped else ()
    return any(region.name in settings.references for region in near)


def _without_sides(own: list[Problem], result: SliceResult, settings: Settings) -> list[Problem]:
    """The problems of a slice of which no label has a side, without what follows from a missing reference."""
    sideless = [problem for problem in own if problem.code == "side-unknown"]
    gone = [
        problem for problem in own if problem.code == "missing-reference" or _of_reference(problem, settings)
    ]
    if not (sideless and gone) or any(side for _, side in result.seen):
        return own
    labels = ", ".join(problem.shape for problem in sideless)
    hence = f", and {labels} have no side and no row"
    return [
        replace(problem, remedy=problem.remedy + hence) if problem is gone[0] else problem
        for problem in own
        if problem not in sideless
    ]
