"""NIfTI volumes: geometry from sform or qform, nothing guessed."""

from __future__ import annotations

import contextlib
import gzip
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.io.nifti import read_stored, read_volume, read_whole

nibabel = pytest.importorskip("nibabel")

VOXELS = np.arange(60, dtype=np.int16).reshape(5, 4, 3)
AFFINE = np.diag([-1.0, -2, 6, 1])


def volume(tmp_path, voxels=VOXELS, affine=AFFINE, change=None, name="v.nii.gz"):
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    if change:
        change(image.header)
    path = tmp_path / name
    nibabel.save(image, path)
    return path


def test_slices_are_numbered_as_stored_and_sorted_foot_to_head(tmp_path):
    series = read_volume(volume(tmp_path), "v")
    assert [p.number for p in series.pictures] == [1, 2, 3]
    assert (series.read(0) == VOXELS[:, :, 0]).all()
    down = read_volume(volume(tmp_path, affine=np.diag([-1.0, -2, -6, 1])), "v")
    assert [p.number for p in down.pictures] == [3, 2, 1]
    assert (down.read(0) == VOXELS[:, :, 2]).all()
    plane = series.pictures[0].plane
    assert (plane.row_spacing_mm, plane.col_spacing_mm) == (1, 2)


def test_slope_and_values_that_are_none(tmp_path):
    voxels = np.array([np.nan, 1, np.inf, 2], dtype=np.float32).reshape(2, 2, 1)
    series = read_volume(volume(tmp_path, voxels, np.diag([1.0, 1, 5, 1])), "v")
    assert np.isnan(series.read(0)).tolist() == [[True, False], [True, False]]

    def scaled(header):
        header.set_slope_inter(0.5, 3)

    path = volume(tmp_path, change=scaled)
    assert (read_volume(path, "v").read(1) == VOXELS[:, :, 1] * 0.5 + 3).all()


def test_metres_become_millimetres(tmp_path):
    affine = np.diag([-0.001, -0.002, 0.006, 1])
    path = volume(tmp_path, affine=affine, change=lambda header: header.set_xyzt_units("meter"))
    plane = read_volume(path, "v").pictures[0].plane
    assert np.allclose([plane.row_spacing_mm, plane.col_spacing_mm], [1, 2])


def no_forms(header):
    header["sform_code"] = header["qform_code"] = 0


def other_sides(header):
    header.set_qform(np.diag([1.0, -2, 6, 1]), code=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [(no_forms, "neither sform nor qform"), (other_sides, "sform and qform with different")],
)
def test_sides_that_are_not_known(tmp_path, change, words):
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.header.set_sform(AFFINE, code=1)
    raw = bytearray(image.to_bytes())
    change(image.header)
    path = tmp_path / "v.nii"
    # Written by hand: nibabel would set the codes again.
    raw[: len(image.header.binaryblock)] = image.header.binaryblock
    path.write_bytes(raw)
    with pytest.raises(UnreadableError, match=words):
        read_volume(path, "v")


@pytest.mark.parametrize(
    ("voxels", "words"),
    [
        (np.zeros((4, 4, 3, 2), np.int16), "three dimensions"),
        (np.zeros((4, 4, 3), np.complex64), "grey levels"),
    ],
)
def test_volumes_that_are_none(tmp_path, voxels, words):
    with pytest.raises(UnreadableError, match=words):
        read_volume(volume(tmp_path, voxels), "v")


def test_a_claim_of_a_huge_volume_is_refused_before_it_is_read(tmp_path):
    raw = bytearray(volume(tmp_path, name="v.nii").read_bytes())
    raw[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    (tmp_path / "v.nii").write_bytes(raw)
    with pytest.raises(UnreadableError, match="at most"):
        read_volume(tmp_path / "v.nii", "v")


def test_mutated_files_give_a_result_or_one_line(tmp_path, capsys):
    chance = random.Random(3)
    raws = [volume(tmp_path, name=name).read_bytes() for name in ("a.nii", "a.nii.gz")]
    for n in range(200):
        raw = bytearray(raws[n % 2])
        for _ in range(chance.randrange(1, 8)):
            raw[chance.randrange(len(raw) if n % 2 else 352)] = chance.randrange(256)
        path = tmp_path / ("m.nii.gz" if n % 2 else "m.nii")
        path.write_bytes(raw[: chance.randrange(1, len(raw))] if n % 5 == 0 else raw)
        with contextlib.suppress(UnreadableError):
            read_volume(path, "m").read(0)
    assert capsys.readouterr() == ("", "")


def test_nibabel_says_nothing_of_its_own(tmp_path):
    """In a process of its own: under pytest, logging has another last resort than the terminal."""
    raw = bytearray(volume(tmp_path, name="v.nii").read_bytes())
    raw[0:4], raw[108:112], raw[76:80] = bytes(4), bytes(4), b"\x00\x00\xc0\x7f"  # sizes, offset, qfac
    (tmp_path / "v.nii").write_bytes(raw)
    command = [sys.executable, "-m", "mriparaspinal", "prepare", str(tmp_path / "v.nii"), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0
    assert all(
        line.startswith("next: ") for line in done.stderr.splitlines()
    )  # nibabel mends these, and tells so


def test_a_damaged_gz_never_gives_wrong_voxels(tmp_path):
    """A bit turned in stored (not compressed) bytes unpacks without a fault: only the checksum tells."""
    random = np.random.default_rng(3).integers(0, 1000, (30, 30, 6)).astype(np.int16)
    path = volume(tmp_path, random)
    raw = bytearray(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=0))
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)
    series = read_volume(path, path.name)
    with pytest.raises(UnreadableError, match="the voxels cannot be read as NIfTI"):
        series.read(0)


# ---------------------------------------------------------------- two places in one header

#: 1 × 1 × 4 mm, sagittal, oblique by 7° about the left–right axis.
PLACED = np.array([[0, 0, 4.0, -40], [-0.9925, 0.1219, 0, 60], [0.1219, 0.9925, 0, -120], [0, 0, 0, 1]])


def two_places(path, sform, qform, codes, kind="Nifti1Image", shape=(120, 200, 20)):
    """A volume whose sform and qform are these, with (sform code, qform code)."""
    image = getattr(nibabel, kind)(np.ones(shape, np.uint8), None)
    image.set_sform(sform, code=codes[0])
    image.set_qform(qform, code=codes[1])
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
    return path


def moved(affine, by=(0, 0, 0), degrees=0.0):
    """An affine, RAS+, turned about the head–foot axis through its first voxel, and moved by mm."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turned = affine.copy()
    turned[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ affine[:3, :3]
    turned[:3, 3] += by
    return turned


LPS = np.diag([-1.0, -1, 1, 1])


@pytest.mark.parametrize(
    "other", [moved(PLACED, (0, 0, 36)), moved(PLACED, (0.15, 0, 0)), moved(PLACED, degrees=1)]
)
@pytest.mark.parametrize(
    ("codes", "taken"),
    [
        *(((code, 1), "qform") for code in (2, 4)),
        *(((1, code), "sform") for code in (2, 5)),
        *((codes, "") for codes in ((1, 1), (2, 2), (3, 4))),
    ],
)
@pytest.mark.parametrize("kind", ["Nifti1Image", "Nifti2Image"])
def test_the_scanners_place_is_taken_or_none(tmp_path, other, codes, taken, kind):
    path = two_places(tmp_path / "v.nii.gz", other, PLACED, codes, kind)
    forms = {"sform": LPS @ other, "qform": LPS @ PLACED}
    if taken:
        _, affine, remark = read_whole(path)
        assert np.allclose(affine, forms[taken], atol=1e-3)
        assert f"the {taken} is taken" in remark.message
        assert f"sform (code {codes[0]}" in remark.message
        assert remark.remedy.endswith(f"give --affine {'sform' if taken == 'qform' else 'qform'}")
        assert read_volume(path, "v").remark == remark
    else:
        for read in (read_whole, lambda path: read_volume(path, "v")):
            with pytest.raises(UnreadableError, match=r"mm apart, .* expected one place") as refused:
                read(path)
            assert "--affine sform or --affine qform" in refused.value.fault.remedy
    with pytest.raises(UnreadableError, match="expected one place"):
        read_stored(path, 10**8)  # a map that was registered is meant by its sform: not settled by the codes
    for form, affine in forms.items():
        for found in (read_whole(path, form)[1], read_stored(path, 10**8, form).affine):
            assert np.allclose(found, affine, atol=1e-3)
        assert read_whole(path, form)[2] is read_volume(path, "v", form).remark is None


@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (2, 0), (0, 2)])
def test_a_place_without_a_code_is_none(tmp_path, codes):
    path = two_places(tmp_path / "v.nii", PLACED, PLACED, (1, 1), shape=(4, 4, 3))
    raw = bytearray(path.read_bytes())
    header = nibabel.load(path).header.copy()
    header["sform_code"], header["qform_code"] = codes
    header["srow_z" if not codes[0] else "qoffset_z"] += 100  # left over, and of no meaning
    raw[:348] = header.binaryblock
    path.write_bytes(raw)
    for form in (None, "sform", "qform"):
        _, affine, remark = read_whole(path, form)
        assert remark is None
        assert np.allclose(affine, LPS @ PLACED, atol=1e-3)


def test_a_rotation_that_shows_in_a_far_corner_alone(tmp_path):
    """0.05° is 0.1 mm at 120 mm, and 0.17 mm at 200 mm."""
    affine = np.diag([1.0, 1, 4, 1])
    small = two_places(tmp_path / "a.nii.gz", moved(affine, degrees=0.02), affine, (2, 1))
    assert read_whole(small)[2] is None
    large = two_places(tmp_path / "b.nii.gz", moved(affine, degrees=0.1), affine, (2, 1))
    assert "up to 0.4" in read_whole(large)[2].found


def test_forms_that_agree_to_the_precision_of_the_header_are_silent(tmp_path):
    """Any rotation, those near half a turn among them, which a quaternion of 32 bits tells least exactly."""
    chance = np.random.default_rng(5)
    for n in range(300):
        axis = chance.normal(size=3)
        angle = np.pi * (1 - chance.choice([0, 1e-5, 1e-4, 1e-3, 0.3]) * chance.random())
        x, y, z = axis / np.linalg.norm(axis)
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
        affine = np.eye(4)
        affine[:3, :3] = turn * chance.uniform([0.4, 0.4, 3], [1.2, 1.2, 5]) * [1, 1, chance.choice([-1, 1])]
        affine[:3, 3] = chance.normal(size=3) * 150
        image = nibabel.Nifti1Image(np.zeros((448, 448, 2), np.uint8), None)
        image.set_sform(affine, code=int(chance.choice([1, 2, 4])))
        image.set_qform(affine, code=1)
        # Another library rounds the last digit another way.
        for part in "bcd":
            image.header[f"quatern_{part}"] *= np.float32(1 + chance.choice([-1, 0, 1]) * 6e-8)
        path = tmp_path / f"{n}.nii"
        path.write_bytes(image.header.binaryblock + bytes(4) + bytes(448 * 448 * 2))
        assert read_whole(path)[2] is None, (n, affine)


def test_real_files_have_one_place(shared):
    files = sorted((shared / "real").rglob("*.nii.gz"))
    assert files
    for path in files:
        with contextlib.suppress(UnreadableError):  # of four dimensions
            assert read_whole(path)[2] is None, path.name
