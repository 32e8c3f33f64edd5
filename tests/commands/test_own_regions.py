"""Regions of one's own and segments beyond L1 to L5: every command knows what is declared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import mriparaspinal as mp
from mriparaspinal.core.model import OwnRegion, Settings
from mriparaspinal.drafts.fusion import REGIONS, make_atlas, outline, regions_of
from mriparaspinal.io.numberings import OVERLAP, PAIR_VALUES, VALUES, pair_values_of, value_table, values_of
from tests.support.builders.slices import SHAPES, box, grey_image, own_image, polygon, write_slice
from tests.support.builders.study import copy_sample, one_line, problems_of, read_csv, run
from tests.support.review import serve, shape

TOML = """
[regions.GL]
names = ["gluteus"]

[regions.DS]
sided = false
names = ["dural sac"]
colour = "#44aa99"
expected = true
"""

SAC = polygon("Dural sac", box(46, 52, 53, 58))
GLUTEI = [polygon("gluteus R", box(2, 90, 12, 97)), polygon("GL_L", box(86, 90, 97, 97))]
WHOLE = [*SHAPES, SAC, *GLUTEI]

HEAD = ("muscle", "side", "role", "csa_px", "fat_px", "reference", "reference_px", "asymmetry_pct")


def pixels(points, grey: np.ndarray) -> np.ndarray:
    """The grey levels of a polygon as LabelMe fills it."""
    canvas = Image.new("L", grey.shape[::-1])
    ImageDraw.Draw(canvas).polygon([tuple(p) for p in points], fill=1, outline=1)
    return grey[np.asarray(canvas) == 1]


def study(tmp_path: Path, stems=("ALS_1_3", "ALS_2_3"), toml: str = TOML, shapes=WHOLE) -> Path:
    root = tmp_path / "data"
    for stem in stems:
        write_slice(root, stem, shapes=shapes)
    (root / "paraspinal.toml").write_text(toml)
    return root


def quantified(root: Path, *options: object, code: int = 0) -> Path:
    out = root.parent / "results"
    assert run("quantify", root, "--out", out, *options).code == code
    return out


# --- rows ---------------------------------------------------------------------------------------------------


def test_rows_of_own_regions_come_after_ours_in_the_declared_order(tmp_path):
    out = quantified(study(tmp_path))
    rows = [row for row in read_csv(out / "L3.csv") if row["participant_id"] == "ALS_1"]
    assert [(row["muscle"], row["side"]) for row in rows[9:]] == [
        ("GL", "left"), ("GL", "right"), ("GL", "both"), ("DS", "both"),
    ]  # fmt: skip
    grey = own_image("ALS_1_3")
    sac, left, right = (pixels(s["points"], grey) for s in (SAC, GLUTEI[1], GLUTEI[0]))
    ds, both = rows[-1], rows[-2]
    assert (int(ds["csa_px"]), int(ds["fat_px"])) == (sac.size, int((sac > 50).sum()))
    assert float(ds["rcsa"]) == sac.size / 900
    assert float(ds["mean_intensity"]) == sac.sum() / sac.size
    assert (ds["role"], ds["asymmetry_pct"], ds["reference"]) == ("bilateral", "", "IVD")
    assert int(both["csa_px"]) == left.size + right.size
    assert float(both["asymmetry_pct"]) == 100 * (left.size - right.size) / ((left.size + right.size) / 2)
    assert problems_of(out) == set()


def test_without_a_declaration_nothing_changes(tmp_path):
    with_own = quantified(study(tmp_path / "a", toml=""))
    without = quantified(study(tmp_path / "b", toml="", shapes=SHAPES))
    assert (with_own / "L3.csv").read_bytes() == (without / "L3.csv").read_bytes()
    settings = json.loads((without / "quantify.json").read_text())["settings"]
    assert not {"regions", "segments"} & set(settings)


def test_tables_for_other_programs_say_what_own_regions_are(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    openpyxl = pytest.importorskip("openpyxl")
    toml = TOML.replace('names = ["gluteus"]\n', "")
    shapes = [*SHAPES, SAC, polygon("GL_L", box(86, 90, 97, 97)), polygon("GL_R", box(2, 90, 12, 97))]
    bids = tmp_path / "bids"
    out = quantified(study(tmp_path, toml=toml, shapes=shapes), "--sav", "--xlsx", "--bids", bids)
    own = {"GL": "region of the study’s own", "DS": "dural sac"}
    _, told = pyreadstat.read_sav(out / "measurements.sav")
    labels = told.variable_value_labels["muscle"]
    assert {name: labels[name] for name in own} == own
    assert labels["MF"] == "multifidus"
    sheet = openpyxl.load_workbook(out / "results.xlsx")["dictionary"]
    (values,) = {row[4] for row in sheet.iter_rows(values_only=True) if row[:2] == ("measurements", "muscle")}
    assert values.endswith("; GL region of the study’s own; DS dural sac")
    before = (bids / "desc-paraspinal_measurements.json").read_bytes()
    levels = json.loads(before)["muscle"]["Levels"]
    assert {name: levels[name] for name in own} == own
    mp.read_results(out).save_bids(tmp_path / "again")
    assert (tmp_path / "again" / "desc-paraspinal_measurements.json").read_bytes() == before


def test_the_rows_of_ours_are_the_same_beside_own_regions(tmp_path):
    declared = quantified(study(tmp_path / "a"), "--fat-rule", "otsu")
    plain = quantified(study(tmp_path / "b", toml="", shapes=SHAPES), "--fat-rule", "otsu")
    ours = [row for row in read_csv(declared / "L3.csv") if row["muscle"] in ("MF", "ES", "PM")]
    assert ours == read_csv(plain / "L3.csv")


def test_roles_of_a_sided_region_follow_the_onset_side(tmp_path):
    root = study(tmp_path)
    (root / "participants.csv").write_text("participant_id,group,onset_side\nALS_1,ALS,L\nALS_2,ALS,R\n")
    rows = read_csv(quantified(root) / "L3.csv")
    roles = {(r["participant_id"], r["side"]): r["role"] for r in rows if r["muscle"] == "GL"}
    assert roles["ALS_1", "left"] == roles["ALS_2", "right"] == "symptomatic"
    assert roles["ALS_1", "right"] == roles["ALS_2", "left"] == "contralateral"


def test_a_reference_of_ones_own(tmp_path):
    root = study(tmp_path, shapes=[s for s in WHOLE if s["label"] != "IVD"])
    out = quantified(root, "--reference", "DS")
    rows = read_csv(out / "L3.csv")
    assert {row["muscle"] for row in rows} == {"MF", "ES", "PM", "GL"}
    mf = rows[0]
    assert (mf["participant_id"], mf["muscle"], mf["side"]) == ("ALS_1", "MF", "left")
    sac = pixels(SAC["points"], own_image("ALS_1_3")).size
    assert (mf["reference"], int(mf["reference_px"])) == ("DS", sac)
    assert float(mf["rcsa"]) == int(mf["csa_px"]) / sac
    assert problems_of(out) == set()
    (root / "paraspinal.toml").write_text('reference = "DS"\n' + TOML)
    again = quantified(root)
    assert read_csv(again / "L3.csv") == rows


def test_a_reference_of_ones_own_gives_no_side(tmp_path):
    """It may lie anywhere: a label without a side is not told by it."""
    shapes = [s for s in WHOLE if s["label"] not in ("IVD", "ES_L", "ES_R")]
    shapes += [{**s, "label": "ES"} for s in SHAPES if s["label"][:2] == "ES"]
    out = quantified(study(tmp_path, stems=["ALS_1_3"], shapes=shapes), "--reference", "DS", code=4)
    assert ("ALS_1_3.json", "ES", "error", "side-unknown") in problems_of(out)


@pytest.mark.parametrize("name", ["DS", "GL", "T12"])
def test_a_reference_that_is_not_declared_or_has_sides_is_one_line(tmp_path, name):
    root = study(tmp_path, toml=TOML.replace("regions.DS", "regions.TS").replace("dural", "thecal"))
    told = one_line(run("quantify", root, "--out", tmp_path / "r", "--reference", name), 2)
    assert f"--reference: '{name}' was found; expected IVD or VB or TS" in told


# --- problems -----------------------------------------------------------------------------------------------


def test_what_is_missing_of_own_regions(tmp_path):
    root = study(tmp_path, stems=["ALS_1_3"])
    write_slice(root, "ALS_2_3", shapes=[*SHAPES, GLUTEI[1]])
    write_slice(root, "LR_1_3", shapes=[*SHAPES, SAC])
    assert problems_of(quantified(root, code=4)) == {
        ("ALS_2_3.json", "DS", "error", "missing-region"),  # expected on each slice
        ("ALS_2_3.json", "GL_R", "error", "missing-region"),  # one side alone
    }


def test_a_mistyped_label_of_an_own_region_is_one_error(tmp_path):
    root = study(tmp_path, stems=["ALS_1_3"])
    write_slice(root, "ALS_2_3", shapes=[*SHAPES, polygon("dural sack", SAC["points"]), *GLUTEI])
    out = quantified(root, code=4)
    assert problems_of(out) == {("ALS_2_3.json", "dural sack", "error", "unknown-label")}
    (row,) = read_csv(out / "problems.csv")
    assert "did you mean DS?" in row["message"]


def test_sides_that_contradict_the_display_are_told_of_own_regions_too(tmp_path):
    exchanged = [polygon("GL_L", GLUTEI[0]["points"]), polygon("GL_R", GLUTEI[1]["points"])]
    out = quantified(study(tmp_path, stems=["ALS_1_3"], shapes=[*SHAPES, SAC, *exchanged]), code=4)
    assert ("ALS_1_3.json", "GL_L, GL_R", "error", "side-contradicts-display") in problems_of(out)


def test_an_own_region_may_be_a_part_of_another_and_of_any_size(tmp_path):
    within = polygon("DS", box(40, 30, 45, 35))  # in the disc
    around = [polygon("GL_R", box(1, 1, 33, 98)), polygon("GL_L", box(66, 1, 98, 98))]  # around muscles
    out = quantified(study(tmp_path, stems=["ALS_1_3"], shapes=[*SHAPES, within, *around]))
    assert problems_of(out) == set()
    everywhere = polygon("DS", box(0, 0, 99, 99))
    out = quantified(study(tmp_path / "a", stems=["ALS_1_3"], shapes=[*SHAPES, everywhere, *GLUTEI]))
    assert problems_of(out) == set()
    half = polygon("DS", box(40, 45, 45, 54))
    out = quantified(study(tmp_path / "b", stems=["ALS_1_3"], shapes=[*SHAPES, half, *GLUTEI]))
    assert problems_of(out) == {("ALS_1_3.json", "IVD, DS", "warning", "overlap")}


def test_a_dataset_of_one_own_region_alone(tmp_path):
    out = quantified(study(tmp_path, shapes=[SAC]), code=4)
    assert [(r["muscle"], r["side"]) for r in read_csv(out / "L3.csv")] == [("DS", "both")] * 2


# --- segments -----------------------------------------------------------------------------------------------

STEMS = ("ALS_7_T12", "ALS_7_1", "ALS_7_L5", "ALS_7_s1", "ALS_7_v2_S1")


def test_segments_beyond_the_lumbar_ones(tmp_path):
    toml = 'segments = ["S1", "L1", "L5", "T12"]\n'
    root = study(tmp_path, STEMS[:4], toml, SHAPES)
    out = quantified(root)
    assert {p.name for p in out.glob("[LST]*.csv")} == {"L1.csv", "L5.csv", "S1.csv", "T12.csv"}
    assert {row["segment"] for row in read_csv(out / "S1.csv")} == {"S1"}
    assert list(mp.read_results(out).segment_tables) == ["T12.csv", "L1.csv", "L5.csv", "S1.csv"]
    listed = json.loads((out / "quantify.json").read_text())
    assert listed["settings"]["segments"] == ["S1", "L1", "L5", "T12"]
    said = run("check", root)
    assert "T12, L1, L5, S1 measured" in said.err or "T12 1, L1 1, L5 1, S1 1" in said.err + said.out


def test_sessions_and_stacks_of_such_segments(tmp_path):
    stems = ("ALS_7_v1_S1_a", "ALS_7_v1_S1_b", "ALS_7_v2_S1_a", "ALS_7_v2_S1_b")
    out = quantified(study(tmp_path, stems, 'segments = ["S1"]\n', SHAPES))
    assert {(r["session"], r["slices"]) for r in read_csv(out / "S1.csv")} == {("v1", "2"), ("v2", "2")}
    assert len(read_csv(out / "S1_slices.csv")) == 36


def test_a_segment_that_is_not_declared_is_named_with_the_option(tmp_path):
    root = study(tmp_path, ("ALS_7_3", "ALS_7_T12"), "", SHAPES)
    (row,) = read_csv(quantified(root, code=4) / "problems.csv")
    assert (row["code"], row["file"]) == ("bad-name", "ALS_7_T12.png")
    assert "unless segments in paraspinal.toml lists T12" in row["message"]
    root = study(tmp_path / "b", ("ALS_7_3", "ALS_7_T12"), 'segments = ["T12", "S1"]\n', SHAPES)
    (row,) = read_csv(quantified(root, code=4) / "problems.csv")
    assert row["file"] == "ALS_7_3.png"
    assert "segments are T12, S1" in row["message"]


def test_tables_of_segments_that_are_no_longer_declared_go(tmp_path):
    root = study(tmp_path, ("ALS_7_3", "ALS_7_T12"), 'segments = ["T12", "L3"]\n', SHAPES)
    out = quantified(root)
    assert (out / "T12.csv").is_file()
    (root / "paraspinal.toml").write_text("")
    quantified(root, code=4)
    assert not (out / "T12.csv").exists()


# --- masks and contours -------------------------------------------------------------------------------------

OWN = (OwnRegion("GL"), OwnRegion("DS", sided=False))


def test_numbers_of_own_regions_follow_ours_and_stay():
    assert list(values_of(OWN).items())[: len(VALUES)] == list(VALUES.items())
    assert [values_of(OWN)[k] for k in (("GL", "left"), ("GL", "right"), ("DS", ""))] == [12, 13, 14]
    more = (*OWN, OwnRegion("TH"))
    assert values_of(OWN).items() <= values_of(more).items()
    assert PAIR_VALUES.items() <= pair_values_of(OWN).items() <= pair_values_of(more).items()
    many = tuple(OwnRegion(f"R{n}") for n in range(30))
    taken = [*values_of(many).values(), *pair_values_of(many).values(), OVERLAP]
    assert len(set(taken)) == len(taken)
    assert max(taken) == OVERLAP
    assert max(values_of(many).values()) < min(PAIR_VALUES.values())
    assert value_table(own=OWN)[-2:] == [(14, "DS", ""), (OVERLAP, "overlap", "")]


@pytest.mark.parametrize("form", ["png", "nifti"])
def test_label_maps_of_own_regions_measure_the_same(tmp_path, form):
    root = study(tmp_path, stems=["ALS_1_3"])
    out, masks = quantified(root), tmp_path / "masks"
    assert run("masks", root, "--out", masks, "--format", form).code in (0, 4)
    assert {"GL", "DS"} <= {row["region"] for row in read_csv(masks / "values.csv")}
    mapped = tmp_path / "mapped"
    assert run("quantify", root, "--masks", masks, "--out", mapped).code == 0
    for one, other in zip(read_csv(out / "L3.csv"), read_csv(mapped / "L3.csv"), strict=True):
        assert [one[c] for c in HEAD] == [other[c] for c in HEAD]
    if form == "png":
        with Image.open(masks / "ALS_1_3_mask.png") as index:
            palette = index.getpalette()
        assert palette[3 * 14 : 3 * 14 + 3] == [0x44, 0xAA, 0x99]  # the declared colour
        with Image.open(masks / "ALS_1_3_overlay.png") as picture:
            assert (0x44, 0xAA, 0x99) in {colour for _, colour in picture.getcolors(1 << 24)}


def test_contours_of_label_maps_of_own_regions(tmp_path):
    root = study(tmp_path, stems=["ALS_1_3"])
    out = quantified(root)
    run("masks", root, "--out", tmp_path / "masks")
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("ALS_1_3.png", "paraspinal.toml"):
        shutil.copy(root / name, bare)
    said = run("contours", tmp_path / "masks", "--dataset", bare)
    assert "labels that are not regions" not in said.err
    labels = [s["label"] for s in json.loads((bare / "ALS_1_3.json").read_text())["shapes"]]
    assert labels[-3:] == ["GL_L", "GL_R", "DS"]
    again = tmp_path / "again"
    assert run("quantify", bare, "--out", again, "--accept-drafts").code == 0
    for one, other in zip(read_csv(out / "L3.csv"), read_csv(again / "L3.csv"), strict=True):
        assert [one[c] for c in HEAD] == [other[c] for c in HEAD]


# --- shares, other processes --------------------------------------------------------------------------------


def test_shares_and_other_processes_know_them(tmp_path):
    root = study(tmp_path, ("ALS_1_T12", "ALS_2_T12"), 'segments = ["T12"]\n' + TOML)
    whole = quantified(root)
    for who in ("ALS_1", "ALS_2"):
        assert run("quantify", root, "--out", tmp_path / who, "--participant-label", who).code == 0
    assert run("merge", tmp_path / "ALS_1", tmp_path / "ALS_2", "--out", tmp_path / "joined").code == 0
    assert run("quantify", root, "--out", tmp_path / "two", "--jobs", "2").code == 0
    for folder in ("joined", "two"):
        for file in ("T12.csv", "quantify.json", "problems.csv"):
            assert (tmp_path / folder / file).read_bytes() == (whole / file).read_bytes()


# --- statistics, report -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A small cohort of the sample with own regions, measured: ``scans`` and ``results``."""
    home = tmp_path_factory.mktemp("own")
    root = copy_sample(home / "scans", "*_[12]_[45].*")
    for number, path in enumerate(sorted(root.glob("*.json"))):
        content = json.loads(path.read_text())
        points = next(np.array(s["points"]) for s in content["shapes"] if s["label"] == "IVD")
        x, y = (points[:, 0].min() + points[:, 0].max()) / 2, points[:, 1].max()
        more = [
            polygon("dural sac", box(x - 8 - number % 3, y + 2, x + 8, y + 8)),
            polygon("GL_R", box(x - 100, y, x - 90 - number % 4, y + 20)),
            polygon("GL_L", box(x + 90, y, x + 100 + number % 5, y + 20)),
        ]
        # The first has the second region alone: the order is the declared one all the same.
        path.write_text(json.dumps(content | {"shapes": content["shapes"] + more[: 1 if number == 0 else 3]}))
    (root / "paraspinal.toml").write_text(TOML.replace("GL", "ZZ").replace("gluteus", "GL"))
    assert run("quantify", root, "--out", home / "results").code in (0, 4)
    return home


def test_the_statistics_take_own_regions_in_their_order(made):
    found = mp.compare(made / "results", missing=True)
    rows = found.table
    of_groups = rows[(rows["contrast"] == "group:ALS-LR") & (rows["metric"] == "rcsa")]
    for segment in ("L4", "L5"):
        here = of_groups[of_groups["segment"] == segment]
        assert list(here.loc[here["role"] == "bilateral", "muscle"]) == ["MF", "ES", "PM", "ZZ", "DS"]
        assert list(here.loc[here["role"] == "symptomatic", "muscle"]) == ["MF", "ES", "PM", "ZZ"]
    own = [r for r in read_csv(made / "results" / "L5.csv") if (r["muscle"], r["group"]) == ("DS", "LR")]
    (row,) = of_groups[(of_groups["segment"] == "L5") & (of_groups["muscle"] == "DS")].to_dict("records")
    assert row["n_b"] == len(own) == 2
    assert row["mean_b"] == pytest.approx(np.mean([float(r["rcsa"]) for r in own]), rel=1e-12)
    missing = found.tables["missing"]
    assert set(missing.loc[missing["muscle"] == "DS", "side"]) == {"both"}
    assert set(missing.loc[missing["muscle"] == "ZZ", "side"]) == {"left", "right"}
    assert list(dict.fromkeys(missing["muscle"])) == ["MF", "ES", "PM", "ZZ", "DS"]
    drawn = found.figures["figure_effects"].drawn
    assert list(dict.fromkeys(row["muscle"] for row in drawn)) == ["MF", "ES", "PM", "ZZ", "DS"]
    assert found.figures["figure_missing"].drawn


def test_commands_say_how_to_have_a_region_without_sides(made, tmp_path):
    own = made / "results"
    who = ("--outcome", "group", "--positive", "ALS", "--predictor", "rcsa_L5_DS")
    assert run("roc", own, *who, "--out", tmp_path / "roc").code in (0, 4)
    (row,) = read_csv(tmp_path / "roc" / "roc.csv")
    assert (row["n_positive"], row["n_negative"]) == ("2", "2")
    told = run("model", own, "--formula", "group", "--metric", "fi", "--out", tmp_path / "model").err
    assert "DS: left out, without sides; name the regions by --muscle" in " ".join(told.split())
    told = run("plan", own, "--contrast", "group:ALS-LR", "--metric", "fi", "--out", tmp_path / "plan").err
    assert "DS: has no sides and is left out of the role symptomatic" in " ".join(told.split())
    asked = ("--metric", "asymmetry_pct", "--score", "age", "--out", tmp_path / "correlations")
    none = "there is no such measure of these sides"
    assert none in one_line(run("correlate", own, *asked), 3)


def test_the_threshold_sweep_counts_own_regions(made, tmp_path):
    options = ("--dataset", made / "scans", "--out", tmp_path)
    assert run("threshold-sweep", made / "results", *options).code in (0, 4)
    rows = [r for r in read_csv(tmp_path / "sweep.csv") if r["segment"] == "" and r["threshold"] == "50"]
    assert [(r["muscle"], r["n"]) for r in rows] == [
        ("MF", "16"), ("ES", "16"), ("PM", "16"), ("ZZ", "14"), ("DS", "8"),
    ]  # fmt: skip


def test_two_raters_of_own_regions(made, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(made / "scans", other)
    for path in other.glob("*.json"):
        content = json.loads(path.read_text())
        for one in content["shapes"]:
            if one["label"] == "dural sac":
                one["points"] = [[x, y + 1] for x, y in one["points"]]
        path.write_text(json.dumps(content))
    assert run("quantify", other, "--out", tmp_path / "b").code in (0, 4)
    both = (made / "results", tmp_path / "b", "--dataset", made / "scans", "--dataset", other)
    assert run("reliability", *both, "--out", tmp_path / "agreement").code in (0, 4)
    overlap = {row["muscle"]: row for row in read_csv(tmp_path / "agreement" / "overlap_summary.csv")}
    assert list(overlap) == ["MF", "ES", "PM", "ZZ", "DS", "IVD"]
    assert float(overlap["DS"]["dice_mean"]) == pytest.approx(12 / 14)  # 7 rows each, 6 in common
    rows = read_csv(tmp_path / "agreement" / "reliability.csv")
    assert {r["n"] for r in rows if r["muscle"] == "DS" and r["segment"] == ""} == {"8"}


def test_the_report_shows_own_regions(made, tmp_path):
    page = tmp_path / "report.html"
    assert run("report", made / "results", "--dataset", made / "scans", "--out", page).code in (0, 4)
    text = page.read_text()
    assert ".DS { color: #44aa99; }" in text
    assert 'class="DS" data-key="DS "' in text
    assert "ZZ were measured on both sides and DS was measured as a whole" in text
    assert "<option>ZZ_L</option>" in text
    assert "<option>DS</option>" in text


# --- drafts and review --------------------------------------------------------------------------------------


def test_atlases_of_drafts_have_own_regions():
    settings = Settings(regions=OWN)
    regions = regions_of(settings)
    assert regions[: len(REGIONS)] == REGIONS
    assert regions[len(REGIONS) :] == (("GL", "left"), ("GL", "right"), ("DS", ""))
    masks = {key: np.zeros((192, 192), dtype=bool) for key in (("GL", "left"), ("DS", ""), ("VB", ""))}
    masks["GL", "left"][10:20, 150:170] = True
    masks["VB", ""][80:120, 80:120] = masks["DS", ""][90:110, 90:110] = True  # the one in the other
    atlas = make_atlas(grey_image((192, 192)), masks, regions)
    turned = atlas.mirrored()
    assert turned.has[regions.index(("GL", "right"))]
    assert not turned.has[regions.index(("GL", "left"))]
    right = turned.maps[:, :, regions.index(("GL", "right"))]
    assert (right.astype(bool) == masks["GL", "left"][:, ::-1]).all()
    for key, width in ((("VB", ""), 40), (("DS", ""), 20)):
        line = outline(atlas.maps, regions.index(key), (192, 192))
        assert np.ptp(line[:, 0]) == pytest.approx(width, abs=1)  # whole, though they overlap


def test_the_review_page_offers_draws_and_judges_them(tmp_path):
    root = study(tmp_path, stems=["ALS_1_3"], shapes=[*SHAPES, *GLUTEI])
    served = serve(root)
    session = served.ask("session")
    assert session["regions"] == [
        "MF_R", "MF_L", "ES_R", "ES_L", "PM_R", "PM_L", "GL_R", "GL_L", "DS", "IVD",
    ]  # fmt: skip
    assert session["colours"] == {"GL": "#aa4499", "DS": "#44aa99"}
    assert session["optional"] == ["GL"]
    opened = served.ask("slices/0")
    assert {s["region"] for s in opened["shapes"]} >= {"GL_L", "GL_R"}
    kept = [shape(s["region"], s["points"], s["index"]) for s in opened["shapes"]]
    drawn = {"base": opened["digest"], "shapes": [*kept, shape("DS", SAC["points"])]}
    numbers = served.ask("slices/0/measure", drawn)["regions"]
    assert numbers["DS"]["csa_px"] == pixels(SAC["points"], own_image("ALS_1_3")).size
    served.ask("slices/0/keep", drawn)
    served.kill()
    served = serve(root)  # what was drawn and not saved is there again
    assert "DS" in {s["region"] for s in served.ask("slices/0")["unsaved"]}
    served.ask("slices/0/save", drawn)
    served.ask("slices/0/judge", {"region": "DS", "verdict": "exclude", "reason": "motion", "comment": ""})
    assert served.end()[0] == 0
    assert json.loads((root / "ALS_1_3.json").read_text())["shapes"][-1]["label"] == "DS"
    assert mp.read_review(root / "review.csv")["region"].tolist() == ["DS"]
    out = quantified(root, "--review", root / "review.csv")
    assert {r["muscle"] for r in read_csv(out / "L3.csv")} == {"MF", "ES", "PM", "GL"}
    assert json.loads((out / "quantify.json").read_text())["contours"]["excluded"] == {"ALS_1_3.png": ["DS"]}


# --- in a browser -------------------------------------------------------------------------------------------


def test_the_report_explores_a_region_without_sides(browser, tmp_path):
    root = study(tmp_path, stems=["ALS_1_3"])
    page = tmp_path / "report.html"
    assert run("report", quantified(root), "--dataset", root, "--out", page).code == 0
    tab = browser.new_context(offline=True).new_page()
    tab.goto(page.as_uri())
    article = tab.locator(".slice").first
    article.locator(".explore input").fill("120")
    article.locator(".explored").wait_for(state="visible")
    cell = article.locator('tr[data-key="DS "] td.try').text_content()
    sac = pixels(SAC["points"], own_image("ALS_1_3"))
    assert float(cell) == pytest.approx(np.mean(sac > 120), abs=0.00051)
    line = article.locator("path.DS")
    assert line.evaluate("p => getComputedStyle(p).stroke") == "rgb(68, 170, 153)"
    tab.context.close()


def test_the_review_page_shows_them_in_their_colours(browser, tmp_path):
    served = serve(study(tmp_path, stems=["ALS_1_3"], shapes=SHAPES))
    tab = browser.new_context().new_page()
    tab.goto(f"http://127.0.0.1:{served.port}/#{served.token}")
    dot = tab.locator('#regions [data-region="DS"] .dot')
    dot.wait_for()
    assert dot.evaluate("d => d.style.borderColor") == "rgb(68, 170, 153)"
    missing = tab.locator("#problems li", has_text="not drawn yet").inner_text()
    assert missing == "not drawn yet: DS"  # GL is not expected
    tab.context.close()
    assert served.end()[0] == 0


# --- real slices --------------------------------------------------------------------------------------------


def test_a_real_volunteer_with_a_dural_sac(shared, tmp_path):
    """TUM01: quantify, masks, contours again, compare and report."""
    root = tmp_path / "scans"
    root.mkdir()
    for path in sorted((shared / "real" / "TUM01").glob("HV_1_*")):
        shutil.copy(path, root)
    sac = box(186, 201, 207, 213)
    expected = {}
    for path in sorted(root.glob("*.json")):
        content = json.loads(path.read_text())
        content["shapes"].append(polygon("Dural sac", sac))
        path.write_text(json.dumps(content))
        grey = np.asarray(Image.open(path.with_suffix(".png")).convert("L"))
        expected[f"L{path.stem[-1]}"] = pixels(sac, grey)
    (root / "paraspinal.toml").write_text(TOML)
    out = quantified(root)
    for segment, levels in expected.items():
        (row,) = (row for row in read_csv(out / f"{segment}.csv") if row["muscle"] == "DS")
        assert (int(row["csa_px"]), int(row["fat_px"])) == (levels.size, int((levels > 50).sum()))
        assert float(row["rcsa"]) == levels.size / int(row["reference_px"])
    assert run("report", out, "--dataset", root, "--out", tmp_path / "report.html").code == 0
    assert run("masks", root, "--out", tmp_path / "masks", "--format", "nifti").code == 0
    mapped = tmp_path / "mapped"
    assert run("quantify", root, "--masks", tmp_path / "masks", "--out", mapped).code == 0
    for segment in expected:
        pairs = zip(read_csv(out / f"{segment}.csv"), read_csv(mapped / f"{segment}.csv"), strict=True)
        for one, other in pairs:
            assert [one[c] for c in HEAD] == [other[c] for c in HEAD]


def test_grey_outside_of_ours_changes_no_plausibility(tmp_path):
    """Own regions of one grey level, in a corner: what is told of muscles is not told of them."""
    grey = grey_image()
    corner = polygon("DS", box(0, 0, 6, 6))
    root = tmp_path / "data"
    write_slice(root, "ALS_1_3", grey, [*SHAPES, corner])
    (root / "paraspinal.toml").write_text(TOML)
    assert problems_of(quantified(root)) == set()
