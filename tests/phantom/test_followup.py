"""The synthetic follow-up: its first session is the study without, later ones change at the pace told."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from mriparaspinal.phantom.followup import make_visits, progression, true_slopes
from mriparaspinal.phantom.model import Effects, VisitTruth
from mriparaspinal.phantom.slices import make_cohort, make_slice
from mriparaspinal.phantom.write import write_cohort


def test_the_first_session_is_the_slice_without_sessions():
    who = make_cohort(1, 0, seed=3)[0]
    first, second = make_visits([who], 2, seed=3)
    alone, one, two = (make_slice(p, "L4", 3, 128, Effects()) for p in (who, first, second))
    assert np.array_equal(alone.image, one.image)
    assert alone.contours == one.contours
    assert not np.array_equal(one.image, two.image)
    assert (one.stem, two.stem) == ("ALS_1_v1_4", "ALS_1_v2_4")


def test_true_values_follow_the_pace():
    who = make_cohort(2, 0, seed=1)[1]
    visits = make_visits([who], 3, seed=1)
    pace = progression(who, 1)
    slices = [make_slice(visit, "L4", 1, 128, Effects()) for visit in visits]
    truth = [t for one in slices for t in one.truth if isinstance(t, VisitTruth)]
    of_disc = {t.session: t.area_px for t in truth if t.region == "IVD" and t.segment == "L4"}
    assert len(set(of_disc.values())) == 1
    for side in ("left", "right"):
        faster = 1.5 if side == who.onset_side else 1.0
        own = [t for t in truth if (t.segment, t.region, t.side) == ("L4", "ES", side)]
        months = np.array([t.months for t in own])
        assert months[0] == 0
        assert np.all(np.abs(np.diff(months) - 6) <= 1)
        areas = np.array([t.area_px for t in own])
        assert areas / areas[0] == pytest.approx(1 - faster * pace.loss_per_month * months, abs=1e-9)
        fi = np.array([t.fi for t in own])
        assert fi - fi[0] == pytest.approx(faster * pace.fi_per_month * months, abs=5e-4)
    slopes = {(s.segment, s.region, s.side): s for s in true_slopes(truth)}
    assert slopes["L4", "ES", "left"].fi_per_month > 0
    assert slopes["L4", "ES", "left"].rcsa_per_month < 0


def test_scores_and_times_of_later_sessions():
    visits = make_visits(make_cohort(1, 1, seed=2), 3, seed=2)
    als, lr = visits[:3], visits[3:]
    assert [v.session for v in als] == ["v1", "v2", "v3"]
    assert als[0].alsfrs_r > als[1].alsfrs_r > als[2].alsfrs_r
    assert {v.alsfrs_r for v in lr} == {None}
    for one in (als, lr):
        assert {(v.onset_side, v.sex, v.bmi, v.age_onset) for v in one} == {
            (one[0].onset_side, one[0].sex, one[0].bmi, one[0].age_onset)
        }
        assert one[2].disease_duration == pytest.approx(one[0].disease_duration + one[2].months, abs=0.051)


def test_the_tables_of_a_follow_up(tmp_path: Path):
    visits = make_visits(make_cohort(1, 0, seed=1), 2, seed=1)
    slices = [make_slice(visit, "L2", 1, 128, Effects()) for visit in visits]
    assert write_cohort(tmp_path / "scans", visits, slices) == 2
    read = {
        name: list(csv.DictReader((tmp_path / "scans" / name).read_text().splitlines()))
        for name in ("participants.csv", "truth.csv", "truth_slopes.csv")
    }
    assert [row["session"] for row in read["participants.csv"]] == ["v1", "v2"]
    assert list(read["truth.csv"][0])[-2:] == ["session", "months"]
    assert len(read["truth_slopes.csv"]) == 6
    values = [r for r in read["truth.csv"] if (r["segment"], r["region"], r["side"]) == ("L2", "MF", "left")]
    rise = (float(values[1]["fi"]) - float(values[0]["fi"])) / float(values[1]["months"])
    told = next(
        r for r in read["truth_slopes.csv"] if (r["segment"], r["region"], r["side"]) == ("L2", "MF", "left")
    )
    assert float(told["fi_per_month"]) == pytest.approx(rise, abs=1e-6)
