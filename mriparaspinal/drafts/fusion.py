"""Contours of one slice from those of others that were laid over it: a vote, weighted where they fit best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.measure import find_contours

from mriparaspinal.core.model import MUSCLES, REFERENCES, Settings
from mriparaspinal.drafts.registration import SIZE, Picture, Target, normalise, sample
from mriparaspinal.drafts.splines import Points, enclosed_area

RegionKey = tuple[str, str]
"""Region and side of the patient; the side of a reference is empty."""

REGIONS: tuple[RegionKey, ...] = (
    *((muscle, side) for muscle in MUSCLES for side in ("left", "right")),
    *((reference, "") for reference in REFERENCES),
)

_OPPOSITE = {"left": "right", "right": "left", "": ""}


def regions_of(settings: Settings) -> tuple[RegionKey, ...]:
    """What is drafted in a study: ours, then its own regions."""
    return (*REGIONS, *(key for key in settings.keys if key not in REGIONS))


#: Slices laid over a target before the flow, mirrored ones counted, and those that the flow is computed of.
CANDIDATES, VOTERS = 40, 20

#: How well a slice fits is told over these distances, in points of the picture, and counts with these powers
#: of the mean squared difference.
_FITS = ((3.0, 3.0), (10.0, 1.5))

#: How far the surroundings of the regions reach, in points of the picture.
_AROUND = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """A slice whose contours a person has judged, as it is laid over others."""

    picture: Picture
    maps: NDArray[np.float32]
    """(192, 192, regions): how much of each point a region covers, 0–1."""
    has: tuple[bool, ...]
    """Which of ``regions`` the slice has; of the others nothing is known."""
    regions: tuple[RegionKey, ...] = REGIONS

    def mirrored(self) -> Atlas:
        """The slice of a patient whose sides are exchanged."""
        mirrored = [self.regions.index((name, _OPPOSITE[side])) for name, side in self.regions]
        maps = self.maps[:, ::-1, mirrored]
        return Atlas(
            np.ascontiguousarray(self.picture[:, ::-1]),
            np.ascontiguousarray(maps),
            tuple(self.has[i] for i in mirrored),
            self.regions,
        )


def make_atlas(
    grey: NDArray[np.uint8],
    masks: dict[RegionKey, NDArray[np.bool_]],
    regions: tuple[RegionKey, ...] = REGIONS,
) -> Atlas:
    """The atlas of a slice and the masks (rows, columns) of its regions."""
    maps = np.zeros((SIZE, SIZE, len(regions)), np.float32)
    finer = min(grey.shape) >= SIZE
    how = Image.Resampling.BOX if finer else Image.Resampling.BILINEAR
    for i, key in enumerate(regions):
        if key in masks:
            mask = Image.fromarray(masks[key].astype(np.float32))
            maps[:, :, i] = np.asarray(mask.resize((SIZE, SIZE), how))
    return Atlas(normalise(grey), maps, tuple(key in masks for key in regions), regions)


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """What the atlases say of a slice."""

    shares: NDArray[np.float32]
    """(192, 192, regions): the weighted share that holds a point for the region, 0–1."""
    voters: tuple[int, ...]
    """How many atlases have each region, mirrored or not."""
    likeness: float
    """The correlation with the atlases after the affine map: the median of those that voted."""
    used: tuple[int, ...]
    """Which atlases voted, as numbers of the list that was given."""
    match: float
    """The correlation around the regions after the flow: the median of those that voted."""


def vote(grey: NDArray[np.uint8], atlases: Sequence[Atlas], quick: bool = False) -> Votes:
    """Lay atlases and their mirror images over a slice; the most alike vote on each point.

    ``quick``: by the optical flow of OpenCV.
    """
    target = Target(normalise(grey))
    fitted = []
    for number, atlas in enumerate(atlases):
        for turned in (atlas, atlas.mirrored()):
            affine = target.affine(turned.picture)
            fitted.append((target.likeness(turned.picture, affine), number, turned, affine))
    best = sorted(fitted, key=lambda fit: -fit[0])[:VOTERS]
    many = atlases[0].maps.shape[2]
    total = np.zeros((SIZE * SIZE, many), np.float32)
    weights = np.zeros((SIZE * SIZE, many), np.float32)
    pictures = []
    for _, _, atlas, affine in best:
        places = target.places_on(atlas.picture, affine, quick)
        pictures.append(sample(atlas.picture, places).reshape(SIZE, SIZE))
        less = pictures[-1] - target.picture
        weight = np.ones((SIZE * SIZE, 1), np.float32)
        for near, power in _FITS:
            weight /= (ndimage.gaussian_filter(less * less, near).reshape(-1, 1) + 0.01) ** power
        weight = weight * np.array(atlas.has, np.float32)
        total += weight * sample(atlas.maps, places)
        weights += weight
    shares = np.divide(total, weights, out=np.zeros_like(total), where=weights > 0)
    ours = shares[:, : len(REGIONS)]
    covered = (ours if ours.any() else shares).sum(axis=1).reshape(SIZE, SIZE)
    return Votes(
        ndimage.gaussian_filter(shares.reshape(SIZE, SIZE, many), (1, 1, 0)),
        tuple(len({number for _, number, a, _ in best if a.has[i]}) for i in range(many)),
        float(np.median([fit[0] for fit in best])),
        tuple(sorted({fit[1] for fit in best})),
        _match(pictures, target.picture, covered),
    )


def _match(pictures: Sequence[Picture], target: Picture, covered: Picture) -> float:
    """The median correlation of pictures with a target, around what the regions cover; 0 without any."""
    near = ndimage.gaussian_filter(covered, _AROUND) > 0.1
    own = ndimage.gaussian_filter(target, 1.0)[near]
    if not own.size or np.ptp(own) < 1e-3:
        return 0.0
    laid = [ndimage.gaussian_filter(picture, 1.0)[near] for picture in pictures]
    return float(np.median([np.corrcoef(one, own)[0, 1] if np.ptp(one) else 0.0 for one in laid]))


def outline(shares: NDArray[np.float32], number: int, shape: tuple[int, int]) -> Points | None:
    """The largest part on which most agree that it is a region, on an image of (rows, columns).

    Ours lie apart; one of a study's own may be a part of another, or hold it.
    """
    own = shares[:, :, number]
    others = np.zeros_like(own)
    if number < len(REGIONS):
        others = np.delete(shares[:, :, : len(REGIONS)], number, axis=2).max(axis=2)
    lines = find_contours(np.pad(own - np.maximum(others, 0.5), 1, constant_values=-1), 0.0)
    largest = max((line[:-1] for line in lines if len(line) > 3), key=enclosed_area, default=None)
    if largest is None:
        return None
    rows, columns = shape
    return np.asarray((largest[:, ::-1] - 0.5) * (columns / SIZE, rows / SIZE))


def expected_dice(shares: NDArray[np.float32], number: int) -> float:
    """The Dice coefficient to expect of a draft, were the shares true probabilities."""
    own = shares[:, :, number].astype(np.float64)
    drawn = own > 0.5
    total = float(own.sum() + drawn.sum())
    return 2 * float(own[drawn].sum()) / total if total else 0.0
