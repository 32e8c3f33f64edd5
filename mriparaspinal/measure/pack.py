"""Very many slices and their results in little memory: packed as bytes, and unpacked one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import overload

import msgspec

from mriparaspinal.core.model import DixonSums, Problem, RegionCount, Slice, SliceResult
from mriparaspinal.dataset.packed import Unpacked, decode, encode

_Counts = list[tuple[str, str, int, int | float | None, int, int, DixonSums | None]]
"""Region, side, and the fields of :class:`RegionCount`."""

_Flat = tuple[
    _Counts,
    tuple[tuple[str, str], ...],
    bool,
    tuple[Problem, ...],
    list[tuple[str, bytes]],
    int | float | None,
    bool,
    tuple[float, float] | None,
]

_decoder = msgspec.msgpack.Decoder(_Flat)


def pack(result: SliceResult) -> bytes:
    """A result without its slice as bytes, always the same for the same result."""
    counts = [
        (region, side, c.csa_px, c.contour_area_px, c.fat_px, c.grey_sum, c.dixon)
        for (region, side), c in result.counts.items()
    ]
    digests = [(name, bytes.fromhex(digest)) for name, digest in result.sha256]
    # A set has no order that stays from run to run.
    seen = sorted(result.seen)
    head = (counts, seen, result.measurable, result.problems)
    return encode((*head, digests, result.threshold, result.deep, result.fit))


def unpack(slice_: Slice, raw: bytes) -> SliceResult:
    """The result that was packed; numbers keep their type. Raises msgspec's errors for other bytes."""
    counts, seen, measurable, problems, digests, threshold, deep, fit = decode(raw, _decoder)
    return SliceResult(
        slice_,
        {(region, side): RegionCount(*fields) for region, side, *fields in counts},
        _regions(seen),
        measurable,
        problems,
        tuple([(name, digest.hex()) for name, digest in digests]),
        threshold,
        deep,
        fit,
    )


@lru_cache(maxsize=1000)
def _regions(seen: tuple[tuple[str, str], ...]) -> frozenset[tuple[str, str]]:
    """One set for all slices that have the same regions: most of a study's."""
    return frozenset(seen)


class PackedResults(Unpacked[SliceResult]):
    """Results in the order of their slices."""

    def __init__(self, slices: Sequence[Slice], packed: Sequence[bytes]) -> None:
        self.slices = slices
        self.packed = packed
        if len(self.slices) != len(self.packed):
            raise ValueError(f"{len(self.slices)} slices, but {len(self.packed)} results")

    def __len__(self) -> int:
        return len(self.packed)

    def _unpacked(self, place: int) -> SliceResult:
        return unpack(self.slices[place], self.packed[place])

    def __iter__(self) -> Iterator[SliceResult]:
        return map(unpack, self.slices, self.packed)


Part = list[tuple[Slice, bytes]]
"""Some slices with their results, packed: what travels between processes at little cost."""


class Parts(Sequence[Part]):
    """Results in parts of ``size``, one after another."""

    def __init__(self, results: PackedResults, size: int) -> None:
        self._results, self._size = results, size

    def __len__(self) -> int:
        return -(-len(self._results) // self._size)

    @overload
    def __getitem__(self, index: int) -> Part: ...
    @overload
    def __getitem__(self, index: slice) -> list[Part]: ...
    def __getitem__(self, index: int | slice) -> Part | list[Part]:
        number = range(len(self))[index]
        if isinstance(number, range):
            return [self[one] for one in number]
        here = slice(number * self._size, (number + 1) * self._size)
        return list(zip(self._results.slices[here], self._results.packed[here], strict=True))


def slices_of(results: Sequence[SliceResult]) -> Sequence[Slice]:
    """The slices of results, without unpacking these."""
    return results.slices if isinstance(results, PackedResults) else [result.slice for result in results]
