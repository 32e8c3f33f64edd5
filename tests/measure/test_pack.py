"""A result as bytes and back: the same values."""

from __future__ import annotations

from mriparaspinal.core.model import EXPECTED_MUSCLES, RegionCount, Slice, SliceResult
from mriparaspinal.io.write import sha256
from mriparaspinal.measure.pack import pack, unpack

SLICE = Slice("ALS_1", "ALS", "L3", "a.png", "a.json")


def result_of(slice_: Slice) -> SliceResult:
    counts = {
        ("MF", "left"): RegionCount(100, 99.25, 7, 2**40),
        ("MF", "right"): RegionCount(100, 100, 7, 0),  # the area of a mask is a whole number
        ("IVD", ""): RegionCount(1, None, 0, 0),
    }
    seen = {(muscle, side) for muscle in EXPECTED_MUSCLES for side in ("left", "right")} | set(counts)
    names = (slice_.annotation, slice_.name)
    digests = tuple((name, sha256(name.encode("utf-8", "replace"))) for name in names)
    return SliceResult(
        slice_, counts, frozenset(seen), True, (), digests, 0.1, True, (1234.5, 2.0**40), b"\xff" * 16
    )


def test_packing_keeps_every_value_and_its_type():
    result = result_of(SLICE)
    again = unpack(SLICE, pack(result))
    assert again == result
    assert list(again.counts) == list(result.counts)
    areas = [count.contour_area_px for count in again.counts.values()]
    assert [type(area) for area in areas] == [float, int, type(None)]
    assert repr(again.threshold) == "0.1"


def test_names_that_are_not_utf_8_are_kept():
    slice_ = Slice("ALS_1", "ALS", "L2", "f\udcfc/a.png", "f\udcfc/a.json")
    result = SliceResult(slice_, {}, frozenset(), False, (), ((slice_.name, "ab" * 32),))
    assert unpack(slice_, pack(result)) == result
