"""``regions`` as a user runs it: against NumPy on the same files, into the statistics, and every mistake."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from mriparaspinal.brain.atlas import COLUMNS
from tests.support.builders.brain import AFFINE, NAMES, SHAPE, Desk, fractions, labels, nifti, table
from tests.support.builders.study import read_csv, run


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_one_subject_as_numpy_has_it(desk):
    md = nifti(desk.folder / "MD.nii.gz", fractions(3) / 1000)
    found = desk.measure("--map", f"md={md}")
    assert (found.code, found.out) == (0, "")
    rows = pd.read_csv(desk.out, converters={"median": float})  # to the last digit
    assert tuple(rows) == COLUMNS
    assert list(zip(rows["region"], rows["map"], strict=True)) == [
        ("CST", "fa"), ("CST", "md"), ("CC", "fa"), ("CC", "md"),
    ]  # fmt: skip
    images = {"fa": desk.fa, "md": np.asarray(nibabel.load(md).dataobj)}
    by_name = {name: value for value, name in NAMES.items()}
    for row in rows.itertuples():
        inside = images[row.map][desk.labels == by_name[row.region]].astype(float)
        assert row.mean == pytest.approx(inside.mean(), rel=1e-12)
        assert row.sd == pytest.approx(inside.std(ddof=1), rel=1e-12)
        assert row.median == np.median(inside)
        assert (row.n_voxels, row.n_used) == (inside.size, inside.size)
        assert row.volume_ml == pytest.approx(inside.size * 8e-3)
    assert rows["participant_id"].isna().all()
    assert "the participant is not known" in found.err


def test_the_same_bytes_again_and_no_nan_in_words(desk):
    hole = desk.fa.copy()
    hole[desk.labels == 1] = np.nan
    nifti(desk.map, hole)
    desk.measure("--participant", "P1")
    first = desk.out.read_bytes()
    desk.measure("--participant", "P1")
    assert desk.out.read_bytes() == first
    assert b"nan" not in first.replace(b"n_nan", b"").lower()
    cst, _ = read_csv(desk.out)
    n = str((desk.labels == 1).sum())
    assert (cst["mean"], cst["sd"], cst["median"], cst["n_voxels"], cst["n_nan"]) == ("", "", "", n, n)


def test_the_name_of_the_participant_is_in_the_path(desk):
    moved = nifti(desk.folder / "sub-07" / "dwi" / "sub-07_FA.nii.gz", desk.fa)
    assert desk.measure(map=f"fa={moved}").code == 0
    assert {row["participant_id"] for row in read_csv(desk.out)} == {"sub-07"}


def test_scaled_and_reoriented_storage_is_the_same_map(desk):
    """Scale factors, float labels and big-endian NIfTI-2 are how some tools store the same."""
    desk.measure()
    expected = read_csv(desk.out)
    nibabel.save(nibabel.Nifti2Image(desk.labels.astype(">f4"), AFFINE), desk.atlas)
    stored = nibabel.Nifti1Image(np.round(desk.fa * 1000).astype(np.int16), AFFINE)
    stored.header.set_slope_inter(0.001, 0)
    nibabel.save(stored, desk.map)
    assert desk.measure().code == 0
    for row, other in zip(read_csv(desk.out), expected, strict=True):
        assert float(row["mean"]) == pytest.approx(float(other["mean"]), abs=5e-4)
        assert row["n_voxels"] == other["n_voxels"]


def test_probability_maps_of_four_dimensions_and_one_by_one_are_the_same(desk):
    weights = np.stack([fractions(4), fractions(5)], axis=-1)
    weights[..., 0][weights[..., 0] < 0.3] = 0
    atlas = nifti(desk.folder / "prob.nii.gz", weights)
    assert desk.measure(atlas=atlas).code == 0
    rows = pd.read_csv(desk.out)
    for index, row in enumerate(rows.itertuples()):
        w = weights[..., index].astype(float).ravel()
        assert row.mean == pytest.approx(np.average(desk.fa.ravel(), weights=w), rel=1e-12)
        assert row.sd == pytest.approx(np.sqrt(np.cov(desk.fa.ravel().astype(float), aweights=w)), rel=1e-9)
        assert row.volume_ml == pytest.approx(w.sum() * 8e-3)
        assert row.n_voxels == (w > 0).sum()
    whole = desk.out.read_bytes()
    single = [nifti(desk.folder / f"p{n}.nii", 100 * weights[..., n]) for n in (0, 1)]
    each = [word for name, path in zip(NAMES.values(), single, strict=True)
            for word in ("--probability", f"{name}={path}")]  # fmt: skip
    assert desk.measure(*each, "--percent", atlas=None, table=None).code == 0
    again = pd.read_csv(desk.out)
    pd.testing.assert_frame_equal(again, rows, rtol=1e-6)
    assert whole


def test_volumes_alone_and_as_share_of_the_intracranial_volume(desk):
    assert desk.measure("--tiv", "1500", map=None).code == 0
    rows = pd.read_csv(desk.out)
    assert rows["map"].isna().all()
    expected = [(desk.labels == value).sum() * 8e-3 for value in NAMES]
    assert rows["volume_ml"].tolist() == pytest.approx(expected)
    assert rows["volume_pct_tiv"].tolist() == pytest.approx([100 * ml / 1500 for ml in expected])


def test_bids_tables_are_read(desk):
    names = desk.folder / "atlas_dseg.tsv"
    names.write_text("index\tname\tcolor\n0\tbackground\t#000000\n1\tCST\t#ff0000\n2\tCC\t#00ff00\n")
    assert desk.measure(table=names).code == 0
    assert [row["region"] for row in read_csv(desk.out)] == ["CST", "CC"]


def test_what_only_one_of_atlas_and_table_has_is_told(desk):
    names = table(desk.folder / "more.csv", [(1, "CST"), (5, "putamen")])
    found = desk.measure(table=names)
    assert found.code == 0
    assert f"labels that the table does not name: 2 ({(desk.labels == 2).sum()} voxels)" in found.err
    assert "no voxel of putamen" in found.err
    _, putamen = read_csv(desk.out)
    assert putamen["n_voxels"] == "0"
    assert {putamen[name] for name in ("mean", "sd", "median", "volume_ml")} == {""}


def test_ignore_zero(desk):
    masked = desk.fa.copy()
    masked[desk.labels == 2] *= np.random.default_rng(0).random((desk.labels == 2).sum()) > 0.5
    nifti(desk.map, masked)
    inside = masked[desk.labels == 2].astype(float)
    for words, expected in ((), inside), (("--ignore-zero",), inside[inside != 0]):
        assert desk.measure(*words).code == 0
        _, row = read_csv(desk.out)
        assert float(row["mean"]) == pytest.approx(expected.mean())
        assert int(row["n_used"]) == len(expected)
        assert int(row["n_zero"]) == (inside == 0).sum()


# --- a tree -------------------------------------------------------------------------------------------------

N = 16


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two groups of 16: FA of the CST is lower by 0.06 in ALS, and depends on age; that of the CC is not."""
    root = tmp_path_factory.mktemp("brain")
    rng = np.random.default_rng(11)
    atlas = labels(1)
    nifti(root / "atlas.nii.gz", atlas)
    table(root / "labels.csv", list(NAMES.items()))
    people = []
    for index in range(2 * N):
        group = "ALS" if index < N else "HC"
        who = f"sub-{group}{index % N + 1}"
        age, sex, duration = rng.uniform(40, 75), "FM"[int(rng.random() < 0.5)], rng.integers(3, 60)
        people.append((who, group, round(age, 1), sex, duration if group == "ALS" else "", 1400 + 10 * index))
        fa = np.full(SHAPE, 0.5) + rng.normal(0, 0.01, SHAPE)
        fa[atlas == 1] += -0.06 * (group == "ALS") - 0.001 * (age - 60) + rng.normal(0, 0.02)
        fa[atlas == 2] += rng.normal(0, 0.02)
        folder = root / "derivatives" / who / "dwi"
        nifti(folder / f"{who}_desc-dti_FA.nii.gz", fa.astype(np.float32))
        gm = np.full(SHAPE, 0.5, np.float32) - 0.05 * (group == "ALS")
        nifti(folder / f"{who}_gm.nii.gz", gm)
        nifti(folder / f"{who}_atlas.nii.gz", atlas)
    table(root / "participants.csv", people, "participant_id,group,age,sex,disease_duration,tiv")
    (root / "derivatives" / "logs").mkdir()  # beside sub-… other folders are no participants
    return root


def measure_tree(root, *more, out="regions.csv", **replaced):
    named = {
        "map": "fa={participant_id}/dwi/*_FA.nii.gz",
        "atlas": root / "atlas.nii.gz",
        "table": root / "labels.csv",
        "out": root / out,
        "wide": root / f"wide_{out}",
        **replaced,
    }
    words = [word for option, value in named.items() if value is not None for word in (f"--{option}", value)]
    return run("regions", "--subjects", root / "derivatives", *words, *more)


def test_a_tree_goes_into_the_statistics_in_both_forms(tree):
    found = measure_tree(tree)
    assert found.code == 0, found.err
    assert f"measured 2 regions of {2 * N} participants" in found.err
    wide = pd.read_csv(tree / "wide_regions.csv")
    assert list(wide) == ["participant_id", "fa_mean_CST", "fa_mean_CC"]
    people = pd.read_csv(tree / "participants.csv")
    both = wide.merge(people, on="participant_id")
    als, hc = both[both["group"] == "ALS"], both[both["group"] == "HC"]
    tables = []
    for name in ("regions.csv", "wide_regions.csv"):
        out = tree / f"compared_{name}"
        options = ("--participants", tree / "participants.csv", "--contrast", "group:ALS-HC")
        metrics = ("--metric", "fa_mean_CST", "--metric", "fa_mean_CC")
        assert run("compare", "--table", tree / name, *options, *metrics, "--out", out).code == 0
        tables.append((out / "comparisons.csv").read_bytes())
        rows = pd.read_csv(out / "comparisons.csv").set_index("metric")
        for metric in rows.index:
            if rows.loc[metric, "test"] == "student_t":
                expected = stats.ttest_ind(als[metric], hc[metric])
                assert rows.loc[metric, "p"] == pytest.approx(expected.pvalue, rel=1e-9)
        assert rows.loc["fa_mean_CST", "p"] < 0.001 < rows.loc["fa_mean_CC", "p"]
        assert rows.loc["fa_mean_CST", "mean_a"] - rows.loc["fa_mean_CST", "mean_b"] == pytest.approx(
            -0.06, abs=0.03
        )
        characteristics = pd.read_csv(out / "characteristics.csv").set_index("characteristic")
        counts = [[(g["sex"] == sex).sum() for sex in "MF"] for g in (als, hc)]
        p = stats.chi2_contingency(counts, correction=False).pvalue
        assert characteristics.loc["sex", "p"] == pytest.approx(p)
    assert tables[0] == tables[1]
    out = tree / "regressed"
    words = ("--outcome", "fa_mean_CST", "--predictor", "group", "--covariate", "age", "--covariate", "sex")
    source = ("--table", tree / "regions.csv", "--participants", tree / "participants.csv")
    assert run("regress", *source, *words, "--out", out).code == 0
    rows = pd.read_csv(out / "regressions.csv").set_index("term")
    fit = smf.ols("fa_mean_CST ~ C(group) + age + C(sex)", both).fit()
    assert rows["b"].to_numpy() == pytest.approx(
        fit.params[["Intercept", "C(group)[T.HC]", "age", "C(sex)[T.M]"]]
    )
    assert rows.loc["group[HC]", "b"] == pytest.approx(0.06, abs=0.02)
    words = ("--score", "disease_duration", "--covariate", "age", "--group", "ALS", "--metric", "fa_mean_CST")
    assert run("correlate", *source, *words, "--out", tree / "correlated").code == 0
    assert read_csv(tree / "correlated" / "correlations.csv")[0]["n"] == str(N)


def test_tissue_is_normalised_by_the_intracranial_volume(tree):
    found = measure_tree(
        tree, "--participants", tree / "participants.csv", "--tiv", "tiv", out="gm.csv", map=None,
        tissue="gm={participant_id}/dwi/*_gm.nii.gz",
    )  # fmt: skip
    assert found.code == 0, found.err
    wide = pd.read_csv(tree / "wide_gm.csv")
    assert list(wide) == ["participant_id", "gm_pct_tiv_CST", "gm_pct_tiv_CC"]
    people = pd.read_csv(tree / "participants.csv").set_index("participant_id")
    voxels = (labels(1) == 1).sum()
    for row in wide.itertuples():
        tissue = 0.5 - 0.05 * (people.loc[row.participant_id, "group"] == "ALS")
        expected = 100 * voxels * 8e-3 * tissue / people.loc[row.participant_id, "tiv"]
        assert row.gm_pct_tiv_CST == pytest.approx(expected, rel=1e-6)
    long = pd.read_csv(tree / "gm.csv")
    assert long["volume_pct_tiv"].isna().all()  # one atlas for all: nobody's own volume


def test_each_with_an_atlas_of_their_own_has_volumes_of_their_own(tree):
    found = measure_tree(
        tree, "--participants", tree / "participants.csv", "--tiv", "tiv", out="own.csv",
        atlas="{participant_id}/dwi/{participant_id}_atlas.nii.gz",
    )  # fmt: skip
    assert found.code == 0, found.err
    wide = pd.read_csv(tree / "wide_own.csv")
    assert list(wide)[3:] == ["volume_pct_tiv_CST", "volume_pct_tiv_CC"]
    people = pd.read_csv(tree / "participants.csv")
    expected = 100 * (labels(1) == 1).sum() * 8e-3 / people["tiv"]
    assert wide["volume_pct_tiv_CST"].tolist() == pytest.approx(expected.tolist())


def test_one_bad_map_costs_that_one_alone(tree, tmp_path):
    folder = tree / "derivatives" / "sub-ALS99" / "dwi"
    nifti(folder / "a_FA.nii.gz", fractions(1))
    try:
        nifti(folder / "b_FA.nii.gz", fractions(1))
        found = measure_tree(tree, out="partly.csv")
        assert found.code == 4
        assert "sub-ALS99/dwi/*_FA.nii.gz: fa: error: 2 files fit" in found.err
        (folder / "b_FA.nii.gz").unlink()
        (folder / "a_FA.nii.gz").rename(folder / "a.nii.gz")
        assert "no file sub-ALS99/dwi/*_FA.nii.gz" in measure_tree(tree, out="partly.csv").err
        rows = read_csv(tree / "partly.csv")
        assert len({row["participant_id"] for row in rows}) == 2 * N
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        folder.parent.rmdir()


def test_folders_of_any_name_where_none_is_sub(tmp_path):
    for who in ("ALS_10", "ALS_9"):
        nifti(tmp_path / "derivatives" / who / "FA.nii", fractions(1))
    nifti(tmp_path / "atlas.nii.gz", labels(1))
    table(tmp_path / "labels.csv", list(NAMES.items()))
    assert measure_tree(tmp_path, map="fa={participant_id}/FA.nii").code == 0
    assert [row["participant_id"] for row in read_csv(tmp_path / "regions.csv")][::2] == ["ALS_9", "ALS_10"]


def test_a_path_out_of_the_tree_may_be_absolute_or_go_up(tmp_path):
    for who in ("sub-1", "sub-2"):
        nifti(tmp_path / "derivatives" / who / "FA.nii", fractions(1))
        nifti(tmp_path / "free [surfer]" / who / "aseg.nii", labels(1))
    table(tmp_path / "labels.csv", list(NAMES.items()))
    for place in (f"{tmp_path}/free [[]surfer]", "../free *"):
        found = measure_tree(
            tmp_path, map="fa={participant_id}/FA.nii", atlas=place + "/{participant_id}/aseg.nii"
        )
        assert found.code == 0, found.err
        assert len(read_csv(tmp_path / "regions.csv")) == 4


# --- mistakes, one line each --------------------------------------------------------------------------------


def refused(found, code, *words):
    assert found.code == code, found
    assert found.err.count("\n") == 1, found.err
    for word in words:
        assert word in found.err, found.err
    assert "Traceback" not in found.err


def test_another_shape_shows_both(desk):
    nifti(desk.map, fractions(1, (6, 5, 3)))
    refused(desk.measure(), 3, "6×5×3 voxels of 2×2×2 mm, RAS", "expected 6×5×4 voxels of 2×2×2 mm, RAS")


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (np.array([1.0, 0, 0]), "first voxel at (-79, -120, -60) mm; expected"),
        (np.array([0.0, 0, 0.3]), "up to 0.3 mm apart"),
    ],
)
def test_a_shifted_map_shows_both(desk, shift, said):
    moved = AFFINE.copy()
    moved[:3, 3] += shift
    nifti(desk.map, desk.fa, moved)
    refused(desk.measure(), 3, said, "as the atlas has them")
    assert not desk.out.exists()


def test_a_flipped_map_is_not_turned(desk):
    flipped = AFFINE @ np.array([[-1.0, 0, 0, SHAPE[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    nifti(desk.map, desk.fa[::-1], flipped)
    refused(desk.measure(), 3, "LAS", "RAS")


def test_rounding_of_a_header_is_no_shift(desk):
    moved = AFFINE.copy()
    moved[:3, 3] += 0.01
    nifti(desk.map, desk.fa, moved)
    assert desk.measure().code == 0


def test_a_map_of_four_dimensions(desk):
    nifti(desk.map, fractions(1, (*SHAPE, 2)))
    refused(desk.measure(), 3, "6×5×4×2 voxels; expected one map of three dimensions")


def test_a_missing_file(desk):
    desk.map.unlink()
    refused(desk.measure(), 3, "FA.nii.gz: fa: error: does not exist; expected a NIfTI image")


def test_a_damaged_gz_is_not_read_as_it_is(desk):
    """nibabel alone reads a wrong number out of a file whose checksum no longer holds."""
    large = (40, 40, 40)
    nifti(desk.atlas, labels(1, large))
    raw = bytearray(gzip.compress(nifti(desk.folder / "large.nii", fractions(2, large)).read_bytes(), 0))
    raw[-100_000] ^= 0xFF
    desk.map.write_bytes(bytes(raw))
    assert not np.array_equal(np.asarray(nibabel.load(desk.map).dataobj), fractions(2, large))
    refused(desk.measure(), 3, "the image cannot be read as NIfTI (truncated or damaged)")


@pytest.mark.parametrize("ending", [".nii.gz", ".nii"])
def test_a_cut_off_file(desk, ending):
    path = nifti(desk.folder / f"cut{ending}", desk.fa)
    path.write_bytes(path.read_bytes()[:-50])
    refused(desk.measure(map=f"fa={path}"), 3, "truncated or damaged")


def test_text_for_a_map(desk):
    desk.map.write_text("no image")
    refused(desk.measure(), 3, "truncated or damaged")


def test_an_atlas_without_a_region(desk):
    nifti(desk.atlas, np.zeros(SHAPE, np.int16))
    refused(desk.measure(), 3, "no voxel of any region (CST, CC)")


def test_labels_that_are_not_whole(desk):
    nifti(desk.atlas, desk.fa)
    refused(desk.measure(), 3, "numbers that are not whole", "--probability")


def test_regions_of_one_name(desk):
    table(desk.names, [(1, "CST"), (2, "CST")])
    refused(desk.measure(), 2, "'CST' is the region of 1 and of 2; expected each name once")


def test_text_for_a_label(desk):
    table(desk.names, [("one", "CST")])
    refused(desk.measure(), 2, "--table: labels.csv: row 2 has the value 'one'")


def test_probabilities_over_one(desk):
    path = nifti(desk.folder / "p.nii", 100 * desk.fa)
    found = desk.measure("--probability", f"CST={path}", atlas=None, table=None)
    refused(found, 3, "expected probabilities of 0 to 1", "give --percent")


def test_per_cent_that_are_none(desk):
    path = nifti(desk.folder / "p.nii", desk.fa)
    found = desk.measure("--probability", f"CST={path}", "--percent", atlas=None, table=None)
    refused(found, 3, "expected per cent", "leave --percent out")


def test_a_volume_that_is_not_there(desk):
    atlas = nifti(desk.folder / "prob.nii", np.stack([desk.fa], axis=-1)[..., [0, 0]])
    names = table(desk.folder / "three.csv", [(1, "CST"), (3, "CC")])
    refused(desk.measure(atlas=atlas, table=names), 3, "2 volumes, but the table names number 3")


def test_probability_maps_of_two_grids(desk):
    a, b = nifti(desk.folder / "a.nii", desk.fa), nifti(desk.folder / "b.nii", fractions(1, (6, 5, 3)))
    found = desk.measure("--probability", f"CST={a}", "--probability", f"CC={b}", atlas=None, table=None)
    refused(found, 3, "6×5×3", "6×5×4")


@pytest.mark.parametrize("name", ["FA.img", "FA.mgz"])
def test_other_formats(desk, name):
    desk.map.rename(desk.folder / name)
    refused(desk.measure(map=f"fa={desk.folder / name}"), 3, "the name does not end in .nii or .nii.gz")


def test_negative_tissue(desk):
    path = nifti(desk.folder / "gm.nii", desk.fa - 0.5)
    refused(desk.measure("--tissue", f"gm={path}", map=None), 3, "expected shares of tissue from 0")


@pytest.mark.parametrize("tiv", ["1.5", "1450000", "-3", "nan"])
def test_an_intracranial_volume_in_other_units(desk, tiv):
    refused(desk.measure(f"--tiv={tiv}"), 2, "expected an intracranial volume of 100 to 3000 ml")


def test_a_text_among_the_intracranial_volumes(desk):
    people = table(desk.folder / "p.csv", [("P1", "big")], "participant_id,tiv")
    words = ("--participant", "P1", "--participants", people)
    refused(desk.measure("--tiv", "tiv", *words), 2, "p.csv, P1: 'big'")
    refused(desk.measure("--tiv", "icv", *words), 2, "no column icv in p.csv; expected one of tiv")
    refused(desk.measure("--tiv", "tiv"), 2, "there is no --participants")


def test_ids_that_do_not_fit_the_participants_table(desk):
    people = table(desk.folder / "p.csv", [("P1", 1500)], "participant_id,tiv")
    found = desk.measure("--tiv", "tiv", "--participants", people, "--participant", "sub-1")
    refused(found, 2, "volumes of none of the participants (P1 …; here: sub-1 …)")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--map", "FA.nii.gz"), "--map FA.nii.gz: was found"),
        (("--map", "fa-l=x.nii"), "expected letters, digits and _"),
        (("--map", "fa=x.nii"), "--map fa: given twice"),
        (("--tissue", "fa=x.nii"), "--tissue fa: a --map, too"),
        (("--probability", "a=x.nii"), "both --atlas and --probability"),
        (("--map", "md={participant_id}/x.nii"), "without --subjects"),
        (("--subjects", "."), "so that all participants would have one map"),
        (("--participants", "x.csv"), "given without --tiv"),
    ],
)
def test_wrong_usage(desk, words, said):
    refused(desk.measure(*words), 2, said)


def test_an_atlas_without_names_and_names_without_an_atlas(desk):
    refused(desk.measure(table=None), 2, "--atlas: no --table was given")
    refused(desk.measure("--probability", f"a={desk.map}", atlas=None), 2, "--table: no --atlas was given")
    refused(desk.measure(atlas=None, table=None), 2, "no regions were given")


def test_nothing_is_written_over_an_input(desk):
    refused(desk.measure(out=desk.map), 2, "is an input")
    refused(desk.measure("--wide", desk.names), 2, "is an input")
    refused(desk.measure("--wide", desk.out), 2, "expected two files")


def test_a_shared_atlas_has_nothing_to_normalise(tree):
    found = measure_tree(tree, "--participants", tree / "participants.csv", "--tiv", "tiv", out="no.csv")
    refused(found, 2, "all participants share one atlas")


def test_one_number_for_many(tree):
    found = measure_tree(
        tree, "--tiv", "1500", out="no.csv", atlas="{participant_id}/dwi/{participant_id}_atlas.nii.gz"
    )
    refused(found, 2, f"one number for {2 * N} participants")


def test_a_tree_of_nobody(tmp_path):
    (tmp_path / "derivatives").mkdir()
    table(tmp_path / "labels.csv", list(NAMES.items()))
    refused(measure_tree(tmp_path), 3, "no folders; expected one for each participant")


def test_the_brain_papers_sex_ratio_beside_a_table_of_regions(tmp_path):
    """Paper 002: 26 men of 39 patients, 13 of 32 controls; it prints p = 0.028."""
    groups = {"ALS": (26, 13), "HC": (13, 19)}
    people, rows = [], []
    for group, counts in groups.items():
        for index, sex in enumerate("M" * counts[0] + "F" * counts[1]):
            people.append((f"{group}_{index}", group, sex))
            rows.append((f"{group}_{index}", 0.5 + 0.001 * index))
    wide = table(tmp_path / "wide.csv", rows, "participant_id,fa_mean_CST")
    participants = table(tmp_path / "participants.csv", people, "participant_id,group,sex")
    words = ("--table", wide, "--participants", participants, "--contrast", "group:ALS-HC")
    assert run("compare", *words, "--out", tmp_path / "out").code == 0
    (sex,) = read_csv(tmp_path / "out" / "characteristics.csv")
    assert (sex["counts_a"], sex["counts_b"], sex["test"]) == ("26/13", "13/19", "chi_squared")
    assert round(float(sex["p"]), 3) == 0.028


def test_a_map_with_two_places_is_refused_until_one_is_named(desk):
    """As SPM leaves it after coregistration: the sform is that of the atlas, the qform the scanner's."""
    image = nibabel.load(desk.map)
    moved = image.affine.copy()
    moved[2, 3] += 12
    image.set_sform(image.affine, code=2)
    image.set_qform(moved, code=1)
    expected = desk.measure() and desk.out.read_bytes()
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), None, image.header), desk.map)
    found = desk.measure()
    assert found.code == 3
    assert "up to 12 mm apart" in found.err
    assert "say by --affine sform or --affine qform" in found.err
    assert desk.measure("--affine", "sform").code == 0
    assert desk.out.read_bytes() == expected
    found = desk.measure("--affine", "qform")
    assert found.code == 3
    assert "up to 12 mm apart, as the atlas has them" in found.err
