"""The panels of ``--help``: which option stands in which, for all commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

#: Panel → its options, in the order in which they are shown.
PANELS: dict[str, tuple[str, ...]] = {
    "Input": (
        *("--dataset", "--from", "--levels", "--level-numbering", "--level-at", "--slices-per-level"),
        *("--annotations", "--masks", "--numbering", "--review", "--accept-drafts", "--draft", "--no-draft"),
        *("--participants", "--participant-label", "--patient-from", "--name-pattern", "--affine"),
        *("--session", "--table", "--join", "--comparison", "--comparisons", "--source"),
        *("--readers", "--ratings", "--marks", "--mdc"),
        *("--data", "--bval", "--bvec", "--mask", "--mt", "--no-mt", "--numerator", "--denominator"),
        *("--map", "--tissue", "--atlas", "--probability", "--subjects", "--participant", "--tiv"),
    ),
    "Output": (
        *("--out", "--seed", "--mean-out", "--format", "--figure-format", "--style", "--wide", "--json"),
        *("--xlsx", "--sav", "--bids"),
        *("--list", "--contact-sheet", "--summary", "--template", "--clinical"),
        *("--pdf", "--by-participant", "--open", "--no-browser", "--port", "--force"),
    ),
    "Cohort": (
        *("--als", "--lr", "--size", "--als-atrophy", "--lr-atrophy", "--als-fat", "--lr-fat"),
        "--sessions",
    ),
    "Reading": (
        *("--reader", "--blind", "--key", "--repeat", "--with-contours", "--compare", "--dice-below"),
        "--timing",
    ),
    "Measurement": (
        *("--image-left", "--reference", "--window", "--mask-rule", "--threshold", "--fat-rule"),
        *("--sat-fraction", "--fat", "--water", "--same-voxels", "--measure"),
        *("--tolerance", "--band", "--quick", "--largest-gap", "--percent", "--ignore-zero"),
    ),
    "Statistics": (
        *("--contrast", "--metric", "--score", "--outcome", "--positive", "--negative", "--predictor"),
        *("--p-column",),
        *("--covariate", "--lower-is-positive", "--combine", "--group", "--role", "--divide-by"),
        *("--formula", "--slope", "--random", "--df", "--means", "--by", "--segment", "--muscle"),
        *("--validate", "--specificity", "--sensitivity", "--partial-auc", "--bootstrap"),
        *("--cluster", "--grades", "--instrument"),
        *("--groups", "--smd", "--each"),
        *("--method", "--normality", "--hc3", "--require-cv", "--margin", "--max-t"),
        *("--missing",),
        *("--impute", "--power", "--alpha", "--tests", "--ratio", "--difference", "--effect-size"),
        *("--icc", "--icc-null", "--icc-width", "--raters", "--auc", "--auc-null", "--auc-width"),
    ),
    "Speed": ("--jobs", "--timeout", "--scheduler"),
    "Messages": ("--quiet", "--verbose", "--log-file", "--help"),
}

#: Where an option stands that no panel names.
OTHER = "Other options"

_PLACES = {
    option: (panel, place) for panel, options in PANELS.items() for place, option in enumerate(options)
}

T = TypeVar("T")


def by_panel(options: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """What belongs to options, by panel, in the order of the panels."""
    found: dict[str, list[tuple[int, T]]] = {panel: [] for panel in (*PANELS, OTHER)}
    for option, what in options:
        panel, place = _PLACES.get(option, (OTHER, 0))
        found[panel].append((place, what))
    return {
        panel: [what for _, what in sorted(rows, key=lambda row: row[0])]
        for panel, rows in found.items()
        if rows
    }
