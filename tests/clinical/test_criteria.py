"""The ALS criteria against their published texts: every pattern of signs, and a table made by hand."""

from __future__ import annotations

import itertools

import pytest

from mriparaspinal.clinical.criteria import (
    AWAJI,
    EL_ESCORIAL,
    ITEMS,
    REGIONS,
    Signs,
    awaji,
    categories,
    el_escorial,
    rostral,
)

NO = (False,) * 4
PATTERNS = list(itertools.product((False, True), repeat=4))


def at(letters: str) -> tuple[bool, ...]:
    """The regions by their first letters: b, c, t, l."""
    return tuple(region[0] in letters for region in REGIONS)


def signs(umn: str = "", lmn: str = "", **more: str) -> Signs:
    of = {name: at(more.get(name, "")) for name in ("chronic", "active", "fasciculation", "ultrasound")}
    return Signs(at(umn), at(lmn), **of, limbs=int(more.get("limbs", 0)))


#: UMN signs, LMN signs, limbs with EMG denervation, and the category, read from Brooks et al. 2000.
BY_HAND = [
    # UMN and LMN signs in three regions: definite, with or without the bulbar one.
    ("bct", "bct", 0, "definite"), ("bcl", "bcl", 0, "definite"), ("btl", "btl", 0, "definite"),
    ("ctl", "ctl", 0, "definite"), ("bctl", "bctl", 4, "definite"), ("bctl", "ctl", 0, "definite"),
    # In two regions: the UMN signs of the upper one are rostral to the LMN signs of the lower one.
    ("bc", "bc", 0, "probable"), ("cl", "cl", 0, "probable"), ("bl", "bl", 4, "probable"),
    ("bctl", "cl", 0, "probable"), ("cl", "bctl", 0, "probable"), ("tl", "tl", 2, "probable"),
    # In one region, or UMN signs alone in one, and EMG evidence in two limbs.
    ("c", "c", 2, "probable_laboratory_supported"), ("b", "b", 3, "probable_laboratory_supported"),
    ("b", "", 2, "probable_laboratory_supported"), ("l", "", 4, "probable_laboratory_supported"),
    ("bc", "", 2, "probable_laboratory_supported"), ("l", "c", 2, "probable_laboratory_supported"),
    ("b", "c", 2, "probable_laboratory_supported"),
    # The same with evidence in one limb: together in one region, UMN alone in two, LMN rostral to UMN.
    ("c", "c", 1, "possible"), ("b", "b", 0, "possible"), ("bc", "", 1, "possible"),
    ("bc", "l", 0, "possible"), ("l", "c", 1, "possible"), ("c", "b", 0, "possible"),
    ("cl", "c", 1, "possible"), ("bc", "cl", 1, "possible"), ("cl", "bt", 0, "possible"),
    # UMN signs in one region alone; UMN rostral to LMN in two others; LMN signs alone (suspected, dropped).
    ("b", "", 1, "none"), ("", "", 0, "none"), ("b", "c", 1, "none"), ("b", "ctl", 0, "none"),
    ("c", "tl", 1, "none"), ("", "bctl", 4, "none"), ("", "c", 2, "none"),
]  # fmt: skip


@pytest.mark.parametrize(("umn", "lmn", "limbs", "category"), BY_HAND)
def test_el_escorial_by_hand(umn: str, lmn: str, limbs: int, category: str) -> None:
    assert el_escorial(signs(umn, lmn, limbs=str(limbs))) == category


@pytest.mark.parametrize(("umn", "lmn", "limbs", "category"), BY_HAND)
def test_awaji_has_the_same_clinical_categories(umn: str, lmn: str, limbs: int, category: str) -> None:
    if category != "probable_laboratory_supported":
        assert awaji(signs(umn, lmn, limbs=str(limbs))) == category
    elif (umn, lmn) in {("b", ""), ("l", ""), ("b", "c")}:
        assert awaji(signs(umn, lmn)) == "none"
    else:
        assert awaji(signs(umn, lmn)) == "possible"


def published(umn: tuple[bool, ...], lmn: tuple[bool, ...]) -> str:
    """De Carvalho et al. 2008, sentence by sentence, with the regions as they are called there."""
    bulbar, *spinal = (u and low for u, low in zip(umn, lmn, strict=True))
    if (bulbar and sum(spinal) >= 2) or sum(spinal) == 3:
        return "definite"
    together = [n for n in range(4) if umn[n] and lmn[n]]
    if len(together) >= 2 and any(umn[a] and lmn[b] for a in range(4) for b in range(a + 1, 4)):
        return "probable"
    alone = [n for n in range(4) if umn[n] and not lmn[n]]
    lmn_above = any(lmn[a] and umn[b] for a in range(4) for b in range(a + 1, 4))
    if len(together) == 1 or len(alone) >= 2 or lmn_above:
        return "possible"
    return "none"


@pytest.mark.parametrize("umn", PATTERNS)
def test_awaji_in_all_256_clinical_patterns(umn: tuple[bool, ...]) -> None:
    for lmn in PATTERNS:
        assert awaji(Signs(umn, lmn, NO, NO, NO, NO, 0)) == published(umn, lmn)
        # EMG evidence is as good as a clinical LMN sign, by fibrillations or fasciculations.
        assert awaji(Signs(umn, NO, lmn, lmn, NO, NO, 0)) == published(umn, lmn)
        assert awaji(Signs(umn, NO, lmn, NO, lmn, NO, 0)) == published(umn, lmn)
        # Neither chronic change nor denervation alone is evidence.
        assert awaji(Signs(umn, NO, lmn, NO, NO, NO, 0)) == published(umn, NO)
        assert awaji(Signs(umn, NO, NO, lmn, lmn, lmn, 0), ultrasound=True) == published(umn, NO)
        # Ultrasound counts where it is asked for, with chronic change.
        assert awaji(Signs(umn, NO, lmn, NO, NO, lmn, 0)) == published(umn, NO)
        assert awaji(Signs(umn, NO, lmn, NO, NO, lmn, 0), ultrasound=True) == published(umn, lmn)


def test_el_escorial_in_all_patterns_of_signs_and_limbs() -> None:
    for umn, lmn, limbs in itertools.product(PATTERNS, PATTERNS, range(5)):
        found = el_escorial(Signs(umn, lmn, NO, NO, NO, NO, limbs))
        clinical = published(umn, lmn)  # definite and probable read alike in both
        supported = clinical in ("possible", "none") and any(umn) and limbs >= 2
        assert found == ("probable_laboratory_supported" if supported else clinical)


def test_two_regions_with_both_always_have_an_umn_sign_rostral_to_an_lmn_sign() -> None:
    for umn, lmn in itertools.product(PATTERNS, PATTERNS):
        if sum(u and low for u, low in zip(umn, lmn, strict=True)) >= 2:
            assert rostral(umn, lmn)


def test_one_more_sign_never_lowers_a_category() -> None:
    rules = ((el_escorial, EL_ESCORIAL), (awaji, AWAJI))
    for umn, lmn, limbs in itertools.product(PATTERNS, PATTERNS, range(4)):
        here = Signs(umn, lmn, NO, NO, NO, NO, limbs)
        more = [Signs(umn, lmn, NO, NO, NO, NO, limbs + 1)]
        for n in range(4):
            more.append(Signs((*umn[:n], True, *umn[n + 1 :]), lmn, NO, NO, NO, NO, limbs))
            more.append(Signs(umn, (*lmn[:n], True, *lmn[n + 1 :]), NO, NO, NO, NO, limbs))
        for rule, scale in rules:
            assert all(scale.index(rule(other)) >= scale.index(rule(here)) for other in more)


# --- records with missing items -----------------------------------------------------------------------------


def items(**given: float | None) -> dict[str, float | None]:
    """All items absent but those that are given."""
    return {**dict.fromkeys(ITEMS, 0.0), "emg_limbs": None, **given}


def test_ultrasound_shifts_possible_to_probable() -> None:
    """One region with both; in a second UMN signs and chronic change, and fasciculations on ultrasound."""
    found = categories(
        items(
            umn_cervical=1, lmn_cervical=1, umn_lumbosacral=1,
            emg_chronic_lumbosacral=1, us_fasciculation_lumbosacral=1,
        )
    )  # fmt: skip
    assert {name: found.values[name] for name in ("el_escorial", "awaji", "awaji_us")} == {
        "el_escorial": "possible", "awaji": "possible", "awaji_us": "probable",
    }  # fmt: skip
    assert [found.values[f"{name}_rank"] for name in ("el_escorial", "awaji", "awaji_us")] == [1, 1, 2]
    assert (found.values["awaji_us_shift"], found.values["regions_both"]) == (1, 1)
    assert found.values["regions_involved"] == 2
    assert found.doubts == ()


def test_without_ultrasound_there_is_no_category_with_it() -> None:
    absent = {f"us_fasciculation_{region}": None for region in REGIONS}
    found = categories(items(umn_bulbar=1, lmn_bulbar=1, **absent))
    assert (found.values["awaji"], found.values["awaji_us"], found.values["awaji_us_shift"]) == (
        "possible", None, None,
    )  # fmt: skip
    assert found.doubts == ()


def test_a_missing_item_matters_only_where_it_could_change_the_category() -> None:
    three = {f"{kind}_{region}": 1.0 for kind in ("umn", "lmn") for region in REGIONS[:3]}
    known = categories(items(**three, lmn_lumbosacral=None, umn_lumbosacral=None))
    assert (known.values["el_escorial"], known.values["awaji"]) == ("definite", "definite")
    assert known.values["regions_both"] is None  # 3 or 4
    two = {f"{kind}_{region}": 1.0 for kind in ("umn", "lmn") for region in REGIONS[:2]}
    unknown = categories(items(**two, umn_thoracic=1, lmn_thoracic=None))
    assert (unknown.values["el_escorial"], unknown.values["el_escorial_rank"]) == (None, None)
    assert [doubt.code for doubt in unknown.doubts] == ["open-category"] * 3
    assert unknown.doubts[0].message.startswith("el_escorial: probable to definite, as items are missing")


@pytest.mark.parametrize(
    ("regions", "limbs", "category"),
    [
        # Both arms or legs, or one: not known from the region; in two regions at least two limbs.
        (("cervical",), None, None),
        (("cervical",), 1, "possible"),
        (("cervical",), 2, "probable_laboratory_supported"),
        (("cervical", "lumbosacral"), None, "probable_laboratory_supported"),
        (("bulbar", "thoracic"), None, "possible"),
    ],
)
def test_limbs_follow_from_regions_where_they_can(
    regions: tuple[str, ...], limbs: float | None, category: str | None
) -> None:
    emg = {f"{kind}_{region}": 1.0 for kind in ("emg_chronic", "emg_active") for region in regions}
    found = categories(items(umn_bulbar=1, lmn_bulbar=1, **emg, emg_limbs=limbs))
    assert found.values["el_escorial"] == category


@pytest.mark.parametrize(("limbs", "allowed"), [(0, "1 to 2"), (3, "1 to 2"), (4, "1 to 2")])
def test_limbs_that_the_regions_do_not_allow_are_refused(limbs: float, allowed: str) -> None:
    found = categories(items(emg_chronic_cervical=1, emg_active_cervical=1, emg_limbs=limbs))
    assert [(doubt.severity, doubt.code) for doubt in found.doubts] == [("error", "contradicting-record")]
    assert f"allow {allowed}" in found.doubts[0].message


def test_another_reading_is_told() -> None:
    """UMN signs in two regions and LMN signs in two, but together in one alone."""
    found = categories(items(umn_bulbar=1, umn_cervical=1, lmn_cervical=1, lmn_lumbosacral=1))
    assert (found.values["el_escorial"], found.values["awaji"]) == ("possible", "possible")
    assert [doubt.code for doubt in found.doubts] == ["other-reading"]
    assert found.doubts[0].message.startswith("el_escorial, awaji, awaji_us: UMN signs in two regions")
