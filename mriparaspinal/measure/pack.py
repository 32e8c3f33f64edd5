"""A result as bytes: what travels between processes (pickle takes twice the time), and what a share keeps."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from mriparaspinal.core.model import DixonSums, Problem, RegionCount, Slice, SliceResult

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
    bytes,
    tuple[bool, int, tuple[tuple[str, str], ...]],
    tuple[tuple[str, ...], tuple[str, ...]],
    list[tuple[str, str, dict[str, float]]],
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
    judged = (result.draft, result.as_drawn, sorted(result.left_out))
    own = (digests, result.threshold, result.deep, result.fit, result.drawing, judged)
    more = [(region, side, values) for (region, side), values in result.more.items()]
    return encode((*head, *own, (result.ignored, result.several), more))


def unpack(slice_: Slice, raw: bytes) -> SliceResult:
    """The result that was packed; numbers keep their type. Raises msgspec's errors for other bytes."""
    counts, seen, measurable, problems, digests, threshold, deep, fit, drawing, judged, labels, more = decode(
        raw, _decoder
    )
    draft, as_drawn, left_out = judged
    ignored, several = labels
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
        drawing,
        draft,
        as_drawn,
        _regions(left_out),
        ignored,
        several,
        {(region, side): values for region, side, values in more},
    )


@lru_cache(maxsize=1000)
def _regions(seen: tuple[tuple[str, str], ...]) -> frozenset[tuple[str, str]]:
    """One set for all slices that have the same regions: most of a study's."""
    return frozenset(seen)
