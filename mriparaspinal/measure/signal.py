"""The measures ``signal``: how grey is spread in a region, and its mean against fat, reference and muscles.

Grey levels are in no unit: only their ratios within one slice can be compared between scans, and only where
the window maps no signal to grey 0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import SAT, SIDES
from mriparaspinal.measure.slice_view import SliceView, Values

_PERCENTILES = (5, 25, 50, 75, 95)

#: The muscles that the psoas is held against.
_EXTENSORS = ("MF", "ES")


def signal_of(view: SliceView) -> Values:
    """The columns of ``signal`` by region and side; both sides: their pixels together."""
    levels = {key: view.grey[mask] for key, mask in view.measured.items()}
    for muscle in view.rows:
        sides = [levels[muscle, side] for side in ("left", "right") if (muscle, side) in levels]
        if len(sides) == 2:
            levels[muscle, "both"] = np.concatenate(sides)
    means = {key: float(grey.mean()) for key, grey in levels.items()}
    sat, reference = _mean(view, SAT), _mean(view, view.divisor)
    found: Values = {}
    for muscle in view.rows:
        for side in SIDES:
            key = muscle, side
            if key not in means:
                continue
            found[key] = _spread(levels[key]) | {
                **_against(means[key], sat, "sat"),
                **_against(means[key], reference, "reference"),
            }
            extensors = [levels[name, side] for name in _EXTENSORS if (name, side) in means]
            if muscle == "PM" and len(extensors) == len(_EXTENSORS):
                whole = float(np.concatenate(extensors).mean())
                found[key] |= {"pm_mf_es_ratio": means[key] / whole} if whole else {}
    return found


def clipped_reference(view: SliceView) -> str:
    """The reference of which the window shows half as black or as white; empty if it does not.

    Its mean is then not the signal’s, and small: ratios to it are of no meaning.
    """
    name = view.divisor
    mask = view.masks.get((name, ""))
    return name if mask is not None and float(np.median(view.grey[mask])) in (0, 255) else ""


def _mean(view: SliceView, name: str) -> float | None:
    """The mean grey level of a region without sides; None where it is not drawn."""
    mask = view.masks.get((name, ""))
    return float(view.grey[mask].mean()) if mask is not None and mask.any() else None


def _against(mean: float, other: float | None, name: str) -> dict[str, float]:
    """The level of another region, and the mean as a fraction of it."""
    if other is None:
        return {}
    return {f"{name}_mean": other} | ({f"{name}_ratio": mean / other} if other else {})


def _spread(grey: NDArray[np.uint8]) -> dict[str, float]:
    """How grey levels are spread. Those of one grey level have neither skewness nor kurtosis."""
    # From the histogram: SciPy's skew and kurtosis take a hundred times as long for the same values.
    counts = np.bincount(grey, minlength=256)
    distances = np.arange(256) - float(grey.mean())
    second, third, fourth = (float((counts * distances**k).sum()) / grey.size for k in (2, 3, 4))
    found = {"grey_sd": math.sqrt(second)}
    if second > 0:
        found |= {"grey_skewness": third / second**1.5, "grey_kurtosis": fourth / second**2 - 3}
    quantiles = np.percentile(grey, _PERCENTILES)
    return found | {f"grey_p{p}": float(value) for p, value in zip(_PERCENTILES, quantiles, strict=True)}
