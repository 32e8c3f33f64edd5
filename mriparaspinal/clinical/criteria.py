"""Diagnostic categories of ALS from signs in four regions of the body.

Revised El Escorial: Brooks BR et al., Amyotroph Lateral Scler Other Motor Neuron Disord 2000;1:293–299.
Awaji: de Carvalho M et al., Clin Neurophysiol 2008;119:497–503.

Every rule is monotone: one more sign never lowers a category. So a category in spite of missing items is
known where it is the same with all of them absent and all of them present.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mriparaspinal.clinical.computed import Computed, Ratings, Value
from mriparaspinal.core.participants import Doubt

#: From rostral to caudal.
REGIONS = ("bulbar", "cervical", "thoracic", "lumbosacral")

UMN, LMN = "umn", "lmn"
CHRONIC, ACTIVE, FASCICULATION, ULTRASOUND = (
    "emg_chronic",
    "emg_active",
    "emg_fasciculation",
    "us_fasciculation",
)

LIMBS = "emg_limbs"

_SIGNS = (UMN, LMN, CHRONIC, ACTIVE, FASCICULATION, ULTRASOUND)

ITEMS = (*(f"{sign}_{region}" for sign in _SIGNS for region in REGIONS), LIMBS)

NONE, POSSIBLE, SUPPORTED, PROBABLE, DEFINITE = (
    "none", "possible", "probable_laboratory_supported", "probable", "definite",
)  # fmt: skip

#: Lowest first.
EL_ESCORIAL = (NONE, POSSIBLE, SUPPORTED, PROBABLE, DEFINITE)
AWAJI = (NONE, POSSIBLE, PROBABLE, DEFINITE)

COLUMNS = (
    "el_escorial", "el_escorial_rank", "awaji", "awaji_rank", "awaji_us", "awaji_us_rank", "awaji_us_shift",
    "regions_both", "regions_involved",
)  # fmt: skip

Regional: TypeAlias = tuple[bool, ...]
"""Whether there is something in each of :data:`REGIONS`."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of one participant."""

    umn: Regional
    """Upper motor neuron signs on examination."""
    lmn: Regional
    """Lower motor neuron signs on examination."""
    chronic: Regional
    """Chronic neurogenic change on needle EMG."""
    active: Regional
    """Fibrillations or positive sharp waves."""
    fasciculation: Regional
    """Fasciculation potentials on EMG."""
    ultrasound: Regional
    """Fasciculations on muscle ultrasound."""
    limbs: int
    """With chronic and active denervation on EMG, 0–4."""


def el_escorial(signs: Signs) -> str:
    """The category of the revised El Escorial criteria."""
    clinical = _clinical(signs.umn, signs.lmn)
    if clinical in (DEFINITE, PROBABLE):
        return clinical
    # UMN and LMN signs in one region, or UMN signs alone in one, and EMG evidence in two limbs.
    return SUPPORTED if any(signs.umn) and signs.limbs >= 2 else clinical


def awaji(signs: Signs, ultrasound: bool = False) -> str:
    """The category of the Awaji criteria: evidence by EMG counts as an LMN sign of its region.

    Chronic neurogenic change, with fibrillations, positive sharp waves or fasciculation potentials.
    ``ultrasound``: fasciculations on ultrasound count as fasciculation potentials do.
    """
    return _clinical(signs.umn, awaji_lmn(signs, ultrasound))


def awaji_lmn(signs: Signs, ultrasound: bool = False) -> Regional:
    """The regions with clinical or electrophysiological evidence of the lower motor neuron, after Awaji."""
    seen = signs.ultrasound if ultrasound else (False,) * len(REGIONS)
    denervation = map(any, zip(signs.active, signs.fasciculation, seen, strict=True))
    by_emg = map(all, zip(signs.chronic, denervation, strict=True))
    return tuple(map(any, zip(signs.lmn, by_emg, strict=True)))


def _clinical(umn: Regional, lmn: Regional) -> str:
    """What both criteria say alike of UMN and LMN signs."""
    both = _both(umn, lmn)
    if both >= 3:  # the bulbar and two spinal regions, or three spinal ones: any three of the four
        return DEFINITE
    if both >= 2 and rostral(umn, lmn):
        return PROBABLE
    if both >= 1 or sum(umn) >= 2 or rostral(lmn, umn):
        return POSSIBLE
    return NONE


def _both(umn: Regional, lmn: Regional) -> int:
    return sum(map(all, zip(umn, lmn, strict=True)))


def rostral(these: Regional, those: Regional) -> bool:
    """Whether some of these signs are rostral to some of those.

    >>> rostral((True, False, False, False), (False, True, False, False))
    True
    """
    return any(these[i] and those[j] for i, j in itertools.combinations(range(len(REGIONS)), 2))


def categories(ratings: Ratings) -> Computed:
    """All categories, and the numbers of regions, of one participant."""
    if fault := _contradiction(ratings):
        return Computed({}, (fault,))
    low, high = _signs(ratings, False), _signs(ratings, True)
    found: dict[str, Value] = {}
    with_ultrasound = any(ratings[f"{ULTRASOUND}_{region}"] is not None for region in REGIONS)
    doubts = []
    for name, scale, rule in _RULES:
        least, most = rule(low), rule(high)
        known = least == most and (name != "awaji_us" or with_ultrasound)
        found[name] = least if known else None
        found[f"{name}_rank"] = float(scale.index(least)) if known else None
        if least != most and (name != "awaji_us" or with_ultrasound):
            message = f"{name}: {least} to {most}, as items are missing; expected one category"
            doubts.append(Doubt("warning", "open-category", message, "its cells stay empty; add the items"))
    before, after = found["awaji_rank"], found["awaji_us_rank"]
    shift = after - before if isinstance(before, float) and isinstance(after, float) else None
    found["awaji_us_shift"] = shift
    for name, count in (("regions_both", _count_both), ("regions_involved", _count_involved)):
        found[name] = float(count(low)) if count(low) == count(high) else None
    doubts += _by_reading(low)
    return Computed(found, tuple(doubts))


_RULES: tuple[tuple[str, tuple[str, ...], Callable[[Signs], str]], ...] = (
    ("el_escorial", EL_ESCORIAL, el_escorial),
    ("awaji", AWAJI, awaji),
    ("awaji_us", AWAJI, lambda signs: awaji(signs, ultrasound=True)),
)


def _count_both(signs: Signs) -> int:
    return _both(signs.umn, signs.lmn)


def _count_involved(signs: Signs) -> int:
    return sum(map(any, zip(signs.umn, signs.lmn, strict=True)))


def _signs(ratings: Ratings, missing: bool) -> Signs:
    """The signs where those that are missing are all present, or all absent."""

    def of(sign: str) -> Regional:
        values = (ratings[f"{sign}_{region}"] for region in REGIONS)
        return tuple(missing if value is None else value == 1 for value in values)

    limbs = ratings[LIMBS]
    if limbs is None:
        with_emg = [c and a for c, a in zip(of(CHRONIC), of(ACTIVE), strict=True)]
        # An arm or a leg for sure where its region has the signs; at most both.
        limbs = (with_emg[1] + with_emg[3]) * (2 if missing else 1)
    return Signs(of(UMN), of(LMN), of(CHRONIC), of(ACTIVE), of(FASCICULATION), of(ULTRASOUND), round(limbs))


def _contradiction(ratings: Ratings) -> Doubt | None:
    """A number of limbs that the regions of the limbs do not allow."""
    limbs = ratings[LIMBS]
    if limbs is None:
        return None
    open_ = {**ratings, LIMBS: None}
    least, most = _signs(open_, False).limbs, _signs(open_, True).limbs
    if least <= limbs <= most:
        return None
    signs = f"{CHRONIC} and {ACTIVE} of the cervical and lumbosacral regions"
    found = f"{LIMBS} {limbs:g} was found, but {signs} allow {least} to {most}; expected the same"
    return Doubt("error", "contradicting-record", found, "correct the row, or leave emg_limbs empty")


def _by_reading(signs: Signs) -> list[Doubt]:
    """A warning where UMN signs and LMN signs are in two regions each, but not in the same two."""
    kinds = {"el_escorial": signs.lmn, "awaji": awaji_lmn(signs), "awaji_us": awaji_lmn(signs, True)}
    names = [
        name
        for name, lmn in kinds.items()
        if sum(signs.umn) >= 2 > _both(signs.umn, lmn) and sum(lmn) >= 2 and rostral(signs.umn, lmn)
    ]
    if not names:
        return []
    found = f"{', '.join(names)}: UMN signs in two regions and LMN signs in two, but not in the same two"
    remedy = "it is probable only if your reading lets the regions differ"
    return [Doubt("warning", "other-reading", f"{found}; expected both in each of two regions", remedy)]
