"""Slices and results as bytes that travel between processes."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, starmap
from typing import Any, TypeVar, overload

import msgspec

from mriparaspinal.core.model import Slice

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()

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


class Unpacked(Sequence[T]):
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


class PackedSlices(Unpacked[Slice]):
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
