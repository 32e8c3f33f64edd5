"""Results of many slices in little memory: some 400 bytes for each, unpacked one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar, overload

import msgspec

from mriparaspinal.model import DixonSums, Problem, RegionCount, Slice, SliceResult

T = TypeVar("T")

_Counts = list[tuple[str, str, int, int | float | None, int, int, DixonSums | None]]
"""Region, side, and the fields of :class:`RegionCount`."""
_Flat = tuple[
    _Counts,
    tuple[tuple[str, str], ...],
    bool,
    tuple[Problem, ...],
    list[tuple[str, bytes]],
    int | float | None,
]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Flat)


def encode(content: Any) -> bytes:
    """Plain data and dataclasses as bytes for :func:`decode`."""
    try:
        return _encoder.encode(content)
    except UnicodeEncodeError:
        # Names of files that are not UTF-8: JSON can write them, with its escapes. No MessagePack of ours
        # begins as JSON does.
        return json.dumps(msgspec.to_builtins(content, str_keys=True)).encode("ascii")


def decode(raw: bytes, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """The content that was encoded; raises :class:`msgspec.MsgspecError` where it is another."""
    if raw[:1] in (b"[", b"{"):
        return msgspec.convert(json.loads(raw), decoder.type, str_keys=True)
    return decoder.decode(raw)


def pack(result: SliceResult) -> bytes:
    """A result without its slice as bytes, always the same for the same result."""
    counts = [
        (region, side, c.csa_px, c.contour_area_px, c.fat_px, c.grey_sum, c.dixon)
        for (region, side), c in result.counts.items()
    ]
    digests = [(name, bytes.fromhex(digest)) for name, digest in result.sha256]
    # A set has no order that stays from run to run.
    seen = sorted(result.seen)
    return encode((counts, seen, result.measurable, result.problems, digests, result.threshold))


def unpack(slice_: Slice, raw: bytes) -> SliceResult:
    """The result that was packed; numbers keep their type. Raises msgspec's errors for other bytes."""
    counts, seen, measurable, problems, digests, threshold = decode(raw, _decoder)
    return SliceResult(
        slice_,
        {(region, side): RegionCount(*fields) for region, side, *fields in counts},
        _regions(seen),
        measurable,
        problems,
        tuple([(name, digest.hex()) for name, digest in digests]),
        threshold,
    )


@lru_cache(maxsize=1000)
def _regions(seen: tuple[tuple[str, str], ...]) -> frozenset[tuple[str, str]]:
    """One set for all slices that have the same regions: most of a study's."""
    return frozenset(seen)


class PackedResults(Sequence[SliceResult]):
    """Results in the order of their slices: a sequence whose members are unpacked when they are asked for."""

    def __init__(self, slices: Sequence[Slice], packed: Iterable[bytes]) -> None:
        self.slices = slices
        self.packed = list(packed)
        if len(self.slices) != len(self.packed):
            raise ValueError(f"{len(self.slices)} slices, but {len(self.packed)} results")

    def __len__(self) -> int:
        return len(self.packed)

    @overload
    def __getitem__(self, index: int) -> SliceResult: ...
    @overload
    def __getitem__(self, index: slice) -> PackedResults: ...
    def __getitem__(self, index: int | slice) -> SliceResult | PackedResults:
        if isinstance(index, slice):
            return PackedResults(self.slices[index], self.packed[index])
        return unpack(self.slices[index], self.packed[index])

    def __iter__(self) -> Iterator[SliceResult]:
        return map(unpack, self.slices, self.packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def slices_of(results: Sequence[SliceResult]) -> Sequence[Slice]:
    """The slices of results, without unpacking these."""
    return results.slices if isinstance(results, PackedResults) else [result.slice for result in results]
