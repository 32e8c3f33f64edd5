"""Regions and segments that a study declares in ``paraspinal.toml``, and what labels mean then."""

from __future__ import annotations

import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.labels import Region, aliases_of, hint, meanings_of, region_of
from mriparaspinal.core.model import OwnRegion, Settings
from mriparaspinal.io.protocol import resolve_settings, sound

DS = OwnRegion("DS", sided=False, names=("dural sac", "thecal sac"), colour="#44aa99", expected=True)
GL = OwnRegion("GL", names=("gluteus",))

DECLARED = """
reference = "DS"
segments = ["S1", "T12", "L5"]
[labels]
"Hinterbacke links" = "GL_L"
[regions.GL]
names = ["gluteus"]
[regions.DS]
sided = false
names = ["dural sac", "thecal sac"]
colour = "#44aa99"
expected = true
"""


def test_what_is_declared_is_read_in_its_order(tmp_path):
    (tmp_path / "paraspinal.toml").write_text(DECLARED)
    settings = resolve_settings(tmp_path, {})
    assert settings.regions == (GL, DS)
    assert settings.reference == "DS"
    assert settings.levels == ("T12", "L5", "S1")  # from the head down
    assert settings.muscles == ("MF", "ES", "PM", "QL", "GL")  # the reference has no row of its own
    assert settings.references == ("IVD", "VB", "DS")
    assert sound(settings) == settings


def test_without_a_declaration_all_is_as_ever():
    assert Settings().levels == ("L1", "L2", "L3", "L4", "L5")
    assert Settings().muscles == ("MF", "ES", "PM", "QL")


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[regions.MF]", "regions.MF: 'mf' was found, which means MF"),
        ("[regions.Psoas]", "regions.Psoas: 'psoas' was found, which means PM"),
        ("[regions.LMF]", "regions.LMF: 'lmf' was found, which means MF_L"),
        ("[regions.IVD]", "regions.IVD: 'ivd' was found, which means IVD"),
        ("[regions.L]", "regions.L: the name 'L' was found; expected 2 to 12 letters and digits"),
        ("[regions.ds]", "regions.ds: the name 'ds' was found"),
        ("[regions.Both]", "regions.Both: 'both' was found, which has another meaning"),
        ("[regions.T12]", "regions.T12: 't12' was found, which has another meaning"),
        ("[regions.Hole]", "regions.Hole: 'hole' was found, which has another meaning"),
        ('[regions.DS]\nnames = ["psoas major"]', "regions.DS: 'psoas major' was found, which means PM"),
        ('[regions.DS]\nnames = ["MF 2"]', "regions.DS: 'mf 2' was found, which means a part of MF"),
        ('[regions.DS]\nnames = "sac"', "regions.DS: names = 'sac' was found; expected a list of words"),
        ("[regions.DS]\nsided = 1", "regions.DS: sided = 1 was found; expected true or false"),
        ('[regions.DS]\nexpected = "yes"', "regions.DS: expected = 'yes' was found; expected true or false"),
        ('[regions.DS]\ncolour = "red"', "regions.DS: colour = 'red' was found; expected a colour such as"),
        (
            '[regions.DS]\nreference = "VB"',
            "regions.DS: the key 'reference' was found; expected one of sided",
        ),
        ("[regions]\nDS = 3", "regions.DS: 3 was found; expected a table"),
        ("regions = 5", "regions: 5 was found; expected a table"),
        ("[regions.DS]\n[regions.Ds]", "regions.Ds: 'ds' was found, which means DS"),
        ("[regions.DS]\n[regions.DSL]", "regions.DSL: 'dsl' was found, which means DS_L"),
        ("[regions.DSL]\n[regions.DS]", "regions.DS: 'dsl' was found, which means DSL"),
        (
            '[regions.DS]\nnames = ["dural sac"]\n[regions.TS]\nnames = ["Dural_Sac"]',
            "regions.TS: 'dural sac' was found, which means DS",
        ),
        ('segments = ["T12", "L6"]', "segments: ['T12', 'L6'] was found; expected a list of segments"),
        ("segments = []", "segments: [] was found; expected a list of segments"),
        ('segments = ["L1", "L1"]', "segments: ['L1', 'L1'] was found; expected a list of segments"),
        ('segments = "L1"', "segments: 'L1' was found; expected a list of segments"),
        ('reference = "DS"', "reference: 'DS' was found; expected IVD or VB"),
        (
            'reference = "GL"\n[regions.GL]',
            "reference: 'GL' was found; expected IVD or VB (a region with sides divides nothing)",
        ),
        ('[labels]\n"a" = "DS"', "labels: {'a': 'DS'} was found"),
    ],
)
def test_what_cannot_be_declared_is_one_line(tmp_path, toml, told):
    (tmp_path / "paraspinal.toml").write_text(toml)
    with pytest.raises(UsageError) as caught:
        resolve_settings(tmp_path, {})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"paraspinal.toml: {told}")


def test_two_tables_of_one_name_are_one_line(tmp_path):
    (tmp_path / "paraspinal.toml").write_text("[regions.DS]\n[regions.DS]")
    with pytest.raises(UsageError, match=r"paraspinal\.toml: .*regions.*twice"):
        resolve_settings(tmp_path, {})


def test_settings_made_in_python_are_looked_at_too():
    given = Settings(regions=(DS, GL), reference="DS")
    assert sound(given) == given
    as_lists = OwnRegion(
        "DS", sided=False, names=["dural sac", "thecal sac"], colour="#44aa99", expected=True
    )
    assert sound(Settings(regions=[as_lists, {"name": "GL", "names": ["gluteus"]}], reference="DS")) == given
    with pytest.raises(UsageError, match=r"Settings: regions\.MF: 'mf' was found, which means MF"):
        sound(Settings(regions=(OwnRegion("MF"),)))


@pytest.mark.parametrize(
    ("label", "region"),
    [
        ("DS", Region("DS", "")),
        ("ds", Region("DS", "")),
        ("Dural_Sac", Region("DS", "")),
        ("thecalsac", Region("DS", "")),
        ("GL_L", Region("GL", "left")),
        ("gl-r", Region("GL", "right")),
        ("left gluteus", Region("GL", "left")),
        ("Gluteus (R)", Region("GL", "right")),
        ("GL", Region("GL", "")),
        ("hinterbacke LINKS", Region("GL", "left")),
        ("MF_L", Region("MF", "left")),
        ("L GL R", None),
        ("DS_L", None),
        ("TH_L", None),
    ],
)
def test_labels_of_own_regions(label, region):
    settings = Settings(regions=(GL, DS), labels=(("Hinterbacke links", "GL_L"),))
    assert region_of(label, aliases_of(settings)) == region
    if region is not None and region.name != "MF":
        assert region_of(label, {}) is None  # not declared


def test_parts_and_near_misses_of_own_regions():
    aliases = aliases_of(Settings(regions=(GL, DS)))
    found = meanings_of(["DS", "DS-2", "GL_L-2"], aliases, "T12")
    assert found.regions == {
        "DS": Region("DS", ""), "DS-2": Region("DS", ""), "GL_L-2": Region("GL", "left"),
    }  # fmt: skip
    assert set(meanings_of(["MF_L", "MF_L-12"], {}, "T12").unclear) == {"MF_L-12"}  # its level, or a part?
    assert hint("dural sack", aliases) == "did you mean DS?"
    assert hint("glutaeus left", aliases) == "did you mean GL_L?"
    assert hint("dural sack", {}) == ""
