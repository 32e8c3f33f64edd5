"""Further measures of regions of one's own: as of muscles, against Pillow, NumPy and scikit-image."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage.measure import regionprops

import mriparaspinal as mp
from mriparaspinal.core.measure_columns import columns_of
from mriparaspinal.measure.fat_distribution import patient_axes
from tests.support.builders.slices import SHAPES, box, grey_image, own_image, polygon, write_slice
from tests.support.builders.study import read_csv, run

TOML = "[regions.GL]\n[regions.DS]\nsided = false\n"
SAC = polygon("DS", [[45, 52], [53, 51], [55, 59], [44, 58]])
GLUTEI = [polygon("GL_R", box(2, 90, 12, 97)), polygon("GL_L", [[86, 90], [97, 91], [95, 98]])]
WHOLE = [*SHAPES, SAC, *GLUTEI]
ALL = ["signal", "distribution", "shape", "size"]
OWN = {("GL", "left"), ("GL", "right"), ("GL", "both"), ("DS", "both")}
BANDS = {(way, n) for way in ("ml", "ds") for n in (3, 4)}


def filled(*shapes) -> np.ndarray:
    """The pixels of polygons as LabelMe fills them."""
    canvas = Image.new("L", (100, 100))
    for shape in shapes:
        ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], fill=1, outline=1)
    return np.asarray(canvas) == 1


MASKS = {
    ("DS", "both"): filled(SAC),
    ("GL", "right"): filled(GLUTEI[0]),
    ("GL", "left"): filled(GLUTEI[1]),
    ("GL", "both"): filled(*GLUTEI),
}


def study(folder: Path, shapes=WHOLE, toml: str = TOML, stems=("ALS_1_3",)) -> Path:
    for stem in stems:
        write_slice(folder, stem, shapes=shapes)
    (folder / "paraspinal.toml").write_text(toml)
    lines = [f"{stem}.png,0.5,0.8\n" for stem in stems]
    (folder / "slices.csv").write_text("image,row_spacing_mm,col_spacing_mm\n" + "".join(lines))
    people = dict.fromkeys(stem.rpartition("_")[0] for stem in stems)
    cells = [f"{who},{who[:-2]},left,160\n" for who in people]
    (folder / "participants.csv").write_text("participant_id,group,onset_side,height\n" + "".join(cells))
    return folder


def measured(folder: Path, **settings):
    """(muscle, side) → the columns of the measures that have a value, and the result."""
    found = mp.quantify(folder, settings={"measures": ALL, **settings})
    kept = {}
    for row in found.table.to_dict("records"):
        values = {name: row[name] for name in columns_of(ALL) if row[name] == row[name]}
        kept[row["muscle"], row["side"]] = values
    return kept, found


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return measured(study(tmp_path_factory.mktemp("own")))[0]


@pytest.mark.parametrize("key", sorted(OWN))
def test_signal_shape_and_size(rows, key):
    grey, mask, own = own_image("ALS_1_3"), MASKS[key], rows[key]
    levels = grey[mask].astype(float)
    disc = grey[filled(SHAPES[6])].mean()
    assert own["grey_sd"] == pytest.approx(np.std(levels))
    assert own["grey_p25"] == pytest.approx(np.quantile(levels, 0.25))
    assert own["reference_mean"] == pytest.approx(disc)
    assert own["reference_ratio"] == pytest.approx(levels.mean() / disc)
    assert own["csa_height2"] == pytest.approx(mask.sum() * 0.5 * 0.8 / 1.6**2)
    assert own["rcsa_ivd"] == pytest.approx(mask.sum() / 900)
    assert not {"pm_mf_es_ratio", "psoas_index", "compartment_px"} & set(own)
    if key == ("GL", "both"):
        assert not set(columns_of(["shape"])) & set(own)
        return
    (region,) = regionprops(mask.astype(int), spacing=(0.5, 0.8))
    top, left, bottom, right = region.bbox
    assert (own["transverse_px"], own["anteroposterior_px"]) == (right - left, bottom - top)
    assert own["major_axis_mm"] == pytest.approx(region.axis_major_length)
    assert own["eccentricity"] == pytest.approx(region.eccentricity)
    assert own["solidity"] == pytest.approx(region.solidity)


def parts(key, n: int, way: str) -> list[float]:
    """FI of n parts of one region of the upright patient, by a sorted list of its pixels."""
    fat = own_image("ALS_1_3") > 50
    outwards = -1 if key[1] == "right" else 1  # the patient's left is at the right of the image
    table = [(int(r), outwards * int(c), bool(fat[r, c])) for r, c in np.argwhere(MASKS[key])]
    order = sorted(table, key=lambda row: (row[0], row[1]) if way == "ds" else (row[1], row[0]))
    ends = [int(k * len(order) / n + 0.5) for k in range(n + 1)]
    return [np.mean([row[2] for row in order[a:b]]) for a, b in pairwise(ends)]


@pytest.mark.parametrize("key", [("DS", "both"), ("GL", "left"), ("GL", "right")])
def test_distribution(rows, key):
    """A region without sides has no medial part; all else is as of a muscle."""
    own = rows[key]
    for way, n in BANDS:
        values = [own.get(f"fi_{way}_{k}of{n}") for k in range(1, n + 1)]
        sided = key[1] != "both"
        assert values == (pytest.approx(parts(key, n, way)) if sided or way == "ds" else [None] * n), (way, n)
    fat = own_image("ALS_1_3") > 50
    # The disc is the box from (35, 20) to (64, 49): its centre, in mm.
    where = np.argwhere(MASKS[key])
    away = np.hypot((where[:, 0] - 34.5) * 0.5, (where[:, 1] - 49.5) * 0.8).round(6)
    nearest = np.sort(away)[int(0.15 * len(away) + 0.5) - 1]
    sure = where[away < nearest]
    at_most = [fat[r, c] for r, c in where[away <= nearest]]
    total = own["fi_deepest15"] * int(0.15 * len(away) + 0.5)
    assert fat[sure[:, 0], sure[:, 1]].sum() <= round(total) <= sum(at_most)
    assert 0 <= own["fi_ring_1of5"] <= 1


def test_a_slice_shown_the_other_way_has_the_same_numbers(tmp_path, rows):
    image = own_image("ALS_1_3")[:, ::-1]
    mirrored = [s | {"points": [[99 - x, y] for x, y in s["points"]]} for s in WHOLE]
    folder = study(tmp_path)
    write_slice(folder, "ALS_1_3", image, mirrored)
    found, _ = measured(folder, image_left="left")
    for key in OWN:
        # Pixels of a polygon that is no rectangle may differ by its mirror image's.
        if key == ("GL", "right"):
            assert found[key] == pytest.approx(rows[key])
        assert set(found[key]) == set(rows[key])


def test_those_of_the_muscles_are_the_same_beside_own_regions(tmp_path, rows):
    plain, _ = measured(study(tmp_path, SHAPES, toml=""))
    assert len(plain) == 9
    assert plain == {key: rows[key] for key in plain}


def test_an_own_region_as_the_reference(tmp_path):
    found, result = measured(study(tmp_path), reference="DS")
    assert "DS" not in {muscle for muscle, _ in found}
    grey = own_image("ALS_1_3")
    sac = grey[MASKS["DS", "both"]].mean()
    for key in (("GL", "both"), ("GL", "left")):
        assert found[key]["reference_mean"] == pytest.approx(sac)
        assert found[key]["reference_ratio"] == pytest.approx(grey[MASKS[key]].mean() / sac)
    assert found["MF", "left"]["reference_mean"] == pytest.approx(sac)
    # The disc is none of the reference, and is told beside it all the same.
    assert found["MF", "left"]["rcsa_ivd"] == pytest.approx(200 / 900)
    # MF_L, boxed from (55, 65) to (64, 84): the 30 pixels nearest to the dural sac.
    where = np.argwhere(filled(SHAPES[5]))
    centre = np.argwhere(MASKS["DS", "both"]).mean(axis=0)
    away = np.hypot(*((where - centre) * [0.5, 0.8]).T)
    near = where[np.argsort(away, kind="stable")[:30]]
    expected = (grey[near[:, 0], near[:, 1]] > 50).mean()
    assert found["MF", "left"]["fi_deepest15"] == pytest.approx(expected)
    assert "measure-lacks" in {p.code for p in result.problem_list}  # no SAT, nothing else
    assert {p.shape for p in result.problem_list if p.code == "measure-lacks"} == {"SAT"}


def test_a_reference_that_the_window_clips_is_told(tmp_path):
    folder = study(tmp_path)
    white = own_image("ALS_1_3")
    white[MASKS["DS", "both"]] = 255
    write_slice(folder, "ALS_1_3", white, WHOLE)
    _, result = measured(folder, reference="DS")
    assert ("clipped-reference", "DS") in {(p.code, p.shape) for p in result.problem_list}


def test_a_study_of_an_own_region_alone_is_told_what_it_lacks(tmp_path):
    folder = study(tmp_path, [SAC])
    (folder / "slices.csv").unlink()
    (folder / "participants.csv").unlink()
    found, result = measured(folder)
    assert set(found) == {("DS", "both")}
    assert {"grey_sd", "fi_ds_1of3", "fi_ring_1of5", "solidity"} <= set(found["DS", "both"])
    codes = [p.code for p in result.problem_list]
    assert codes.count("measure-lacks") == 3  # subcutaneous fat, spacing, height
    assert codes.count("image-axes") == 1


def test_pairs_of_own_regions_tell_the_axes_only_where_no_muscle_does():
    masks = {("MF", "left"): filled(SHAPES[5]), ("MF", "right"): filled(SHAPES[4])}
    turned = {("GL", "left"): filled(polygon("", box(80, 60, 89, 69))),
              ("GL", "right"): filled(polygon("", box(10, 10, 19, 19)))}  # fmt: skip
    assert patient_axes(masks | turned, None, "right").left == pytest.approx((1, 0))
    alone = patient_axes(turned, None, "right").left
    assert alone == pytest.approx((70 / np.hypot(70, 50), 50 / np.hypot(70, 50)))


def test_of_several_slices_and_of_label_maps(tmp_path):
    stems = ("ALS_1_3_a", "ALS_1_3_b")
    folder = study(tmp_path / "data", stems=stems)
    one, result = measured(folder)
    single = {stem: measured(study(tmp_path / stem, stems=(stem,)))[0] for stem in stems}
    for name in ("grey_p50", "fi_ds_2of4", "solidity", "reference_ratio"):
        values = [single[stem]["DS", "both"][name] for stem in stems]
        assert one["DS", "both"][name] == pytest.approx(np.mean(values))
    assert run("masks", folder, "--out", tmp_path / "masks", "--quiet").code == 0
    options = [word for name in ALL for word in ("--measure", name)]
    out = tmp_path / "mapped"
    assert run("quantify", folder, "--masks", tmp_path / "masks", "--out", out, *options).code == 0
    result.save(tmp_path / "drawn")
    names = columns_of(ALL)
    for drawn, mapped in zip(read_csv(tmp_path / "drawn" / "L3.csv"), read_csv(out / "L3.csv"), strict=True):
        assert [drawn[n] for n in names] == [mapped[n] for n in names]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    home = tmp_path_factory.mktemp("cohort")
    random = np.random.default_rng(5)
    stems = [f"{group}_{n}_3" for group in ("ALS", "LR") for n in range(1, 5)]
    folder = study(home / "data", stems=stems)
    for stem in stems:
        write_slice(folder, stem, grey_image(seed=int(random.integers(1 << 30))), WHOLE)
    found = mp.quantify(folder, settings={"measures": ALL})
    found.save(home / "results")
    return home, found


def test_compare_takes_their_columns_and_draws_them(cohort):
    _, found = cohort
    compared = mp.compare(found, metrics=["solidity", "fi_ds_1of3"], contrasts=["group:ALS-LR"])
    table = compared.table
    own = table[(table["muscle"] == "DS") & (table["metric"] == "fi_ds_1of3")]
    values = found.table[(found.table["muscle"] == "DS") & (found.table["group"] == "ALS")]["fi_ds_1of3"]
    assert own["role"].tolist() == ["bilateral"]
    assert own["mean_a"].item() == pytest.approx(np.mean(values))
    drawn = compared.contents["figure_distribution_L3"].draw().drawn
    assert list(dict.fromkeys(row["muscle"] for row in drawn)) == ["MF", "ES", "PM", "GL", "DS"]
    (median,) = (r for r in drawn if (r["muscle"], r["arm"], r["metric"]) == ("DS", "ALS", "fi_ds_2of4"))
    rows = found.table[(found.table["muscle"] == "DS") & (found.table["group"] == "ALS")]
    assert (median["n"], median["median"]) == (4, pytest.approx(np.median(rows["fi_ds_2of4"])))
    assert not any(r["muscle"] == "DS" and "ml" in r["metric"] for r in drawn)


def test_the_report_shows_them_with_even_decimals(cohort):
    home, found = cohort
    mp.make_report(home / "results", dataset=home / "data", out=home / "report.html")
    page = (home / "report.html").read_text(encoding="utf-8")
    article = page[page.index('data-image="ALS_1_3.png"') :].partition("</article>")[0]
    table = article[article.index("Further measures") :]
    assert '<th scope="col">GL L+R</th><th scope="col">DS</th></tr>' in table
    rows = found.table[found.table["image"] == "ALS_1_3.png"]
    for shown, column, digits in (
        ("P5 of grey", "grey_p5", 1),
        ("skewness of grey", "grey_skewness", 3),
        ("width (px)", "transverse_px", 0),
        ("FI, ring 5 (core) (0–1)", "fi_ring_5of5", 3),
        ("CSA / height² (mm²/m²)", "csa_height2", 2),  # the smallest is 7.48
    ):
        cells = "".join(f"<td>{v:.{digits}f}</td>" if v == v else "<td>–</td>" for v in rows[column])
        assert f'<th scope="row">{shown}</th>{cells}</tr>' in table, shown
