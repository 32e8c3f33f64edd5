"""The sample cohort, measured by the tool, against the truth of its drawing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.measure.dataset import measure_dataset
from mriparaspinal.measure.result_files import measurements_of

SAMPLE = Path(__file__).parents[2] / "sample_data"
#: What docs/measurement.md and the phantom's docstring state for 256 × 256: mean and largest error.
AREA = (0.043, 0.131)
DISC = (0.029, 0.038)
FI = (0.031, 0.078)


def test_the_sample_cohort_comes_back_within_the_stated_digitisation_error() -> None:
    settings = Settings()
    measured = measure_dataset(open_dataset(SAMPLE, settings), settings)
    assert measured.problems == []
    with (SAMPLE / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {
            (row["participant_id"], row["segment"], row["region"], row["side"]): row
            for row in csv.DictReader(file)
        }
    rows = [row for row in measurements_of(measured, settings) if row.side != "both"]
    assert len(rows) == 16 * 5 * 3 * 2
    area, fi, disc = [], [], []
    for row in rows:
        true = truth[row.participant_id, row.segment, row.muscle, row.side]
        area.append(row.csa_px / float(true["area_px"]) - 1)
        fi.append(row.fi - float(true["fi"]))
        reference = truth[row.participant_id, row.segment, "IVD", ""]
        assert row.reference_px is not None
        disc.append(row.reference_px / float(reference["area_px"]) - 1)
    for errors, (mean, largest) in ((area, AREA), (disc, DISC), (fi, FI)):
        # As stated, to the last printed digit: not larger, and no looser than what is found.
        assert round(float(np.mean(np.abs(errors))), 3) == mean
        assert round(float(np.max(np.abs(errors))), 3) == largest
