"""On which side of the patient a muscle lies: labels and positions against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mriparaspinal.core.labels import Region, alias_key, may_be_lumbar
from mriparaspinal.core.model import MUSCLES, REFERENCES, Problem, Settings
from mriparaspinal.dataset.plausibility import (
    Spot,
    front_back_swapped,
    in_front,
    lies_on_both_sides,
    spot_of,
    surely_in_order,
    turned_as_a_whole,
)
from mriparaspinal.dataset.regions import OPPOSITE, Anatomy, Finding, Placed, RegionKey, error_of, warning_of
from mriparaspinal.imaging.rasterise import Patch, centroid_column, union


def with_sides(
    placed: list[Placed], settings: Settings, file: str, anatomy: Anatomy, faulty: set[RegionKey]
) -> list[Placed]:
    """Give each muscle contour its side, and take out those whose side is missing or contradicted."""
    muscles = [p for p in placed if len(settings.sides_of(p.region.name)) > 1]
    good = [p for p in placed if len(settings.sides_of(p.region.name)) == 1]
    sound = [p for p in placed if (p.region.name, "") not in faulty]
    reference_spot = _reference_spot(sound, settings)
    reference = None if reference_spot is None else reference_spot.column
    midline = _middle_of_pairs(muscles, settings) if reference is None else reference
    sided = [p for p in muscles if p.region.side]
    contradicting = [p for p in sided if _side_shown(p.patch, midline, settings) == OPPOSITE[p.region.side]]
    spots: dict[Spot, Placed] = {}
    # For most slices the bounding boxes of the contours are enough, without a look at each pixel.
    if contradicting or not surely_in_order([(p.region.name, p.patch) for p in muscles], reference_spot):
        spots = {spot_of(*p.region, p.patch): p for p in muscles}
    finding = turned_as_a_whole(list(spots), reference_spot, midline, settings.image_left)
    problems = [error_of(file, "", finding)] if finding else _lost_side(contradicting, sided, settings, file)
    if problems:
        anatomy.problems += problems
        there = {(p.region.name, p.region.side) for p in muscles}
        # A side that no label names may be one of those: that it is missing is not told as well.
        unclear = {name for name, _ in there if not {(name, "left"), (name, "right")} <= there}
        anatomy.seen |= there | {(name, "") for name in unclear}
        return good
    wrong = _wrongly_sided(sided, contradicting, midline, settings, file, anatomy.seen)
    anatomy.problems += wrong.problems
    for p in wrong.contours:
        anatomy.seen.add((p.region.name, p.region.side))
        faulty.add((p.region.name, p.region.side))
    anatomy.seen |= {(name, "") for name in wrong.unclear}
    # Without a reference no side is guessed: the middle of pairs only checks labels that give theirs.
    sideless = [p for p in muscles if not p.region.side] if reference is None else []
    anatomy.problems += _side_unknown(sideless, settings, file)
    anatomy.seen |= {(p.region.name, "") for p in sideless}
    for p in muscles:
        if p.region.side:
            if p not in wrong.contours:
                good.append(p)
        elif reference is not None and p.patch.left <= reference <= p.patch.right - 1:
            anatomy.problems.append(error_of(file, p.contour.label, _ACROSS))
            anatomy.seen.add((p.region.name, ""))
        elif reference is not None:
            side = _side_shown(p.patch, reference, settings)
            good.append(replace(p, region=p.region._replace(side=side)))
    if midline is not None:
        anatomy.problems += _unusual_places(good, midline, file)
    swapped, _ = front_back_swapped(list(spots), reference_spot)
    in_place = [spot for spot in swapped if spots[spot] not in wrong.contours]
    anatomy.problems += [warning_of(file, spots[spot].contour.label, in_front(spot)) for spot in in_place]
    return good


def _lost_side(
    contradicting: list[Placed], sided: list[Placed], settings: Settings, file: str
) -> list[Problem]:
    """The error about a slice of which all labels of one side, or most of all, contradict the display."""
    if len(contradicting) < 2 or len(contradicting) == len(sided) or _lumbar(contradicting, sided):
        return []
    for side in ("left", "right"):
        theirs = [p for p in sided if p.region.side == side]
        if len(theirs) > 1 and all(p in contradicting for p in theirs):
            which = f"all {len(theirs)} labels of the {side}"
            break
        # Those that lie there: labelled left as all the others are, for example.
        there = [p for p in contradicting if p.region.side == OPPOSITE[side]]
        right_there = [p for p in theirs if p not in contradicting]
        if len(there) > 1 and not right_there:
            which = f"all {len(there)} contours on the patient's {side} are labelled {OPPOSITE[side]}: they"
            break
    else:
        if len(contradicting) <= len(sided) / 2:
            return []
        which = f"{len(contradicting)} of {len(sided)} labels with a side"
    left = settings.image_left
    found = f"{which} contradict the display; expected the patient's {left} at the left of the image "
    found += f"(--image-left {left})"
    remedy = "check on an overlay where the contours lie: none of the slice's muscles is measured"
    labels = ", ".join(dict.fromkeys(p.contour.label for p in contradicting))
    return [error_of(file, labels, ("side-contradicts-display", found, remedy))]


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Contours whose side is wrong or cannot be told, muscles of which it is not clear, what is said."""

    contours: list[Placed]
    unclear: set[str]
    problems: list[Problem]


def _wrongly_sided(
    sided: list[Placed],
    contradicting: list[Placed],
    midline: float | None,
    settings: Settings,
    file: str,
    seen: set[RegionKey],
) -> _Wrong:
    """``seen`` gains the regions that contours are meant for which are labelled as the other side."""
    both = [p for p in sided if midline is not None and lies_on_both_sides(p.patch, midline)]
    lumbar = _lumbar([*contradicting, *both], sided)
    problems = []
    if lumbar:
        labels = ", ".join(dict.fromkeys(p.contour.label for p in lumbar))
        found = (
            f"{labels}: is the L left, or lumbar? It lies on both sides or on the right, and no label is of "
        )
        found += "the right; expected labels such as ES_L and ES_R"
        known = ", ".join(f'{p.contour.label} = "{p.region.name}"' for p in _one_each(lumbar))
        remedy = f"if it is lumbar, write [labels] {known} into paraspinal.toml: its position gives the side"
        problems.append(error_of(file, labels, ("lumbar-or-left", found, remedy)))
    both = [p for p in both if p not in lumbar]
    for p in both:
        found = f"labelled {p.region.side}, but it covers both sides of the midline; "
        found += "expected one contour per side"
        finding = ("crosses-midline", found, "draw each side by itself")
        problems.append(error_of(file, p.contour.label, finding))
    rest = [p for p in contradicting if p not in lumbar and p not in both]
    if rest:
        told = [p for p in sided if p not in lumbar]
        problems += _contradictions(rest, told, settings, file, seen)
    contours = [*lumbar, *both, *rest]
    return _Wrong(contours, {p.region.name for p in (*lumbar, *both)}, problems)


def _lumbar(wrong: list[Placed], sided: list[Placed]) -> list[Placed]:
    """Contours such as LES that do not lie on the left alone, in a file without a right one of the muscle."""
    names = {p.region.name for p in wrong if may_be_lumbar(p.contour.label)}
    names -= {p.region.name for p in sided if p.region.side == "right"}
    return [p for p in sided if p.region.name in names and may_be_lumbar(p.contour.label)]


def _one_each(placed: list[Placed]) -> list[Placed]:
    return list({alias_key(p.contour.label): p for p in placed}.values())


def _reference_spot(placed: list[Placed], settings: Settings) -> Spot | None:
    """Where the reference's centroid lies, whose column parts left from right; None without a reference.

    One of one's own may lie anywhere: it parts nothing.
    """
    for name in sorted(REFERENCES, key=lambda name: name != settings.reference):
        reference = [p.patch for p in placed if p.region.name == name]
        if reference:
            return spot_of("", "", union(reference))
    return None


def _middle_of_pairs(muscles: list[Placed], settings: Settings) -> float | None:
    """The mean column between left and right contours of the same muscle; None without such a pair.

    Regions of one's own part the sides only where no muscle does.
    """
    ours = _middle(muscles, MUSCLES)
    return _middle(muscles, [region.name for region in settings.regions]) if ours is None else ours


def _middle(muscles: list[Placed], names: Sequence[str]) -> float | None:
    middles = []
    for name in names:
        left = [centroid_column(p.patch) for p in muscles if p.region == Region(name, "left")]
        right = [centroid_column(p.patch) for p in muscles if p.region == Region(name, "right")]
        if left and right:
            middles.append((sum(left) / len(left) + sum(right) / len(right)) / 2)
    return sum(middles) / len(middles) if middles else None


def _side_shown(patch: Patch, midline: float | None, settings: Settings) -> str:
    """The patient's side on which the display shows a patch's centroid; empty if it is unclear."""
    if midline is None:
        return ""
    # Most patches lie wholly on one side, and their centroid with them.
    if patch.right - 1 < midline:
        return settings.image_left
    if patch.left > midline:
        return OPPOSITE[settings.image_left]
    column = centroid_column(patch)
    if column == midline:
        return ""
    return settings.image_left if column < midline else OPPOSITE[settings.image_left]


def _unusual_places(placed: list[Placed], midline: float, file: str) -> list[Problem]:
    """Multifidus farther from the midline than erector spinae of the same side: names swapped, perhaps."""
    away: dict[RegionKey, float] = {}
    for p in placed:
        if p.region.name in ("MF", "ES"):
            middle = (p.patch.left + p.patch.right - 1) / 2
            away[p.region.name, p.region.side] = abs(middle - midline)
    problems = []
    for side in ("left", "right"):
        if away.get(("MF", side), 0) > away.get(("ES", side), math.inf):
            found = "the multifidus lies farther from the midline than the erector spinae; expected it nearer"
            remedy = "check on an overlay that the two names are not swapped"
            names = f"{Region('MF', side)}, {Region('ES', side)}"
            problems.append(warning_of(file, names, ("unusual-place", found, remedy)))
    return problems


_ACROSS: Finding = (
    "crosses-midline",
    "a contour without a side in its label crosses the middle of the reference; "
    "expected one contour per side",
    "draw each side by itself, or name the side in the label",
)


def _side_unknown(unsided: list[Placed], settings: Settings, file: str) -> list[Problem]:
    """The error about the contours of a slice without a reference whose labels do not give their side."""
    if not unsided:
        return []
    labels = ", ".join(dict.fromkeys(p.contour.label for p in unsided))
    names = ", ".join(dict.fromkeys(f"{p.region.name}_L" for p in unsided))
    found = "no side in the label and no valid reference contour to derive it from"
    drawn = "the reference" if settings.reference in (None, *REFERENCES) else " or ".join(REFERENCES)
    remedy = f"name the side in the label, or draw {drawn}"
    return [error_of(file, labels, ("side-unknown", f"{found}; expected a label such as {names}", remedy))]


def _side_of(p: Placed) -> str:
    return p.region.side


def _contradictions(
    contradicting: list[Placed], sided: list[Placed], settings: Settings, file: str, seen: set[RegionKey]
) -> list[Problem]:
    """The errors about contours on the other side; ``seen`` gains those that are meant by them."""
    left = settings.image_left
    display = f"the patient's {left} at the left of the image (--image-left {left})"
    if len(contradicting) == len(sided):
        labels = ", ".join(p.contour.label for p in sided)
        found = f"all {len(sided)} labels with a side contradict the display; expected {display}"
        remedy = (
            "mirror the image back or swap the labels; if all images show the patient's "
            f"{OPPOSITE[left]} at the left, use --image-left {OPPOSITE[left]}"
        )
        return [error_of(file, labels, ("side-contradicts-display", found, remedy))]
    problems = []
    regions = [p.region for p in contradicting]
    for p in contradicting:
        shown = OPPOSITE[p.region.side]
        other = p.region._replace(side=shown)
        found = f"labelled {p.region.side}, but it lies on the patient's {shown}"
        remedy = "correct the label's side, or the contour"
        label = p.contour.label
        if other in regions:
            pair = [q for q in contradicting if q.region in (p.region, other)]
            if p is not pair[0]:
                continue
            label = ", ".join(dict.fromkeys(q.contour.label for q in sorted(pair, key=_side_of)))
            found = "the two lie on each other's side: their labels are exchanged"
            remedy = "exchange the labels"
        elif all(q.region != other for q in sided):
            found += f", where {other} is missing: did you mean {other}?"
            seen.add((other.name, other.side))
        finding = ("side-contradicts-display", f"{found}; expected {display}", remedy)
        problems.append(error_of(file, label, finding))
    return problems
