"""``import mriparaspinal as mp``: light, typed, documented, and to the byte what the commands write."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import mriparaspinal as mp
from mriparaspinal.api.bids import BidsArguments
from mriparaspinal.api.contoured import ContourArguments
from mriparaspinal.api.measuring import QuantifyArguments
from mriparaspinal.api.regress_arguments import RegressArguments
from mriparaspinal.api.roc_arguments import RocArguments
from mriparaspinal.api.running import RunArguments
from mriparaspinal.api.statistics import CompareArguments
from tests.support.builders.study import run
from tests.test_layering import HEAVY

PACKAGE = Path(mp.__file__).parent
FUNCTIONS = [name for name in mp.__all__ if inspect.isfunction(getattr(mp, name))]


def bytes_of(place: Path) -> dict[str, bytes]:
    if place.is_file():
        return {place.name: place.read_bytes()}
    return {str(p.relative_to(place)): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def study(phantom_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``scans`` with records, ``results``, label maps, a volume with its levels, two maps and ratings.

    ``few``: L4 alone, and one contrast in the protocol, for what takes long; ``few_results``: its results.
    """
    folder = Path(shutil.copytree(phantom_cohort, tmp_path_factory.mktemp("api") / "study"))
    (folder / "few").mkdir()
    for file in [*(folder / "scans").glob("*_4.*"), folder / "scans" / "participants.csv"]:
        shutil.copy(file, folder / "few")
    (folder / "few" / "paraspinal.toml").write_text('contrasts = ["side:ALS"]\n')
    assert run("quantify", folder / "few", "--out", folder / "few_results").code == 0
    # L3 and L4: a plan over several segments has simulated powers.
    (folder / "two").mkdir()
    for file in [*(folder / "scans").glob("*_[34].*"), folder / "scans" / "participants.csv"]:
        shutil.copy(file, folder / "two")
    assert run("quantify", folder / "two", "--out", folder / "two_results").code == 0
    for name, value in (("on", 60.0), ("off", 80.0)):
        nibabel.save(nibabel.Nifti1Image(np.full((3, 3, 3), value), np.eye(4)), folder / f"{name}.nii.gz")
    assert run("masks", folder / "scans", "--out", folder / "labels", "--participant-label", "LR_2").code == 0
    for who in ("ALS_1", "LR_2"):
        share = ("--participant-label", who, "--out", folder / "shares" / who)
        assert run("quantify", folder / "scans", *share).code == 0
    (folder / "bare").mkdir()
    for image in (folder / "scans").glob("LR_2_*.png"):
        shutil.copy(image, folder / "bare")
    values = np.arange(8 * 8 * 3, dtype=np.int16).reshape(8, 8, 3)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / "t2.nii.gz")
    (folder / "levels.csv").write_text("source,group,patient,segment,slice\nt2.nii.gz,ALS,1,3,2\n")
    rows = [(t, r, v + k) for k, r in enumerate("AB") for t, v in zip("xyz", (1.0, 2.5, 4.0), strict=True)]
    pd.DataFrame(rows, columns=["target", "rater", "value"]).to_csv(folder / "ratings.csv", index=False)
    return folder


# --- the names ----------------------------------------------------------------------------------------------


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, mriparaspinal; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not set(loaded.split()) & HEAVY


def test_every_name_is_there_and_told() -> None:
    assert set(dir(mp)) >= set(mp.__all__)
    for name in mp.__all__:
        assert getattr(mp, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'quantfy'"):
        mp.quantfy  # noqa: B018


def test_the_types_are_those_of_the_same_names() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    found = {
        alias.asname: node.module
        for node in ast.walk(stub)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(str(name) for name in found) == sorted(mp.__all__)
    for name, module in found.items():
        if name != "errors":
            assert getattr(mp, str(name)).__module__ == module


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_documented(name: str) -> None:
    function = getattr(mp, name)
    sections = re.split(r"\n(\w+)\n-{3,}\n", inspect.getdoc(function) or "")
    told = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert {"Returns", "Examples"} <= set(told)
    parameters = inspect.signature(function).parameters
    if not parameters:
        return
    named = [name for name, one in parameters.items() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    # The arguments of a group that several functions share stand in its own class.
    own = {"run": RunArguments, "compare": CompareArguments, "roc": RocArguments, "regress": RegressArguments}
    own |= {"quantify": QuantifyArguments, "bids": BidsArguments}
    shared = own.get(name, ContourArguments)
    grouped = shared.__annotations__ if len(named) < len(parameters) else {}
    assert {"Parameters", "Raises"} <= set(told)
    heads = re.findall(r"^(\w.*?)(?: : .*)?$", told["Parameters"], flags=re.MULTILINE)
    assert {part for head in heads for part in head.split(", ")} == {*named, *grouped}
    assert ">>> import mriparaspinal as mp" in told["Examples"]
    assert len(named) <= 10
    for error in re.findall(r"\w+", " ".join(re.findall(r"^\w.*", told["Raises"], flags=re.MULTILINE))):
        assert issubclass(getattr(mp.errors, error), mp.errors.ParaspinalError)


# --- the bytes ----------------------------------------------------------------------------------------------

#: By name: what the function does, and the arguments of the command that does the same.
CASES: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "quantify": (lambda s, out: mp.quantify(s / "scans").save(out), "quantify scans --out OUT"),
    "read_results": (lambda s, out: mp.read_results(s / "results").save(out), "quantify scans --out OUT"),
    "settings": (
        lambda s, out: mp.quantify(s / "scans", settings=mp.Settings(threshold=70), only=["ALS_1"]).save(out),
        "quantify scans --threshold 70 --participant-label ALS_1 --out OUT",
    ),
    "settings by name": (
        lambda s, out: mp.quantify(s / "scans", settings={"threshold": 70}, only=["ALS_1"], out=out),
        "quantify scans --threshold 70 --participant-label ALS_1 --out OUT",
    ),
    "check": (lambda s, out: mp.check(s / "scans", json=out), "check scans --json OUT"),
    "merge": (
        lambda s, out: mp.merge([s / "shares/ALS_1", s / "shares/LR_2"], out),
        "merge shares/ALS_1 shares/LR_2 --out OUT",
    ),
    "run": (lambda s, out: mp.run(s / "few", out), "run few --out OUT"),
    "prepare": (
        lambda s, out: mp.prepare([s / "t2.nii.gz"], s / "levels.csv", out, window="0,200"),
        "prepare t2.nii.gz --levels levels.csv --window 0,200 --out OUT",
    ),
    "list_series": (
        lambda s, out: mp.list_series([s / "t2.nii.gz"]).save_sheets(out),
        "prepare t2.nii.gz --contact-sheet --out OUT",
    ),
    "contours": (
        lambda s, out: mp.contours(s / "labels", out, tolerance=0.5),
        "contours labels --dataset OUT --tolerance 0.5",
    ),
    "compare": (
        lambda s, out: mp.compare(mp.quantify(s / "few"), contrasts=["side:ALS"], metrics=["fi"]).save(out),
        "compare few_results --contrast side:ALS --metric fi --out OUT",
    ),
    "correlate": (
        lambda s, out: mp.correlate(s / "few_results", ["alsfrs_r"], metrics=["fi"]).save(out),
        "correlate few_results --score alsfrs_r --metric fi --out OUT",
    ),
    "regress": (
        lambda s, out: mp.regress(mp.read_results(s / "few_results"), ["age"]).save(out),
        "regress few_results --predictor age --out OUT",
    ),
    "roc": (
        lambda s, out: mp.roc(s / "results", "group", "ALS", ["fi_L4_MF"]).save(out),
        "roc results --outcome group --positive ALS --predictor fi_L4_MF --out OUT",
    ),
    "roc and what is told beside it": (
        lambda s, out: mp.roc(
            s / "results", "group", "ALS", ["fi_L4_MF"], validate=True, specificity=[0.9], bootstrap=100
        ).save(out),
        "roc results --outcome group --positive ALS --predictor fi_L4_MF --validate --specificity 0.9 "
        "--bootstrap 100 --out OUT",
    ),
    "plan": (
        lambda s, out: mp.plan(
            s / "two_results", contrasts=["group:ALS-LR"], metrics=["fi"], target=mp.Target(difference=0.1)
        ).save(out),
        "plan two_results --contrast group:ALS-LR --metric fi --difference 0.1 --out OUT",
    ),
    "reliability": (
        lambda s, out: mp.reliability(s / "ratings.csv").save(out),
        "reliability --table ratings.csv --out OUT",
    ),
    "sweep_thresholds": (
        lambda s, out: mp.sweep_thresholds(mp.quantify(s / "few")).save(out),
        "threshold-sweep few_results --dataset few --out OUT",
    ),
    "masks": (
        lambda s, out: mp.masks(s / "scans", out, only=["LR_2"]),
        "masks scans --participant-label LR_2 --out OUT",
    ),
    "make_phantom": (
        lambda _, out: mp.make_phantom(out, als=1, lr=0, size=128, effects={"als_fat": 0.1}),
        "phantom OUT --als 1 --lr 0 --size 128 --als-fat 0.1",
    ),
    "make_report": (
        lambda s, out: mp.make_report(s / "results", s / "scans", out=out),
        "report results --dataset scans --out OUT",
    ),
    "make_maps": (
        lambda s, out: mp.make_maps(
            "ratio", {"numerator": s / "on.nii.gz", "denominator": s / "off.nii.gz"}, out
        ),
        "maps ratio --numerator on.nii.gz --denominator off.nii.gz --out OUT",
    ),
    "measure_regions": (
        lambda s, out: mp.measure_regions(
            {"fa": s / "on.nii.gz"}, {"all": s / "off.nii.gz"}, percent=True
        ).save(out),
        "regions --map fa=on.nii.gz --probability all=off.nii.gz --percent --out OUT",
    ),
    "score": (
        lambda s, out: mp.score("alsfrs-r", s / "scans/records/alsfrs-r.csv").save(out),
        "score alsfrs-r scans/records/alsfrs-r.csv --out OUT",
    ),
    "score_template": (
        lambda _, out: mp.score_template("cmap-z", out=out),
        "score cmap-z --template --out OUT",
    ),
}  # fmt: skip
ENDINGS = {
    "check": ".json",
    "make_report": ".html",
    "make_maps": ".nii.gz",
    "measure_regions": ".csv",
    "score": ".csv",
    "score_template": ".csv",
}


@pytest.mark.parametrize("name", CASES)
def test_it_writes_the_bytes_of_the_command(
    name: str,
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    function, command = CASES[name]
    mine, theirs = (tmp_path / who / f"out{ENDINGS.get(name, '')}" for who in ("mine", "theirs"))
    for place in (mine, theirs):
        place.parent.mkdir()
        if name == "contours":  # it writes into a dataset
            shutil.copytree(study / "bare", place)
    monkeypatch.chdir(study)
    capsys.readouterr()
    function(study, mine)
    assert capsys.readouterr() == ("", "")
    outcome = run(*(theirs if word == "OUT" else word for word in command.split()))
    assert outcome.code == 0, outcome.err
    assert bytes_of(mine) == bytes_of(theirs)
    assert bytes_of(mine)


# --- what is in hand ----------------------------------------------------------------------------------------


def test_nothing_is_written_until_it_is_saved(
    tmp_path: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = bytes_of(study)
    measured = mp.quantify(study / "scans")
    found = mp.correlate(measured, ["age"], metrics=["fi"])
    figure = found.figures["scatter_fi_age_symptomatic"]
    assert isinstance(figure, Figure)
    assert found.figures["scatter_fi_age_symptomatic"] is figure
    assert found.tables["correlations"] is found.table
    assert found.problems is not None
    assert found.problems.empty
    assert list(tmp_path.iterdir()) == []
    assert bytes_of(study) == before


def test_a_frame_is_read_as_its_file(study: Path) -> None:
    file = study / "scans" / "participants.csv"
    options = {"contrasts": ["group:ALS-LR"], "metrics": ["bmi", "age"]}
    pd.testing.assert_frame_equal(
        mp.compare(pd.read_csv(file), **options).table, mp.compare(file, **options).table
    )
    people = pd.read_csv(file)
    given, own = (mp.quantify(study / "scans", participants=table) for table in (people, None))
    pd.testing.assert_frame_equal(given.table, own.table)


def test_a_printed_table_has_its_title_and_notes(study: Path) -> None:
    printed = mp.compare(study / "results", metrics=["fi"]).tables["table2"]
    assert printed.attrs["title"].startswith("Table 2")
    assert printed.attrs["notes"]


def test_wrong_settings_are_refused(study: Path) -> None:
    with pytest.raises(mp.errors.UsageError, match="threshold: 500 was found; expected"):
        mp.quantify(study / "scans", settings=mp.Settings(threshold=500))
    with pytest.raises(mp.errors.UsageError, match="jobs: 0 was found"):
        mp.check(study / "scans", jobs=0)


def test_results_are_not_saved_into_the_dataset(study: Path) -> None:
    with pytest.raises(mp.errors.UsageError, match="is an input"):
        mp.quantify(study / "scans").save(study / "scans")
    with pytest.raises(mp.errors.UsageError, match="is an input"):
        mp.regress(study / "results", ["age"]).save(study / "results")


def test_results_that_changed_are_refused(study: Path, tmp_path: Path) -> None:
    mp.read_results(study / "results").save(tmp_path / "results")
    found = mp.regress(tmp_path / "results", ["age"])
    with (tmp_path / "results" / "L4.csv").open("a") as table:
        table.write("\n")
    with pytest.raises(mp.errors.NoInputError, match="changed since quantify wrote it"):
        found.save(tmp_path / "models")


def test_an_error_knows_what_was_found_before(study: Path, tmp_path: Path) -> None:
    (tmp_path / "levels.csv").write_text("source,group,patient,segment,slice\nnone.nii.gz,ALS,1,3,2\n")
    with pytest.raises(mp.errors.NoInputError, match=r"levels\.csv: no row could be prepared") as raised:
        mp.prepare([study / "t2.nii.gz"], tmp_path / "levels.csv", tmp_path / "out", window="0,200")
    (problem,) = raised.value.problems
    assert raised.value.__notes__ == [problem.line()]
    assert not (tmp_path / "out").exists()


def test_a_check_of_nothing_is_no_clean_bill(tmp_path: Path) -> None:
    found = mp.check(tmp_path)
    assert found.summary["slices_found"] == 0
    with pytest.raises(mp.errors.NoInputError, match="no annotated slices"):
        found.problems  # noqa: B018


def test_every_slice_is_told_as_it_is_done(study: Path) -> None:
    told: list[tuple[str, int, int]] = []
    mp.quantify(study / "scans", only=["ALS_1"], progress=lambda *step: told.append(step))
    assert told == [("opening the dataset", 0, 1), *(("measuring", number, 5) for number in range(6))]


def test_results_that_were_read_do_not_know_their_dataset(study: Path) -> None:
    with pytest.raises(mp.errors.UsageError, match="dataset: not given"):
        mp.sweep_thresholds(study / "results")


def test_arguments_have_their_own_names(study: Path) -> None:
    """The same line names options on the command line."""
    with pytest.raises(mp.errors.UsageError, match=r"^numbering: given without masks; expected"):
        mp.quantify(study / "scans", numbering="musclemap")
    outcome = run("quantify", study / "scans", "--numbering", "musclemap", "--out", study / "none")
    assert outcome.err.startswith("mriparaspinal: --numbering: given without --masks; expected")
