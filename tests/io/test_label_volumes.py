"""Label maps as files: NIfTI and PNG, sound, odd and damaged; what is written, nibabel and we read alike."""

from __future__ import annotations

import gzip
import io
from itertools import permutations, product

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.imaging.planes import Plane
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.label_volumes import decode_label_image, label_volume_bytes, read_label_volume
from tests.support.builders.slices import png_bytes
from tests.support.builders.volumes import LPS, save

AFFINE = np.array([[2.0, 0, 0, -5], [0, 0, 3, 7], [0, -4, 0, 11], [0, 0, 0, 1]])
LABELS = np.random.default_rng(3).integers(0, 5, (4, 5, 6))


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_whole_numbers_of_every_kind(tmp_path, dtype):
    volume = read_label_volume(save(tmp_path / "m.nii.gz", LABELS.astype(dtype), AFFINE))
    assert volume.voxels.dtype.kind in "iu"
    assert np.array_equal(volume.voxels, LABELS)
    assert np.allclose(volume.affine, AFFINE)


def test_numbers_that_only_a_scale_makes_whole(tmp_path):
    image = nibabel.Nifti1Image((LABELS * 2).astype(np.int16), LPS @ AFFINE)
    image.header.set_slope_inter(0.5, 0)
    raw = bytearray(image.to_bytes())
    raw[112:116] = np.float32(0.5).tobytes()  # scl_slope
    (tmp_path / "m.nii").write_bytes(raw)
    assert np.array_equal(read_label_volume(tmp_path / "m.nii").voxels, LABELS)


def test_large_numbers_of_a_tool(tmp_path):
    labels = np.where(LABELS, LABELS * 30000.0, 0)
    assert np.array_equal(read_label_volume(save(tmp_path / "m.nii", labels, AFFINE)).voxels, labels)


def test_a_volume_without_a_place(tmp_path):
    volume = read_label_volume(save(tmp_path / "m.nii.gz", LABELS.astype("u1"), None))
    assert volume.affine is None
    assert np.array_equal(volume.voxels, LABELS)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda v: v + 0.25, "not whole, such as"),
        (lambda v: np.where(v == 1, np.nan, v), "not whole, such as nan"),
        (lambda v: np.where(v == 1, np.inf, v), "not whole, such as inf"),
        (lambda v: v * 1e10, "expected the labels of a label map"),
        (lambda v: v[..., None] * np.ones(2), "expected one volume"),
        (lambda v: v.astype("c8"), "colour or complex"),
    ],
)
def test_what_is_no_label_map_is_refused(tmp_path, change, found):
    save(tmp_path / "m.nii.gz", change(LABELS.astype("f8")), AFFINE)
    with pytest.raises(UnreadableError, match=found) as error:
        read_label_volume(tmp_path / "m.nii.gz")
    assert error.value.fault.remedy


def test_a_missing_volume(tmp_path):
    with pytest.raises(UnreadableError, match="does not exist"):
        read_label_volume(tmp_path / "m.nii.gz")


# ---------------------------------------------------------------- what is written


def turned_planes():
    """Planes whose rows and columns run along every pair of axes, forth and back, and one oblique."""
    for one, other in permutations(range(3), 2):
        for a, b in product((1.0, -1.0), repeat=2):
            yield tuple(a * np.eye(3)[one]), tuple(b * np.eye(3)[other])
    c, s = np.cos(0.3), np.sin(0.3)
    yield (c, 0.0, s), (0.0, 1.0, 0.0)


@pytest.mark.parametrize(("across", "down"), list(turned_planes()))
def test_a_marked_pixel_lies_where_it_lay_in_the_patient(tmp_path, across, down):
    labels = np.zeros((7, 9), dtype=np.uint8)
    labels[2, 5] = 3
    place = SlicePlace(Plane(across, down, (10.0, -20.0, 30.0), 0.5, 0.75), 4.0)
    (tmp_path / "m.nii.gz").write_bytes(label_volume_bytes(labels, place, None))
    image = nibabel.load(tmp_path / "m.nii.gz")
    assert image.shape == (9, 7, 1)
    assert image.get_data_dtype() == np.uint8
    assert image.header.get_xyzt_units()[0] == "mm"
    assert image.header.get_zooms() == (0.75, 0.5, 4.0)
    (voxel,) = np.argwhere(np.asarray(image.dataobj) == 3)
    expected = np.array([10.0, -20.0, 30.0]) + 5 * 0.75 * np.array(across) + 2 * 0.5 * np.array(down)
    for form in (image.get_sform(coded=True), image.get_qform(coded=True)):
        affine, code = form
        assert code == 1
        ras = (affine @ [*voxel, 1])[:3]
        assert np.allclose(ras * [-1, -1, 1], expected, atol=1e-4)
    volume = read_label_volume(tmp_path / "m.nii.gz")
    assert np.allclose((volume.affine @ [*voxel, 1])[:3], expected, atol=1e-4)


def test_a_label_map_without_a_place_has_no_space_and_its_spacing(tmp_path):
    (tmp_path / "m.nii.gz").write_bytes(label_volume_bytes(np.eye(4, 6, dtype=np.uint8), None, (0.5, 0.75)))
    image = nibabel.load(tmp_path / "m.nii.gz")
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (0, 0)
    assert image.header.get_zooms() == (0.75, 0.5, 1.0)
    assert read_label_volume(tmp_path / "m.nii.gz").affine is None


def test_the_same_label_map_is_the_same_bytes_and_tells_no_time():
    place = SlicePlace(Plane((1.0, 0, 0), (0, 1.0, 0), (0, 0, 0), 1.0, 1.0), None)
    first, again = (label_volume_bytes(np.eye(4, dtype=np.uint8), place, None) for _ in range(2))
    assert first == again
    assert first[3:8] == bytes(5)  # no name, no time
    header = nibabel.Nifti1Image.from_bytes(gzip.decompress(first)).header
    assert header["descrip"] == b""
    assert header["aux_file"] == b""


# ---------------------------------------------------------------- PNG


@pytest.mark.parametrize(("mode", "dtype"), [("L", np.uint8), ("I;16", np.uint16), ("P", np.uint8)])
def test_a_png_of_numbers(mode, dtype):
    labels = (LABELS[0] * (1 if dtype == np.uint8 else 300)).astype(dtype)
    image = _palette(labels) if mode == "P" else Image.fromarray(labels)
    content = io.BytesIO()
    image.save(content, "PNG")
    assert np.array_equal(decode_label_image(content.getvalue()), labels)


def _palette(labels: np.ndarray) -> Image.Image:
    image = Image.frombytes("P", labels.shape[::-1], labels.tobytes())
    image.putpalette(list(range(0, 256)) * 3)
    return image


def test_a_png_of_two_values_of_one_bit():
    content = io.BytesIO()
    Image.fromarray(LABELS[0] > 2).save(content, "PNG")
    assert np.array_equal(decode_label_image(content.getvalue()), LABELS[0] > 2)


@pytest.mark.parametrize(("channels", "colour_type"), [(3, 2), (2, 4), (4, 6)])
def test_a_picture_in_colour_is_no_label_map(channels, colour_type):
    raw = png_bytes(np.zeros((4, 5, channels), dtype=np.uint8), colour_type)
    with pytest.raises(UnreadableError, match=r"colours \(mode"):
        decode_label_image(raw)


def test_a_png_that_a_tag_turns_or_of_several_frames():
    image, content = Image.fromarray(LABELS[0].astype(np.uint8)), io.BytesIO()
    turned = Image.Exif()
    turned[0x0112] = 3
    image.save(content, "PNG", exif=turned)
    with pytest.raises(UnreadableError, match="EXIF orientation"):
        decode_label_image(content.getvalue())
    frames = io.BytesIO()
    image.save(frames, "PNG", save_all=True, append_images=[image.transpose(Image.Transpose.ROTATE_180)])
    with pytest.raises(UnreadableError, match="several frames"):
        decode_label_image(frames.getvalue())


@pytest.mark.parametrize("raw", [b"", b"no png", png_bytes(np.ones((9, 9), np.uint8), 0)[:-30]])
def test_a_damaged_png(raw):
    with pytest.raises(UnreadableError, match="not a complete PNG"):
        decode_label_image(raw)


# ---------------------------------------------------------------- mutations


@given(st.data())
def test_mutated_files_are_read_or_refused(tmp_path_factory, data):
    place = SlicePlace(Plane((1.0, 0, 0), (0, 1.0, 0), (0, 0, 0), 1.0, 1.0), None)
    packed = label_volume_bytes(np.arange(20, dtype=np.uint8).reshape(4, 5), place, None)
    kind = data.draw(st.sampled_from(["nii", "nii.gz", "png"]))
    png = io.BytesIO()
    Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5)).save(png, "PNG")
    raw = bytearray({"nii": gzip.decompress(packed), "nii.gz": packed, "png": png.getvalue()}[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(raw))))
    path = tmp_path_factory.mktemp("mutated") / f"m.{kind}"
    path.write_bytes(raw[:cut])
    try:
        labels = decode_label_image(path.read_bytes()) if kind == "png" else read_label_volume(path).voxels
    except UnreadableError as error:
        said = error.fault
    else:
        assert labels.dtype.kind in "iu"
        return
    assert said.message
    assert said.remedy
    assert "\n" not in said.message
