"""The pictures of many slices fit into the page, and no coarser than they must be."""

from __future__ import annotations

import pytest

from mriparaspinal.analysis.inputs import open_cohort
from mriparaspinal.measure.reopen import open_measured
from mriparaspinal.report.pictures import draw_pictures, first_pictures
from tests.support.builders.study import run, write_many


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """161 small slices that were measured: of more than 160 the size is estimated from some."""
    home = tmp_path_factory.mktemp("many")
    scans = write_many(home / "scans", 161)
    assert run("quantify", scans, "--out", home / "results", "--quiet").code == 0
    return open_measured(home / "results", open_cohort(home / "results").manifest, scans)


@pytest.fixture(scope="module")
def first(many):
    """Their pictures as one process draws them at first."""
    return first_pictures(many, {})


def size(pictures) -> int:
    return sum(len(one.uri) + len(one.whole) for one in pictures.values())


def test_many_pictures_become_coarser_until_they_fit(many, first):
    exact = draw_pictures(many, {}, 10**9, first=first)
    assert len(exact) == 161
    assert {one.step for one in exact.values()} == {1}
    for share in (0.95, 0.85):
        pictures = draw_pictures(many, {}, int(share * size(exact)), first=first)
        (step,) = {one.step for one in pictures.values()}
        assert step > 1
        assert size(pictures) <= share * size(exact) or step == 32
        assert {one.whole for one in pictures.values()} == {one.whole for one in exact.values()}


def test_the_same_for_any_number_of_processes(many, first):
    assert draw_pictures(many, {}, 1, jobs=2) == draw_pictures(many, {}, 1, first=first)
