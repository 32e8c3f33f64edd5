"""A synthetic cohort whose answers are known exactly.

Every slice is a drawing in millimetres: smooth closed curves for the muscles, the disc and what lies
around them, and a map of fat inside each muscle. The truth comes from that drawing alone: a true area is
the area that the true curve encloses, a true fatty infiltration (FI) the share of fat in the finely drawn
muscle, before pixels, blur, bias field and noise. No code that measures is used.

The display is radiological (the left of the image is the patient's right, anterior is up). Proportions
follow Ren et al. 2026 (Front. Neurol. 17:1751139), Tables 1 and 2: how large and how fatty each muscle is
at each level relative to the disc. As on real slices, grey levels above 50 are fat.

How far a measurement may be from the truth: the contours are drawn by a hand that trembles, LabelMe's
masks take in the boundary, and a pixel with a quarter of fat is already brighter than 50. For the sample
cohort (``als=8, lr=8, seed=1``), with masks that Pillow draws on the full canvas (rule ``labelme``), the
errors are, as mean and largest of the absolute values,

===== ================== ================== ==================
size  area of muscles    area of discs      FI of muscles
===== ================== ================== ==================
256   4.3 %, 13.1 %      2.9 %, 3.8 %       0.031, 0.078
512   1.9 %, 5.6 %       1.1 %, 1.7 %       0.017, 0.039
===== ================== ================== ==================

Measured areas and FI are too large throughout. The largest errors of area are those of the psoas at L1, the
smallest region. The area that a contour encloses is within 2.1 % of the truth (0.4 % on average) at 256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.core.model import SEGMENTS, Contour
from mriparaspinal.phantom.curves import (
    FIELD_OF_VIEW_MM,
    Array,
    Placement,
    crossings,
    enclosed_area,
    rotation,
    smooth_curve,
)
from mriparaspinal.phantom.followup import lain_again, progress_of
from mriparaspinal.phantom.model import (
    AFFECTED,
    GROUPS,
    MUSCLES,
    Body,
    Effects,
    Group,
    Muscle,
    Participant,
    PhantomSlice,
    Truth,
    Visit,
    VisitTruth,
)
from mriparaspinal.phantom.surroundings import Pen, draw_surroundings, make_trunk

# Per level L1 … L5. Areas of the muscles relative to the disc and median FI: close to Table 2 of the paper
# (contralateral side in ALS, both sides in LR). Disc areas in mm².
_DISC_MM2 = (1330.0, 1450.0, 1550.0, 1620.0, 1600.0)

_RCSA = {
    "MF": (0.28, 0.35, 0.46, 0.60, 0.67),
    "ES": (1.25, 1.24, 1.11, 0.93, 0.68),
    "PM": (0.20, 0.38, 0.58, 0.79, 0.83),
}

_FI = {
    "MF": (0.37, 0.37, 0.37, 0.38, 0.43),
    "ES": (0.16, 0.17, 0.21, 0.28, 0.48),
    "PM": (0.17, 0.14, 0.11, 0.10, 0.09),
}

# Control points of the outlines at L1, L3 and L5 (the levels between are interpolated), in mm from the
# centre of the disc, x away from the midline, y to the back. Only the shape counts: areas are set after.
_SHAPES: dict[str, tuple[list[tuple[float, float]], ...]] = {
    "MF": (
        [(6, 41), (11, 37), (17, 38), (20, 45), (19.5, 53), (16, 60), (10, 63), (6, 57), (5, 49)],
        [(6.5, 43), (12, 37), (20, 38), (26, 46), (26, 56), (22, 67), (13, 74), (6, 66), (5, 54)],
        [(8, 43), (14, 35), (24, 32), (34, 39), (35, 52), (28, 66), (14, 77), (6.5, 69), (5.5, 55)],
    ),
    "ES": (
        [(23, 37), (33, 32), (46, 35), (60, 43), (72, 54), (75, 63), (66, 71), (48, 76), (28, 77), (14, 72),
         (20, 62), (23.5, 50)],
        [(29, 38), (38, 34), (50, 37), (62, 44), (72, 54), (74, 63), (66, 73), (50, 80), (34, 83), (19, 80),
         (26, 69), (30, 54)],
        [(39, 32), (46, 28), (55, 31), (63, 39), (69, 49), (69, 57), (62, 65), (50, 72), (38, 77), (28, 78),
         (33, 66), (39, 49)],
    ),
    "PM": (
        [(24, 0), (27, -5), (31, -2), (34, 7), (34, 17), (31, 23), (27, 20), (25, 10)],
        [(29, -4), (36, -10), (44, -7), (50, 3), (51, 15), (46, 25), (37, 27), (30, 17)],
        [(31, -9), (41, -17), (54, -14), (62, -2), (61, 11), (51, 19), (39, 19), (31, 8)],
    ),
}  # fmt: skip

#: Direction of the fat streaks in the slice, degrees from the x axis towards the back.
_GRAIN = {"MF": 105.0, "ES": 70.0, "PM": 40.0}

#: Between neighbouring muscles.
_GAP_MM = 2.6

#: Fat within a muscle, before the bias field.
_FAT_GREY = 150.0

#: Size of the streaks, mm: along them and across (1 / wave number).
_GRAIN_MM = (4.2, 1.9)

_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")

# Streams of random numbers: one per purpose, so that no draw depends on what was drawn elsewhere.
_PERSON, _BODY, _ANATOMY, _HAND, _NOISE = range(5)


def make_participant(group: Group, number: int, seed: int) -> Participant:
    """The participant ``GROUP_N``: the same whatever the size of the cohort.

    Distributions follow Table 1 of the paper. Every twelfth ALS patient (5, 17, 29, …) has a bulbar onset
    and so no onset side, as 3 of 38 in the paper.

    >>> make_participant("ALS", 5, seed=1).onset_side
    ''
    """
    rng = _stream(seed, group, number, _PERSON)
    als = group == "ALS"
    side: Literal["left", "right", ""] = "left" if rng.random() < 0.5 else "right"
    region = "lower" if rng.random() < 0.6 or not als else "upper"
    if als and number % 12 == 5:
        region, side = "bulbar", ""
    psa = int(rng.random() < (27 / 38 if als else 20 / 32))
    age = round(float(np.clip(rng.normal(55.4 if als else 59.5, 11.5), 30, 79)))
    duration = float(np.clip(np.exp(rng.normal(np.log(10.0), 0.75 if als else 1.0)), 2, 72))
    bmi = float(rng.normal(24.3, 2.9) if als else rng.normal(23.2, 3.6))
    lower = round(float(np.clip(rng.normal(7.5 if region == "lower" else 9.5, 1.9), 2, 12)))
    # The other nine items cannot give more than 36 points.
    total = min(round(float(np.clip(rng.normal(42.2, 2.6), 30, 47))), 36 + lower)
    return Participant(
        participant_id=f"{group}_{number}",
        group=group,
        onset_side=side,
        onset_region=region,
        psa=psa,
        age=age,
        age_onset=round(age - duration / 12, 1),
        sex="M" if rng.random() < (22 / 38 if als else 18 / 32) else "F",
        bmi=round(min(max(bmi, 17.0), 31.5), 1),
        alsfrs_r=total if als else None,
        alsfrs_lower=lower if als else None,
        disease_duration=round(duration, 1),
    )


def make_cohort(als: int, lr: int, seed: int) -> list[Participant]:
    """The participants ``ALS_1`` … ``ALS_als`` and ``LR_1`` … ``LR_lr``."""
    return [
        make_participant(group, number + 1, seed)
        for group, count in zip(GROUPS, (als, lr), strict=True)
        for number in range(count)
    ]


def make_slices(
    participants: Iterable[Participant], seed: int, size: int, effects: Effects
) -> Iterator[PhantomSlice]:
    """All slices of a cohort, L1 to L5 of one participant after the other."""
    for participant in participants:
        for segment in SEGMENTS:
            yield make_slice(participant, segment, seed, size, effects)


def make_slice(
    participant: Participant, segment: str, seed: int, size: int, effects: Effects
) -> PhantomSlice:
    """Draw one slice of one participant.

    The anatomy depends on the seed, the participant and the segment only: it is the same at every size
    (of the square image, in pixels) and with all effects.
    """
    level = SEGMENTS.index(segment)
    who = (participant.participant_id, participant.group, segment)
    # What changes with time (age, scores) is no part of the anatomy.
    first = participant
    if isinstance(participant, Visit):
        first = make_participant(participant.group, participant.number, seed)
    body = replace(_make_body(first, seed), change=progress_of(participant, seed))
    rng = _stream(seed, participant.group, participant.number, _ANATOMY, level)
    disc = _disc_outline(level, body, rng)
    muscles = _make_muscles(participant, level, body, effects, disc, rng)
    trunk = make_trunk(first, level, muscles)
    place = Placement(
        (float(rng.normal(0, 1.5)), float(rng.normal(1, 1)) - trunk.centre), float(rng.normal(0, 1.2))
    )
    true: Callable[..., Truth] = Truth
    again: tuple[int, ...] = ()
    if isinstance(participant, Visit):
        true = partial(VisitTruth, session=participant.session, months=participant.months)
        again = (participant.place,) if participant.place else ()
        place = lain_again(place, participant, level, seed)

    scale = max(3, round(1024 / size))
    pen = Pen(Image.new("L", (size * scale, size * scale), 1), place)
    draw_surroundings(pen, trunk, disc, muscles, body, rng)
    fine = np.array(pen.image, dtype=np.float64)
    shares = [_paint_muscle(fine, muscle, place, body, rng) for muscle in muscles]
    noise_rng, hand_rng = (
        _stream(seed, participant.group, participant.number, purpose, level, *again)
        for purpose in (_NOISE, _HAND)
    )

    outlines = {f"{m.region}_{m.side[0].upper()}": m.outline for m in muscles} | {"IVD": disc}
    px2_per_mm2 = (size / FIELD_OF_VIEW_MM) ** 2
    truth = [
        true(*who, m.region, m.side, enclosed_area(m.outline) * px2_per_mm2, fi)
        for m, fi in zip(muscles, shares, strict=True)
    ]
    return PhantomSlice(
        participant,
        segment,
        _scan(fine, scale, noise_rng),
        tuple(
            Contour(label, "polygon", _draw_by_hand(place.pixels(outline, size), size, hand_rng))
            for label, outline in outlines.items()
        ),
        (*truth, true(*who, "IVD", "", enclosed_area(disc) * px2_per_mm2, None)),
    )


# --- who: the numbers behind one participant and one slice -----------------------------------------------


def _stream(seed: int, group: Group, number: int, *purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, GROUPS.index(group), number, *purpose])


def _make_body(participant: Participant, seed: int) -> Body:
    rng = _stream(seed, participant.group, participant.number, _BODY)
    size = (1.0 if participant.sex == "M" else 0.94) * np.exp(rng.normal(0, 0.025))
    bulk, fat = rng.normal(0, 0.12), rng.normal(0, 0.5)
    fat += 0.02 * (participant.age - 57)
    if participant.alsfrs_lower is not None:
        fat += 0.5 * (participant.psa - 0.7) - 0.15 * (participant.alsfrs_lower - 8)
    return Body(
        size=float(size),
        bulk={m: float(np.clip(bulk + rng.normal(0, 0.1), -0.3, 0.3)) for m in MUSCLES},
        fat={m: float(fat + rng.normal(0, 0.25)) for m in MUSCLES},
        muscle_grey=float(rng.uniform(20, 27)),
        disc_grey=float(np.clip(rng.normal(150 - 1.2 * participant.age, 15), 45, 140)),
        change=progress_of(participant, seed),
    )


def _make_muscles(
    participant: Participant, level: int, body: Body, effects: Effects, disc: Array, rng: np.random.Generator
) -> list[Muscle]:
    """The six muscles: outlines and FI. Effects take no random numbers, so they change nothing else."""
    als = participant.group == "ALS"
    atrophy = effects.als_atrophy if als else effects.lr_atrophy
    added_fat = effects.als_fat if als else effects.lr_fat
    muscles: list[Muscle] = []
    for side in _SIDES:
        affected = side == participant.onset_side and SEGMENTS[level] in AFFECTED
        # Drawn as a left muscle, where x is positive (the right of the image), and mirrored for the right.
        mirror = np.array([1.0 if side == "left" else -1.0, 1.0])
        placed: dict[str, Array] = {}
        for region in MUSCLES:
            healthy, origin = _muscle_outline(region, level, body, rng)
            aside = np.zeros(2)
            if region == "ES":
                aside = _step_aside(healthy, medial=placed["MF"], behind=None)
            elif region == "PM":
                aside = _step_aside(healthy, medial=disc * mirror, behind=placed["ES"])
            healthy, origin = healthy + aside, origin + aside
            placed[region] = healthy
            fi = _healthy_fi(region, level, body, rng) + (added_fat if affected else 0)
            left, more = body.change(affected)
            outline = origin + np.sqrt((1 - atrophy if affected else 1) * left) * (healthy - origin)
            fi = float(np.clip(fi + more, 0.02, 0.85))
            muscles.append(Muscle(region, side, healthy * mirror, outline * mirror, fi))
    return sorted(muscles, key=lambda m: (MUSCLES.index(m.region), m.side))


def _healthy_fi(region: str, level: int, body: Body, rng: np.random.Generator) -> float:
    base = _FI[region][level]
    logit = np.log(base / (1 - base)) + body.fat[region] + rng.normal(0, 0.15)
    return float(1 / (1 + np.exp(-logit)))


# --- where: the outlines of muscles and disc, in mm ------------------------------------------------------


def _at_level(key_shapes: tuple[list[tuple[float, float]], ...], level: int) -> Array:
    first, middle, last = (np.array(shape, dtype=np.float64) for shape in key_shapes)
    near, far, t = (first, middle, level / 2) if level <= 2 else (middle, last, level / 2 - 1)
    return np.asarray(near + t * (far - near))


def _muscle_outline(region: str, level: int, body: Body, rng: np.random.Generator) -> tuple[Array, Array]:
    """A healthy muscle on the patient's left, and the point towards which it would shrink."""
    area = _DISC_MM2[level] * body.size**2 * _RCSA[region][level]
    area *= np.exp(body.bulk[region] + np.clip(rng.normal(0, 0.04), -0.1, 0.1))
    points = _at_level(_SHAPES[region], level)
    # The first point lies deep and medial, near the bone.
    origin = body.size * (0.6 * points.mean(axis=0) + 0.4 * points[0])
    outline = smooth_curve(body.size * (points + rng.normal(0, 0.5, points.shape)))
    return origin + np.sqrt(area / enclosed_area(outline)) * (outline - origin), origin


def _step_aside(outline: Array, medial: Array, behind: Array | None) -> Array:
    """How far (x, y) a left muscle must go to lie beside its medial neighbour and clear of the one behind."""
    step = np.array([_missing_gap(outline, medial), 0.0])
    if behind is not None:
        # Forwards is sideways on a drawing that is turned by a quarter.
        quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
        step[1] -= max(0.0, _missing_gap((outline + step) @ quarter, behind @ quarter))
        step[0] += max(0.0, _missing_gap(outline + step, medial))
    return step


def _missing_gap(outline: Array, neighbour: Array) -> float:
    """How far the outline must go to the right (positive x) to be a gap away from its left neighbour."""
    rows = np.arange(-90.0, 121.0)
    crossed, x = crossings(outline[::2], rows)
    near = np.where(crossed, x, np.inf).min(axis=1)
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    missing = -np.inf
    for shift in _GAP_MM * np.column_stack([np.cos(turn), np.sin(turn)]):
        crossed, x = crossings(neighbour[::2] + shift, rows)
        far = np.where(crossed, x, -np.inf).max(axis=1)
        missing = max(missing, float(np.max(far - near)))
    return missing


def _disc_outline(level: int, body: Body, rng: np.random.Generator) -> Array:
    width = (22.5, 23.5, 24.5, 26.0, 27.0)[level]
    depth = 17.0
    right = [(0.55, -0.9), (0.92, -0.45), (1, 0.12), (0.84, 0.66), (0.42, 0.93)]
    back = (0.82, 0.85, 0.88, 0.92, 0.97)[level]
    points = np.array([(0, -1), *right, (0, back), *((-x, y) for x, y in reversed(right))]) * (width, depth)
    outline = smooth_curve(points + rng.normal(0, 0.3, points.shape))
    return np.asarray(outline * np.sqrt(_DISC_MM2[level] * body.size**2 / enclosed_area(outline)))


# --- the muscles and their fat: the truth ----------------------------------------------------------------


def _paint_muscle(
    fine: Array, muscle: Muscle, place: Placement, body: Body, rng: np.random.Generator
) -> float:
    """Paint a muscle with its fat on the fine grid (in place); the share of fat that was painted."""
    outline = place.pixels(muscle.outline, fine.shape[0])
    left, top = np.floor(outline.min(axis=0)).astype(int)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int)
    x, y = np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5
    inside = _inside(outline, x, y)
    mm = FIELD_OF_VIEW_MM / fine.shape[0]
    side = 1 if muscle.side == "left" else -1
    fatty = _streaks(x * mm, y * mm, _GRAIN_MM, side * _GRAIN[muscle.region], rng)
    # Fat gathers near the bone first.
    bone = outline[0] * mm
    reach = np.hypot(x[None, :] * mm - bone[0], y[:, None] * mm - bone[1])
    fatty -= 0.045 * reach
    values = fatty[inside]
    count = round(muscle.fi * values.size)
    limit = np.partition(values, values.size - count)[values.size - count]
    window = fine[top:bottom, left:right]
    window[inside] = body.muscle_grey
    window[inside & (fatty >= limit)] = _FAT_GREY
    return float(np.count_nonzero(values >= limit) / values.size)


def _inside(outline: Array, x: Array, y: Array) -> NDArray[np.bool_]:
    """Which points of the grid y × x lie inside the polygon (even–odd rule)."""
    crossed, at = crossings(outline, y)
    rows, edges = np.nonzero(crossed)
    turns = np.zeros((y.size, x.size + 1), dtype=np.int64)
    np.add.at(turns, (rows, np.searchsorted(x, at[rows, edges])), 1)
    return np.asarray(turns.cumsum(axis=1)[:, :-1] % 2 == 1)


def _streaks(
    x: Array, y: Array, lengths: tuple[float, float], degrees: float, rng: np.random.Generator
) -> Array:
    """A smooth random field of SD about 1 on the grid y × x (mm), drawn out along one direction."""
    # Waves of mixed length, or the streaks would be as even as a zebra's.
    waves = rng.normal(0, 1, (48, 2)) * np.exp(rng.normal(0, 0.3, (48, 1))) / lengths @ rotation(degrees)
    phase = rng.uniform(0, 2 * np.pi, 48)
    along, across = np.outer(x, waves[:, 0]) + phase, np.outer(y, waves[:, 1])
    field = np.cos(across) @ np.cos(along).T - np.sin(across) @ np.sin(along).T
    return np.asarray(field / np.sqrt(24))


# --- the scanner and the annotator -----------------------------------------------------------------------


def _scan(fine: Array, scale: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Pixels from the fine grid: partial volume, a little blur, texture, bias field, Rician noise."""
    size = fine.shape[0] // scale
    grey = fine.reshape(size, scale, size, scale).mean(axis=(1, 3))
    edge = np.pad(grey, 1, mode="edge")
    grey = 0.84 * grey + 0.04 * (edge[:-2, 1:-1] + edge[2:, 1:-1] + edge[1:-1, :-2] + edge[1:-1, 2:])
    mm = (np.arange(size) + 0.5) * FIELD_OF_VIEW_MM / size
    grey *= 1 + 0.04 * _streaks(mm, mm, (3.0, 3.0), 0, rng)
    position = 2 * mm / FIELD_OF_VIEW_MM - 1
    across, down = position[None, :], position[:, None]
    tilt = rng.uniform(-0.03, 0.03, 2)
    # The coil lies under the back: brighter there, darker towards the belly.
    grey *= 0.98 + 0.14 * down - 0.1 * down**2 + tilt[0] * across + tilt[1] * across * down
    noise = rng.normal(0, 1.7, (2, size, size))
    magnitude = np.hypot(grey + noise[0], noise[1])
    return np.asarray(np.clip(np.rint(magnitude), 0, 255), dtype=np.uint8)


def _draw_by_hand(outline: Array, size: int, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """The contour as an annotator clicks it: 30–80 points, some tenths of a pixel off the true outline."""
    steps = np.hypot(*(np.roll(outline, -1, axis=0) - outline).T)
    travelled = np.concatenate([[0.0], steps.cumsum()])
    length_mm = travelled[-1] * FIELD_OF_VIEW_MM / size
    count = int(np.clip(round(length_mm / 2.0), 30, 80))
    # Always 80 draws, so that a smaller muscle does not move the points of the next one.
    along, across = rng.uniform(-0.2, 0.2, 80)[:count], rng.normal(0, 0.2, (80, 2))[:count]
    where = (np.arange(count) + 0.3 + along) / count * travelled[-1]
    closed = np.vstack([outline, outline[:1]])
    points = np.column_stack([np.interp(where, travelled, closed[:, k]) for k in (0, 1)]) + across
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)
