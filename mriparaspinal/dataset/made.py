"""What of regions is the program's own work: a disc that was derived, sides told by the midline.

Of label maps it is known when they are read; in a LabelMe file that ``contours`` made, flags of shapes tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import DERIVED_DISC, SIDES_SPLIT, Contour, Problem
from mriparaspinal.core.text import count_of

#: By the mark of a contour: what is told of it, and what to do.
_OF_CONTOURS = {
    DERIVED_DISC: (
        "IVD was derived between two vertebrae and not drawn; expected a disc that was drawn",
        f"check it on an overlay; once it is drawn by hand, untick {DERIVED_DISC} of its shape in LabelMe",
    ),
    SIDES_SPLIT: (
        "sides of muscles were told by the midline, of a label map with both in one number; expected a "
        "number for each side",
        f"check the sides on an overlay; once they are judged, untick {SIDES_SPLIT} of the shapes in LabelMe",
    ),
}


def made_problems(file: str, contours: Iterable[tuple[tuple[str, str], Contour]]) -> list[Problem]:
    """The warnings about the regions of a slice whose contours carry such a mark."""
    regions: dict[str, dict[str, None]] = defaultdict(dict)
    for key, contour in contours:
        if contour.made:
            regions[contour.made][str(Region(*key))] = None
    return [
        Problem(file, ", ".join(regions[mark]), "warning", mark, *told)
        for mark, told in _OF_CONTOURS.items()
        if mark in regions
    ]


def told_once(problems: Iterable[Problem], file: str = "masks") -> list[Problem]:
    """The problems, with one for each kind of such work, which needs a look at the pictures.

    ``file``: what it is told of.
    """
    kept = []
    same: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.code in _OF_CONTOURS:
            same[problem.code, problem.message].append(problem)
        else:
            kept.append(problem)
    for group in same.values():
        first = group[0]
        found, _, expected = first.message.partition("; ")
        many = f"{found} (on {count_of(len(group), 'slice')}, first {first.file})"
        kept.append(replace(first, file=file, shape="", message=f"{many}; {expected}"))
    return kept
