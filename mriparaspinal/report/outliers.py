"""Numbers that deserve a look at their slice, each with the reason in words. None is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mriparaspinal.core.model import OURS, REFERENCES
from mriparaspinal.core.visits import SESSION
from mriparaspinal.stats.cells import regions_alone

#: Absolute modified z-score beyond which a value is shown (Iglewicz and Hoaglin 1993).
MOST_Z = 3.5

#: Values of fewer do not show what is usual. Of two sides each of so many participants, drawn from a normal
#: distribution (sides correlated by 0.7), 0.9 % lie beyond the limit; of 3 participants, 2.9 %.
FEWEST_PARTICIPANTS = 8

#: In per cent of the mean of both sides: one has 5/3 of the other. Disease alone makes less.
MOST_ASYMMETRY_PCT = 50.0

#: In so small an area one pixel changes FI by a percentage point or more.
FEWEST_PX = 100

#: So many times disc or vertebral body: more than any single paraspinal muscle has.
MOST_RCSA = 3.0

_METRICS = {"fi": "FI", "rcsa": "rCSA"}

_CELL = ["group", "segment", "muscle"]

#: What is named, for the reader of the page.
RULES = (
    f"FI or rCSA of one side far from the others of the same group, segment and muscle: modified z-score = "
    f"0.6745 · (value − median) / MAD beyond ±{MOST_Z} (MAD: median absolute deviation), among "
    f"values of at least {FEWEST_PARTICIPANTS} participants; of fewer, usual ones often stand out by chance",
    f"sides that differ by more than {MOST_ASYMMETRY_PCT:.0f} % of their mean area "
    "(one has 5/3 of the other)",
    f"areas below {FEWEST_PX} pixels or above {MOST_RCSA:.0f} × disc or vertebral body",
    "FI of exactly 0 or 1",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One number that stands out."""

    image: str
    muscle: str
    side: str
    reason: str
    """For people: what was found, and what is usual."""


@dataclass(frozen=True, slots=True)
class Outliers:
    """What stands out in the rows of a study, and what could not be judged."""

    findings: tuple[Finding, ...]
    """In the order of the rows."""
    judged: int
    """How many sets of values (group × segment × muscle × metric) have modified z-scores."""
    too_few: int
    """How many were not: values of too few participants, or more than half of them equal."""


def robust_z(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """0.6745·(x − median)/MAD of each value; None where MAD is 0.

    >>> robust_z(np.array([1.0, 2, 3, 4, 5, 20])).round(2).tolist()
    [-1.12, -0.67, -0.22, 0.22, 0.67, 7.42]
    """
    distance = values - np.median(values)
    mad = float(np.median(np.abs(distance)))
    return None if mad == 0 else 0.6745 * distance / mad


def find_outliers(rows: pd.DataFrame) -> Outliers:
    """Look at each row of the results: ``rows`` has one per slice, muscle and side, columns as ``L3.csv``."""
    found: dict[int, list[str]] = {}
    judged, too_few = _far_from_others(rows, found)
    for place, row in enumerate(rows.to_dict("records")):
        found.setdefault(place, []).extend(_odd_by_itself(row))
    records = rows[["image", "muscle", "side"]].to_dict("records")
    findings = [
        Finding(**records[place], reason=reason) for place in sorted(found) for reason in found[place]
    ]
    return Outliers(tuple(findings), judged, too_few)


def _far_from_others(rows: pd.DataFrame, found: dict[int, list[str]]) -> tuple[int, int]:
    judged = too_few = 0
    one_side = rows.reset_index(drop=True)
    one_side = one_side[regions_alone(one_side)]
    for metric, name in _METRICS.items():
        known = one_side[one_side[metric].notna()]
        apart = [*_CELL, SESSION] if SESSION in known else _CELL
        for (group, segment, muscle, *_), cell in known.groupby(apart, sort=False):
            values = cell[metric].to_numpy(dtype=np.float64)
            people = cell["participant_id"].nunique()
            scores = None if people < FEWEST_PARTICIPANTS else robust_z(values)
            if scores is None:
                too_few += 1
                continue
            judged += 1
            median = float(np.median(values))
            for place, value, z in zip(cell.index, values, scores, strict=True):
                if abs(z) > MOST_Z:
                    where = "above" if z > 0 else "below"
                    found.setdefault(int(place), []).append(
                        f"{name} {value:.3f} is far {where} the median {median:.3f} of {muscle} at {segment} "
                        f"in {group} ({len(values)} values of {people} participants; "
                        f"modified z-score {_signed(float(z))})"
                    )
    return judged, too_few


def _odd_by_itself(row: dict[str, object]) -> list[str]:
    numbers = {name: _number(row.get(name)) for name in ("fi", "rcsa", "csa_px", "asymmetry_pct")}
    fi, rcsa, area, asymmetry = numbers.values()
    if row["side"] == "both":
        if asymmetry is not None and asymmetry > MOST_ASYMMETRY_PCT:
            return [
                f"the sides differ by {asymmetry:.1f} % of their mean area "
                f"(more than {MOST_ASYMMETRY_PCT:.0f} %)"
            ]
        return []
    reasons = []
    # Of regions of one's own it is not known what they have.
    if row["muscle"] not in OURS:
        fi = rcsa = area = None
    if row.get("reference") not in REFERENCES:
        rcsa = None
    if fi in (0, 1):
        reasons.append(f"FI is {fi:.0f}: {'no' if fi == 0 else 'every'} pixel counts as fat")
    if area is not None and area < FEWEST_PX:
        reasons.append(f"the area is only {area:.0f} px (fewer than {FEWEST_PX})")
    if rcsa is not None and rcsa > MOST_RCSA:
        reasons.append(f"the area is {rcsa:.2f} × the reference (more than {MOST_RCSA:.0f} ×)")
    return reasons


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


def _signed(number: float) -> str:
    return f"{number:+.1f}".replace("-", "−")
