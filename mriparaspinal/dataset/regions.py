"""The regions of one slice, the contours behind them, and what is said of both."""

from __future__ import annotations

from dataclasses import dataclass, field

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import FASCIA, Contour, Problem
from mriparaspinal.imaging.rasterise import Patch

RegionKey = tuple[str, str]
"""Region and side of the patient; the side of a reference is empty."""


OPPOSITE = {"left": "right", "right": "left"}


def may_overlap(a: str, b: str) -> bool:
    """Whether two regions may share pixels: disc and vertebra on a slice between both, fascia and muscle."""
    return {a, b} == {"IVD", "VB"} or a in FASCIA or b in FASCIA


@dataclass(slots=True)
class Anatomy:
    """The regions of one slice; filled step by step by :func:`sort_contours`."""

    patches: dict[RegionKey, Patch] = field(default_factory=dict)
    areas_px: dict[RegionKey, float | None] = field(default_factory=dict)
    contours: list[tuple[RegionKey, Contour]] = field(default_factory=list)
    """What the patches were drawn from."""
    seen: set[RegionKey] = field(default_factory=set)
    """Every region that a label names, usable or not; the side is empty if it is unclear."""
    ignored: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placed:
    """A contour, the region of its label, its pixels, and the area that it encloses."""

    contour: Contour
    region: Region
    patch: Patch
    area_px: float


Finding = tuple[str, str, str]
"""Code, message (what was found; what was expected), remedy."""


def error_of(file: str, label: str, finding: Finding) -> Problem:
    """The error about a contour, or a region, of a file."""
    return Problem(file, label, "error", *finding)


def warning_of(file: str, label: str, finding: Finding) -> Problem:
    """The warning about a contour, or a region, of a file."""
    return Problem(file, label, "warning", *finding)
