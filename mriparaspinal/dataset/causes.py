"""What follows from one faulty contour of a slice is told with it, not as a fault of its own."""

from __future__ import annotations

from dataclasses import replace

from mriparaspinal.core.labels import Meanings, Region
from mriparaspinal.core.model import REFERENCES, Problem


def with_consequences(problems: list[Problem], meanings: Meanings) -> list[Problem]:
    """The problems of a slice, each with what follows from it: lost parts, unknown sides."""
    follows = [problem for problem in problems if problem.code in ("faulty-part", "side-unknown")]
    if not follows:
        return problems
    hence: dict[int, list[str]] = {}
    explained = []
    for problem in follows:
        if problem.code == "faulty-part":
            wanted = {problem.shape}
            words = f"hence the other contours of {problem.shape} do not count either"
        else:
            wanted = set(REFERENCES)
            words = f"hence {problem.shape} have no side, and no row"
        for place, cause in enumerate(problems):
            if cause.severity == "error" and cause not in follows and _regions(cause, meanings) & wanted:
                hence.setdefault(place, []).append(words)
                explained.append(problem)
                break
    return [
        replace(problem, remedy=": ".join([problem.remedy, *hence.get(place, [])]))
        for place, problem in enumerate(problems)
        if problem not in explained
    ]


def _regions(problem: Problem, meanings: Meanings) -> set[str]:
    """The regions that the contours of a problem were labelled as."""
    labels = (problem.shape, *problem.shape.split(", "))
    found: list[Region | None] = [
        meanings.regions.get(label) or meanings.unclear.get(label) for label in labels
    ]
    return {str(region) for region in found if region is not None}
