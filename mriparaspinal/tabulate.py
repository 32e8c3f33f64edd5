"""From counts to the rows of the tables: both sides, roles, ratios; and what is missing in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mriparaspinal.errors import UsageError
from mriparaspinal.model import (
    EXPECTED_MUSCLES,
    MUSCLES,
    REFERENCES,
    SIDES,
    Measurement,
    Problem,
    RegionCount,
    Settings,
    Side,
    SliceResult,
)

Spacing = tuple[float, float]
"""Row and column spacing of the pixels, in mm."""


def choose_reference(results: Iterable[SliceResult], settings: Settings) -> str:
    """The region that areas are divided by: the setting, else the one kind that the dataset has.

    Empty where there is no reference at all. Raises :class:`UsageError` where slices differ or have both.
    """
    if settings.reference:
        return settings.reference
    first: dict[str, str] = {}
    for result in results:
        for name in REFERENCES:
            if (name, "") in result.seen:
                first.setdefault(name, result.slice.name)
    if len(first) > 1:
        found = " and ".join(f"{name} (as in {file})" for name, file in first.items())
        raise UsageError(
            f"dataset: {found} were found; expected one reference throughout; choose --reference"
        )
    return next(iter(first), "")


def tabulate(
    results: Iterable[SliceResult],
    reference: str,
    settings: Settings,
    onset_sides: Mapping[str, str],
    spacings: Mapping[str, Spacing],
) -> list[Measurement]:
    """The rows of all slices, in the order of the results, then by muscle and side.

    ``onset_sides``: participant id → ``left`` or ``right``; ``spacings``: image name → mm.
    """
    rows = []
    for result in results:
        onset = onset_sides.get(result.slice.participant_id, "")
        spacing = spacings.get(result.slice.name)
        for muscle in MUSCLES:
            left, right = result.counts.get((muscle, "left")), result.counts.get((muscle, "right"))
            both = _sum(left, right) if left and right else None
            for side, count in zip(SIDES, (left, right, both), strict=True):
                if count is not None:
                    asymmetry = _asymmetry_pct(left, right) if side == "both" and left and right else None
                    rows.append(
                        _row(result, muscle, side, count, reference, settings, onset, spacing, asymmetry)
                    )
    return rows


def _sum(left: RegionCount, right: RegionCount) -> RegionCount:
    areas = (left.contour_area_px, right.contour_area_px)
    return RegionCount(
        left.csa_px + right.csa_px,
        None if areas[0] is None or areas[1] is None else areas[0] + areas[1],
        left.fat_px + right.fat_px,
        left.grey_sum + right.grey_sum,
    )


def _asymmetry_pct(left: RegionCount, right: RegionCount) -> float:
    return 100 * abs(left.csa_px - right.csa_px) / ((left.csa_px + right.csa_px) / 2)


def role_of(side: str, onset_side: str) -> str:
    """What a side is to the disease: symptomatic is the onset side.

    >>> role_of("left", "left"), role_of("right", "left"), role_of("both", ""), role_of("left", "")
    ('symptomatic', 'contralateral', 'bilateral', '')
    """
    if side == "both":
        return "bilateral"
    if not onset_side:
        return ""
    return "symptomatic" if side == onset_side else "contralateral"


def _row(
    result: SliceResult,
    muscle: str,
    side: Side,
    count: RegionCount,
    reference: str,
    settings: Settings,
    onset_side: str,
    spacing: Spacing | None,
    asymmetry_pct: float | None,
) -> Measurement:
    divisor = result.counts.get((reference, ""))
    lean_px = count.csa_px - count.fat_px
    return Measurement(
        participant_id=result.slice.participant_id,
        group=result.slice.group,
        segment=result.slice.segment,
        muscle=muscle,
        side=side,
        role=role_of(side, onset_side),
        csa_px=count.csa_px,
        csa_mm2=None if spacing is None else count.csa_px * spacing[0] * spacing[1],
        contour_area_px=count.contour_area_px,
        fat_px=count.fat_px,
        fi=count.fat_px / count.csa_px,
        lean_px=lean_px,
        reference=reference,
        reference_px=divisor.csa_px if divisor else None,
        rcsa=count.csa_px / divisor.csa_px if divisor else None,
        lean_rcsa=lean_px / divisor.csa_px if divisor else None,
        mean_intensity=count.grey_sum / count.csa_px,
        asymmetry_pct=asymmetry_pct,
        threshold=settings.threshold,
        fat_rule="fixed",
        mask_rule=settings.mask_rule,
        image=result.slice.name,
    )


def missing_regions(results: Iterable[SliceResult], reference: str) -> list[Problem]:
    """Muscles and references that no label of a slice names, though they are expected there.

    A muscle of the paper that no slice of the dataset has is left out by protocol: one warning.
    """
    results = [result for result in results if result.measurable and result.seen]
    drawn = {name for result in results for name, _ in result.seen}
    problems = []
    for muscle in EXPECTED_MUSCLES:
        if muscle not in drawn and results:
            found = f"no slice has a contour of {muscle}; expected {', '.join(EXPECTED_MUSCLES)}"
            remedy = "nothing to do if your protocol leaves it out"
            problems.append(Problem("dataset", muscle, "warning", "muscle-not-drawn", found, remedy))
    for result in results:
        file = result.slice.annotation
        here = {name for name, _ in result.seen}
        for muscle in MUSCLES:
            if muscle not in drawn or (muscle == "QL" and muscle not in here) or (muscle, "") in result.seen:
                continue
            for side in ("left", "right"):
                if (muscle, side) not in result.seen:
                    found = f"no contour of the {side} {muscle}; expected both sides"
                    label = f"{muscle}_{side[0].upper()}"
                    remedy = f"draw {label}: without it there is no row, nor one for both sides"
                    problems.append(Problem(file, label, "error", "missing-muscle", found, remedy))
        if not reference or (reference, "") not in result.seen:
            wanted = reference or " or ".join(REFERENCES)
            found = f"no contour of the reference {wanted}; expected one"
            remedy = "draw it: without it rcsa stays empty"
            problems.append(Problem(file, wanted, "error", "missing-reference", found, remedy))
    return problems
