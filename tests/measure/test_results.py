"""A folder of results is whole or refused, and only what runs of ours wrote is removed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import MARK
from mriparaspinal.core.model import Settings
from mriparaspinal.io.manifest import manifest_bytes
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.write import DRAFT, sha256, write_file
from mriparaspinal.measure.results import read_results, segment_tables, stale_tables


def anything(_: bytes) -> bool:
    """Whatever is there may be replaced."""
    return True


def results_of(**tables: bytes) -> dict[str, bytes]:
    """Files as quantify writes them: tables and, last, the manifest of them."""
    files = {f"{name}.csv": content for name, content in tables.items()}
    outputs = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    settings = dataclasses.asdict(Settings()) | {"labels": {}}
    content = {"mriparaspinal": "0.1.0", "settings": settings, "libraries": {}, "inputs": {}}
    return files | {"quantify.json": manifest_bytes({**content, "outputs": outputs, "counts": {}})}


def write(folder, files: dict[str, bytes]) -> None:
    with OutputFolder(folder) as out:
        out.replace(files, stale_tables(out, files))


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_written_whole(tmp_path):
    out = tmp_path / "a" / "Ergebnisse für ALS"
    files = results_of(L1=b"one\n", L3=b"three\n", problems=b"p\n", participants=b"q\n")
    write(out, files)
    assert {name: (out / name).read_bytes() for name in names(out)} == files
    found = read_results(out)
    manifest, tables = found.manifest, list(found.tables)
    assert tables == ["L1.csv", "L3.csv"]
    assert manifest.outputs == json.loads(files["quantify.json"])["outputs"]
    assert manifest.measured_with == Settings()


def test_what_an_earlier_run_wrote_and_this_one_did_not_goes(tmp_path):
    write(tmp_path, results_of(L1=b"1", L5=b"5", problems=b"", participants=b"p"))
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, results_of(L1=b"new", problems=b""))
    assert names(tmp_path) == ["L1.csv", "notes.txt", "problems.csv", "quantify.json"]
    assert read_results(tmp_path).tables == ("L1.csv",)


def stopped(folder, stop: BaseException) -> None:
    with OutputFolder(folder):
        (folder / f"{DRAFT}1234").mkdir()
        (folder / f"{DRAFT}1234" / "L1.csv").write_bytes(b"half")
        raise stop


def test_a_run_that_stops_by_itself_leaves_the_old_results(tmp_path):
    write(tmp_path, results_of(L1=b"old"))
    for stop in (NoInputError("nothing"), KeyboardInterrupt(), RuntimeError()):
        with pytest.raises(type(stop)):
            stopped(tmp_path, stop)
        with OutputFolder(tmp_path):
            pass
    assert names(tmp_path) == ["L1.csv", "quantify.json"]
    assert read_results(tmp_path).tables == ("L1.csv",)


def test_the_mark_of_a_killed_run_is_refused_and_taken_over(tmp_path):
    write(tmp_path, results_of(L1=b"old"))
    (tmp_path / MARK).touch()
    (tmp_path / f"{DRAFT}12").mkdir()
    (tmp_path / f"{DRAFT}12" / "L1.csv").write_bytes(b"half")
    with pytest.raises(NoInputError, match=r"cut off.*; expected finished results; run quantify again"):
        read_results(tmp_path)
    write(tmp_path, results_of(L2=b"new"))
    assert names(tmp_path) == ["L2.csv", "quantify.json"]


def test_one_run_at_a_time(tmp_path):
    with OutputFolder(tmp_path):
        with pytest.raises(UsageError, match=r"another run is writing.*; expected one at a time; wait"):
            OutputFolder(tmp_path).__enter__()
        with pytest.raises(NoInputError, match="still writing"):
            read_results(tmp_path)
    with OutputFolder(tmp_path):
        pass
    assert names(tmp_path) == []


def test_of_many_that_try_at_once_one_is_in(tmp_path):
    """Each run takes its mark away at its end, while others open it."""
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> int:
        done = 0
        for _ in range(80):
            with contextlib.suppress(UsageError), OutputFolder(tmp_path):
                inside.append(number)
                time.sleep(0.0002)
                most.append(len(inside))
                inside.remove(number)
                done += 1
        return done

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(6))) > 0
    assert max(most) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["L1.csv", "problems.csv", "participants.csv"])
@pytest.mark.parametrize("how", ["changed", "removed", "cut"])
def test_a_table_that_is_not_the_one_written_is_refused(tmp_path, name, how):
    write(tmp_path, results_of(L1=b"a,b\n1,2\n", L2=b"a\n", problems=b"file\n", participants=b"id\n"))
    path = tmp_path / name
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"3\n" if how == "changed" else path.read_bytes()[:-1])
    with pytest.raises(NoInputError) as caught:
        read_results(tmp_path)
    message = str(caught.value)
    assert str(path) in message
    assert "; expected" in message
    assert "run quantify again" in message


def test_a_table_of_another_run_beside_them_is_refused(tmp_path):
    write(tmp_path, results_of(L1=b"1", problems=b""))
    (tmp_path / "L4.csv").write_bytes(b"older")
    with pytest.raises(NoInputError, match=r"L4\.csv: not a table of the last quantify"):
        read_results(tmp_path)


def test_csvs_without_a_manifest_are_taken_as_they_are(tmp_path):
    (tmp_path / "L2.csv").write_text("x")
    found = read_results(tmp_path)
    assert (found.manifest, found.tables) == (None, ("L2.csv",))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '"x"', "null", '{"outputs": 3}', '{"outputs": "abc"}', '{"outputs": null}']
)
def test_a_broken_manifest_is_refused(tmp_path, text):
    (tmp_path / "L2.csv").write_text("x")
    (tmp_path / "quantify.json").write_text(text)
    with pytest.raises(NoInputError, match=r"quantify.json: .*; expected .*; run quantify again"):
        read_results(tmp_path)


@pytest.mark.parametrize("make", ["nothing", "file", "empty"])
def test_what_is_no_folder_of_results(tmp_path, make):
    path = tmp_path / "out"
    if make == "file":
        path.write_text("x")
    elif make == "empty":
        path.mkdir()
    with pytest.raises(NoInputError, match=r".*; expected the results of quantify; "):
        read_results(path)


def test_only_the_five_segments_are_tables(tmp_path):
    for name in ("L0.csv", "L3.csv", "L1.csv", "L6.csv", "L2.csv.bak", "l4.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "L5.csv").mkdir()
    assert segment_tables(tmp_path) == ["L1.csv", "L3.csv"]


@pytest.mark.parametrize("name", ["L6.csv", "S1.csv", "T12.csv", "L6_slices.csv", "l4.csv"])
def test_a_table_of_a_segment_that_is_not_read_is_refused(tmp_path, name):
    write(tmp_path, results_of(L1=b"1"))
    read_results(tmp_path)
    (tmp_path / name).write_bytes(b"1")
    with pytest.raises(NoInputError, match=rf"{name}: .*; expected L1.csv … L5.csv; rename it"):
        read_results(tmp_path)
    (tmp_path / name).rename(tmp_path / f"{name}.bak")
    read_results(tmp_path)


# A participants.csv that somebody else put there


def test_a_participants_table_of_the_user_is_never_removed(tmp_path):
    (tmp_path / "participants.csv").write_bytes(b"mine")
    write(tmp_path, results_of(L1=b"1"))
    write(tmp_path, results_of(L2=b"2"))
    assert (tmp_path / "participants.csv").read_bytes() == b"mine"


def test_nor_replaced_by_another(tmp_path):
    (tmp_path / "participants.csv").write_bytes(b"mine")
    with pytest.raises(
        UsageError, match=r"participants.csv: .* did not write; expected .*; choose another --out"
    ):
        write(tmp_path, results_of(L1=b"1", participants=b"other"))
    assert names(tmp_path) == ["participants.csv"]
    write(tmp_path, results_of(L1=b"1", participants=b"mine"))
    assert read_results(tmp_path).tables == ("L1.csv",)


@pytest.mark.parametrize("own", ["L1.csv", "L4.csv"])
def test_a_segment_table_of_the_user_is_neither_removed_nor_replaced(tmp_path, own):
    (tmp_path / own).write_bytes(b"mine")
    with pytest.raises(UsageError, match=rf"{own}: .* did not write; expected .*; choose another --out"):
        write(tmp_path, results_of(L1=b"1", L2=b"2"))
    assert names(tmp_path) == [own]
    assert (tmp_path / own).read_bytes() == b"mine"


def test_our_copy_is_known_again_even_after_a_run_was_killed_in_between(tmp_path):
    """Killed after it replaced participants.csv and before quantify.json: the copy is ours all the same."""
    code = """
import os, pathlib, signal, sys
from mriparaspinal.io.output import OutputFolder

replace = os.replace

def ends_at_the_manifest(draft, target):
    if target.name == "quantify.json":
        os.kill(os.getpid(), signal.SIGKILL)
    replace(draft, target)

os.replace = ends_at_the_manifest
with OutputFolder(pathlib.Path(sys.argv[1])) as out:
    out.replace({"L1.csv": b"1", "participants.csv": b"ours", "quantify.json": b"{}"}, [])
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "participants.csv").exists()
    assert not (tmp_path / "quantify.json").exists()
    with pytest.raises(NoInputError, match="cut off"):
        read_results(tmp_path)
    write(tmp_path, results_of(L2=b"2"))
    assert names(tmp_path) == ["L2.csv", "quantify.json"], (
        "the stale copy would be the next comparison's table"
    )


# Folders that cannot be written


@pytest.mark.parametrize("name", ["file", "pipe", "/dev/null"])
def test_what_is_no_folder_is_named(tmp_path, name):
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    there = "a file" if name == "file" else "a device or a pipe"
    with pytest.raises(UsageError) as caught:
        OutputFolder(tmp_path / name).__enter__()
    found = f"cannot be written into ({there} is there); expected a folder; choose another --out"
    assert str(caught.value) == f"{tmp_path / name}: {found}"


@pytest.mark.parametrize("name", ["file/below", "/proc/none/out", "x" * 300])
def test_a_folder_that_cannot_be_made(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError) as caught:
        OutputFolder(tmp_path / name).__enter__()
    message = str(caught.value)
    assert "cannot be written" in message
    assert "; expected a writable folder" in message
    assert (tmp_path / "file").read_text() == "x"


def test_a_mark_that_is_a_folder(tmp_path):
    (tmp_path / MARK).mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        OutputFolder(tmp_path).__enter__()


def test_a_full_disk_changes_nothing(tmp_path):
    write(tmp_path, results_of(L1=b"old", problems=b""))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(UsageError, match=r"cannot be written \(File too large\); expected .*free space"):
            write(tmp_path, results_of(L1=b"new", L2=b"x" * 2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == ["L1.csv", "problems.csv", "quantify.json"]
    assert (tmp_path / "L1.csv").read_bytes() == b"old"
    read_results(tmp_path)


def test_a_table_that_cannot_be_replaced_leaves_a_folder_that_is_refused(tmp_path):
    write(tmp_path, results_of(L1=b"old", L2=b"old"))
    (tmp_path / "L2.csv").unlink()
    (tmp_path / "L2.csv").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path, results_of(L1=b"new", L2=b"new"))
    with pytest.raises(NoInputError, match="cut off"):
        read_results(tmp_path)
    assert not list(tmp_path.glob(f"{DRAFT}*"))


def test_single_files(tmp_path):
    path = tmp_path / "new" / "ü.json"
    write_file(path, b"one", anything)
    write_file(path, b"two", anything)
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["ü.json"]
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(path / "below", b"x", anything)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(tmp_path / "folder", b"x", anything)
    assert names(tmp_path) == ["folder", "new"]


def test_manifests_are_the_same_bytes_each_time():
    content = {"b": "Müller × 2", "a": [1, 0.1, None], "c": "M\udcfcller"}
    assert manifest_bytes(content) == manifest_bytes(dict(content))
    assert json.loads(manifest_bytes({"x": "Müller"})) == {"x": "Müller"}
    assert "Müller".encode() in manifest_bytes({"x": "Müller"})


def test_sha256_is_that_of_the_standard():
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc") == expected


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"a": {}, "b": [], "c": None},
        {"a": {"x": {"y": [1, {"z": "two\nlines"}]}}, "b": 0.1},
        {"b": "Müller × 2", "inputs": {"ü.png": "ab", 'q"\\\n': "cd", "M\udcfc": "ef"}, "c": {"d": 1}},
        {"inputs": {}},
    ],
)
def test_manifests_are_the_json_of_the_standard_library(content):
    expected = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    expected = expected.encode("utf-8", "backslashreplace")
    assert manifest_bytes(content) == expected
