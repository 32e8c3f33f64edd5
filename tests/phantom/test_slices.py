"""The synthetic cohort: its bytes, its truth, its effects, and the command."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mriparaspinal import cli
from mriparaspinal.core.model import SEGMENTS
from mriparaspinal.phantom.model import AFFECTED, Effects, Participant, PhantomSlice
from mriparaspinal.phantom.slices import make_cohort, make_participant, make_slice

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data"
LABELS = {"MF_L", "MF_R", "ES_L", "ES_R", "PM_L", "PM_R", "IVD"}
NO_EFFECT = Effects(als_atrophy=0.0)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pillow_mask(points: list[list[float]], size: int) -> np.ndarray:
    canvas = Image.new("L", (size, size))
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in points], outline=1, fill=1)
    return np.asarray(canvas) > 0


def shoelace(points: np.ndarray) -> float:
    x, y = np.asarray(points).T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def by_region(drawn: PhantomSlice) -> dict[tuple[str, str], tuple[float, float | None]]:
    return {(t.region, t.side): (t.area_px, t.fi) for t in drawn.truth}


@pytest.fixture(scope="module")
def sample() -> list[tuple[dict[str, str], dict[str, object], np.ndarray]]:
    """(row of truth.csv, shape, image) of every region of the sample cohort."""
    slices = {}
    for path in sorted(SAMPLE.glob("*.json")):
        saved = json.loads(path.read_text(encoding="utf-8"))
        image = np.asarray(Image.open(path.with_suffix(".png")))
        slices[path.stem] = ({shape["label"]: shape for shape in saved["shapes"]}, image)
    found = []
    for row in read_csv(SAMPLE / "truth.csv"):
        shapes, image = slices[f"{row['participant_id']}_{row['segment'][1]}"]
        label = f"{row['region']}_{row['side'][0].upper()}" if row["side"] else row["region"]
        found.append((row, shapes[label], image))
    return found


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mriparaspinal", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


# --- the same bytes ----------------------------------------------------------------------------------------


def digest(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_command_gives_the_same_bytes_twice(tmp_path: Path, command) -> None:
    for name in ("a", "b"):
        code, out, err = command("phantom", tmp_path / name, "--als", 1, "--lr", 1, "--size", 128)
        assert (code, out) == (0, "")
        drawn, following = err.splitlines()
        assert drawn == f"drew 10 slices of 2 participants into {tmp_path / name}"
        assert following.endswith(f" check {tmp_path / name}")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_a_participant_does_not_depend_on_the_cohort(tmp_path: Path, command) -> None:
    command("phantom", tmp_path / "one", "--als", 2, "--lr", 0, "--size", 128)
    command("phantom", tmp_path / "two", "--als", 1, "--lr", 1, "--size", 128)
    one, two = digest(tmp_path / "one"), digest(tmp_path / "two")
    shared = {name for name in one if name.startswith("ALS_1_")}
    assert len(shared) == 10
    assert {name: one[name] for name in shared} == {name: two[name] for name in shared}
    rows = [read_csv(tmp_path / name / "participants.csv")[0] for name in ("one", "two")]
    assert rows[0] == rows[1]


def test_the_hash_seed_does_not_matter() -> None:
    code = (
        "import hashlib; from mriparaspinal.phantom.slices import *;"
        "s = make_slice(make_participant('LR', 2, 5), 'L4', 5, 128, Effects());"
        "print(hashlib.sha256(s.image.tobytes() + repr((s.contours, s.truth)).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "77")
    }
    assert len(digests) == 1


def test_seeds_differ() -> None:
    drawn = [make_slice(make_participant("ALS", 1, s), "L1", s, 128, Effects()) for s in (1, 2)]
    assert not np.array_equal(drawn[0].image, drawn[1].image)
    assert drawn[0].truth != drawn[1].truth


def test_size_changes_the_pixels_but_not_the_patient() -> None:
    participant = make_participant("LR", 1, 3)
    small, large = (by_region(make_slice(participant, "L4", 3, size, NO_EFFECT)) for size in (128, 512))
    for region, (area, fi) in small.items():
        assert large[region][0] == pytest.approx(16 * area)
        if fi is not None:
            assert large[region][1] == pytest.approx(fi, abs=0.002)


def test_sample_data_is_what_the_command_makes(tmp_path: Path, command) -> None:
    code, _, _ = command("phantom", tmp_path / "out", "--als", 8, "--lr", 8, "--seed", 1, "--size", 256)
    assert code == 0
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == sorted(p.name for p in SAMPLE.iterdir())
    for name in names:
        made, kept = tmp_path / "out" / name, SAMPLE / name
        if name.endswith(".png"):
            # Pixels, not bytes: another zlib may pack the same pixels differently.
            assert np.array_equal(np.asarray(Image.open(made)), np.asarray(Image.open(kept))), name
        else:
            assert made.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), name


def test_sample_data_is_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLE.iterdir()) < 4_000_000


# --- the truth against masks that Pillow draws --------------------------------------------------------------


def errors(regions: list[tuple[dict[str, str], dict[str, object], np.ndarray]]) -> dict[str, np.ndarray]:
    area, disc, contour, fi = [], [], [], []
    for row, shape, image in regions:
        points, true_area = np.array(shape["points"]), float(row["area_px"])
        mask = pillow_mask(shape["points"], image.shape[0])
        contour.append(shoelace(points) / true_area - 1)
        (area if row["side"] else disc).append(mask.sum() / true_area - 1)
        if row["side"]:
            fi.append(float((image[mask] > 50).mean()) - float(row["fi"]))
    return {
        name: np.abs(values)
        for name, values in (("area", area), ("disc", disc), ("contour", contour), ("fi", fi))
    }


def test_digitisation_error_at_256_is_as_the_docstring_says(sample) -> None:
    found = errors(sample)
    assert len(found["area"]) == 16 * 5 * 6
    assert found["area"].mean() < 0.0445
    assert found["area"].max() < 0.1315
    assert found["disc"].mean() < 0.0295
    assert found["disc"].max() < 0.0385
    assert found["fi"].mean() < 0.0315
    assert found["fi"].max() < 0.0790
    assert found["contour"].mean() < 0.0045
    assert found["contour"].max() < 0.0210


def test_digitisation_error_at_512_is_as_the_docstring_says() -> None:
    regions = []
    for group, number in (("ALS", 2), ("ALS", 6), ("LR", 1), ("LR", 8)):
        for segment in SEGMENTS:
            drawn = make_slice(make_participant(group, number, 1), segment, 1, 512, Effects())
            for truth, contour in zip(drawn.truth, drawn.contours, strict=True):
                row = {"side": truth.side, "area_px": str(truth.area_px), "fi": str(truth.fi)}
                regions.append((row, {"points": contour.points}, drawn.image))
    found = errors(regions)
    assert found["area"].max() < 0.0565
    assert found["disc"].max() < 0.0175
    assert found["fi"].max() < 0.0395
    # These four patients stand for the sixteen of the docstring: their means lie near its means.
    assert found["area"].mean() == pytest.approx(0.019, abs=0.003)
    assert found["disc"].mean() == pytest.approx(0.011, abs=0.003)
    assert found["fi"].mean() == pytest.approx(0.017, abs=0.004)


def test_grey_levels_separate_muscle_from_fat(sample) -> None:
    for row, shape, image in sample:
        if row["side"]:
            grey = image[pillow_mask(shape["points"], image.shape[0])]
            assert 14 <= np.median(grey[grey <= 50]) <= 32
            # Half of the pixels above the threshold are partly muscle at most.
            assert np.median(grey[grey > 50]) > 80
    images = {id(image): image for _, _, image in sample}.values()
    assert max(int(image[:3].max()) for image in images) < 15, "air above the belly"
    assert all((image > 150).mean() > 0.05 for image in images), "subcutaneous fat"


# --- anatomy ------------------------------------------------------------------------------------------------


def test_labels_sides_and_points(sample) -> None:
    columns: dict[tuple[str, str], dict[str, float]] = {}
    for row, shape, image in sample:
        points = np.array(shape["points"])
        assert 30 <= len(points) <= 80
        assert points.min() > 0
        assert points.max() < image.shape[0]
        assert np.array_equal(points, points.round(2))
        columns.setdefault((row["participant_id"], row["segment"]), {})[shape["label"]] = points[:, 0].mean()
    assert len(columns) == 80
    for column in columns.values():
        assert set(column) == LABELS
        for muscle in ("MF", "ES", "PM"):
            # Radiological display: the patient's right is the left of the image.
            assert column[f"{muscle}_R"] < column["IVD"] < column[f"{muscle}_L"]
        assert column["ES_R"] < column["MF_R"] < column["MF_L"] < column["ES_L"]


def test_contours_do_not_overlap(sample) -> None:
    canvases: dict[tuple[str, str], np.ndarray] = {}
    for row, shape, image in sample:
        mask = pillow_mask(shape["points"], image.shape[0])
        canvas = canvases.setdefault((row["participant_id"], row["segment"]), np.zeros(image.shape, int))
        canvas += mask
    assert max(int(canvas.max()) for canvas in canvases.values()) == 1


def test_relative_areas_follow_the_levels() -> None:
    mean: dict[tuple[str, str], float] = {}
    for segment in ("L1", "L5"):
        drawn = [
            by_region(make_slice(make_participant("LR", n, 1), segment, 1, 128, Effects()))
            for n in range(1, 9)
        ]
        for muscle in ("MF", "ES", "PM"):
            ratios = [d[muscle, side][0] / d["IVD", ""][0] for d in drawn for side in ("left", "right")]
            mean[muscle, segment] = float(np.mean(ratios))
    # Table 2 of the paper: LR, means of the symptomatic side.
    expected = {("MF", "L1"): 0.26, ("ES", "L1"): 1.32, ("PM", "L1"): 0.19}
    expected |= {("MF", "L5"): 0.69, ("ES", "L5"): 0.64, ("PM", "L5"): 0.84}
    for key, value in expected.items():
        assert mean[key] == pytest.approx(value, rel=0.15), key


def test_slices_pass_the_check(command) -> None:
    code, out, err = command("check", SAMPLE)
    assert (code, out) == (0, "")
    assert "80 slices: 0 errors, 0 warnings" in err


# --- effects ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "atrophy"), [("ALS", 0.3), ("ALS", 0.8), ("LR", 0.2)])
@pytest.mark.parametrize("segment", SEGMENTS)
def test_atrophy_takes_the_set_share_of_the_symptomatic_side(group, atrophy: float, segment: str) -> None:
    participant = make_participant(group, 1, 1)
    effects = Effects(als_atrophy=atrophy, lr_atrophy=0) if group == "ALS" else Effects(lr_atrophy=atrophy)
    plain = make_slice(participant, segment, 1, 128, NO_EFFECT)
    shrunk = make_slice(participant, segment, 1, 128, effects)
    for key, (area, fi) in by_region(plain).items():
        affected = key[1] == participant.onset_side and segment in AFFECTED
        assert by_region(shrunk)[key][0] == pytest.approx(area * (1 - atrophy * affected), rel=1e-9)
        if fi is not None:
            assert by_region(shrunk)[key][1] == pytest.approx(fi, abs=0.005)
    if segment not in AFFECTED:
        assert np.array_equal(plain.image, shrunk.image)
    for before, after in zip(plain.contours, shrunk.contours, strict=True):
        side = {"L": "left", "R": "right"}.get(before.label[-1])
        assert (before == after) == (segment not in AFFECTED or side != participant.onset_side)


def test_atrophied_muscles_lie_in_the_room_of_the_healthy_ones() -> None:
    for number in range(1, 5):
        participant = make_participant("ALS", number, 9)
        for segment in AFFECTED:
            plain = make_slice(participant, segment, 9, 128, NO_EFFECT)
            shrunk = make_slice(participant, segment, 9, 128, Effects(als_atrophy=0.4))
            for before, after in zip(plain.contours, shrunk.contours, strict=True):
                inside, all_of = pillow_mask(before.points, 128), pillow_mask(after.points, 128)
                assert (all_of & ~inside).sum() <= 4, "but for the hand"


def test_added_fat_is_added_on_the_symptomatic_side() -> None:
    participant = make_participant("LR", 3, 1)
    plain, fatty = (
        by_region(make_slice(participant, "L3", 1, 128, effects))
        for effects in (Effects(), Effects(lr_fat=0.1))
    )
    for key, (area, fi) in plain.items():
        assert fatty[key][0] == area
        if fi is not None:
            assert fatty[key][1] == pytest.approx(fi + 0.1 * (key[1] == participant.onset_side), abs=0.001)


def test_without_an_onset_side_nothing_shrinks() -> None:
    bulbar = make_participant("ALS", 5, 1)
    assert (bulbar.onset_region, bulbar.onset_side) == ("bulbar", "")
    assert (
        make_slice(bulbar, "L4", 1, 128, Effects()).truth == make_slice(bulbar, "L4", 1, 128, NO_EFFECT).truth
    )


def test_fi_is_higher_with_psa_and_with_a_low_score() -> None:
    people = [make_participant("ALS", n, 2) for n in range(1, 41)]
    drawn = [make_slice(person, "L2", 2, 128, Effects()) for person in people]
    fi = np.array([np.mean([t.fi for t in d.truth if t.fi is not None]) for d in drawn])
    psa = np.array([p.psa for p in people])
    assert 0.02 < fi[psa == 1].mean() - fi[psa == 0].mean() < 0.15
    assert -0.7 < np.corrcoef(fi, [p.alsfrs_lower for p in people])[0, 1] < -0.15
    assert fi.std() > 0.05


# --- participants -------------------------------------------------------------------------------------------


def test_participants_columns_are_those_of_the_contract() -> None:
    columns = (
        "participant_id,group,onset_side,onset_region,psa,age,age_onset,sex,bmi,"
        "alsfrs_r,alsfrs_lower,disease_duration"
    )
    assert [f.name for f in fields(Participant)] == columns.split(",")
    assert (SAMPLE / "participants.csv").read_text(encoding="utf-8").splitlines()[0] == columns
    assert (SAMPLE / "truth.csv").read_text(encoding="utf-8").splitlines()[0] == (
        "participant_id,group,segment,region,side,area_px,fi"
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_participants_are_plausible(seed: int) -> None:
    people = make_cohort(100, 100, seed)
    assert [p.participant_id for p in people] == [f"{g}_{n}" for g in ("ALS", "LR") for n in range(1, 101)]
    for p in people:
        assert p.sex in ("F", "M")
        assert p.psa in (0, 1)
        assert 30 <= p.age <= 79
        assert p.age_onset == pytest.approx(p.age - p.disease_duration / 12, abs=0.06)
        assert 17 <= p.bmi <= 31.5
        assert 2 <= p.disease_duration <= 72
        assert (p.onset_side == "") == (p.onset_region == "bulbar")
        assert (p.alsfrs_r is None) == (p.alsfrs_lower is None) == (p.group == "LR")
        if p.alsfrs_r is not None and p.alsfrs_lower is not None:
            assert 0 <= p.alsfrs_lower <= 12
            assert 0 <= p.alsfrs_r - p.alsfrs_lower <= 36
    als = [p for p in people if p.group == "ALS"]
    assert sum(p.onset_region == "bulbar" for p in als) == 8
    assert {p.onset_region for p in als} == {"bulbar", "lower", "upper"}
    # Table 1 of the paper, within four standard errors.
    assert np.mean([p.age for p in als]) == pytest.approx(55.4, abs=4 * 1.2)
    assert np.mean([p.psa for p in als]) == pytest.approx(27 / 38, abs=4 * 0.046)
    assert np.mean([p.alsfrs_r for p in als]) == pytest.approx(42.2, abs=4 * 0.3)
    assert np.median([p.disease_duration for p in als]) == pytest.approx(10, abs=4)


def test_the_sample_has_every_kind_of_participant() -> None:
    rows = read_csv(SAMPLE / "participants.csv")
    als = [row for row in rows if row["group"] == "ALS"]
    assert {row["onset_side"] for row in als} == {"left", "right", ""}
    assert {row["onset_region"] for row in als} == {"lower", "upper", "bulbar"}
    assert {row["psa"] for row in als} == {"0", "1"}
    assert all(row["alsfrs_r"] == row["alsfrs_lower"] == "" for row in rows if row["group"] == "LR")


# --- files and command --------------------------------------------------------------------------------------


def test_labelme_files_are_complete() -> None:
    saved = json.loads((SAMPLE / "ALS_1_3.json").read_text(encoding="utf-8"))
    shapes = saved.pop("shapes")
    assert saved == {
        "version": "5.5.0",
        "flags": {},
        "imagePath": "ALS_1_3.png",
        "imageData": None,
        "imageHeight": 256,
        "imageWidth": 256,
    }
    for shape in shapes:
        del shape["label"], shape["points"]
        expected = {"group_id": None, "description": "", "shape_type": "polygon", "flags": {}, "mask": None}
        assert shape == expected


def test_images_are_grey_and_carry_no_metadata() -> None:
    for path in SAMPLE.glob("*.png"):
        with Image.open(path) as image:
            assert (image.mode, image.size, image.info) == ("L", (256, 256), {})


def test_truth_rows_are_sorted() -> None:
    rows = read_csv(SAMPLE / "truth.csv")
    assert len(rows) == 16 * 5 * 7
    keys = [(r["region"], r["side"]) for r in rows[:7]]
    sides = ("left", "right")
    assert keys == [(region, side) for region in ("MF", "ES", "PM") for side in sides] + [("IVD", "")]
    assert [r["segment"] for r in rows[:35:7]] == list(SEGMENTS)
    assert all((r["fi"] == "") == (r["region"] == "IVD") for r in rows)


def test_refuses_a_folder_that_holds_files(tmp_path: Path, command) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    code, out, err = command("phantom", tmp_path)
    assert (code, out) == (2, "")
    assert err == (
        f"mriparaspinal: {tmp_path}: already holds files; expected a new or empty folder; choose another\n"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_refuses_a_file_as_folder(tmp_path: Path, command) -> None:
    (tmp_path / "file").write_text("keep")
    code, _, err = command("phantom", tmp_path / "file")
    assert code == 2
    assert err.startswith(f"mriparaspinal: {tmp_path / 'file'}: cannot be written into (")
    assert err.count("\n") == 1


def test_refuses_a_cohort_of_nobody(tmp_path: Path, command) -> None:
    code, _, err = command("phantom", tmp_path / "out", "--als", 0, "--lr", 0)
    assert code == 2
    assert "--als 0 and --lr 0" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--size", 127),
        ("--size", 1025),
        ("--als", -1),
        ("--als", 1000),
        ("--lr", 1000),
        ("--seed", -1),
        ("--als-atrophy", 0.81),
        ("--lr-atrophy", -0.1),
        ("--als-atrophy", "nan"),
        ("--als-fat", 0.6),
        ("--lr-fat", "much"),
    ],
)
def test_refuses_options_out_of_range(tmp_path: Path, command, option: str, value: object) -> None:
    code, _, err = command("phantom", tmp_path / "out", option, value)
    assert code == 2
    assert option in err
    assert not (tmp_path / "out").exists()


def test_quiet_says_nothing(tmp_path: Path, command) -> None:
    assert command("phantom", tmp_path / "out", "--als", 1, "--lr", 0, "--size", 128, "--quiet") == (
        0,
        "",
        "",
    )


@pytest.mark.parametrize("size", [129, 300])
def test_any_size_in_the_range_works(size: int) -> None:
    drawn = make_slice(make_participant("LR", 1, 1), "L2", 1, size, Effects())
    assert drawn.image.shape == (size, size)
    assert drawn.image.dtype == np.uint8


def test_help_ends_in_an_example(command) -> None:
    code, out, _ = command("phantom", "--help")
    assert code == 0
    assert "Example:\n    mriparaspinal phantom demo" in out
