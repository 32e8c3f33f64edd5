"""The participants, effects and exact answers of a synthetic cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import Contour
from mriparaspinal.phantom.curves import Array

Group = Literal["ALS", "LR"]

GROUPS: tuple[Group, ...] = ("ALS", "LR")

MUSCLES = ("MF", "ES", "PM")

#: Where the side effects act: the levels at which the paper finds atrophy.
AFFECTED = ("L3", "L4", "L5")


@dataclass(frozen=True, slots=True)
class Participant:
    """One row of ``participants.csv``; the fields are its columns. Units as in the data contract."""

    participant_id: str
    group: Group
    onset_side: Literal["left", "right", ""]
    """Empty with bulbar onset."""
    onset_region: str
    psa: int
    age: int
    age_onset: float
    sex: Literal["F", "M"]
    bmi: float
    alsfrs_r: int | None
    """None outside ALS, like ``alsfrs_lower``."""
    alsfrs_lower: int | None
    disease_duration: float

    @property
    def number(self) -> int:
        """The N of ``GROUP_N``."""
        return int(self.participant_id.rpartition("_")[2])

    @property
    def stem(self) -> str:
        """How the names of the participant's files begin."""
        return self.participant_id


@dataclass(frozen=True, slots=True)
class Visit(Participant):
    """One row of the ``participants.csv`` of a follow-up: a participant at one session."""

    session: str
    """``v1``, ``v2`` …"""
    months: float
    """Since the first session."""

    @property
    def place(self) -> int:
        """The place of the session, from 0."""
        return int(self.session[1:]) - 1

    @property
    def stem(self) -> str:
        """How the names of the session's files begin."""
        return f"{self.participant_id}_{self.session}"


@dataclass(frozen=True, slots=True)
class Progression:
    """How fast a participant's muscles change."""

    fi_per_month: float
    loss_per_month: float
    """Share of the area at the first session."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the symptomatic side differs by, at L3–L5."""

    als_atrophy: float = 0.3
    """Share of each muscle's area that is lost in ALS, 0–0.8."""
    lr_atrophy: float = 0.0
    als_fat: float = 0.0
    """Added to the true FI in ALS, 0–0.5 (the sum is kept at 0.85 or below)."""
    lr_fat: float = 0.0


@dataclass(frozen=True, slots=True)
class Truth:
    """One row of ``truth.csv``; the fields are its columns."""

    participant_id: str
    group: Group
    segment: str
    region: str
    """MF, ES, PM or IVD."""
    side: Literal["left", "right", ""]
    """Of the patient; empty for the disc."""
    area_px: float
    """Area inside the true outline, px²."""
    fi: float | None
    """Share of fat in the muscle, 0–1; None for the disc."""


@dataclass(frozen=True, slots=True)
class VisitTruth(Truth):
    """One row of the ``truth.csv`` of a follow-up."""

    session: str
    months: float


@dataclass(frozen=True, slots=True)
class TrueSlope:
    """One row of ``truth_slopes.csv``: least squares through the true values of all sessions."""

    participant_id: str
    group: Group
    segment: str
    region: str
    side: Literal["left", "right", ""]
    fi_per_month: float
    rcsa_per_month: float
    """Of the true area over that of the disc."""


@dataclass(frozen=True, slots=True)
class PhantomSlice:
    """One axial slice: what a lab would have, and the truth about it."""

    participant: Participant
    segment: str
    image: NDArray[np.uint8]
    """Grey levels, (rows, columns)."""
    contours: tuple[Contour, ...]
    truth: tuple[Truth, ...]

    @property
    def stem(self) -> str:
        """The file name without its ending, e.g. ``ALS_1_3``."""
        return f"{self.participant.stem}_{self.segment.removeprefix('L')}"


@dataclass(frozen=True, slots=True)
class Body:
    """What all slices of one participant share beyond the participants table."""

    size: float
    bulk: dict[str, float]
    """Log factor on the area of each muscle."""
    fat: dict[str, float]
    """Shift of each muscle's FI on the logit scale."""
    muscle_grey: float
    disc_grey: float
    change: Callable[[bool], tuple[float, float]]
    """What is left of areas since the first session, and what was added to FI; whether side and level are
    affected."""


@dataclass(frozen=True, slots=True)
class Muscle:
    """One muscle of one slice, as it is and as it would be without atrophy."""

    region: str
    side: Literal["left", "right"]
    healthy: Array
    """Outline without atrophy, mm, (points, 2): the room that the muscle leaves when it shrinks."""
    outline: Array
    fi: float
