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

from mriparaspinal.files.folder import UnreadableFileError
from mriparaspinal.files.nifti import read_volume

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
    with pytest.raises(UnreadableFileError, match=words):
        read_volume(path, "v")


@pytest.mark.parametrize(
    ("voxels", "words"),
    [
        (np.zeros((4, 4, 3, 2), np.int16), "three dimensions"),
        (np.zeros((4, 4, 3), np.complex64), "grey levels"),
    ],
)
def test_volumes_that_are_none(tmp_path, voxels, words):
    with pytest.raises(UnreadableFileError, match=words):
        read_volume(volume(tmp_path, voxels), "v")


def test_a_claim_of_a_huge_volume_is_refused_before_it_is_read(tmp_path):
    raw = bytearray(volume(tmp_path, name="v.nii").read_bytes())
    raw[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    (tmp_path / "v.nii").write_bytes(raw)
    with pytest.raises(UnreadableFileError, match="at most"):
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
        with contextlib.suppress(UnreadableFileError):
            read_volume(path, "m").read(0)
    assert capsys.readouterr() == ("", "")


def test_nibabel_says_nothing_of_its_own(tmp_path):
    """In a process of its own: under pytest, logging has another last resort than the terminal."""
    raw = bytearray(volume(tmp_path, name="v.nii").read_bytes())
    raw[0:4], raw[108:112], raw[76:80] = bytes(4), bytes(4), b"\x00\x00\xc0\x7f"  # sizes, offset, qfac
    (tmp_path / "v.nii").write_bytes(raw)
    command = [sys.executable, "-m", "mriparaspinal", "prepare", str(tmp_path / "v.nii"), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")  # nibabel mends these, and tells so


def test_a_damaged_gz_never_gives_wrong_voxels(tmp_path):
    """A bit turned in stored (not compressed) bytes unpacks without a fault: only the checksum tells."""
    random = np.random.default_rng(3).integers(0, 1000, (30, 30, 6)).astype(np.int16)
    path = volume(tmp_path, random)
    raw = bytearray(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=0))
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)
    series = read_volume(path, path.name)
    with pytest.raises(UnreadableFileError, match="the voxels cannot be read as NIfTI"):
        series.read(0)
