"""Very many slices and their results in little memory: packed as bytes, and unpacked one at a time."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, starmap
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
    bool,
    tuple[float, float] | None,
]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Flat)
_slice_decoder = msgspec.msgpack.Decoder(tuple[str, str, str, str | None, str, str])


def encode(content: Any) -> bytes:
    """Plain data and dataclasses as bytes for :func:`decode`."""
    try:
        return _encoder.encode(content)
    except UnicodeEncodeError:
        # Names of files that are not UTF-8: JSON can write them, with its escapes. No MessagePack of ours
        # begins as JSON does.
        return json.dumps(msgspec.to_builtins(content, str_keys=True)).encode("ascii")


def decode(raw: bytes | bytearray, decoder: msgspec.msgpack.Decoder[T]) -> T:
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


class _Unpacked(Sequence[T]):
    """A sequence whose members are unpacked, anew each time, when they are asked for."""

    def _unpacked(self, place: int) -> T:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        places = range(len(self))[index]
        return self._unpacked(places) if isinstance(places, int) else [self._unpacked(i) for i in places]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class PackedSlices(_Unpacked[Slice]):
    """Slices in some 50 bytes for each, where objects with their names take 300."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        self._packed = bytearray()
        self._ends = array("Q", [0])
        for s in slices:
            self._packed += encode((s.participant_id, s.group, s.segment, s.image, s.annotation, s.letter))
            self._ends.append(len(self._packed))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def _unpacked(self, place: int) -> Slice:
        return self._slice(self._ends[place], self._ends[place + 1])

    def _slice(self, start: int, end: int) -> Slice:
        raw = self._packed[start:end]
        participant, group, segment, image, annotation, letter = decode(raw, _slice_decoder)
        return Slice(shared(participant), shared(group), shared(segment), image, annotation, letter)

    def __iter__(self) -> Iterator[Slice]:
        return starmap(self._slice, pairwise(self._ends))


@lru_cache(maxsize=100)
def shared(text: str) -> str:
    """One text for all slices of a participant, which come one after another."""
    return text


class PackedResults(_Unpacked[SliceResult]):
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
