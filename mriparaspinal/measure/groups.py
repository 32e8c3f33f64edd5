"""The groups of measures that ``--measure`` asks for: how each is computed of a slice, and what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mriparaspinal.core.measure_columns import MEASURE_COLUMNS, MeasureColumn, in_order
from mriparaspinal.measure.fat_distribution import distribution_of
from mriparaspinal.measure.shape import shape_of
from mriparaspinal.measure.signal import signal_of

if TYPE_CHECKING:
    from mriparaspinal.measure.slice_view import SliceView, Values


@dataclass(frozen=True, slots=True)
class MeasureGroup:
    """A group of columns, and how a slice gives their values."""

    name: str
    columns: tuple[MeasureColumn, ...]
    of_slice: Callable[[SliceView], Values]


def _group(name: str, of_slice: Callable[[SliceView], Values]) -> MeasureGroup:
    return MeasureGroup(name, MEASURE_COLUMNS[name], of_slice)


#: By name, in the order of their columns. ``size`` is none of a slice: see ``measure/rows.py``.
GROUPS: Mapping[str, MeasureGroup] = {
    "signal": _group("signal", signal_of),
    "distribution": _group("distribution", distribution_of),
    "shape": _group("shape", shape_of),
}


def values_of(view: SliceView, measures: Collection[str]) -> Values:
    """What the groups that are asked for give of a slice, by muscle and side."""
    found: Values = {}
    for name in in_order(measures):
        if name in GROUPS:
            for key, values in GROUPS[name].of_slice(view).items():
                found.setdefault(key, {}).update(values)
    return found
