"""What writers leave: nothing mixed, nothing half, and never anything in place of a user's own file."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import MARK
from mriparaspinal.io.lock import MARK_HEAD
from mriparaspinal.io.manifest import COMPARISON, manifest_bytes
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.write import DRAFT, sha256
from mriparaspinal.measure.results import read_results
from tests.support.builders.faults import Trial, contents, fork, is_held, writers
from tests.support.builders.faults import finished as ended
from tests.support.builders.slices import SHAPES, labelme, write_dataset, write_slice
from tests.support.builders.study import (
    PROJECT,
    copy_sample,
    fingerprint,
    finish,
    forked,
    run,
    start,
    wait_until,
    write_many,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """As ``make faults`` has them, but what takes long is done for fewer slices and rows."""
    made = tmp_path_factory.mktemp("writers") / "in"
    found = writers(made)
    small = write_dataset(made / "small", 1, 1, (3,))
    few = copy_sample(made / "few", "*_[12]_3.*")
    (few / "paraspinal.toml").write_text('contrasts = ["side:ALS"]\n')
    one, other = made / "few_results", made / "few_other"
    for results, threshold in ((one, 50), (other, 80)):
        assert run("quantify", few, "--out", results, "--threshold", threshold).code == 0
    return found | {
        "run": replace(found["run"], arguments=(few, *found["run"].arguments[1:])),
        "masks": replace(found["masks"], arguments=(small, *found["masks"].arguments[1:])),
        "phantom": replace(found["phantom"], arguments=(*found["phantom"].arguments, "--size", 128)),
        "compare": replace(found["compare"], arguments=(one, *found["compare"].arguments[1:])),
        "threshold-sweep": replace(
            found["threshold-sweep"], arguments=("--dataset", few, "--out", "OUT"), one=(one,), other=(other,)
        ),
        "report": replace(
            found["report"],
            arguments=("--dataset", few, *found["report"].arguments[2:]),
            one=(one,),
            other=(other,),
        ),
    }


@pytest.fixture
def data(tmp_path) -> Path:
    root = tmp_path / "data"
    write_dataset(root, 2, 2, (3, 4))
    return root


# Stopped and killed where it hurts most: `make faults` tries every step of every writer


@pytest.mark.parametrize("name", ["quantify", "masks", "prepare", "score", "regions", "check", "maps"])
def test_stopped_or_killed_in_the_middle_of_putting_files_in_place(every, tmp_path, name):
    trial = Trial(every[name], tmp_path / "trial")
    step = (trial.steps + 1) // 2
    left = {sent: trial.cut_off(step, sent) for sent in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)}
    assert left[signal.SIGTERM] in ("old", "new")
    assert left[signal.SIGHUP] in ("old", "new")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_comparison_of_other_results(every, tmp_path, sent):
    """Stopped after the new results stand: comparison and page of the old ones are gone."""
    out, writer = tmp_path / "out", every["run"]
    data = writer.arguments[0]
    assert run("quantify", data, "--out", out / "results", "--threshold", 60).code == 0
    with OutputFolder(out / "comparison", COMPARISON) as folder:
        table = b"contrast\n"
        listed = manifest_bytes({"outputs": {"comparisons.csv": sha256(table)}})
        folder.replace({"comparisons.csv": table, COMPARISON: listed})
    (out / "report.html").write_text('<meta name="generator" content="mriparaspinal 0.1.0">')
    old = contents(out)
    process = fork(writer.command(out, writer.other), tmp_path / "said")

    def new_results_stand() -> bool:
        """This file alone is looked at: drafts beside it come and go."""
        with contextlib.suppress(FileNotFoundError):
            return sha256((out / "results" / "L3.csv").read_bytes()) != old["results/L3.csv"]
        return False

    assert wait_until(new_results_stand)
    os.kill(process, sent)
    assert ended(process) in (-sent, 128 + sent)
    there = contents(out)
    for name in ("comparison/comparisons.csv", "comparison/comparison.json", "report.html"):
        assert name not in there or there[name] != old[name]
    if sent == signal.SIGTERM:
        assert not [name for name in there if MARK in name or DRAFT in name]
        read_results(out / "results")


def test_a_run_refuses_what_is_not_its_own_before_it_measures(every, tmp_path):
    out, writer = tmp_path / "out", every["run"]
    for own in ("report.html", "comparison/notes.txt"):
        (out / own).parent.mkdir(parents=True, exist_ok=True)
        (out / own).write_text("mine")
        assert refused(run(*writer.command(out, writer.one)), out / own)
        assert contents(out).keys() == {own}
        (out / own).unlink()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whole_group", [True, False])
def test_sigterm_and_sighup_end_as_ctrl_c_does(tmp_path, jobs, sent, whole_group):
    many = write_many(tmp_path / "many", 300)
    out = tmp_path / "out"
    write_slice(tmp_path / "small", "ALS_1_2")
    run("quantify", tmp_path / "small", "--out", out)
    before = fingerprint(out)
    process = start("quantify", many, "--out", out, "--jobs", jobs)
    assert wait_until(lambda: is_held(out))
    time.sleep(0.05)
    (os.killpg if whole_group else os.kill)(process.pid, sent)
    outcome = finish(process)
    assert outcome.code == 128 + sent
    assert outcome.err == f"mriparaspinal: stopped by the signal {sent.name}\n"
    assert fingerprint(out) == before, "the old results are whole, and the mark is gone"
    read_results(out)


def test_a_hang_up_that_is_ignored_stays_so(tmp_path):
    """As nohup does."""
    many = write_many(tmp_path / "many", 300)
    ignored = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    process = start("quantify", many, "--out", tmp_path / "out", preexec_fn=ignored)
    assert wait_until(lambda: is_held(tmp_path / "out"))
    os.killpg(process.pid, signal.SIGHUP)
    assert finish(process).code == 0


# Two at once


@pytest.mark.parametrize("name", ["score", "regions", "check"])
def test_two_of_one_command_at_once(every, tmp_path, name):
    trial = Trial(every[name], tmp_path / "trial")
    assert {trial.two_at_once() for _ in range(3)} <= {"old", "new"}


@pytest.mark.parametrize(
    "command", [("run",), ("quantify", "results"), ("compare", "comparison"), ("masks", "results")]
)
def test_nobody_writes_into_what_a_run_is_making(data, tmp_path, command):
    out = tmp_path / "out"
    run("quantify", data, "--out", tmp_path / "results")
    name, *place = command
    given = {"compare": [tmp_path / "results"]}
    (data / "participants.csv").write_text("participant_id,age\nALS_1,40\nALS_2,50\nLR_1,60\nLR_2,45\n")
    run("quantify", data, "--out", tmp_path / "results")
    with OutputFolder(out):
        words = [name, *given.get(name, [data]), "--out", out.joinpath(*place)]
        outcome = finish(start(*words))
    assert outcome.code == 2, outcome.err
    assert f"{out}: another run is writing into this folder; expected one at a time" in outcome.err
    assert not out.exists()


def test_results_that_change_while_they_are_read_are_never_mixed(data, tmp_path):
    """A quantify in between: what was read is of one run, and is refused where another stands there now."""
    out = tmp_path / "out"
    for threshold in (60, 90):
        run("quantify", data, "--out", tmp_path / str(threshold), "--threshold", threshold)
    shutil.copytree(tmp_path / "60", out)
    stop = threading.Event()

    def exchange() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            files = {p.name: p.read_bytes() for p in (tmp_path / ("90", "60")[turn % 2]).iterdir()}
            with OutputFolder(out) as folder:
                folder.replace(dict(sorted(files.items(), key=lambda item: item[0] == "quantify.json")))

    writer = threading.Thread(target=exchange)
    writer.start()
    read = refused = 0
    try:
        while read + refused < 400:
            try:
                found = read_results(out)
                told = {name: found.contents[name] for name in found.contents}  # by its hash
            except NoInputError:
                refused += 1
                continue
            read += 1
            whole = tmp_path / str(found.manifest.settings["threshold"])
            assert all(told[name] == (whole / name).read_bytes() for name in told)
    finally:
        stop.set()
        writer.join()


def test_results_that_were_replaced_while_a_command_worked_are_told(data, tmp_path):
    run("quantify", data, "--out", tmp_path / "out")
    found = read_results(tmp_path / "out")
    found.require_same()
    run("quantify", data, "--out", tmp_path / "out", "--threshold", 90)
    with pytest.raises(
        NoInputError,
        match=r"results have changed since they were read.*; expected .*; run this command again",
    ):
        found.require_same()


# Marks are looked at


def test_half_a_dataset_of_prepare_is_not_measured(data, tmp_path):
    (data / MARK).write_text("ALS_1_3.png\n")
    for command in (("check", data), ("quantify", data, "--out", tmp_path / "out")):
        outcome = run(*command)
        assert outcome.code == 3
        assert (
            "prepare was cut off here, or is still writing; expected finished slices; run prepare"
            in outcome.err
        )
    assert run("check", data.parent).code == 3, "the mark of a folder below counts, too"


def test_half_a_folder_of_masks_is_not_measured(data, tmp_path):
    assert run("masks", data, "--out", tmp_path / "masks").code == 0
    (tmp_path / "masks" / MARK).write_text("ALS_1_3_mask.png\n")
    outcome = run("quantify", data, "--masks", tmp_path / "masks", "--out", tmp_path / "out")
    assert outcome.code == 2
    said = "a run was cut off here, or is still writing; expected finished label maps; run masks"
    assert said in outcome.err
    numbered = ("--numbering", "mriparaspinal")
    assert said in run("contours", tmp_path / "masks", "--dataset", data, *numbered).err


def test_a_run_that_takes_over_and_stops_leaves_the_mark_of_the_killed_one(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / MARK).write_text(f"{MARK_HEAD}\nL1.csv")
    with OutputFolder(out):
        pass
    assert (out / MARK).read_text() == f"{MARK_HEAD}\nL1.csv", (
        "what lies there is still half of one and half of another"
    )


def test_a_file_of_the_user_that_is_called_as_the_mark_is_left(data, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    (out / MARK).write_text("notes.txt\nmy list of unfinished work")
    outcome = run("quantify", data, "--out", out)
    assert outcome.code == 2
    assert f"{MARK}: is there and was not written by this version of the program; expected" in outcome.err
    assert (out / MARK).read_text() == "notes.txt\nmy list of unfinished work"
    assert (out / "notes.txt").read_text() == "mine"


def test_a_mark_or_draft_that_is_a_link_is_not_followed(data, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / MARK).symlink_to(mine)
    outcome = run("quantify", data, "--out", out)
    assert outcome.code == 2
    assert f"{out / MARK}: cannot be written" in outcome.err
    (out / MARK).unlink()
    for name in (".L3.csv.new", f"{DRAFT}0"):
        (out / name).symlink_to(mine)
    assert run("quantify", data, "--out", out).code == 0
    assert mine.read_text() == "mine"


# Never over the user's own


def refused(outcome, path: Path) -> bool:
    said = outcome.err.replace("\n", " ")
    return outcome.code == 2 and str(path) in said and "; expected " in said


@pytest.mark.parametrize("own", ["notes.txt", "regressions.csv", "regressions.json"])
def test_an_analysis_replaces_nothing_of_the_users(every, tmp_path, own):
    out, writer = tmp_path / "out", every["regress"]
    out.mkdir()
    (out / own).write_text("mine")
    outcome = run(*writer.command(out, ("a",)))
    assert refused(outcome, out / own), outcome.err
    assert contents(out).keys() == {own}
    assert (out / own).read_text() == "mine"


def test_a_folder_of_an_earlier_version_is_refused_and_the_line_says_so(every, tmp_path):
    """Versions before the manifests of analyses left the same files without one."""
    out, writer = tmp_path / "out", every["correlate"]
    assert run(*writer.command(out, writer.one)).code == 0
    (out / "correlations.json").unlink()
    before = contents(out)
    outcome = run(*writer.command(out, writer.other))
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert "or by an earlier version, which left no correlations.json here; expected " in line
    assert contents(out) == before


def test_leftovers_go_and_a_users_file_that_looks_like_one_stays(every, tmp_path):
    out, writer = tmp_path / "out", every["correlate"]
    assert run(*writer.command(out, writer.one)).code == 0
    figures = {path.name for path in out.glob("scatter_*")}
    assert figures
    (out / "scatter_mine.png").write_text("mine")
    assert run(*writer.command(out, writer.other)).code == 0
    assert not figures & {path.name for path in out.iterdir()}, "they belonged to another metric"
    assert (out / "scatter_mine.png").read_text() == "mine"
    manifest = json.loads((out / "correlations.json").read_text())
    assert manifest["settings"]["metric"] == ["c"]
    assert set(manifest["outputs"]) == set(contents(out)) - {"correlations.json", "scatter_mine.png"}
    table = writer.arguments[1]
    assert manifest["inputs"] == {"clinic.csv": contents(table.parent)["clinic.csv"]}
    # A file of ours that the user changed is the user's.
    (out / "notes.txt").write_text("mine")
    assert refused(run(*writer.command(out, writer.other)), out / "notes.txt")
    (out / "notes.txt").unlink()
    assert run(*writer.command(out, writer.other)).code == 0


def test_scores_replace_nothing_but_scores(every, tmp_path):
    made = Path(every["score"].one[0]).parent
    bad, good = made / "bad.csv", made / "good.csv"
    records = tmp_path / "x_problems.csv"
    shutil.copy(bad, records)
    before = records.read_bytes()
    assert refused(run("score", "alsfrs-r", records, "--out", tmp_path / "x.csv"), records)
    shutil.copy(bad, tmp_path / "other.csv")
    assert refused(run("score", "alsfrs-r", good, "--out", tmp_path / "other.csv"), tmp_path / "other.csv")
    os.link(bad, tmp_path / "hard.csv")
    assert refused(run("score", "alsfrs-r", bad, "--out", tmp_path / "hard.csv"), tmp_path / "hard.csv")
    assert refused(run("score", "alsfrs-r", "--template", "--out", bad), bad), "records may be filled in"
    assert records.read_bytes() == before
    for source, beside in ((bad, True), (good, False), (bad, True)):
        assert run("score", "alsfrs-r", source, "--out", tmp_path / "y.csv").code == (4 if beside else 0)
        assert (tmp_path / "y_problems.csv").exists() == beside


def test_single_files_replace_nothing_of_others(every, data, tmp_path):
    other = write_dataset(tmp_path / "other", 1, 1, (3,))
    annotation = other / "ALS_1_3.json"
    before = contents(tmp_path)
    (results,), sample = every["report"].one, every["report"].arguments[1]
    assert refused(run("check", data, "--json", annotation), annotation)
    assert refused(run("check", data, "--json", data / "found.json"), data / "found.json")
    assert refused(run("report", results, "--dataset", sample, "--out", annotation), annotation)
    image = every["maps"].arguments[2]
    assert refused(run("maps", "ratio", "--numerator", image, "--denominator", image, "--out", image), image)
    (tmp_path / "mine.nii.gz").write_bytes(Path(image).read_bytes())
    mine = tmp_path / "mine.nii.gz"
    assert refused(run("maps", "ratio", "--numerator", image, "--denominator", image, "--out", mine), mine)
    mine.unlink()
    assert contents(tmp_path) == before


# One command at a time, from its start to its end

HOLDS = {
    "run": ("data", "--out", "OUT"),
    "quantify": ("data", "--out", "OUT"),
    "masks": ("data", "--out", "OUT"),
    "merge": ("share", "--out", "OUT"),
    "prepare": ("scans", "--levels", "levels.csv", "--out", "OUT"),
    "compare": ("results", "--out", "OUT"),
    "correlate": ("results", "--score", "a", "--out", "OUT"),
    "regress": ("results", "--predictor", "a", "--out", "OUT"),
    "roc": ("t.csv", "--outcome", "a", "--positive", "1", "--predictor", "b", "--out", "OUT"),
    "reliability": ("a", "b", "--out", "elsewhere", "--mean-out", "OUT"),
    "threshold-sweep": ("results", "--dataset", "data", "--out", "OUT"),
    "maps": ("dti", "--data", "d.nii.gz", "--bval", "b", "--bvec", "v", "--out", "OUT"),
    "phantom": ("OUT",),
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_folder_that_another_command_holds_is_refused_before_anything_is_read(tmp_path, monkeypatch, name):
    """No input is there: that would be told otherwise."""
    monkeypatch.chdir(tmp_path)
    with OutputFolder(Path("OUT")):
        outcome = run(name, *HOLDS[name])
    assert outcome.code == 2, outcome.err
    (line,) = outcome.err.splitlines()
    assert "OUT: another run is writing into this folder; expected one at a time; wait for it" in line
    assert not Path("elsewhere").exists()


def test_an_analysis_holds_its_folder_while_it_reads(every, tmp_path):
    # Long enough to be seen at work.
    command = (*every["compare"].command(tmp_path / "out", every["compare"].one), "--max-t", "200000")
    process = fork(command, tmp_path / "said")
    assert wait_until(lambda: is_held(tmp_path / "out"))
    os.kill(process, signal.SIGSTOP)
    second = run(*command)
    os.kill(process, signal.SIGCONT)
    assert second.code == 2
    assert "another run is writing into this folder" in second.err
    assert ended(process) == 0
    assert not (tmp_path / "out" / MARK).exists()


# Devices, links, rights, limits


def test_devices_and_pipes_are_written_into(data, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    assert run("check", data, "--json", pipe).code == 0
    reader.join(10)
    assert json.loads(found[0]) == {"problems": []}
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with start("check", data, "--json", "/dev/stdout") as process:
        said = process.stdout.read()
    assert said.startswith('{\n  "problems": []')
    assert run("check", data, "--json", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert not list(Path("/dev").glob(f"{DRAFT}*"))


@pytest.mark.parametrize("name", ["file", "pipe", "link"])
def test_results_that_are_no_folder_are_named(tmp_path, name):
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    said = {"file": "a file", "pipe": "a pipe or device", "link": "a dead link"}[name]
    outcome = run("compare", tmp_path / name, "--out", tmp_path / "out")
    assert outcome.code == 3
    (line,) = outcome.err.splitlines()
    assert f"{name}: {said}, and no folder; expected the results of quantify; check the path" in line
    assert not (tmp_path / "out").exists()


def test_no_analysis_goes_into_a_device(every):
    outcome = run(*every["regress"].command(Path("/dev/null"), ("a",)))
    assert outcome.code == 2
    assert "/dev/null: cannot be written into (a device or a pipe is there); expected a folder" in outcome.err
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


#: A link that somebody planted under a name that the command writes leads to a file of theirs.
PLANTED = {
    "compare": "notes.txt", "regress": "regressions.csv", "roc": "roc.csv", "quantify": "L3.csv",
    "merge": "L3.csv", "masks": "values.csv", "prepare": "ALS_1_2.png", "threshold-sweep": "notes.txt",
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_link_is_not_followed(every, tmp_path, name):
    out, writer = tmp_path / "out", every[name]
    out.mkdir()
    (tmp_path / "theirs").write_text("theirs")
    (out / PLANTED[name]).symlink_to(tmp_path / "theirs")
    outcome = run(*writer.command(out, writer.one))
    assert refused(outcome, out / PLANTED[name]), outcome.err
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert (out / PLANTED[name]).is_symlink()
    assert len(list(out.iterdir())) == 1


@pytest.mark.parametrize(("name", "manifest"), [("regress", "regressions.json"), ("masks", "masks.json")])
def test_what_a_broken_manifest_lists_is_not_replaced(every, tmp_path, name, manifest):
    """Who wrote the files cannot be told from it any more; none of its names leads out of the folder."""
    out, writer = tmp_path / "out", every[name]
    assert run(*writer.command(out, writer.one)).code == 0
    whole = json.loads((out / manifest).read_text())
    before = contents(out)
    del before[manifest]
    outputs = (None, 5, [], {"../x": "0" * 64}, {"/etc/passwd": "0" * 64}, {"a": 5})
    mutations = [b"", b"{", b"[]", b"\xff", b"[" * 100_000]
    mutations += [json.dumps({**whole, "outputs": value}).encode() for value in outputs]
    for mutation in mutations:
        (out / manifest).write_bytes(mutation)
        outcome = run(*writer.command(out, writer.other))
        assert outcome.code == 2, outcome.err
        assert "is there and was not written by this command" in outcome.err
        assert {n: digest for n, digest in contents(out).items() if n != manifest} == before


@pytest.mark.parametrize(
    ("name", "manifest"),
    [("quantify", "quantify.json"), ("merge", "quantify.json"), ("masks", "masks.json")],
)
def test_a_pipe_in_place_of_a_manifest_is_not_waited_for(every, tmp_path, name, manifest):
    out, writer = tmp_path / "out", every[name]
    out.mkdir()
    os.mkfifo(out / manifest)
    outcome = forked(*writer.command(out, writer.one))
    assert refused(outcome, out / manifest), outcome.err
    assert stat.S_ISFIFO((out / manifest).stat().st_mode)


def test_a_link_stays_and_its_target_is_replaced(data, tmp_path):
    (tmp_path / "link.json").symlink_to("found.json")
    for _ in range(2):
        assert run("check", data, "--json", tmp_path / "link.json").code == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "found.json").read_text()) == {"problems": []}


def test_rights_of_files_are_kept(data, tmp_path):
    before = os.umask(0o027)
    try:
        out, found = tmp_path / "out", tmp_path / "found.json"
        for _ in range(2):
            run("check", data, "--json", found)
            run("quantify", data, "--out", out)
            modes = {stat.S_IMODE(path.stat().st_mode) for path in (found, *out.iterdir())}
            assert len(modes) == 1
            for path in (found, *out.iterdir()):
                path.chmod(0o604)
    finally:
        os.umask(before)
    assert modes == {0o604}


def test_a_name_too_long_costs_its_slice(tmp_path):
    data, long = tmp_path / "data", "ALS_" + "1" * 240
    write_dataset(data, 1, 0, (3,))
    write_slice(data, f"{long}_3")
    outcome = run("masks", data, "--out", tmp_path / "out")
    assert outcome.code == 4
    assert (
        f"{long}_3.png: error: its name is too long to end in _overlay.png; expected a shorter one"
        in outcome.err
    )
    assert {"ALS_1_3_mask.png", "ALS_1_3_overlay.png", "values.csv"} <= fingerprint(tmp_path / "out").keys()


def test_a_slice_whose_name_is_too_long_for_its_contours_costs_itself(data, tmp_path):
    assert run("masks", data, "--out", tmp_path / "masks", "--participant-label", "ALS_1").code in (0, 4)
    for annotation in data.glob("*.json"):
        annotation.unlink()
    long = f"ALS_{'1' * 245}_3"
    shutil.copy(data / "ALS_1_3.png", data / f"{long}.png")
    (tmp_path / "masks" / f"{long}.zip").write_bytes(b"")
    outcome = run("contours", tmp_path / "masks", "--dataset", data)
    assert outcome.code == 4, outcome.err
    assert f"{long}.png: error: its name is too long to end in .json; expected a shorter one" in outcome.err
    assert (data / "ALS_1_3.json").exists()


def test_a_row_whose_name_is_too_long_costs_itself(every, tmp_path):
    out, writer = tmp_path / "out", every["prepare"]
    levels = tmp_path / "levels.csv"
    rows = Path(writer.arguments[2]).read_text()
    levels.write_text(f"{rows}v.nii.gz,{'A' * 248},1,2,5\n")
    outcome = run("prepare", writer.arguments[0], "--levels", levels, "--window", "0,500", "--out", out)
    assert outcome.code == 4, outcome.err
    assert "levels.csv: row 5: error: its name is too long to end in .png; expected a shorter" in outcome.err
    assert len(list(out.glob("*.png"))) == 3


def test_a_mask_that_was_corrected_by_hand_is_not_replaced(data, tmp_path):
    out = tmp_path / "out"
    assert run("masks", data, "--out", out).code == 0
    mask = out / "ALS_1_3_mask.png"
    with Image.open(mask) as image:
        corrected = image.copy()
    corrected.putpixel((0, 0), 1)
    corrected.save(mask)
    before = contents(out)
    assert refused(run("masks", data, "--out", out, "--threshold", 60), mask)
    assert contents(out) == before
    mask.unlink()
    assert run("masks", data, "--out", out, "--threshold", 60).code == 0


def test_masks_of_slices_that_are_gone_go_too(data, tmp_path):
    out = tmp_path / "out"
    assert run("masks", data, "--out", out).code == 0
    (out / "mine_mask.png").write_text("mine")
    (data / "ALS_1_3.json").unlink()
    assert run("masks", data, "--out", out).code == 4
    assert not (out / "ALS_1_3_mask.png").exists(), "it would be measured by --masks"
    assert (out / "mine_mask.png").exists()
    assert run("masks", data, "--out", out, "--participant-label", "ALS_2").code in (0, 4)
    assert (out / "LR_1_3_mask.png").exists(), "a share leaves those of the others"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes another user: needs root"
)
def test_a_mark_of_somebody_else_that_cannot_be_removed_is_named(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o1777)
    (out / MARK).touch()
    (out / MARK).chmod(0o666)
    code = (
        "import fcntl, os, sys; from pathlib import Path\n"
        "from mriparaspinal.io.output import OutputFolder\n"
        "os.chdir(sys.argv[1]); os.setuid(65534)\n"
        "try:\n  with OutputFolder(Path('.')) as out: out.replace({'L1.csv': b'1', 'quantify.json': b'{}'})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.startswith(f"UsageError {MARK}: "), done.stdout + done.stderr
    assert "remove it, or choose another --out" in done.stdout


@pytest.mark.parametrize("name", ["quantify", "merge", "prepare", "regress", "masks", "phantom", "report"])
def test_a_limit_on_the_size_of_files_leaves_nothing_behind(every, tmp_path, name):
    """As on a disk that is full: nothing new is left, and old results stay whole."""
    out, temp, writer = tmp_path / "out", tmp_path / "temp", every[name]
    temp.mkdir()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
        tempfile.tempdir = str(temp)

    for old in (None, writer.one) if writer.one else (None,):
        shutil.rmtree(out, ignore_errors=True)
        writer.start(out)
        if old:
            assert run(*writer.command(out, old)).code == 0
        before = contents(tmp_path)
        command = writer.command(out, writer.other)
        outcome = forked(*command, before=limit)
        assert outcome.code == 2, outcome.err
        assert (
            outcome.err.splitlines()[-1].count("cannot be written (File too large); expected a writable") == 1
        )
        assert "Traceback" not in outcome.err
        assert contents(tmp_path) == before


def test_an_error_in_writing_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"), OutputFolder(tmp_path / "out") as folder:
        folder.put("x" * 300, b"")
    assert not (tmp_path / "out").exists()


def test_images_that_are_not_those_that_prepare_wrote_are_told_once(every, tmp_path):
    out, writer = tmp_path / "out", every["prepare"]
    assert run(*writer.command(out, writer.one)).code == 0
    for number in (2, 3, 4):
        with Image.open(out / f"ALS_1_{number}.png") as image:
            columns, rows = image.size
        drawn = labelme(f"ALS_1_{number}.png", (rows, columns), SHAPES)
        (out / f"ALS_1_{number}.json").write_text(json.dumps(drawn))
    assert "other-than-prepared" not in run("check", out).out
    other = tmp_path / "other"
    assert run(*writer.command(other, writer.other)).code == 0
    for name in ("ALS_1_2.png", "ALS_1_3.png"):
        shutil.copy(other / name, out)
    told = [line for line in run("check", out).out.splitlines() if "other-than-prepared" in line]
    assert len(told) == 1
    assert "2 of 3 images are not those that prepare wrote, among them ALS_1_2.png" in told[0]
