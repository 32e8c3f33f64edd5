"""``maps`` as a user runs it: against dipy, against formulas by hand, and every mistake."""

from __future__ import annotations

import sys
import warnings

import nibabel
import numpy as np
import pytest

from tests.support.builders.brain import AFFINE, SHAPE, fractions, nifti
from tests.support.builders.study import run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    dti = pytest.importorskip("dipy.reconst.dti", reason="dipy is not installed: the extra brain")
    from dipy.core.gradients import gradient_table
    from dipy.data import get_fnames
    from dipy.io.gradients import read_bvals_bvecs


def values(path):
    return np.asarray(nibabel.load(path).dataobj)


def refused(found, code, *words):
    assert found.code == code, found
    assert found.err.count("\n") == 1, found.err
    for word in words:
        assert word in found.err, found.err


# --- the tensor ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small_25", "small_64D", "small_101D"])
def test_the_tensor_is_dipys(name, tmp_path):
    data, bval, bvec = get_fnames(name=name)
    out = tmp_path / "dti"
    found = run("maps", "dti", "--data", data, "--bval", bval, "--bvec", bvec, "--out", out, "--verbose")
    assert (found.code, found.out) == (0, ""), found.err
    bvals, bvecs = read_bvals_bvecs(str(bval), str(bvec))
    image = nibabel.load(data)
    signal = np.asarray(image.dataobj)
    fit = dti.TensorModel(gradient_table(bvals, bvecs=bvecs)).fit(signal)
    fitted = signal[..., bvals <= 50].mean(axis=-1) > 0
    for kind in ("FA", "MD", "AD", "RD"):
        made = nibabel.load(out / f"{kind}.nii.gz")
        np.testing.assert_array_equal(made.affine, image.affine)
        assert made.header.get_sform(coded=True)[1] == image.header.get_sform(coded=True)[1]
        assert made.header.get_qform(coded=True)[1] == image.header.get_qform(coded=True)[1]
        found_values = np.asarray(made.dataobj)
        np.testing.assert_allclose(
            found_values[fitted], getattr(fit, kind.lower())[fitted], rtol=1e-5, atol=1e-9
        )
        assert np.isnan(found_values[~fitted]).all()
    first = (out / "FA.nii.gz").read_bytes()
    run("maps", "dti", "--data", data, "--bval", bval, "--bvec", bvec, "--out", out)
    assert (out / "FA.nii.gz").read_bytes() == first


@pytest.fixture
def scan(tmp_path):
    """A series of one tensor, along x: AD 1.7e-3, RD 0.3e-3 mm²/s, S0 1000; by hand, not by dipy."""
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(12, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    b = np.array([0.0] + [1000.0] * 12)
    vectors = np.vstack([[0, 0, 0], directions])
    along = vectors[:, 0] ** 2
    signal = 1000 * np.exp(-b * (0.3e-3 + (1.7e-3 - 0.3e-3) * along))
    signal[0] = 1000
    data = np.broadcast_to(signal, (3, 2, 2, 13)).astype(np.float32).copy()
    (tmp_path / "dwi.bval").write_text(" ".join(f"{value:g}" for value in b) + "\n")
    (tmp_path / "dwi.bvec").write_text(
        "\n".join(" ".join(f"{v:.8f}" for v in row) for row in vectors.T) + "\n"
    )
    return data, tmp_path


def fit(scan, *more, data=None):
    signal, folder = scan
    path = nifti(folder / "dwi.nii.gz", signal if data is None else data)
    files = ("--data", path, "--bval", folder / "dwi.bval", "--bvec", folder / "dwi.bvec")
    return run("maps", "dti", *files, "--out", folder / "out", *more)


def test_a_known_tensor_comes_back(scan):
    assert fit(scan).code == 0
    ad, rd = 1.7e-3, 0.3e-3
    md = (ad + 2 * rd) / 3
    fa = np.sqrt(1.5 * ((ad - md) ** 2 + 2 * (rd - md) ** 2) / (ad**2 + 2 * rd**2))
    for kind, expected in (("AD", ad), ("RD", rd), ("MD", md), ("FA", fa)):
        assert values(scan[1] / "out" / f"{kind}.nii.gz") == pytest.approx(expected, rel=1e-4)


def test_vectors_in_columns_are_the_same(scan):
    fit(scan)
    before = (scan[1] / "out" / "FA.nii.gz").read_bytes()
    path = scan[1] / "dwi.bvec"
    rows = [line.split() for line in path.read_text().splitlines()]
    path.write_text("\n".join(" ".join(cells) for cells in zip(*rows, strict=True)) + "\n")
    assert fit(scan).code == 0
    assert (scan[1] / "out" / "FA.nii.gz").read_bytes() == before


def test_what_cannot_be_fitted_is_nan(scan):
    signal, folder = scan
    signal = signal.copy()
    signal[0, 0, 0] = 0
    signal[1, 0, 0, 4] = np.nan
    mask = np.ones((3, 2, 2), np.uint8)
    mask[2, 0, 0] = 0
    found = fit(scan, "--mask", nifti(folder / "mask.nii.gz", mask), data=signal)
    assert "3 of 12 voxels are NaN: outside the mask, or without signal" in found.err
    fa = values(folder / "out" / "FA.nii.gz")
    assert np.argwhere(np.isnan(fa)).tolist() == [[0, 0, 0], [1, 0, 0], [2, 0, 0]]


def test_a_mask_of_another_grid(scan):
    mask = nifti(scan[1] / "mask.nii.gz", np.ones((3, 2, 3), np.uint8))
    refused(
        fit(scan, "--mask", mask), 3, "--mask", "3×2×3 voxels", "expected 3×2×2 voxels", "as --data has them"
    )


def test_a_mask_of_nothing(scan):
    refused(fit(scan, "--mask", nifti(scan[1] / "m.nii", np.zeros((3, 2, 2), np.uint8))), 3, "no voxel but 0")


def test_a_single_volume_is_no_series(scan):
    refused(fit(scan, data=scan[0][..., 0]), 3, "one volume; expected several")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("dwi.bval", "0 1000 1000\n", "--bval: 3 b-values; expected 13"),
        ("dwi.bval", "zero\n", "--bval: not a table of numbers"),
        ("dwi.bval", " ".join(["1000"] * 13), "all b-values are 1000 and more"),
        ("dwi.bval", " ".join(["-1"] + ["1000"] * 12), "-1 was found; expected 0 and more"),
        ("dwi.bvec", "1 0 0\n0 1 0\n0 0 1\n", "--bvec: 3×3 numbers; expected 3×13 or 13×3"),
        ("dwi.bvec", "\n".join([" ".join(["2"] * 13)] * 3), "a direction of length 3.46; expected 1"),
        ("dwi.bvec", "\n".join([" ".join([cell] * 13) for cell in "100"]), "do not determine"),
    ],
)  # fmt: skip
def test_gradients_that_do_not_fit(scan, file, text, said):
    (scan[1] / file).write_text(text)
    path = nifti(scan[1] / "dwi.nii.gz", scan[0])
    files = ("--data", path, "--bval", scan[1] / "dwi.bval", "--bvec", scan[1] / "dwi.bvec")
    refused(run("maps", "dti", *files, "--out", scan[1] / "out"), 2, said)
    assert not (scan[1] / "out").exists()


def test_a_binary_for_a_text(scan):
    (scan[1] / "dwi.bval").write_bytes(b"\xff\xfe")
    refused(fit(scan), 3, "not a text")


def test_high_b_values_are_told(scan):
    path = scan[1] / "dwi.bval"
    path.write_text(path.read_text().replace("1000", "3000"))
    assert "b-values up to 3000 s/mm²; the tensor is meant for 1500" in fit(scan).err


def test_without_dipy_it_says_how_to_get_it(scan, monkeypatch):
    monkeypatch.setitem(sys.modules, "dipy.reconst.dti", None)
    refused(fit(scan), 2, "dipy: this package is not installed", 'pip install "mriparaspinal[brain]"')


# --- of two images ------------------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path):
    off = (fractions(1) * 900 + 100).astype(np.int16)
    on = (off * (0.5 + 0.2 * fractions(2))).astype(np.int16)
    off[0, 0, 0] = on[0, 0, 0] = 0
    return on, off, nifti(tmp_path / "on.nii.gz", on), nifti(tmp_path / "off.nii.gz", off)


def test_mtr(pair, tmp_path):
    on, off, on_file, off_file = pair
    out = tmp_path / "new" / "mtr.nii.gz"
    found = run("maps", "mtr", "--mt", on_file, "--no-mt", off_file, "--out", out)
    assert (found.code, found.out) == (0, "")
    assert f"1 of {off.size} voxels are NaN" in found.err
    made = values(out)
    expected = 100 * (off[off > 0] - on[off > 0].astype(float)) / off[off > 0]
    assert made[off > 0] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(made[0, 0, 0])
    np.testing.assert_array_equal(nibabel.load(out).affine, AFFINE)
    first = out.read_bytes()
    run("maps", "mtr", "--mt", on_file, "--no-mt", off_file, "--out", out, "--quiet")
    assert out.read_bytes() == first


def test_swapped_images_are_asked_for(pair, tmp_path):
    on, off = pair[2:]
    found = run("maps", "mtr", "--mt", off, "--no-mt", on, "--out", tmp_path / "m.nii")
    assert "are --mt and --no-mt swapped?" in found.err


def test_ratio_and_fat_fraction(pair, tmp_path):
    a, b, a_file, b_file = pair
    run("maps", "ratio", "--numerator", a_file, "--denominator", b_file, "--out", tmp_path / "r.nii")
    run("maps", "fat-fraction", "--fat", a_file, "--water", b_file, "--out", tmp_path / "ff.nii.gz")
    inside = b > 0
    whole = a[inside].astype(float) + b[inside]
    assert values(tmp_path / "r.nii")[inside] == pytest.approx(a[inside] / b[inside].astype(float), rel=1e-6)
    assert values(tmp_path / "ff.nii.gz")[inside] == pytest.approx(a[inside] / whole, rel=1e-6)
    assert np.isnan(values(tmp_path / "ff.nii.gz")[0, 0, 0])


def ratio(a, b, out, *more):
    return run("maps", "ratio", "--numerator", a, "--denominator", b, "--out", out, *more)


def test_a_lost_origin_is_taken_only_where_that_is_said(pair, tmp_path):
    _, b, a_file, b_file = pair
    lost = AFFINE.copy()
    lost[:3, 3] = 0
    nifti(b_file, b, lost)
    out = tmp_path / "r.nii.gz"
    refused(
        ratio(a_file, b_file, out), 3, "first voxel at (0, 0, 0) mm", "(-80, -120, -60) mm", "--same-voxels"
    )
    assert ratio(a_file, b_file, out, "--same-voxels").code == 0
    np.testing.assert_array_equal(nibabel.load(out).affine, AFFINE)
    nifti(b_file, b, AFFINE @ np.diag([1.0, 1, 1.5, 1]))
    refused(ratio(a_file, b_file, out, "--same-voxels"), 3, "2×2×3 mm", "2×2×2 mm")


def test_real_fat_and_water_with_a_lost_origin(shared, tmp_path):
    folder = shared / "real" / "TUM01" / "volumes"
    files = ("--fat", folder / "fat.nii.gz", "--water", folder / "water.nii.gz")
    out = tmp_path / "ff.nii.gz"
    refused(run("maps", "fat-fraction", *files, "--out", out), 3, "400×400×29 voxels", "--same-voxels")
    assert run("maps", "fat-fraction", *files, "--same-voxels", "--out", out).code == 0
    fat, water = (values(folder / f"{name}.nii.gz").astype(float) for name in ("fat", "water"))
    with np.errstate(invalid="ignore"):
        expected = fat / (fat + water)
    np.testing.assert_allclose(values(out), expected, rtol=1e-6)
    # Read together with the manual segmentation: ES and MF of a healthy volunteer.
    names = tmp_path / "labels.csv"
    names.write_text("value,label\n1,ES_R\n2,MF_R\n3,MF_L\n4,ES_L\n")
    table = tmp_path / "regions.csv"
    words = ("--map", f"ff={out}", "--atlas", folder / "muscles_manual.nii.gz", "--table", names)
    assert run("regions", *words, "--out", table).code == 0
    labels = values(folder / "muscles_manual.nii.gz")
    rows = np.genfromtxt(table, delimiter=",", names=True, dtype=None, encoding="utf-8")
    for number, row in enumerate(rows, 1):
        inside = expected[labels == number].astype(np.float32).astype(float)
        assert row["n_voxels"] == inside.size
        assert row["mean"] == pytest.approx(np.nanmean(inside), rel=1e-9)


def test_negative_magnitudes(pair, tmp_path):
    path = nifti(tmp_path / "n.nii", -np.ones(SHAPE, np.float32))
    refused(
        run("maps", "mtr", "--mt", path, "--no-mt", pair[3], "--out", tmp_path / "m.nii"),
        3, "values down to -1; expected magnitudes",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mtr", "--mt", "a.nii"), "maps mtr: no --no-mt; expected --mt, --no-mt"),
        (
            ("ratio", "--numerator", "a", "--denominator", "b", "--fat", "c"),
            "--fat does not apply",
        ),
        (
            ("dti", "--data", "a", "--bval", "b", "--bvec", "c", "--same-voxels"),
            "does not apply",
        ),
    ],
)
def test_images_of_another_kind(words, said, tmp_path):
    refused(run("maps", *words, "--out", tmp_path / "o.nii"), 2, said)


def test_an_output_that_is_no_nifti(pair, tmp_path):
    refused(ratio(pair[2], pair[3], tmp_path / "out.csv"), 2, "expected a name that ends in .nii.gz")


def test_nothing_is_written_over_an_input(pair):
    before = pair[2].read_bytes()
    refused(ratio(pair[2], pair[3], pair[2]), 2, "would be written over")
    assert pair[2].read_bytes() == before


def test_a_missing_image(pair, tmp_path):
    refused(ratio(tmp_path / "no.nii", pair[3], tmp_path / "o.nii"), 3, "--numerator", "does not exist")


def test_an_image_with_two_places_is_refused_until_one_is_named(tmp_path):
    on, off = (
        nifti(tmp_path / name, fractions(seed)) for seed, name in enumerate(("on.nii.gz", "off.nii.gz"))
    )
    image = nibabel.load(off)
    moved = image.affine.copy()
    moved[2, 3] += 12
    image.set_sform(image.affine, code=2)
    image.set_qform(moved, code=1)
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), None, image.header), off)
    arguments = ("maps", "mtr", "--mt", on, "--no-mt", off, "--out", tmp_path / "mtr.nii.gz")
    refused(run(*arguments), 3, "--no-mt", "up to 12 mm apart", "say by --affine sform or --affine qform")
    assert run(*arguments, "--affine", "sform").code == 0
    refused(run(*arguments, "--affine", "qform"), 3, "--same-voxels")
