"""Patterns without end, pipes in the place of files, texts that steer a terminal: one line, and no wait."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from mriparaspinal.dataset import names
from mriparaspinal.parallel.map import time_limit
from tests.support.builders.slices import write_dataset, write_slice
from tests.support.builders.study import forked, run

ENDLESS = [
    r"(?P<group>([A-Za-z]+)+)_(?P<patient>\d+)_(?P<segment>\d)$",
    r"(?P<group>(.*)*)(?P<patient>(\w|\w\w)+)!(?P<segment>\d)",
    r"(?P<group>(a|aa)+)(?P<patient>(a|aa)+)(?P<segment>(a|aa)+)_",
]


@pytest.fixture
def endless_data(tmp_path):
    data = write_dataset(tmp_path / "data")
    write_slice(data, "a" * 60)
    return data


@pytest.mark.parametrize("pattern", ENDLESS)
@pytest.mark.parametrize("door", ["option", "protocol"])
def test_a_pattern_that_never_ends(endless_data, tmp_path, monkeypatch, pattern, door):
    """Given up after a tenth of a second of computing, not after the usual five: there are many."""
    monkeypatch.setattr(names, "time_limit", lambda seconds: time_limit(min(seconds, 0.1)))
    options = ["--name-pattern", pattern]
    if door == "protocol":
        (endless_data / "paraspinal.toml").write_text(f"name_pattern = '{pattern}'\n")
        options = []
    for command in (("check", endless_data), ("quantify", endless_data, "--out", tmp_path / "out")):
        outcome = run(*command, *options)
        assert outcome.code == 2
        assert outcome.err.count("\n") == 1
        assert "does not come to an end with the name a" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_pattern_that_never_ends_is_given_up_soon(endless_data):
    began = time.process_time()
    outcome = run("check", endless_data, "--name-pattern", ENDLESS[0])
    assert "does not come to an end with the name a" in outcome.err
    assert time.process_time() - began < 15


@pytest.mark.parametrize("pattern", ["(" * 2000 + ")" * 2000, "a{1,99999999999999999999}", "(?P<group>["])
def test_a_pattern_that_is_none(tmp_path, pattern):
    data = write_dataset(tmp_path / "data")
    outcome = run("check", data, "--name-pattern", pattern)
    assert outcome.code == 2
    assert "expected a regular expression" in outcome.err or "expected the groups" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_pattern_that_ends(tmp_path):
    data = write_dataset(tmp_path / "data")
    pattern = r"(?P<group>[A-Z]+)_(?P<patient>\d+)_(?P<segment>\d)"
    for out, options in (("one", ()), ("two", ("--name-pattern", pattern))):
        assert run("quantify", data, "--out", tmp_path / out, "--quiet", *options).code == 0
    assert (tmp_path / "one" / "L3.csv").read_bytes() == (tmp_path / "two" / "L3.csv").read_bytes()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    home = tmp_path_factory.mktemp("pipes")
    data = write_dataset(home / "data")
    (data / "participants.csv").write_text("participant_id,onset_side\nALS_1,left\nLR_1,left\n")
    assert run("quantify", data, "--out", home / "results", "--quiet").code == 0
    assert run("quantify", data, "--out", home / "share", "--quiet", "--participant-label", "ALS_1").code == 0
    return home


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize(
    "name", ["quantify.json", "L3.csv", "problems.csv", "participants.csv", "share.msgpack"]
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_among_results(results, tmp_path, name, kind):
    folder = shutil.copytree(results / ("share" if name == "share.msgpack" else "results"), tmp_path / "it")
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/dev/zero")
    words = ("merge", folder, "--out") if name == "share.msgpack" else ("compare", folder, "--out")
    outcome = forked(*words, tmp_path / "out")
    assert outcome.code == 3, outcome.err
    assert outcome.err.count("\n") == 1
    assert f"{name}: not a regular file" in outcome.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize(
    "words",
    [
        ("quantify", "DATA", "--participants", "PIPE", "--out", "OUT"),
        ("quantify", "DATA", "--masks", "DATA", "--numbering", "PIPE", "--out", "OUT"),
        ("compare", "--table", "PIPE", "--out", "OUT"),
        ("compare", "RESULTS", "--join", "PIPE", "--out", "OUT"),
        ("score", "kings", "PIPE", "--out", "OUT.csv"),
        ("score", "PIPE", "TABLE", "--out", "OUT.csv"),
        ("prepare", "PIPE", "--list"),
        ("prepare", "PIPE", "--levels", "PIPE", "--out", "OUT"),
        ("reliability", "--table", "PIPE", "--out", "OUT"),
        ("regions", "--map", "fa=PIPE", "--atlas", "PIPE", "--out", "OUT.csv"),
    ],
)
def test_a_pipe_as_an_input(results, tmp_path, words):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    (tmp_path / "table.csv").write_text("participant_id\nALS_1\n")
    places = {"DATA": results / "data", "RESULTS": results / "results", "PIPE": pipe}
    places |= {"fa=PIPE": f"fa={pipe}", "TABLE": tmp_path / "table.csv"}
    places |= {"OUT": tmp_path / "out", "OUT.csv": tmp_path / "out.csv"}
    outcome = forked(*(places.get(word, word) for word in words))
    assert outcome.code in (2, 3), outcome.err
    assert outcome.err.count("\n") == 1


def test_a_protocol_that_is_a_pipe(tmp_path):
    data = write_dataset(tmp_path / "data")
    os.mkfifo(data / "paraspinal.toml")
    outcome = forked("check", data)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "paraspinal.toml: not a regular file" in outcome.err


STEERING = "x\x1b[2J\x1b]0;owned\x07\x9b31m\u202ey"


def test_nothing_on_the_terminal_steers_it(tmp_path):
    data = write_dataset(tmp_path / "data")
    write_slice(data, f"ALS_1_3{STEERING}")
    (data / "participants.csv").write_text(f"participant_id,onset_side\n{STEERING},left\nALS_1,{STEERING}\n")
    table = tmp_path / "table.csv"
    rows = "".join(f"{STEERING}{i},{'A' if i % 2 else STEERING},{i * i % 5}\n" for i in range(10))
    table.write_text(f"participant_id,group,{STEERING}\n{rows}")
    for words in (
        ("check", data),
        ("quantify", data, "--out", tmp_path / f"out{STEERING}"),
        ("compare", "--table", table, "--out", tmp_path / "compared"),
        ("compare", "--table", table, "--metric", STEERING + "?", "--out", tmp_path / "compared"),
        ("correlate", "--table", table, "--score", STEERING, "--out", tmp_path / "correlated"),
        ("prepare", data, "--list"),
        ("check", tmp_path / STEERING),
    ):
        outcome = run(*words)
        for text in (outcome.out, outcome.err):
            assert all(c.isprintable() or c in "\n\t" for c in text), words
