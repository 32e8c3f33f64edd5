"""Blocks of bytes that may lie on a disk: the same as in a list; one clear line where there is no room."""

from __future__ import annotations

import gc
import resource
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.core.errors import UsageError
from mriparaspinal.measure import spool
from mriparaspinal.measure.spool import Spool, in_order
from tests.support.builders.slices import write_dataset
from tests.support.builders.study import fingerprint, run

BLOCKS = [b"one", b"", b"three" * 10, b"\0", b"five"]


@pytest.fixture(params=[0, 10, 10**6])
def in_memory(request, monkeypatch) -> int:
    monkeypatch.setattr(spool, "_IN_MEMORY", request.param)
    return request.param


def test_a_spool_is_a_list(in_memory):
    blocks = Spool(iter(BLOCKS))
    assert list(blocks) == BLOCKS
    assert [blocks[place] for place in (4, 0, -1, 2, 1)] == [BLOCKS[place] for place in (4, 0, -1, 2, 1)]
    assert (len(blocks), blocks[1:3], blocks[::-1]) == (5, BLOCKS[1:3], BLOCKS[::-1])
    for place in (5, -6):
        with pytest.raises(IndexError):
            blocks[place]
    assert list(Spool([])) == []


@given(st.lists(st.binary(max_size=30)), st.integers(0, 100))
def test_any_blocks(blocks, in_memory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_IN_MEMORY", in_memory)
        assert list(Spool(blocks)) == blocks


def test_few_blocks_touch_no_disk(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert list(Spool([b"x" * 1000] * 300)) == [b"x" * 1000] * 300


def test_the_file_has_no_name_and_goes_with_the_spool(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(spool, "_IN_MEMORY", 10)
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir()))
    blocks = Spool(BLOCKS)
    assert len(list(opened.iterdir())) == before + 1
    assert list(tmp_path.iterdir()) == []
    del blocks
    gc.collect()
    assert len(list(opened.iterdir())) == before


@given(st.lists(st.binary(max_size=3)), st.integers(1, 5))
def test_sorted_in_parts_is_sorted(blocks, part):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_PART", part)
        assert list(in_order(iter(blocks))) == sorted(blocks)


def test_what_the_blocks_raise_comes_through():
    def failing():
        yield b"x"
        raise OSError("of a slice")

    with pytest.raises(OSError, match="of a slice"):
        Spool(failing())


def test_no_room_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(UsageError) as caught:
            Spool([b"x" * 1000] * 400)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    found = "a temporary file cannot be written (File too large); expected room"
    assert str(caught.value).startswith(f"{tmp_path}: {found}")
    assert "TMPDIR" in str(caught.value)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("command", ["quantify", "check"])
def test_no_room_for_the_results_leaves_the_old_ones(tmp_path, monkeypatch, command, jobs):
    data = write_dataset(tmp_path / "data", 2, 1, (3,))
    assert run("quantify", data, "--out", tmp_path / "out", "--quiet").code == 0
    before = fingerprint(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    monkeypatch.setattr(spool, "_IN_MEMORY", 500)
    out = ("--out", tmp_path / "out", "--threshold", 99) if command == "quantify" else ()
    outcome = run(command, data, *out, "--jobs", jobs)
    assert outcome.code == 2
    assert "a temporary file cannot be written (No such file or directory)" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert fingerprint(tmp_path) == before
