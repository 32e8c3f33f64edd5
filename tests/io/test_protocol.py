"""The lab's protocol: every key, who wins, and all its faults at once."""

from __future__ import annotations

import dataclasses
import os
import unicodedata

import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Settings
from mriparaspinal.io.protocol import FILE, read_protocol, resolve_settings


def write(folder, text: str | bytes) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / "paraspinal.toml").write_bytes(raw)


def faults(folder, flags: dict | None = None) -> list[str]:
    with pytest.raises(UsageError) as caught:
        resolve_settings(folder, flags or {})
    assert caught.value.exit_code == 2
    return str(caught.value).split("\n")


def test_without_a_file_the_defaults_of_the_contract(tmp_path):
    settings = resolve_settings(tmp_path, {})
    assert settings == Settings()
    assert (settings.threshold, settings.mask_rule, settings.image_left) == (50, "labelme", "right")
    assert (settings.reference, settings.patient_from, settings.window) == (None, "name", None)


WHOLE = """
threshold = 60
mask_rule = "centre"
image_left = "left"
reference = "VB"
patient_from = "folder"
name_pattern = '(?P<group>[A-Z]+)(?P<segment>[1-5])'
window = [0, 1200]
contrasts = ["side:ALS", "psa:1-0[group=ALS]"]
normality = "shapiro"
divide_by = "bmi"
fat_rule = "fixed"
affine = "qform"
measures = ["size", "signal", "size"]
segments = ["T12", "L1"]
[labels]
"Musculus 3" = "MF_L"
"WK" = "vertebral body"
[regions.DS]
sided = false
"""


@pytest.mark.parametrize("text", [WHOLE, WHOLE.replace("_", "-")], ids=["_", "-"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_key_with_underscores_or_dashes(tmp_path, text, mark):
    write(tmp_path, mark + text)
    settings = resolve_settings(tmp_path, {})
    assert dataclasses.asdict(settings) == {
        "threshold": 60,
        "mask_rule": "centre",
        "image_left": "left",
        "reference": "VB",
        "patient_from": "folder",
        "name_pattern": "(?P<group>[A-Z]+)(?P<segment>[1-5])",
        "window": (0.0, 1200.0),
        "labels": (("Musculus 3", "MF-L" if "MF-L" in text else "MF_L"), ("WK", "vertebral body")),
        "contrasts": ("side:ALS", "psa:1-0[group=ALS]"),
        "normality": "shapiro",
        "divide_by": "bmi",
        "fat_rule": "fixed",
        "sat_fraction": 0.5,
        "same_voxels": False,
        "affine": "qform",
        "measures": ("signal", "size"),
        "regions": ({"name": "DS", "sided": False, "names": (), "colour": "", "expected": False},),
        "segments": ("T12", "L1"),
    }


def test_settings_of_the_other_fat_rules(tmp_path):
    write(tmp_path, 'fat-rule = "reference"\nsat-fraction = 0.4')
    settings = resolve_settings(tmp_path, {})
    assert (settings.fat_rule, settings.sat_fraction) == ("reference", 0.4)
    write(tmp_path, 'fat_rule = "dixon"\nsame_voxels = true')
    settings = resolve_settings(tmp_path, {})
    assert (settings.fat_rule, settings.same_voxels) == ("dixon", True)


def test_every_setting_can_stand_in_the_file():
    keys = {line.split(" = ")[0] for line in WHOLE.splitlines() if " = " in line and line[0] != '"'}
    # Those of one fat rule alone contradict the others: see the test above.
    assert keys - {"sided"} | {"labels", "regions", "sat_fraction", "same_voxels"} == {
        field.name for field in dataclasses.fields(Settings)
    }


def test_participants_and_jobs_of_the_protocol_count_where_no_flag_is_given(tmp_path):
    assert read_protocol(tmp_path).run_options(None, None) == (None, 1)
    write(tmp_path, 'participants = "clinic/people.tsv"\njobs = 3')
    assert resolve_settings(tmp_path, {}) == Settings()
    assert read_protocol(tmp_path).run_options(None, None) == (tmp_path / "clinic" / "people.tsv", 3)
    assert read_protocol(tmp_path).run_options(tmp_path / "other.csv", 2) == (tmp_path / "other.csv", 2)


def test_flags_win_and_flags_that_were_not_given_do_not(tmp_path):
    write(tmp_path, WHOLE)
    flags = {"threshold": 40, "mask_rule": "labelme", "window": (5.0, 6.0), "reference": None}
    settings = resolve_settings(tmp_path, flags)
    assert (settings.threshold, settings.mask_rule, settings.window) == (40, "labelme", (5.0, 6.0))
    assert settings.reference == "VB"


def test_a_threshold_of_zero_is_given(tmp_path):
    write(tmp_path, "threshold = 60")
    assert resolve_settings(tmp_path, {"threshold": 0}).threshold == 0


BAD = {
    "threshold = 300": "a whole grey level from 0 to 255",
    "threshold = -1": "a whole grey level from 0 to 255",
    "threshold = 50.0": "a whole grey level from 0 to 255",
    'threshold = "50"': "a whole grey level from 0 to 255",
    "threshold = true": "a whole grey level from 0 to 255",
    'mask_rule = "center"': "labelme or centre",
    "mask_rule = 1": "labelme or centre",
    "mask_rule = []": "labelme or centre",
    'image_left = "both"': "right or left",
    'reference = "ivd"': "IVD or VB",
    'patient_from = "file"': "name or folder",
    "name_pattern = 3": "a regular expression",
    "window = [5, 5]": "LOW below HIGH",
    "window = [6, 5]": "LOW below HIGH",
    "window = [0]": "LOW below HIGH",
    "window = [0, inf]": "LOW below HIGH",
    "window = [nan, 1]": "LOW below HIGH",
    'window = "0,1200"': "LOW below HIGH",
    "window = [false, true]": "LOW below HIGH",
    'labels = ["MF_L"]': "a table",
    'labels = {x = "MFX"}': "'x'",
    "labels = {x = 1}": "'x'",
    'labels = {x = "MF_L", X = "MF_R"}': "'X'",
    'contrasts = "side:ALS"': "a list",
    "contrasts = [1]": "a list",
    'normality = "ks"': "lilliefors or shapiro",
    "divide_by = 3": "a column",
    'fat_rule = "kmeans"': "fixed or otsu or multiotsu or reference or dixon",
    'sat_fraction = 1.5\nfat_rule = "reference"': "a number between 0 and 1",
    'affine = "scanner"': "qform or sform",
    'same_voxels = 1\nfat_rule = "dixon"': "true or false",
    "sat_fraction = 0.5": "with reference alone",
    'threshold = 60\nfat_rule = "otsu"': "with fixed alone",
    "participants = 3": "a file",
    "jobs = 0": "processes from 1",
    "jobs = true": "processes from 1",
    "treshold = 50": "one of threshold, mask_rule",
    "[quantify]\nthreshold = 50": "threshold at the top of the file, above any [table]",
    "[run]\nMask-Rule = 'centre'": "Mask-Rule at the top of the file",
    "refrence = 'VB'": "reference (did you mean it?)",
    "Reference = 'VB'": "reference (did you mean it?)",
    # TOML's trap: what stands below [labels] is a label, whatever it is called.
    "[labels]\nlds = 'MF_L'\nreference = 'VB'": "'reference' is an option: write it above [labels]",
    "[labels]\nthreshold = 50": "'threshold' is an option",
    "[labels]\n'mask-rule' = 'IVD'": "'mask-rule' is an option",
    "[labels]\nparticipants = 'VB'": "'participants' is an option",
    "[labels]\nrefrence = 'VB'": "'refrence' is nearly the option reference",
    "[labels]\ndisc = 'IVD'\nwindow = [0, 300]": "'window' is an option",
}


@pytest.mark.parametrize(("text", "expected"), BAD.items())
def test_a_fault_names_the_key_what_was_found_and_what_was_expected(tmp_path, text, expected):
    write(tmp_path, text)
    (line,) = faults(tmp_path)
    key = text.removeprefix("[").split(" ")[0].split("]")[0]
    assert line.startswith(f"paraspinal.toml: {key}: ")
    assert "; expected " in line
    assert expected in line
    assert line.count("; ") == 2


def test_all_faults_at_once_those_of_the_flags_too(tmp_path):
    write(tmp_path, 'threshold = 300\nmask-rule = "x"\nbanana = 1\nwindow = [2, 1]\n[labels]\na = "b"')
    lines = faults(tmp_path, {"threshold": 999, "window": (1.0, float("nan"))})
    keys = ["threshold", "mask_rule", "banana", "window", "labels"]
    starts = [*(f"paraspinal.toml: {key}: " for key in keys), "threshold: 999 ", "window: (1.0, nan) "]
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_a_key_that_stands_there_twice_with_dash_and_underscore(tmp_path):
    write(tmp_path, 'mask-rule = "centre"\nmask_rule = "labelme"')
    (line,) = faults(tmp_path)
    assert "mask_rule" in line
    assert "twice" in line


@pytest.mark.parametrize(
    "raw", [b"threshold =", b"threshold = 50\nthreshold = 60", b"\xff\xfe", b"[labels", b"a\0b"]
)
def test_what_is_no_toml(tmp_path, raw):
    write(tmp_path, raw)
    (line,) = faults(tmp_path)
    assert line.startswith("paraspinal.toml: ")
    assert line.endswith("; expected TOML; correct the file")


@pytest.mark.parametrize("kind", ["folder", "pipe", "broken link"])
def test_a_protocol_that_cannot_be_read_is_not_passed_over(tmp_path, kind):
    """To go on with the defaults would give other numbers than the lab's protocol says."""
    path = tmp_path / "paraspinal.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/no/such/file")
    (line,) = faults(tmp_path)
    assert line.startswith("paraspinal.toml: ")
    assert "; expected" in line


def test_a_dataset_that_is_not_there_has_no_protocol(tmp_path):
    assert resolve_settings(tmp_path / "none", {}) == Settings()
    assert resolve_settings(tmp_path / ("x" * 300), {}) == Settings()


def test_a_label_that_is_called_as_an_option_is_written_with_a_capital_letter(tmp_path):
    (tmp_path / FILE).write_text('[labels]\nReference = "IVD"\n', encoding="utf-8")
    assert resolve_settings(tmp_path, {}).labels == (("Reference", "IVD"),)


@pytest.mark.parametrize("name", ["Paraspinal.toml", "paraspinal.toml.txt", ".paraspinal.toml.icloud"])
def test_a_protocol_under_another_name_is_not_passed_over(tmp_path, name):
    (tmp_path / name).write_text("threshold = 60\n", encoding="utf-8")
    if (tmp_path / FILE).exists():
        pytest.skip("the disk does not know case")
    with pytest.raises(UsageError) as caught:
        resolve_settings(tmp_path, {})
    assert name in str(caught.value)
    assert "its settings are not used" in str(caught.value)


def test_labels_of_the_protocol_have_one_spelling(tmp_path):
    decomposed = unicodedata.normalize("NFD", "Bandscheibe für é")
    (tmp_path / FILE).write_text(f'[labels]\n"{decomposed}" = "IVD"\n', encoding="utf-8")
    assert resolve_settings(tmp_path, {}).labels == (("Bandscheibe für é", "IVD"),)
