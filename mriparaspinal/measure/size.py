"""The measures ``size``: areas by body height, by disc and by vertebral body; the psoas muscle index.

They come from the counts of a whole segment, as ``rcsa`` does, so that stacks are pooled alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from mriparaspinal.core.model import RegionCount
from mriparaspinal.core.participants import HEIGHT, Participants
from mriparaspinal.core.text import read_number

#: The muscle whose area of both sides by height² is the psoas muscle index.
_PSOAS = ("PM", "both")


def size_of(
    region: tuple[str, str],
    count: RegionCount,
    csa_mm2: float | None,
    references: Mapping[str, RegionCount],
    height_cm: float | None,
) -> dict[str, float]:
    """The columns of ``size`` of one row.

    ``region``: muscle and side; ``count``: of all slices of the segment; ``csa_mm2``: their mean;
    ``references``: the counts of IVD and VB where every slice has them.
    """
    found = {f"rcsa_{name.lower()}": count.csa_px / whole.csa_px for name, whole in references.items()}
    if csa_mm2 is not None and height_cm is not None:
        square_m2 = (height_cm / 100) ** 2
        found["csa_height2"] = csa_mm2 / square_m2
        if region == _PSOAS:
            found["psoas_index"] = csa_mm2 / 100 / square_m2
    return found


def height_of(people: Participants, participant_id: str, session: str = "") -> float | None:
    """The body height in cm; of a follow-up that of the session, or the only one of all sessions."""
    visits = people.visits.get(participant_id)
    if visits is None:
        return read_number(people.value(participant_id, HEIGHT))
    told = {cells.get(HEIGHT, "") for cells in visits.values()} - {""}
    own = visits.get(session, {}).get(HEIGHT, "")
    return read_number(own or (told.pop() if len(told) == 1 else ""))
