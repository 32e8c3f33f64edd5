"""Sessions held against each other: exchanged patients and levels are told, others are not."""

from __future__ import annotations

import numpy as np
import pytest

from mriparaspinal.core.model import RegionCount, Slice, SliceResult
from mriparaspinal.measure.sessions import session_problems

REGIONS = [(muscle, side) for muscle in ("MF", "ES", "PM") for side in ("left", "right")] + [("IVD", "")]


def results_of(profiles: dict[tuple[str, str], np.ndarray]) -> list[SliceResult]:
    """Slices with such logarithms of areas, (5, 7), by participant and session."""
    found = []
    for (who, session), profile in profiles.items():
        for level in range(5):
            stem = f"{who}_{session}_{level + 1}"
            slice_ = Slice(who, "ALS", f"L{level + 1}", f"{stem}.png", f"{stem}.json", "", session)
            areas = np.round(1000 * np.exp(profile[level])).astype(int)
            counts = {
                key: RegionCount(int(a), float(a), 0, 0)
                for key, a in zip(REGIONS, areas, strict=True)
                if a > 0
            }
            found.append(SliceResult(slice_, counts, frozenset(counts), True, (), ()))
    return found


def cohort(people: int = 6, sessions: int = 2, own: float = 0.3, noise: float = 0.04, seed: int = 1):
    """Participants who differ by ``own``, measured with ``noise``."""
    rng = np.random.default_rng(seed)
    levels = np.linspace(0, 1, 5)[:, None] * np.array([0.9, 0.9, -0.6, -0.6, 1.2, 1.2, 0.2])
    profiles = {}
    for n in range(people):
        body = levels + rng.normal(0, own, (5, 7))
        for s in range(sessions):
            profiles[f"ALS_{n + 1}", f"v{s + 1}"] = body - 0.1 * s + rng.normal(0, noise, (5, 7))
    return profiles


@pytest.mark.parametrize("seed", range(10))
def test_sessions_of_one_patient_are_no_problem(seed):
    assert session_problems(results_of(cohort(40, 3, seed=seed))) == []


@pytest.mark.parametrize("noise", [0.1, 0.2])
def test_unsteady_contours_are_no_exchange(noise):
    assert session_problems(results_of(cohort(40, 3, noise=noise))) == []


@pytest.mark.parametrize("sessions", [2, 3])
def test_exchanged_sessions_are_told_once(sessions):
    profiles = cohort(sessions=sessions)
    a, b = ("ALS_2", "v2"), ("ALS_5", "v2")
    profiles[a], profiles[b] = profiles[b], profiles[a]
    (problem,) = session_problems(results_of(profiles))
    assert (problem.code, problem.severity) == ("sessions-swapped", "warning")
    assert "ALS_2" in problem.message
    assert "ALS_5" in problem.message


def test_another_size_of_the_image_is_no_exchange():
    profiles = cohort()
    profiles["ALS_3", "v2"] = profiles["ALS_3", "v2"] + 2 * np.log(1.5)
    assert session_problems(results_of(profiles)) == []


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [0, 2, 1, 3, 4]])
def test_exchanged_levels_are_told(order):
    profiles = cohort()
    profiles["ALS_4", "v2"] = profiles["ALS_4", "v2"][order]
    (problem,) = session_problems(results_of(profiles))
    assert problem.code == "levels-exchanged"
    assert ", ".join(f"L{n + 1}" for n in order) in problem.message
    assert problem.file.startswith("ALS_4_v2_")


def test_few_areas_tell_nothing():
    profiles = {("ALS_1", "v1"): np.full((5, 7), -20.0), ("ALS_1", "v2"): np.full((5, 7), -20.0)}
    profiles["ALS_2", "v1"] = profiles["ALS_2", "v2"] = np.zeros((5, 7))
    assert session_problems(results_of(profiles)) == []


def test_a_single_session_each_is_not_looked_at():
    assert session_problems(results_of(cohort(sessions=1))) == []
