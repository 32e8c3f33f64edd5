"""Grey levels 0–255 from the values of a scanner: the windows, by the formulas of the contract and of DICOM.

The window decides what "brighter than 50" means, so it is always explicit and recorded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import read_pair

Grey = NDArray[np.uint8]

WindowRule = Literal["dicom-series", "dicom-slice", "percentile"] | tuple[float, float]

#: Per cent of the volume's values that the rule ``percentile`` sends to 0 and below, and to 255.
PERCENTILES = (1.0, 99.0)

#: A series whose windows differ by more than this share of their median is worth a warning.
SPREAD = 0.10

_RULES = ("dicom-series", "dicom-slice", "percentile")


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A VOI LUT (DICOM PS3.3 C.11.2.1.1): grey levels by value, from the value ``first`` on."""

    first: int
    entries: tuple[int, ...]
    bits: int


@dataclass(frozen=True, slots=True)
class Voi:
    """What a DICOM image says about its display: a window with its function, or a table."""

    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID", "TABLE"]
    centre: float = math.nan
    width: float = math.nan
    table: LookupTable | None = None

    def usable(self) -> bool:
        """Whether grey levels follow from it (a LINEAR width of 1 is a step, not a scale)."""
        if self.function == "TABLE":
            return self.table is not None and bool(self.table.entries)
        least = 1.0 if self.function == "LINEAR" else 0.0
        return math.isfinite(self.centre) and math.isfinite(self.width) and self.width > least

    def limits(self) -> tuple[float, float] | None:
        """The values that become 0 and 255 in the contract's formula; None where it is not linear.

        LINEAR as PS3.3 C.11.2.1.2.1 has it: centre − 0.5 ∓ (width − 1)/2; LINEAR_EXACT
        (C.11.2.1.3.2): centre ∓ width/2.

        >>> Voi("LINEAR", 600, 1201).limits(), Voi("LINEAR_EXACT", 600, 1200).limits()
        ((-0.5, 1199.5), (0.0, 1200.0))
        """
        if self.function == "LINEAR":
            middle, half = self.centre - 0.5, (self.width - 1) / 2
        elif self.function == "LINEAR_EXACT":
            middle, half = self.centre, self.width / 2
        else:
            return None
        return middle - half, middle + half


def parse_window(text: str) -> WindowRule:
    """The rule that ``--window`` names; raises :class:`UsageError`.

    >>> parse_window("0,1200"), parse_window("percentile")
    ((0.0, 1200.0), 'percentile')
    """
    for rule in _RULES:
        if text == rule:
            return rule  # type: ignore[return-value]
    expected = f"expected {', '.join(_RULES)} or LOW,HIGH such as 0,1200; correct it"
    limits = read_pair(text)
    if limits is None:
        raise UsageError(f"--window: {text!r} was found; {expected}")
    low, high = limits
    if not low < high:
        raise UsageError(f"--window: {text!r} was found; expected two numbers, LOW below HIGH; correct it")
    return low, high


def linear_levels(values: NDArray[np.float64], low: float, high: float) -> Grey:
    """``g = clip(floor(255·(x − LOW)/(HIGH − LOW) + 0.5), 0, 255)``; NaN becomes 0.

    ``low`` above ``high`` turns black and white round, which MONOCHROME1 needs.
    """
    return _levels(255.0 * (values - low) / (high - low), values)


def sigmoid_levels(values: NDArray[np.float64], voi: Voi, inverted: bool) -> Grey:
    """DICOM's SIGMOID (PS3.3 C.11.2.1.3.1): ``255/(1 + exp(−4·(x − centre)/width))``; NaN becomes 0."""
    sign = 4.0 if inverted else -4.0
    power = np.clip(sign * (values - voi.centre) / voi.width, -700, 700)
    return _levels(255.0 / (1.0 + np.exp(power)), values)


def table_levels(values: NDArray[np.float64], table: LookupTable, inverted: bool) -> Grey:
    """Grey levels by a VOI LUT, its highest possible entry as 255; values outside take its ends."""
    entries = np.asarray(table.entries, dtype=np.float64)
    places = np.nan_to_num(np.floor(values), nan=table.first) - table.first
    shown = entries[np.clip(places, 0, len(entries) - 1).astype(np.int64)] / (2.0**table.bits - 1)
    return _levels(255.0 * (1.0 - shown if inverted else shown), values)


def _levels(exact: NDArray[np.float64], values: NDArray[np.float64]) -> Grey:
    levels = np.clip(np.floor(exact + 0.5), 0, 255)
    return np.where(np.isnan(values), 0.0, levels).astype(np.uint8)


def shown(
    values: NDArray[np.float64], window: tuple[float, float] | Voi, inverted: bool
) -> tuple[Grey, tuple[float, float] | None]:
    """Grey levels of a slice, and the LOW and HIGH of the contract's formula that gave them.

    Of an inverted image (MONOCHROME1), LOW is the greater of the two. Where the grey levels are no
    linear function of the values (SIGMOID, a table), LOW and HIGH are None.
    """
    limits = window.limits() if isinstance(window, Voi) else window
    if limits is not None:
        low, high = limits[::-1] if inverted else limits
        return linear_levels(values, low, high), (low, high)
    assert isinstance(window, Voi)  # a pair has limits
    if window.table is not None:
        return table_levels(values, window.table, inverted), None
    return sigmoid_levels(values, window, inverted), None


def series_window(vois: Sequence[Voi | None]) -> tuple[Voi | None, str]:
    """One window for a series, and what is to be said about it (or nothing).

    The median centre and the median width of the slices that have one. None, with the reason,
    where there is none, or where the slices differ in more than numbers.
    """
    there = [voi for voi in vois if voi is not None and voi.usable()]
    if not there:
        return None, "no usable VOI window in the series"
    functions = sorted({voi.function for voi in there})
    if len(functions) > 1:
        return None, f"VOI functions {' and '.join(functions)} in one series"
    if functions == ["TABLE"]:
        same = len({voi.table for voi in there}) == 1
        return (there[0], "") if same else (None, "VOI tables that differ from slice to slice")
    centres, widths = ([getattr(voi, name) for voi in there] for name in ("centre", "width"))
    voi = Voi(there[0].function, float(np.median(centres)), float(np.median(widths)))
    remarks = [
        f"the slices' VOI {name}s go from {min(values):g} to {max(values):g}"
        for name, values in (("centre", centres), ("width", widths))
        if max(values) - min(values) > SPREAD * abs(float(np.median(values)))
    ]
    if len(there) < len(vois):
        remarks.append(f"{len(vois) - len(there)} of {len(vois)} slices have no usable VOI window")
    return voi, " and ".join(remarks)


def percentile_window(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The 1st and 99th percentile (linear interpolation) of all values; None where they are equal.

    ``values``: finite, one-dimensional; their order is lost.
    """
    if not len(values):
        return None
    low, high = (float(limit) for limit in np.percentile(values, PERCENTILES, overwrite_input=True))
    return (low, high) if low < high else None
