"""One slice laid over another: first by an affine map of the plane, then point by point.

All is done on pictures of 192 × 192 points (the flow on 96 × 96), whatever the pixels of the slices are. Maps
go from a place on the target to the place on the other slice that shows the same; places run from −1 to 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.registration import optical_flow_tvl1

from mriparaspinal.core.errors import UsageError

Picture = NDArray[np.float32]
"""(rows, columns) of locally normalised grey levels."""

Affine = NDArray[np.float64]
"""(2, 3): y and x of a place from (y, x, 1)."""

SIZE = 192

FLOW_SIZE = SIZE // 2

#: Sizes of the pictures, coarse to fine, and the steps of Gauss and Newton on each.
_LEVELS = ((48, 20), (96, 8), (SIZE, 4))

#: In points of the smaller picture.
_FLOW_BLUR = 1.5

#: No two people differ more in size, along any direction.
_MOST_STRETCH = 1.8


def normalise(grey: NDArray[np.uint8]) -> Picture:
    """A slice as it is compared: the square root of grey, less its local mean, over its local deviation."""
    root = np.sqrt(grey.astype(np.float32))
    small = np.asarray(Image.fromarray(root).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    around = SIZE / 6
    less = small - ndimage.gaussian_filter(small, around)
    spread = np.sqrt(ndimage.gaussian_filter(less * less, around))
    return np.asarray(less / (spread + 0.1 * float(spread.max()) + 1e-6), dtype=np.float32)


def shrunk(picture: Picture, size: int) -> Picture:
    """The picture with fewer points."""
    factor = picture.shape[0] // size
    return np.asarray(picture.reshape(size, factor, size, factor).mean(axis=(1, 3), dtype=np.float32))


@lru_cache(maxsize=4)
def _places(size: int) -> NDArray[np.float64]:
    """(size², 3): y, x and 1 of every point."""
    along = (np.arange(size) + 0.5) * 2 / size - 1
    y, x = np.meshgrid(along, along, indexing="ij")
    return np.stack((y.ravel(), x.ravel(), np.ones(size * size)), axis=1)


def sample(picture: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """A picture (size, size[, channels]) at places (n, 2), between its points; outside as at its border."""
    size = picture.shape[0]
    at = np.clip((places + 1) * (size / 2) - 0.5, 0, size - 1.001)
    whole = at.astype(np.intp)
    part = (at - whole).astype(np.float32)
    flat = picture.reshape(size * size, -1)
    first = whole[:, 0] * size + whole[:, 1]
    dy, dx = part[:, :1], part[:, 1:]
    upper = flat[first] * (1 - dx) + flat[first + 1] * dx
    lower = flat[first + size] * (1 - dx) + flat[first + size + 1] * dx
    return np.asarray(upper * (1 - dy) + lower * dy).reshape(len(places), *picture.shape[2:])


def _dis_flow(one: Picture, other: Picture) -> NDArray[np.float32]:
    """(2, rows, columns): how far each point of one picture lies from its own on another, down and across."""
    import cv2

    cv2.setNumThreads(1)
    # Normalised levels beyond 2.5 are rare.
    first, second = (np.clip((p + 2.5) * 51, 0, 255).astype(np.uint8) for p in (one, other))
    start = np.zeros((*one.shape, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, start)
    return np.asarray(flow[..., ::-1].transpose(2, 0, 1))


def require_opencv() -> None:
    """Raise :class:`UsageError` where OpenCV is not installed."""
    try:
        import cv2  # noqa: F401
    except ImportError:
        found = "opencv: this package is not installed; expected it, for --quick"
        raise UsageError(f"{found}; install mriparaspinal[speed-drafts], or leave --quick out") from None


class Target:
    """A slice to lay others over, with what is computed of it once."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.small = shrunk(picture, FLOW_SIZE)
        self._levels = [self._prepared(size) for size, _ in _LEVELS]

    def _prepared(self, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
        """Of one size: the points, how they change with each number of the map, and the solving matrix."""
        picture = shrunk(self.picture, size)
        dy, dx = (g.ravel() * (size / 2) for g in np.gradient(picture))
        y, x, _ = _places(size).T
        change = np.stack((dy * y, dy * x, dy, dx * y, dx * x, dx), axis=1).astype(np.float32)
        matrix = (change.T @ change).astype(np.float64)
        # A slice without any structure has no map: the identity stays.
        damping = 1e-6 * max(np.trace(matrix), 1.0)
        return picture.ravel(), change, np.linalg.inv(matrix + damping * np.eye(6))

    def affine(self, other: Picture) -> Affine:
        """The affine map to another slice, by Gauss and Newton (inverse compositional).

        S. Baker and I. Matthews 2004, doi 10.1023/B:VISI.0000011205.11775.fd.
        """
        found = np.eye(2, 3)
        for (size, steps), (points, change, solve) in zip(_LEVELS, self._levels, strict=True):
            picture = shrunk(other, size)
            for _ in range(steps):
                less = sample(picture, _places(size) @ found.T) - points
                step = np.eye(3)
                step[:2] += (solve @ (change.T @ less).astype(np.float64)).reshape(2, 3)
                nxt = found @ np.linalg.inv(step)
                stretch = np.linalg.svd(nxt[:, :2], compute_uv=False)
                if stretch.max() > _MOST_STRETCH or stretch.min() < 1 / _MOST_STRETCH:
                    return found
                found = nxt
        return found

    def likeness(self, other: Picture, affine: Affine) -> float:
        """The correlation with another slice under an affine map; 0 where one of them shows nothing."""
        laid = sample(shrunk(other, FLOW_SIZE), _places(FLOW_SIZE) @ affine.T)
        if min(np.ptp(laid), np.ptp(self.small)) < 1e-3:
            return 0.0
        return float(np.corrcoef(laid, self.small.ravel())[0, 1])

    def places_on(self, other: Picture, affine: Affine, quick: bool = False) -> NDArray[np.float64]:
        """Where each of the 192 × 192 points lies on another slice, after the affine map and an optical flow.

        TV-L1 on 96 × 96 points (Zach, Pock and Bischof 2007, doi 10.1007/978-3-540-74936-3_22); ``quick``:
        DIS on 192 × 192 (Kroeger et al. 2016, doi 10.1007/978-3-319-46493-0_29), by OpenCV.
        """
        size = SIZE if quick else FLOW_SIZE
        laid = sample(shrunk(other, size), _places(size) @ affine.T).reshape(size, size)
        if quick:
            flow = _dis_flow(self.picture, laid)
        else:
            flow = optical_flow_tvl1(self.small, laid, attachment=8, num_warp=5, num_iter=10, prefilter=False)
        blur = _FLOW_BLUR * size / FLOW_SIZE
        # Smoothed: it shall follow the borders of muscles, not the streaks of fat within.
        fine = [
            np.asarray(Image.fromarray(smooth).resize((SIZE, SIZE), Image.Resampling.BILINEAR)).ravel()
            for smooth in (ndimage.gaussian_filter(part, blur) for part in flow.astype(np.float32))
        ]
        moved = _places(SIZE).copy()
        moved[:, :2] += np.stack(fine, axis=1) * (2 / size)
        return moved @ affine.T
