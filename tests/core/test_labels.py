"""The label grammar of the contract, written out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.core.labels import (
    Region,
    alias_key,
    hint,
    lacks_side,
    meanings_of,
    means_hole,
    parse_label,
    part_of,
    region_of,
)
from mriparaspinal.core.text import natural_key

GAPS = ("", "_", "-", ".", " ")
MUSCLES = {
    "MF": ["mf", "multifidus"],
    "ES": ["es", "erector spinae", "erector_spinae", "erectorspinae"],
    "PM": ["pm", "psoas", "psoas major", "psoas-major", "psoasmajor"],
    "QL": ["ql", "quadratus lumborum", "quadratus.lumborum"],
}
REFERENCES = {
    "IVD": ["ivd", "disc", "disk", "intervertebral disc", "intervertebral_disk"],
    "VB": ["vb", "vertebra", "vertebral body", "vertebral-body"],
}
SIDES = {"left": ["l", "left"], "right": ["r", "right"]}
SPELLINGS = [
    (name, written, side, word)
    for name, names in MUSCLES.items()
    for written in names
    for side, words in SIDES.items()
    for word in words
]


@pytest.mark.parametrize(("name", "written", "side", "word"), SPELLINGS)
def test_a_side_may_stand_before_or_after_with_any_gap_in_any_case(name, written, side, word):
    for gap in (*GAPS, " - ", "__"):
        for label in (written + gap + word, word + gap + written):
            for text in (label, label.upper(), label.title(), f"  {label}\n"):
                assert parse_label(text) == Region(name, side), text


@pytest.mark.parametrize(("name", "written"), [(n, w) for n, names in MUSCLES.items() for w in names])
def test_a_muscle_without_side(name, written):
    for text in (written, written.upper(), written.title()):
        assert parse_label(text) == Region(name, "")


@pytest.mark.parametrize(("name", "written"), [(n, w) for n, names in REFERENCES.items() for w in names])
def test_references(name, written):
    for text in (written, written.upper(), written.title(), f" {written} "):
        assert parse_label(text) == Region(name, "")


@pytest.mark.parametrize(
    ("label", "told"),
    [
        # the contract's own examples
        ("MF_L", "MF_L"),
        ("PM_R", "PM_R"),
        ("mf-l", "MF_L"),
        ("left multifidus", "MF_L"),
        ("Multifidus_R", "MF_R"),
        ("psoas major left", "PM_L"),
        ("disc", "IVD"),
        ("vertebra", "VB"),
    ],
)
def test_the_examples_of_the_contract(label, told):
    assert str(parse_label(label)) == told


@pytest.mark.parametrize(
    "label",
    [
        *("", " ", "_", "L", "left", "right", "muscle", "m"),
        *("MF_L_2", "MF_L1", "MF1", "2MF_L", "MF_LR", "MF_L_R", "L_MF_R", "L MF L", "left left MF"),
        *("MFS", "xMF_L", "MF_Lx", "MF_", "_MF", "MF_L_", "-MF_L", "MF/L", "MF:L", "MF,L", "MF(L", "MF\tL"),
        *("IVD_L", "left disc", "VB_R", "discs", "L3", "L4/5", "disc L4"),
        *("multifidusL?", "multi fidus", "erector", "spinae", "major psoas", "psoas minor", "quadratus"),
        *("MF_L\nES_R", "М\u0424_L", "background", "fat", "none"),
    ],
)
def test_labels_that_are_not_ours(label):
    assert parse_label(label) is None


_SIDED = ("MF", "ES", "PM", "QL", "MF_CSA", "ES_CSA", "EFT")


@pytest.mark.parametrize(
    ("label", "told"),
    [
        *(("MF_CSA_L", "MF_CSA_L"), ("right mf-csa", "MF_CSA_R"), ("ES CSA", "ES_CSA")),
        *(("eft_l", "EFT_L"), ("EFTR", "EFT_R"), ("L_EFT", "EFT_L"), ("Epifascial tent right", "EFT_R")),
    ],
)
def test_the_fat_between_fascia_and_muscle(label, told):
    region = parse_label(label)
    assert str(region) == told
    assert lacks_side(region) == (not region.side)


@given(st.text(max_size=12))
def test_any_text_is_a_region_or_none(text):
    region = parse_label(text)
    assert region is None or str(region) in {
        *("IVD", "VB"),
        *(f"{muscle}{side}" for muscle in _SIDED for side in ("", "_L", "_R")),
    }


def test_every_region_is_written_in_the_way_it_is_read():
    for name, side in itertools.product(_SIDED, ("left", "right", "")):
        assert parse_label(str(Region(name, side))) == Region(name, side)


def test_aliases_come_first_and_know_no_case():
    aliases = {alias_key(" Muskel 1 "): "MF_L", alias_key("ES_L"): "ES_R"}
    assert region_of("MUSKEL 1", aliases) == Region("MF", "left")
    assert region_of("es_l ", aliases) == Region("ES", "right")
    assert region_of("ES_R", aliases) == Region("ES", "right")
    assert region_of("Muskel 2", aliases) is None


def test_numbers_sort_by_their_value():
    names = ["ALS_10", "ALS_9", "ALS_2b", "ALS_2", "ALS_02", "LR_1", "ALS", "1", "", "ALS_1_10", "ALS_1_2"]
    expected = ["", "1", "ALS", "ALS_1_2", "ALS_1_10", "ALS_2", "ALS_02", "ALS_2b", "ALS_9", "ALS_10", "LR_1"]
    assert sorted(names, key=natural_key) == expected


@given(st.lists(st.integers(0, 10**6)))
def test_sorting_by_the_natural_key_is_sorting_by_number(numbers):
    names = [f"ALS_{number}" for number in numbers]
    assert sorted(names, key=natural_key) == [f"ALS_{number}" for number in sorted(numbers)]


def test_a_number_of_any_length_can_be_sorted():
    # Python refuses to make an int of more than 4300 digits.
    assert natural_key("A_" + "9" * 5000) < natural_key("A_1" + "0" * 5000)


@given(st.text(), st.text())
def test_natural_keys_of_any_texts_can_be_compared(a, b):
    assert (natural_key(a) < natural_key(b)) + (natural_key(b) < natural_key(a)) <= 1


# ---------------------------------------------------------------- how labels are typed elsewhere


@pytest.mark.parametrize(
    ("label", "told"),
    [
        *(
            ("ＭＦ＿Ｌ", "MF_L"),
            ("MF（R）", "MF_R"),
            ("mf (l)", "MF_L"),
            ("ES[R]", "ES_R"),
            ("ＩＶＤ", "IVD"),
        ),
        *(("MF_L\u200b", "MF_L"), ("\ufeffMF_L", "MF_L"), ("MF\u00a0L", "MF_L"), ("MF\u3000L", "MF_L")),
        *(("MF\u2013L", "MF_L"), ("MF\u2011L", "MF_L"), ("MF\u2212L", "MF_L"), ("M\u00adF_L", "MF_L")),
        *(("\u33a1", "None"), ("\ufb01", "None")),
    ],
)
def test_labels_are_compared_as_they_look(label, told):
    assert str(parse_label(label)) == told
    assert alias_key(label) == alias_key(alias_key(label))


@pytest.mark.parametrize(
    ("label", "part"),
    [
        *((f"MF_L{behind}", ("MF_L", 2)) for behind in ("-2", "_2", " (2)", "#2", " 2", "(2)", ".2", "－２")),
        *(("MF-1", ("MF", 1)), ("left multifidus 12", ("MF_L", 12)), ("IVD_3", ("IVD", 3))),
        *(
            (label, None)
            for label in ("MF_L2", "MF_L", "fat-2", "-2", "2", "MF_L-1234", "MF_L-2-3", "2-MF_L")
        ),
    ],
)
def test_numbered_parts(label, part):
    found = part_of(label, {})
    assert (found and (str(found[0]), found[1])) == part


def test_parts_of_the_labs_own_labels():
    assert part_of("Multi links-2", {"multi links": "MF_L"}) == (Region("MF", "left"), 2)


@pytest.mark.parametrize(
    ("labels", "segment", "regions", "unclear", "lone"),
    [
        (["MF_L", "MF_L-2"], "L3", ["MF_L", "MF_L-2"], [], []),
        (["MF_L-1"], "L3", ["MF_L-1"], [], []),
        (["MF_L-1", "MF_L-2"], "L2", ["MF_L-1", "MF_L-2"], [], []),
        (["MF_L", "MF_L-2", "MF_L-3"], "L3", ["MF_L", "MF_L-2", "MF_L-3"], [], []),
        # the number of the slice's own segment: a part, or the level?
        (["MF_L", "MF_L-3"], "L3", ["MF_L"], ["MF_L-3"], []),
        (["MF_L_3", "ES_L_3"], "L3", [], [], []),
        # the number of another level, and no other part
        (["MF_L-4"], "L3", ["MF_L-4"], [], ["MF_L-4"]),
        (["MF_L2", "MF_L"], "L3", ["MF_L"], [], []),
        # perhaps another part, but not in a spelling that is surely one
        *(
            (["MF_L", label], "L3", ["MF_L"], [label], [])
            for label in ("MF_L_b", "MF_L copy", "MF_L:2", "MF_L/2")
        ),
        *((["MF_L", label], "L3", ["MF_L"], [], []) for label in ("MF_L_fat", "MF_L_hole", "ES_R copy")),
    ],
)
def test_what_the_labels_of_a_slice_mean_together(labels, segment, regions, unclear, lone):
    found = meanings_of(labels, {}, segment)
    assert (sorted(found.regions), list(found.unclear), list(found.lone)) == (regions, unclear, lone)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        *(
            ("MF_LL", "MF_L?"),
            ("ES_lft", "ES_L?"),
            ("psoas_majr_R", "PM_R?"),
            ("IVDD", "IVD?"),
            ("FM_L", "MF_L?"),
        ),
        *(("\u041cF_L", "MF_L?"), ("multifidus_links", "MF_L?"), ("MF_L2", "MF_L-2")),
        *(("0165-0112", "ImageJ"), ("0003-0165-0112-1", "ImageJ"), ("MF_L_3", "level")),
    ],
)
def test_a_near_miss_gets_a_hint(label, told):
    assert told in hint(label, {})


@pytest.mark.parametrize(
    "label", ["fat", "skin", "aorta", "kidney_l", "sacrum", "bone", "L3", "", "  ", "\u808c"]
)
def test_other_words_get_none(label):
    assert hint(label, {}) == ""


@pytest.mark.parametrize("label", ["MF_L_inner", "cutout", "Loch", "trou 2", "exclusion"])
def test_other_words_for_holes(label):
    assert means_hole(label)
