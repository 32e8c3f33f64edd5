"""A file for each structure, as TotalSegmentator writes; maps of two dimensions; discs derived."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.support.builders.itk import save_itk
from tests.support.builders.slices import SHAPES, grey_image, write_image
from tests.support.builders.study import problems_of, rows_of, run
from tests.support.builders.volumes import load, save, write_slices

AFFINE = np.diag([0.5, 0.5, 4.0, 1.0])

#: What a person would call the boxes of :data:`SHAPES`, in TotalSegmentator's way or ours.
FILES = {
    "PM_R": "iliopsoas_right",
    "PM_L": "iliopsoas_left",
    "ES_R": "erector_spinae_right",
    "ES_L": "erector_spinae_left",
    "MF_R": "multifidus_right",
    "MF_L": "multifidus_left",
    "IVD": "intervertebral_discs",
}
ALIASES = '[labels]\niliopsoas_L = "PM_L"\niliopsoas_right = "PM_R"\n'


def boxes() -> dict[str, np.ndarray]:
    """The regions of a slice of 100×100 px, as masks of (rows, columns)."""
    masks = {}
    for shape in SHAPES:
        (x0, y0), _, (x1, y1), _ = shape["points"]
        mask = np.zeros((100, 100), dtype=np.uint8)
        mask[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = 1
        masks[shape["label"]] = mask
    return masks


@pytest.fixture
def home(tmp_path) -> Path:
    """Two slices of one participant with places, and a file for each structure on three slices."""
    grey = np.stack([grey_image(seed=seed) for seed in (1, 2, 3)], axis=2)
    write_slices(tmp_path / "scans", grey.transpose(1, 0, 2), AFFINE, {"ALS_1_3": 1, "ALS_1_4": 2})
    (tmp_path / "scans" / "paraspinal.toml").write_text(ALIASES, encoding="utf-8")
    for label, name in FILES.items():
        write(tmp_path, name, boxes()[label])
    return tmp_path


def write(home: Path, name: str, mask: np.ndarray, affine: np.ndarray | None = AFFINE, **kind) -> Path:
    """A mask as a volume of three slices; only the middle one has it all."""
    volume = np.zeros((100, 100, 3), dtype=kind.get("dtype", np.uint8))
    volume[:, :, 1] = mask.T
    volume[:50, :, 2] = mask.T[:50]
    volume[50:, :80, 2] = mask.T[50:, :80]
    return save(home / "maps" / "ALS_1" / f"{name}.nii.gz", volume * kind.get("value", 1), affine)


def measure(home: Path, *options: object, out: str = "results"):
    outcome = run("quantify", home / "scans", "--masks", home / "maps", *options, "--out", home / out)
    assert "Traceback" not in outcome.err
    return outcome


def sizes(results: Path) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (row["segment"], row["muscle"], row["side"]): (int(row["csa_px"]), int(row["reference_px"] or 0))
        for row in rows_of(results)
        if row["side"] != "both"
    }


def test_a_file_for_each_structure_is_as_one_map_of_all(home):
    for other in ("aorta", "vertebrae_L3", "autochthon_left"):
        write(home, other, boxes()["IVD"])
    outcome = measure(home)
    assert outcome.code == 0, outcome.err
    assert "masks: warning: files of aorta, autochthon_L, vertebrae_L3 were ignored" in outcome.err
    assert outcome.err.count("were ignored") == 1
    found = sizes(home / "results")
    whole = np.ones((100, 100), dtype=bool)
    on_l4 = whole.copy()
    on_l4[80:, 50:] = False
    for segment, there in (("L3", whole), ("L4", on_l4)):
        disc = np.count_nonzero(boxes()["IVD"][there])
        for label in FILES:
            if label != "IVD":
                side = {"L": "left", "R": "right"}[label[-1]]
                assert found[segment, label[:2], side] == (np.count_nonzero(boxes()[label][there]), disc)
    inputs = json.loads((home / "results" / "quantify.json").read_bytes())["inputs"]
    masks = {name for name in inputs if name.startswith("masks/")}
    assert masks == {f"masks/ALS_1/{name}.nii.gz" for name in FILES.values()}  # others are not even read


@pytest.mark.parametrize("other", ["MF_L", "left multifidus", "Multifidus_L"])
def test_two_files_of_one_structure_are_no_sum(home, other):
    """A corrected mask beside the first: which one is meant?"""
    assert measure(home).code == 0
    corrected = boxes()["MF_L"]
    corrected[:48] = 0
    write(home, other, corrected)
    outcome = measure(home, out="again")
    assert outcome.code == 3
    assert "are of one structure; expected a file for each; keep the one that is meant" in outcome.err


def test_a_file_twice_in_two_formats(home):
    voxels, affine = load(home / "maps" / "ALS_1" / "intervertebral_discs.nii.gz")
    save_itk(home / "maps" / "ALS_1" / "intervertebral_discs.mha", voxels, affine)
    outcome = measure(home)
    assert outcome.code == 3
    assert "discs.mha and ALS_1/intervertebral_discs.nii.gz are of one structure" in outcome.err


def test_several_structures_of_one_region_are_joined(home):
    """Longissimus and iliocostalis are ES by the lab's own labels."""
    both = boxes()["ES_L"]
    (home / "maps" / "ALS_1" / "erector_spinae_left.nii.gz").unlink()
    columns = np.flatnonzero(both.any(axis=0))
    middle = columns[len(columns) // 2]
    for name, part in (("longissimus_left", slice(0, middle)), ("iliocostalis_left", slice(middle, None))):
        mask = np.zeros_like(both)
        mask[:, part] = both[:, part]
        write(home, name, mask)
    words = 'longissimus_L = "ES_L"\niliocostalis_L = "ES_L"\n'
    (home / "scans" / "paraspinal.toml").write_text(ALIASES + words, encoding="utf-8")
    assert measure(home).code == 0
    assert sizes(home / "results")["L3", "ES", "left"][0] == np.count_nonzero(both)


@pytest.mark.parametrize("kind", [{"dtype": np.float32}, {"value": 255}, {"dtype": np.int16, "value": 7}])
def test_masks_of_any_number(home, kind):
    measure(home, out="plain")
    for label, name in FILES.items():
        write(home, name, boxes()[label], **kind)
    assert measure(home).code == 0
    assert rows_of(home / "results") == rows_of(home / "plain")


def test_masks_in_other_orientations(home):
    """RAS+, and axes in another order: other voxels in the file, the same pixels of the slice."""
    measure(home, out="plain")
    for number, name in enumerate(FILES.values()):
        path = home / "maps" / "ALS_1" / f"{name}.nii.gz"
        image = nibabel.load(path)
        codes = ("RAS", "ASL", "PIR", "LPS")[number % 4]
        turn = nibabel.orientations.ornt_transform(
            nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(codes)
        )
        nibabel.save(image.as_reoriented(turn), path)
    assert measure(home).code == 0
    assert rows_of(home / "results") == rows_of(home / "plain")


def test_an_empty_file_is_a_region_that_is_not_there(home):
    write(home, "multifidus_left", np.zeros((100, 100), dtype=np.uint8))
    outcome = measure(home)
    assert outcome.code == 4
    assert "ALS_1_3.png: MF_L: error: no label of the left MF" in outcome.err
    assert ("L3", "MF", "right") in sizes(home / "results")


def test_empty_files_alone(home):
    for name in FILES.values():
        write(home, name, np.zeros((100, 100), dtype=np.uint8))
    outcome = measure(home)
    assert outcome.code == 3
    assert "only background on this slice" in outcome.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m * 0.4, "ALS_1/multifidus_left.nii.gz: numbers that are not whole, such as 0.4"),
        (lambda m: m * np.nan, "numbers that are not whole"),
        (
            lambda m: m + (np.arange(100) > 60),
            "ALS_1/multifidus_left.nii.gz: several numbers on this slice; expected one",
        ),
    ],
)
def test_what_is_no_mask_of_one_structure(home, change, said):
    volume = np.zeros((100, 100, 3), dtype=np.float32)
    volume[:, :, 1] = change(boxes()["MF_L"].astype(np.float32)).T
    save(home / "maps" / "ALS_1" / "multifidus_left.nii.gz", volume, AFFINE)
    outcome = measure(home, "--participant-label", "ALS_1")
    assert outcome.code in (3, 4)
    assert said in outcome.err


def test_files_that_overlap_are_told_as_contours_are(home):
    overlapping = boxes()["ES_L"].copy()
    overlapping[65:85, 60:70] = 1
    write(home, "erector_spinae_left", overlapping)
    outcome = measure(home)
    assert "overlap" in {code for *_, code in problems_of(home / "results")}
    assert sizes(home / "results")["L3", "ES", "left"][0] == np.count_nonzero(overlapping)
    assert outcome.code in (0, 4)


def test_a_map_of_numbers_beside_the_files_is_one_too_many(home):
    save(home / "maps" / "ALS_1.nii.gz", np.ones((100, 100, 3), dtype=np.uint8), AFFINE)
    outcome = measure(home, "--numbering", "mriparaspinal")
    assert outcome.code == 3
    assert (
        "ALS_1.nii.gz and ALS_1/erector_spinae_left.nii.gz are label maps of this slice; expected one"
        in outcome.err
    )


def test_numbers_in_folders_are_not_taken_for_structures(tmp_path):
    write_image(tmp_path / "scans" / "sub" / "ALS_1_3.png", grey_image())
    save(tmp_path / "maps" / "sub" / "ALS_1_3.nii.gz", boxes()["IVD"].T[:, :, None] * 9, None)
    outcome = measure(tmp_path)
    assert outcome.code == 3
    assert "sub/ALS_1_3.nii.gz: a label map of numbers, and nothing says what they mean" in outcome.err
    assert "say by --numbering" in outcome.err


def test_files_of_one_slice(tmp_path):
    write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    for label, mask in boxes().items():
        write_image(tmp_path / "maps" / "ALS_1_3" / f"{label}.png", mask * 255)
    assert measure(tmp_path).code == 0
    assert sizes(tmp_path / "results")["L3", "MF", "left"] == (200, 900)


def test_files_joined_with_a_map_of_another_tool(home):
    shutil.move(home / "maps" / "ALS_1" / "intervertebral_discs.nii.gz", home / "disc.nii.gz")
    (home / "discs").mkdir()
    shutil.move(home / "disc.nii.gz", home / "discs" / "ALS_1.nii.gz")
    (home / "table.csv").write_text("value,label\n1,disc\n", encoding="utf-8")
    outcome = measure(home, "--masks", home / "discs", "--numbering", home / "table.csv")
    assert outcome.code == 0, outcome.err
    assert sizes(home / "results")["L3", "MF", "left"] == (200, 900)


def test_contours_of_files(home):
    scans = home / "scans"
    outcome = run("contours", home / "maps", "--dataset", scans, "--no-draft")
    assert outcome.code == 0, outcome.err
    labels = {shape["label"] for shape in json.loads((scans / "ALS_1_3.json").read_bytes())["shapes"]}
    assert labels == {
        "iliopsoas_L",
        "iliopsoas_right",
        "erector_spinae_L",
        "erector_spinae_R",
        "multifidus_L",
        "multifidus_R",
        "IVD",
    }
    assert run("quantify", scans, "--out", home / "drawn").code == 0
    measure(home)
    assert sizes(home / "drawn") == sizes(home / "results")


# ---------------------------------------------------------------- two dimensions


def flat(path: Path, labels: np.ndarray, affine: np.ndarray | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(labels.T, affine), path)
    assert len(nibabel.load(path).shape) == labels.ndim


NUMBERS = sum(
    (
        value * boxes()[label]
        for value, label in (
            (1, "MF_L"),
            (2, "MF_R"),
            (3, "ES_L"),
            (4, "ES_R"),
            (5, "PM_L"),
            (6, "PM_R"),
            (9, "IVD"),
        )
    ),
    start=np.zeros((100, 100), dtype=np.uint8),
)


@pytest.mark.parametrize("placed", [False, True])
def test_a_nifti_of_two_dimensions_is_the_slice(tmp_path, placed):
    """(columns, rows), with the place 0, 0 of a picture or without any; the slice has a place, or none."""
    sitk = pytest.importorskip("SimpleITK")
    if placed:
        write_slices(tmp_path / "scans", grey_image().T[:, :, None] * np.ones(3), AFFINE, {"ALS_1_3": 1})
    else:
        write_image(tmp_path / "scans" / "ALS_1_3.png", grey_image())
    (tmp_path / "maps").mkdir()
    image = sitk.GetImageFromArray(NUMBERS)
    image.SetSpacing((0.5, 0.5))
    sitk.WriteImage(image, str(tmp_path / "maps" / "ALS_1_3.nii.gz"))
    for kind in ("simpleitk", "nibabel"):
        if kind == "nibabel":
            flat(tmp_path / "maps" / "ALS_1_3.nii.gz", NUMBERS, None)
        outcome = measure(tmp_path, "--numbering", "mriparaspinal", out=kind)
        assert outcome.code == 0, outcome.err
        assert sizes(tmp_path / kind)["L3", "ES", "right"] == (600, 900)
        assert not {code for *_, code in problems_of(tmp_path / kind)} - {"no-spacing"}


def test_four_dimensions_of_which_the_last_is_one(home):
    for label, name in FILES.items():
        path = write(home, name, boxes()[label])
        image = nibabel.load(path)
        nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj)[..., None], image.affine), path)
    assert measure(home).code == 0
    assert sizes(home / "results")["L3", "MF", "left"] == (200, 900)


# ---------------------------------------------------------------- a disc between two vertebrae

Y, X = np.mgrid[:100, :100]


def cylinders(radius_below: float, radius_above: float) -> np.ndarray:
    """Vertebrae 28 (slices 0 to 3) and 29 (8 to 11), a disc's space between; (columns, rows, slices)."""
    volume = np.zeros((100, 100, 12), dtype=np.int16)
    inside = np.hypot(Y - 35, X - 50).T
    volume[inside <= radius_below, :4] = 28
    volume[inside <= radius_above, 8:] = 29
    return volume


@pytest.fixture
def vertebrae(tmp_path) -> Path:
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    write_slices(tmp_path / "scans", grey_image().T[:, :, None] * np.ones(12), affine, {"ALS_1_3": 5})
    save(tmp_path / "bones" / "ALS_1.nii.gz", cylinders(12, 18), affine)
    volume = np.where(NUMBERS == 9, 0, NUMBERS).T[:, :, None] * np.ones(12, dtype=np.uint8)
    save(tmp_path / "maps" / "ALS_1.nii.gz", volume, affine)
    (tmp_path / "maps" / "values.csv").write_text(
        "value,label\n1,MF_L\n2,MF_R\n3,ES_L\n4,ES_R\n5,PM_L\n6,PM_R\n", encoding="utf-8"
    )
    return tmp_path


def derived(home: Path, numbering: object, out: str = "results"):
    return measure(home, "--masks", home / "bones", "--numbering", numbering, out=out)


def test_a_disc_between_two_cylinders(vertebrae):
    (vertebrae / "table.csv").write_text("value,label\n28,disc-between\n29,disc-between\n", encoding="utf-8")
    outcome = derived(vertebrae, vertebrae / "table.csv")
    assert outcome.code == 0, outcome.err
    radius = 12 + (5 - 3) / (8 - 3) * (18 - 12)
    (reference,) = {found[1] for found in sizes(vertebrae / "results").values()}
    assert reference == pytest.approx(np.pi * radius**2, rel=0.03)
    assert (
        "masks: warning: IVD is no structure of the label map: it was derived between two vertebrae "
        "(on 1 slice, first ALS_1_3.png); expected a disc" in outcome.err
    )
    manifest = json.loads((vertebrae / "results" / "quantify.json").read_bytes())
    assert manifest["settings"]["numbering"][1] == {"28": "disc-between", "29": "disc-between"}


@pytest.fixture
def drawn(vertebrae) -> Path:
    """The LabelMe file of the slice, made by ``contours``: its disc was derived."""
    (vertebrae / "table.csv").write_text("value,label\n28,disc-between\n29,disc-between\n", encoding="utf-8")
    sources = (vertebrae / "maps", vertebrae / "bones", "--numbering", vertebrae / "table.csv")
    outcome = run("contours", *sources, "--dataset", vertebrae / "scans", "--no-draft")
    assert outcome.code == 0, outcome.err
    return vertebrae / "scans" / "ALS_1_3.json"


def test_a_derived_disc_is_known_from_its_contour(vertebrae, drawn):
    flags = {shape["label"]: shape["flags"] for shape in json.loads(drawn.read_bytes())["shapes"]}
    assert flags.pop("IVD") == {"derived-disc": True}
    assert not any(flags.values())
    told = (
        "contours: warning: IVD was derived between two vertebrae and not drawn (on 1 slice, first "
        "ALS_1_3.png); expected a disc that was drawn"
    )
    quantified = run("quantify", vertebrae / "scans", "--out", vertebrae / "results")
    assert quantified.code == 0
    assert told in quantified.err
    assert [code for *_, code in problems_of(vertebrae / "results")] == ["derived-disc"]
    assert "derived-disc" in run("check", vertebrae / "scans", "--json", vertebrae / "check.json").out + (
        vertebrae / "check.json"
    ).read_text(encoding="utf-8")
    assert told in run("masks", vertebrae / "scans", "--out", vertebrae / "drawn").err
    page = vertebrae / "report.html"
    assert run("report", vertebrae / "results", "--dataset", vertebrae / "scans", "--out", page).code == 0
    assert "the disc was derived: its outline was" in page.read_text(encoding="utf-8")


def test_a_disc_drawn_anew_is_no_derived_one(vertebrae, drawn):
    document = json.loads(drawn.read_bytes())
    for shape in document["shapes"]:
        shape["flags"] = dict.fromkeys(shape["flags"], False)  # unticked in LabelMe
    drawn.write_text(json.dumps(document), encoding="utf-8")
    assert run("quantify", vertebrae / "scans", "--out", vertebrae / "results").code == 0
    assert not problems_of(vertebrae / "results")


def test_a_derived_disc_that_a_review_leaves_out(vertebrae, drawn):
    review = vertebrae / "review.csv"
    review.write_text(
        "image,region,reader,verdict,reason\nALS_1_3.png,IVD,A,exclude,derived\n", encoding="utf-8"
    )
    run("quantify", vertebrae / "scans", "--review", review, "--out", vertebrae / "results")
    assert "derived-disc" not in {code for *_, code in problems_of(vertebrae / "results")}


def test_a_disc_of_an_oblique_series(vertebrae):
    """The same cylinders in a volume that is tilted by 30°, and stored from head to foot."""
    angle = np.radians(30)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = affine @ np.diag([1.0, 1.0, 3.0, 1.0])
    shutil.rmtree(vertebrae / "scans")
    write_slices(vertebrae / "scans", grey_image().T[:, :, None] * np.ones(12), affine, {"ALS_1_3": 5})
    muscles, _ = load(vertebrae / "maps" / "ALS_1.nii.gz")
    save(vertebrae / "maps" / "ALS_1.nii.gz", muscles, affine)
    down = affine.copy()
    down[:3, 3] += 11 * affine[:3, 2]
    down[:3, 2] *= -1
    save(vertebrae / "bones" / "ALS_1.nii.gz", cylinders(12, 18)[:, :, ::-1], down)
    (vertebrae / "table.csv").write_text("value,label\n28,disc-between\n29,disc-between\n", encoding="utf-8")
    assert derived(vertebrae, vertebrae / "table.csv").code == 0
    (reference,) = {found[1] for found in sizes(vertebrae / "results").values()}
    assert reference == pytest.approx(np.pi * 14.4**2, rel=0.03)


def test_only_where_it_is_asked_for(vertebrae):
    outcome = derived(vertebrae, "totalsegmentator")
    assert outcome.code == 4
    assert "missing-reference" in {code for *_, code in problems_of(vertebrae / "results")}
    # The protocol asks for it by the tool's names.
    (vertebrae / "scans" / "paraspinal.toml").write_text(
        '[labels]\nvertebrae_L3 = "disc-between"\nvertebrae_L4 = "disc-between"\n', encoding="utf-8"
    )
    outcome = derived(vertebrae, "totalsegmentator", "asked")
    assert outcome.code == 0, outcome.err
    assert "vertebrae_L3 and vertebrae_L4" in outcome.err
    (vertebrae / "table.csv").write_text("value,label\n28,disc-between\n29,disc-between\n", encoding="utf-8")
    derived(vertebrae, vertebrae / "table.csv")
    assert sizes(vertebrae / "asked") == sizes(vertebrae / "results")


def test_of_a_file_for_each_vertebra(vertebrae):
    volume, affine = load(vertebrae / "bones" / "ALS_1.nii.gz")
    (vertebrae / "bones" / "ALS_1.nii.gz").unlink()
    for value, name in ((28, "vertebrae_L4"), (29, "vertebrae_L3")):
        save(vertebrae / "bones" / "ALS_1" / f"{name}.nii.gz", (volume == value).astype(np.uint8), affine)
    (vertebrae / "scans" / "paraspinal.toml").write_text(
        '[labels]\nvertebrae_L3 = "disc-between"\nvertebrae_L4 = "disc-between"\n', encoding="utf-8"
    )
    outcome = measure(vertebrae, "--masks", vertebrae / "bones")
    assert outcome.code == 0, outcome.err
    (reference,) = {found[1] for found in sizes(vertebrae / "results").values()}
    assert reference == pytest.approx(np.pi * 14.4**2, rel=0.03)


def test_of_a_segmentation_that_was_cropped_and_of_which_a_layer_lies_over_the_vertebrae(vertebrae):
    (vertebrae / "scans" / "paraspinal.toml").write_text(
        '[labels]\nL3 = "disc-between"\nL4 = "disc-between"\n', encoding="utf-8"
    )
    volume, affine = load(vertebrae / "bones" / "ALS_1.nii.gz")
    bones = np.where(volume > 0, volume - 27, 0).astype(np.uint8)
    layers = np.stack([bones, (bones > 0) & (np.arange(100) < 50)[:, None, None]]).astype(np.uint8)
    box = [(there.min(), there.max() + 1) for there in np.nonzero(bones)]
    affine[:3, 3] += affine[:3, :3] @ [first for first, _ in box]
    fields = {}
    for number, (name, value, layer) in enumerate([("L4", 1, 0), ("L3", 2, 0), ("bone", 1, 1)]):
        told = {"ID": name, "Name": name, "LabelValue": str(value), "Layer": str(layer)}
        fields |= {f"Segment{number}_{key}": text for key, text in told.items()}
    (vertebrae / "table.csv").write_text("value,label\n28,disc-between\n29,disc-between\n", encoding="utf-8")
    assert derived(vertebrae, vertebrae / "table.csv", "expected").code == 0
    (vertebrae / "bones" / "ALS_1.nii.gz").unlink()
    inner = layers[:, *(slice(*ends) for ends in box)]
    save_itk(vertebrae / "bones" / "ALS_1.seg.nrrd", inner, affine, **fields)
    outcome = measure(vertebrae, "--masks", vertebrae / "bones")
    assert outcome.code == 0, outcome.err
    assert sizes(vertebrae / "results") == sizes(vertebrae / "expected")


def test_a_disc_that_is_there_is_not_derived_as_well(vertebrae):
    bones, affine = load(vertebrae / "bones" / "ALS_1.nii.gz")
    bones = bones.copy()
    bones[40:60, 25:45, 5] = 50
    save(vertebrae / "bones" / "ALS_1.nii.gz", bones, affine)
    (vertebrae / "table.csv").write_text(
        "value,label\n28,disc-between\n29,disc-between\n50,IVD\n", encoding="utf-8"
    )
    outcome = derived(vertebrae, vertebrae / "table.csv")
    assert outcome.code == 4
    assert "masks/2/ALS_1.nii.gz and masks/2/ALS_1.nii.gz (derived) both have IVD" in outcome.err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("28,disc-between\n", "one vertebra (value 28)"),
        ("28,disc-between\n31,disc-between\n", "no vertebra above the slice"),
    ],
)
def test_what_cannot_be_derived_is_one_error(vertebrae, rows, said):
    (vertebrae / "table.csv").write_text(f"value,label\n{rows}", encoding="utf-8")
    outcome = derived(vertebrae, vertebrae / "table.csv")
    assert outcome.code == 4
    lines = [line for line in outcome.err.splitlines() if ": error: " in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert set(sizes(vertebrae / "results").values()) == {(200, 0), (400, 0), (600, 0)}


def test_a_map_of_one_slice_has_no_vertebrae_above_and_below(vertebrae):
    shutil.rmtree(vertebrae / "bones")
    write_image(vertebrae / "bones" / "ALS_1_3_mask.png", np.full((100, 100), 28, dtype=np.uint8))
    (vertebrae / "table.csv").write_text("value,label\n28,disc-between\n29,disc-between\n", encoding="utf-8")
    outcome = derived(vertebrae, vertebrae / "table.csv")
    assert "a disc is to be derived from a map without a volume" in outcome.err


def test_a_real_map_with_one_number_for_all_vertebrae_is_refused_and_with_two_is_not(shared, tmp_path):
    """TotalSegmentator's total_mr: its own disc is what a derived one is compared with."""
    folder = shared / "real" / "totalseg_mr"
    voxels, affine = load(folder / "ts_mr_sm.nii.gz")
    labels, _ = load(folder / "ts_seg_mr.nii.gz")
    write_slices(tmp_path / "scans", np.clip(voxels / 3, 0, 255), affine, {"HV_2_2": 10})
    (tmp_path / "scans" / "paraspinal.toml").write_text(
        '[labels]\nautochthon_L = "ES_L"\nautochthon_R = "ES_R"\n', encoding="utf-8"
    )
    two = labels.astype(np.int16)
    two[:, :, 10:][labels[:, :, 10:] == 19] = 119
    reference = {}
    for name, numbers, rows in (
        ("disc", labels, "20,IVD\n"),
        ("one", labels, "19,disc-between\n"),
        ("two", two, "19,disc-between\n119,disc-between\n"),
    ):
        save(tmp_path / "maps" / "HV_2.nii.gz", numbers, affine)
        (tmp_path / "maps" / "values.csv").write_text(
            f"value,label\n46,autochthon_L\n47,autochthon_R\n{rows}"
        )
        outcome = measure(tmp_path, out=name)
        reference[name] = {found[1] for found in sizes(tmp_path / name).values()}
        if name == "one":
            assert "a disc cannot be derived where one number holds all vertebrae" in outcome.err
    assert (reference["disc"], reference["one"], reference["two"]) == ({155}, {0}, {130})
