"""The pages on brain maps and the combined picture: what they say is typed, and prints what they show."""

from __future__ import annotations

import contextlib
import csv
import shlex
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mriparaspinal.api.brain import NEEDED
from mriparaspinal.brain.atlas import COLUMNS
from tests.support.builders.brain import AFFINE, fractions, labels, nifti, table
from tests.support.builders.study import run
from tests.support.pages import DOCS, blocks, commands_with_output, shell, shows


def typed(page: str, folder: Path) -> None:
    """Type the commands of a page, which print what it shows. Ours run in this process: it is quicker."""
    with contextlib.chdir(folder):
        for commands, shown in commands_with_output(page):
            printed = "".join(map(one_line, commands.splitlines()))
            assert shown is None or shows(shown, printed), f"{commands}\n--- printed\n{printed}"


def one_line(line: str) -> str:
    name, *words = shlex.split(line)
    if name == "mriparaspinal":
        found = run(*words)
        code, printed = found.code, found.out + found.err
    else:
        code, printed = shell(line, Path.cwd())
    assert code == 0, f"{line}\n{printed}"
    return printed


# --- the combined picture -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def combined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("combined") / "empty"
    folder.mkdir()
    (script,) = (block for block in blocks("combined.md") if block.title)
    (folder / script.title).write_text(script.text, encoding="utf-8")
    typed("combined.md", folder)
    return folder


def test_the_table_tells_who_differs_in_what(combined: Path) -> None:
    """What the page's script has put in comes out, and what it has not does not."""
    with (combined / "combined" / "comparisons.csv").open(encoding="utf-8") as file:
        rows = {row["metric"]: row for row in csv.DictReader(file)}
    assert len(rows) == 7
    for metric, differs in (("fa_mean_CST", True), ("gm_pct_tiv_Precentral", True), ("fa_mean_CC", False)):
        assert (float(rows[metric]["p_adjusted"]) < 0.01) is differs
    apart = float(rows["fa_mean_CST"]["mean_a"]) - float(rows["fa_mean_CST"]["mean_b"])
    assert apart == pytest.approx(-0.06, abs=0.015)
    ratio = float(rows["gm_pct_tiv_Precentral"]["mean_a"]) / float(rows["gm_pct_tiv_Precentral"]["mean_b"])
    assert ratio == pytest.approx(0.9, abs=0.05)


def test_the_table_of_the_page_is_the_one_that_is_made(combined: Path) -> None:
    (shown,) = (block.text for block in blocks("combined.md") if block.language == "markdown")
    made = (combined / "combined" / "table3.md").read_text(encoding="utf-8")
    assert "".join(made.split()).startswith("".join(shown.split()))


def test_the_page_says_how_many_columns_fasciculation_has(combined: Path) -> None:
    columns = (combined / "fasciculation.csv").read_text().splitlines()[0].split(",")
    page = " ".join((DOCS / "combined.md").read_text("utf-8").split())
    assert f"fasciculation alone has {len(columns) - 1}." in page


def test_everything_is_written_where_the_page_says(combined: Path) -> None:
    for name in (
        "combined/figure_effects.png",
        "combined/notes.txt",
        "models/regressions.csv",
        "roc/roc.csv",
    ):
        assert (combined / name).is_file()


# --- brain maps ---------------------------------------------------------------------------------------------


def brain_study(folder: Path) -> None:
    """The files that the page names, small."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        get_fnames = pytest.importorskip("dipy.data", reason="dipy is not installed").get_fnames
    atlas = labels(1, highest=3)
    nifti(folder / "atlas.nii.gz", atlas)
    (listed,) = (block.text for block in blocks("brain-maps.md") if block.text.startswith("value,label"))
    (folder / "labels.csv").write_text(listed, encoding="utf-8")
    nifti(folder / "FA.nii.gz", fractions(1))
    nifti(folder / "MD.nii.gz", fractions(2) / 1000)
    shares = np.stack([(atlas == value).astype(np.float32) / 2 for value in (1, 2, 3)], axis=-1)
    nifti(folder / "tracts.nii.gz", shares)
    for index, side in enumerate(("left", "right")):
        nifti(folder / f"cst_{side}.nii.gz", 100 * shares[..., index])
    people = []
    for index in range(12):
        group = "ALS" if index < 6 else "HC"
        who = f"sub-{index + 1:02d}"
        people.append((who, group, 50 + index % 7, "FM"[index % 2], 10 + index, 1400 + index))
        home = folder / "derivatives" / who
        nifti(home / "dwi" / f"{who}_FA.nii.gz", fractions(index) - 0.1 * (group == "ALS"))
        nifti(home / "anat" / f"{who}_dseg.nii.gz", labels(index, highest=3))
        nifti(home / "anat" / f"mwp1{who}.nii", fractions(index))
    table(folder / "participants.csv", people, "participant_id,group,age,sex,disease_duration,tiv")
    for name in ("mt_on", "mt_off", "t1", "t2", "fat", "water"):
        nifti(folder / f"{name}.nii.gz", 100 + 10 * fractions(len(name)))
    data, values, vectors = get_fnames(name="small_25")
    image = nibabel.load(data)
    nibabel.save(image, folder / "dwi.nii.gz")
    nifti(folder / "brain.nii.gz", np.ones(image.shape[:3], np.uint8), image.affine)
    for path, name in ((values, "dwi.bval"), (vectors, "dwi.bvec")):
        (folder / name).write_bytes(Path(path).read_bytes())


def test_the_commands_of_the_page_on_brain_maps_run(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    brain_study(folder)
    typed("brain-maps.md", folder)
    assert (folder / "wide.csv").read_text().startswith("participant_id,fa_mean_Corticospinal_tract_L,")
    assert "gm_pct_tiv_Corpus_callosum" in (folder / "gm_wide.csv").read_text().splitlines()[0]
    assert {path.name for path in (folder / "dti").iterdir()} == {
        *(f"{n}.nii.gz" for n in ("FA", "MD", "AD", "RD")),
        "maps.json",
    }


def test_the_message_of_the_page_is_the_commands(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 1
    nifti(tmp_path / "study" / "FA.nii.gz", fractions(1), moved)
    nifti(tmp_path / "study" / "atlas.nii.gz", labels(1))
    table(tmp_path / "study" / "labels.csv", [(1, "CST"), (2, "CC")])
    words = "--map fa=FA.nii.gz --atlas atlas.nii.gz --table labels.csv --out regions.csv"
    with contextlib.chdir(tmp_path / "study"):
        found = run("regions", *words.split())
    (shown,) = (block.text for block in blocks("brain-maps.md") if block.text.startswith("FA.nii.gz: fa"))
    assert (found.code, found.err) == (3, f"mriparaspinal: {shown}")


def test_the_page_names_every_column_and_every_kind() -> None:
    page = (DOCS / "brain-maps.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in COLUMNS[3:])
    assert all(f"| `{kind}` |" in page for kind in NEEDED)
