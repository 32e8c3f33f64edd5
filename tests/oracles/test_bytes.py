"""What every command writes, held by its SHA-256: no change of the code may change a byte without saying so.

``bytes.json`` beside this file has the hashes. ``python -m tests.oracles.test_bytes`` writes them anew after
a change that is meant; ``git diff`` then shows which files it concerns. Libraries decide the bytes of
figures, of the workbook and of the page that shows them: those are held only with the versions of
``constraints.txt``. The processor decides the last of the 16 digits that the statistics write (libraries
sum and take logarithms in other ways on AVX2 and AVX-512): ten of them are held.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import nibabel
import numpy as np

from tests.support.builders.study import run

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data"
HASHES = Path(__file__).with_name("bytes.json")
#: What is drawn or packed by libraries.
DRAWN = (".png", ".svg", ".xlsx", ".html", ".pdf", ".gz")
#: Libraries whose versions are pinned for these bytes.
LIBRARIES = (
    "matplotlib",
    "pillow",
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "nibabel",
    "jinja2",
    "xlsxwriter",
)

#: Folders of the statistics, whose last digits are those of the processor.
STATISTICS = {"compare", "comparison", "correlate", "regress", "reliability", "roc", "threshold-sweep"}

_NUMBER = re.compile(rb"(?<![\w.])-?\d+\.\d{8,}(?:e[+-]?\d+)?|(?<![\w.])-?\d\.\d+e[+-]?\d+")


def write_volumes(folder: Path) -> None:
    """Two small maps and an atlas of the brain, and a volume of slices."""
    folder.mkdir()
    chance = np.random.default_rng(7)
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    for name in ("on", "off"):
        values = chance.integers(200, 900, (20, 18, 12)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, affine), folder / f"{name}.nii.gz")
    labels = np.repeat(np.arange(1, 5, dtype=np.uint8), 5)[:, None, None] * np.ones((20, 18, 12), np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "atlas.nii.gz")
    (folder / "labels.csv").write_text("value,label\n1,one\n2,two\n3,three\n4,four\n")


def write_second_rater(folder: Path) -> None:
    """The sample as another rater could have drawn it: each contour a little lower."""
    shutil.copytree(SAMPLE, folder)
    for path in folder.glob("*.json"):
        content = json.loads(path.read_text())
        for shape in content["shapes"]:
            shape["points"] = [[x, y + 1.5] for x, y in shape["points"]]
        path.write_text(json.dumps(content))


def commands(place: Path) -> Iterator[tuple[str, list[object]]]:
    """The commands by name, with their arguments; later ones read what earlier ones wrote."""
    out = place / "out"
    results, volumes = out / "quantify", place / "volumes"
    write_volumes(volumes)
    (place / "levels.csv").write_text("source,group,patient,segment,slice\non.nii.gz,ALS,1,3,6\n")
    yield "phantom", ["phantom", out / "phantom", "--als", 3, "--lr", 3, "--seed", 5, "--clinical"]
    yield "quantify", ["quantify", SAMPLE, "--out", results]
    yield "quantify_phantom", ["quantify", out / "phantom", "--out", out / "quantify_phantom", "--jobs", 2]
    yield "quantify_otsu", ["quantify", SAMPLE, "--fat-rule", "otsu", "--out", out / "quantify_otsu"]
    write_second_rater(place / "second")
    yield "quantify_second", ["quantify", place / "second", "--out", out / "quantify_second"]
    yield "check", ["check", SAMPLE, "--json", out / "check" / "check.json"]
    yield "masks", ["masks", out / "phantom", "--out", out / "masks"]
    yield "compare", ["compare", results, "--out", out / "compare"]
    yield (
        "correlate",
        [
            "correlate",
            results,
            "--score",
            "alsfrs_r",
            "--covariate",
            "age",
            "--group",
            "ALS",
            "--out",
            out / "correlate",
        ],
    )
    yield (
        "regress",
        ["regress", results, "--predictor", "age", "--covariate", "sex", "--out", out / "regress"],
    )
    yield (
        "roc",
        [
            "roc",
            results,
            "--outcome",
            "group",
            "--positive",
            "ALS",
            "--predictor",
            "fi_L4_MF",
            "--out",
            out / "roc",
        ],
    )
    yield (
        "reliability",
        [
            "reliability",
            results,
            out / "quantify_second",
            "--mean-out",
            out / "mean",
            "--out",
            out / "reliability",
        ],
    )
    yield (
        "threshold-sweep",
        ["threshold-sweep", results, "--dataset", SAMPLE, "--out", out / "threshold-sweep"],
    )
    yield (
        "report",
        [
            "report",
            results,
            "--dataset",
            SAMPLE,
            "--comparison",
            out / "compare",
            "--out",
            out / "report" / "report.html",
        ],
    )
    yield "run", ["run", out / "phantom", "--out", out / "run"]
    yield (
        "maps",
        [
            "maps",
            "mtr",
            "--no-mt",
            volumes / "off.nii.gz",
            "--mt",
            volumes / "on.nii.gz",
            "--out",
            out / "maps" / "mtr.nii.gz",
        ],
    )
    yield (
        "regions",
        [
            "regions",
            "--map",
            f"on={volumes / 'on.nii.gz'}",
            "--atlas",
            volumes / "atlas.nii.gz",
            "--table",
            volumes / "labels.csv",
            "--participant",
            "ALS_1",
            "--out",
            out / "regions" / "regions.csv",
        ],
    )
    yield (
        "prepare",
        [
            "prepare",
            volumes,
            "--levels",
            place / "levels.csv",
            "--window",
            "200,900",
            "--out",
            out / "prepare",
        ],
    )
    shutil.copytree(SAMPLE, place / "contours", ignore=shutil.ignore_patterns("*.json", "LR_*"))
    yield "masks_nifti", ["masks", SAMPLE, "--format", "nifti", "--out", out / "masks_nifti"]
    yield "contours", ["contours", out / "masks_nifti", "--dataset", place / "contours", "--no-draft"]


def content_of(path: Path) -> bytes:
    """The bytes of a file, without what depends on the machine.

    Those are the versions of libraries in manifests, of the statistics digits behind the tenth, and in
    ``run.json`` and the manifests of the statistics the SHA-256 of files that have such.
    """
    raw, of_statistics = path.read_bytes(), path.parent.name in STATISTICS
    if of_statistics and path.suffix == ".csv":
        return _NUMBER.sub(lambda number: b"%.10g" % float(number[0]), raw)
    if path.name not in ("quantify.json", "run.json") and not (of_statistics and path.suffix == ".json"):
        return raw
    manifest = json.loads(raw)
    manifest.pop("libraries", None)
    if path.name == "run.json":
        for name in ("program", "outputs", "sha256"):
            manifest.pop(name)
    elif of_statistics:
        manifest["outputs"] = list(manifest["outputs"])
    return json.dumps(manifest, indent=1).encode()


def hashes(place: Path) -> dict[str, str]:
    """SHA-256 by command and file."""
    for name, arguments in commands(place):
        outcome = run(*arguments, "--quiet")
        assert outcome.code == 0, f"{name}: {outcome.err}"
    files = [path for path in sorted(place.rglob("*")) if path.is_file()]
    made = [path for path in files if {"out", "contours"} & set(path.relative_to(place).parts)]
    return {
        path.relative_to(place).as_posix().removeprefix("out/"): hashlib.sha256(content_of(path)).hexdigest()
        for path in made
    }


def libraries_are_pinned() -> bool:
    pinned = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text().lower()))
    return all(metadata.version(name) == pinned[name] for name in LIBRARIES)


def test_no_command_writes_other_bytes(tmp_path):
    expected = json.loads(HASHES.read_text())
    found = hashes(tmp_path)
    if not libraries_are_pinned():
        expected = {name: digest for name, digest in expected.items() if not name.endswith(DRAWN)}
        found = {name: digest for name, digest in found.items() if not name.endswith(DRAWN)}
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


if __name__ == "__main__":
    if not libraries_are_pinned():
        sys.exit("the versions of constraints.txt are not the installed ones")
    with tempfile.TemporaryDirectory() as folder:
        HASHES.write_text(json.dumps(hashes(Path(folder)), indent=1) + "\n")
