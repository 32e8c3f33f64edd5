"""Very many slices and results in little memory: the same values, and hardly more memory for more slices."""

from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import pytest

from mriparaspinal.core.model import EXPECTED_MUSCLES, RegionCount, Settings, Slice, SliceResult
from mriparaspinal.core.participants import NOBODY
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.open import Dataset
from mriparaspinal.dataset.packed import PackedSlices
from mriparaspinal.io.output import OutputFolder, sha256
from mriparaspinal.measure import spool
from mriparaspinal.measure.dataset import gather_problems
from mriparaspinal.measure.pack import PackedResults, pack, unpack
from mriparaspinal.measure.results import write_results
from mriparaspinal.measure.spool import Spool

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
    return SliceResult(slice_, counts, frozenset(seen), True, (), digests, 0.1, True, (1234.5, 2.0**40))


def test_packing_keeps_every_value_and_its_type():
    result = result_of(SLICE)
    again = unpack(SLICE, pack(result))
    assert again == result
    assert list(again.counts) == list(result.counts)
    areas = [count.contour_area_px for count in again.counts.values()]
    assert [type(area) for area in areas] == [float, int, type(None)]
    assert repr(again.threshold) == "0.1"


@pytest.mark.parametrize("kind", [list, Spool])
def test_results_are_a_sequence(kind):
    slices = [Slice(f"ALS_{n}", "ALS", "L3", f"{n}.png", f"{n}.json") for n in range(3)]
    expected = [result_of(slice_) for slice_ in slices]
    results = PackedResults(PackedSlices(slices), kind(map(pack, expected)))
    assert results == expected
    assert [results[place] for place in (2, 0, -1)] == [expected[2], expected[0], expected[2]]
    assert results[1:] == expected[1:]
    with pytest.raises(IndexError):
        results[3]
    with pytest.raises(ValueError, match="3 slices, but 1"):
        PackedResults(slices, [pack(expected[0])])


def test_slices_are_a_sequence():
    slices = [
        SLICE,
        Slice("p ü", "Großhadern", "L1", None, "p ü/x.json", "b"),
        Slice("ALS_1", "ALS", "L2", "f\udcfc/a.png", "f\udcfc/a.json"),  # a name that is not UTF-8
    ]
    packed = PackedSlices(slices)
    assert packed == slices
    assert (len(packed), packed[-1], packed[:2]) == (3, slices[2], slices[:2])
    assert packed[1] != packed[0]
    assert pickle.loads(pickle.dumps(packed)) == slices, (
        "it goes to other processes where they are not forked"
    )
    assert len(PackedSlices([])) == 0
    with pytest.raises(IndexError):
        packed[3]


def traced_peak(folder: Path, count: int) -> int:
    """The most bytes that Python holds from the names of a dataset to its results, beyond the names."""
    stems = [f"ALS_{n // 5 + 1}_{n % 5 + 1}" for n in range(count)]
    names = [f"{stem}.{ending}" for stem in stems for ending in ("json", "png")]
    tracemalloc.start()
    try:
        dataset = find_slices(names, (), Settings())
        study = Dataset(folder, dataset, NOBODY, None, {}, {}, ())
        results = PackedResults(dataset.slices, Spool(pack(result_of(slice_)) for slice_ in dataset.slices))
        measured = gather_problems(study, results, Settings())
        assert measured.problems == []
        with OutputFolder(folder / f"out-{count}") as out:
            write_results(measured, Settings(), out)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_more_slices_take_hardly_more_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_IN_MEMORY", 20_000)
    monkeypatch.setattr(spool, "_PART", 200)
    traced_peak(tmp_path, 20)  # modules that are imported on the way
    few, many = traced_peak(tmp_path, 500), traced_peak(tmp_path, 2500)
    # Results as objects would be thousands of bytes for each slice, packed in a list 400.
    assert (many - few) / 2000 < 300, (few, many)
