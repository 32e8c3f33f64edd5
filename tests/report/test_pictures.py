"""The pictures of many slices fit into the page, and no coarser than they must be."""

from __future__ import annotations

import pytest

from mriparaspinal.analysis.inputs import open_cohort
from mriparaspinal.measure.reopen import open_measured
from mriparaspinal.report.pictures import draw_pictures
from tests.support.builders.study import run, write_many


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """170 small slices that were measured."""
    home = tmp_path_factory.mktemp("many")
    scans = write_many(home / "scans", 170)
    assert run("quantify", scans, "--out", home / "results", "--quiet").code == 0
    return open_measured(home / "results", open_cohort(home / "results").manifest, scans)


def size(pictures) -> int:
    return sum(len(one.uri) + len(one.whole) for one in pictures.values())


def test_many_pictures_become_coarser_until_they_fit(many):
    exact = draw_pictures(many, {}, 10**9)
    assert len(exact) == 170
    assert {one.step for one in exact.values()} == {1}
    for share in (0.95, 0.85):
        pictures = draw_pictures(many, {}, int(share * size(exact)))
        (step,) = {one.step for one in pictures.values()}
        assert step > 1
        assert size(pictures) <= share * size(exact) or step == 32
        assert {one.whole for one in pictures.values()} == {one.whole for one in exact.values()}


def test_the_same_for_any_number_of_processes(many):
    assert draw_pictures(many, {}, 1, jobs=2) == draw_pictures(many, {}, 1)
