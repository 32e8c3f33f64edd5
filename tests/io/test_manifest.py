"""``quantify.json`` is input like any other: what quantify does not write is one line, whatever reads it."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from mriparaspinal import __version__
from mriparaspinal.core.errors import NoInputError
from mriparaspinal.io.manifest import listed_outputs, read_manifest
from tests.support.builders.slices import write_dataset
from tests.support.builders.study import run

#: Settings whose null means the default.
NULLABLE = {"reference", "name_pattern", "window", "divide_by", "share", "mean_of_raters"}
OTHER_TYPES: tuple[Any, ...] = (None, True, -1, 7, 1e308, 10**400, "x" * 5000, [], [1], {}, {"a": {"b": []}})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A dataset, its results and their manifest."""
    home = tmp_path_factory.mktemp("manifest")
    write_dataset(home / "scans", als=2, lr=2)
    (home / "scans" / "participants.csv").write_text(
        "participant_id,onset_side,age\nALS_1,left,50\nALS_2,right,60\nLR_1,left,40\nLR_2,left,45\n"
    )
    assert run("quantify", home / "scans", "--out", home / "results", "--quiet").code == 0
    return home


@pytest.fixture(scope="module")
def content(study) -> dict[str, Any]:
    return json.loads((study / "results" / "quantify.json").read_text())


def places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """Every key of a manifest, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield (*above, key)
        yield from places(inner, *above, key)


def changed(content: dict[str, Any], place: tuple[Any, ...], *value: Any) -> dict[str, Any]:
    """Another manifest: the value at a place is another one, or gone."""
    content = copy.deepcopy(content)
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    if value:
        inner[place[-1]] = value[0]
    else:
        del inner[place[-1]]
    return content


def refusal(tmp_path, text: str | bytes) -> str:
    file = tmp_path / "quantify.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(NoInputError) as refused:
        read_manifest(file)
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith(f"{file}: ")
    assert "; expected " in line
    assert len(line) < 700
    assert isinstance(listed_outputs(file), dict)
    return line


def test_every_key_is_needed(content, tmp_path):
    needed = [
        place for place in places(content) if place[0] not in ("libraries", "inputs", "outputs", "counts")
    ]
    assert len(needed) > 14
    for place in [*needed, ("libraries",), ("inputs",), ("outputs",), ("counts",)]:
        line = refusal(tmp_path, json.dumps(changed(content, place)))
        assert place[-1].removeprefix("mriparaspinal") in line


def test_every_value_of_another_type_or_size_is_refused(content, tmp_path):
    tried = 0
    for place in places(content):
        old = content
        for key in place:
            old = old[key]
        for value in OTHER_TYPES:
            same = type(value) is type(old) and place[0] not in ("mriparaspinal", "inputs", "outputs")
            nothing = value is None and place[-1] in NULLABLE
            column = place[-1] in ("divide_by", "name_pattern") and isinstance(value, str)
            if same or nothing or column or (place in (("inputs",), ("outputs",)) and value == {}):
                continue
            if place[0] == "counts" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                continue
            if place in (("libraries",), ("settings", "labels"), ("counts",)) and value == {}:
                continue
            refusal(tmp_path, json.dumps(changed(content, place, value)))
            tried += 1
    assert tried > 300


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("settings", "threshold"), 256),
        (("settings", "threshold"), 10**400),
        (("settings", "image_left"), "both"),
        (("settings", "image_left"), "up"),
        (("settings", "mask_rule"), "mask"),
        (("settings", "reference"), "MF"),
        (("settings", "patient_from"), "moon"),
        (("settings", "window"), [5, 1]),
        (("settings", "window"), [1, 2, 3]),
        (("settings", "labels"), {"x": "nothing"}),
        (("settings", "contrasts"), "side:ALS"),
        (("settings", "contrasts"), [1]),
        (("settings", "normality"), "guess"),
        (("settings", "divide_by"), ["age"]),
        (("settings", "divide_by"), ""),
        (("settings", "sat_fraction"), 1.5),
        (("settings", "fat_rule"), "otsus"),
        (("settings", "numbering"), {"1": "MF_L"}),
        (("settings", "colour"), "red"),
        (("share",), {"participants": [], "of": 1}),
        (("share",), {"participants": "ALS_1", "of": 1}),
        (("mean_of_raters",), 1),
        (("mriparaspinal",), "99.0.0"),
        (("mriparaspinal",), "new"),
        (("outputs", "../L1.csv"), "0" * 64),
        (("outputs", "L1.csv"), "0" * 63),
    ],
)
def test_values_that_quantify_does_not_write(content, tmp_path, place, value):
    refusal(tmp_path, json.dumps(changed(content, place, value)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda text: f"[{text}]",
        lambda text: text.replace('"threshold": 50', '"threshold": 50, "threshold": 60'),
        lambda text: text.replace('"outputs": {', '"outputs": {}, "outputs": {'),
        lambda text: text.replace('"threshold": 50', '"threshold": NaN'),
        lambda text: text.replace('"sat_fraction": 0.5', '"sat_fraction": -Infinity'),
        lambda text: text.replace('"sat_fraction": 0.5', '"sat_fraction": 1e999'),
        lambda text: text.replace('"threshold": 50', '"threshold": ' + "9" * 10_000),
        lambda text: text.replace('"labels": {}', '"labels": ' + "[" * 200_000 + "]" * 200_000),
        lambda _: '{"a":' * 200_000,
        lambda text: text.encode().replace(b"labelme", b"\xff\xfe"),
        lambda text: text.replace("labelme", "label\\nme\x00"),
    ],
)
def test_broken_texts(study, tmp_path, spoil):
    refusal(tmp_path, spoil((study / "results" / "quantify.json").read_text()))


def test_what_quantify_writes_is_read(study, content, tmp_path):
    manifest = read_manifest(study / "results" / "quantify.json")
    assert manifest.version == __version__
    assert manifest.measured_with.threshold == 50
    assert manifest.inputs == content["inputs"]
    for place, value in [
        (("mriparaspinal",), "0.0.9"),  # of before
        (("settings", "window"), [0, 1200]),
        (("settings", "labels"), {"lab label": "MF_L"}),
        (("settings", "affine"), "qform"),
        (("share",), {"participants": ["ALS_1"], "of": 2}),
    ]:
        file = tmp_path / "quantify.json"
        file.write_text(json.dumps(changed(content, place, value)))
        read_manifest(file)


COMMANDS = {
    "compare": ("compare", "RESULTS", "--out", "OUT"),
    "correlate": ("correlate", "RESULTS", "--score", "age", "--out", "OUT"),
    "regress": ("regress", "RESULTS", "--outcome", "age", "--predictor", "fi", "--out", "OUT"),
    "roc": (
        "roc",
        "RESULTS",
        "--outcome",
        "group",
        "--positive",
        "ALS",
        "--predictor",
        "fi_L3_MF",
        "--out",
        "OUT",
    ),
    "plan": ("plan", "RESULTS", "--out", "OUT"),
    "reliability": ("reliability", "RESULTS", "GOOD", "--out", "OUT"),
    "report": ("report", "RESULTS", "--dataset", "SCANS", "--out", "OUT.html"),
    "threshold-sweep": ("threshold-sweep", "RESULTS", "--dataset", "SCANS", "--out", "OUT"),
    "join": ("compare", "--table", "TABLE", "--contrast", "group:A-B", "--join", "RESULTS", "--out", "OUT"),
    "merge": ("merge", "RESULTS", "RESULTS", "--out", "OUT"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_reads_it_says_one_line(study, content, tmp_path, command):
    bad = shutil.copytree(study / "results", tmp_path / "bad")
    table = tmp_path / "table.csv"
    table.write_text("participant_id,group,x\nALS_1,A,1\nALS_2,A,2\nLR_1,B,3\nLR_2,B,5\n")
    named = {"RESULTS": bad, "GOOD": study / "results", "SCANS": study / "scans", "TABLE": table}
    named |= {"OUT": tmp_path / "out", "OUT.html": tmp_path / "out.html"}
    words = [named.get(word, word) for word in COMMANDS[command]]
    for text in (
        json.dumps(changed(content, ("mriparaspinal",))),
        json.dumps(changed(content, ("settings",), 5)),
        json.dumps(changed(content, ("settings", "image_left"), "up")),
        json.dumps(changed(content, ("settings", "divide_by"), ["age"])),
        json.dumps(changed(content, ("inputs",), [1])),
        '{"a":' * 100_000,
        "7",
    ):
        (bad / "quantify.json").write_text(text)
        outcome = run(*words)
        assert outcome.code == 3, outcome.err
        assert outcome.err.count("\n") == 1
        assert "quantify.json: " in outcome.err
        assert not (tmp_path / "out").exists()


def test_quantify_goes_over_a_broken_manifest(study, tmp_path):
    """Tables that no run is known to have written may be written again as they are, but not replaced."""
    out = shutil.copytree(study / "results", tmp_path / "out")
    for options, code in (((), 0), (("--threshold", 60), 2)):
        whole = (out / "quantify.json").read_bytes()
        (out / "quantify.json").write_bytes(whole[: len(whole) // 2])
        outcome = run("quantify", study / "scans", "--out", out, *options)
        assert outcome.code == code, outcome.err
        assert ("a table that quantify did not write" in outcome.err) == (code == 2)
        (out / "quantify.json").write_bytes(whole)


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "{}", "my remarks"])
def test_quantify_leaves_a_file_of_this_name_that_it_did_not_write(study, tmp_path, text):
    out = shutil.copytree(study / "results", tmp_path / "out")
    (out / "quantify.json").write_text(text)
    outcome = run("quantify", study / "scans", "--out", out)
    assert outcome.code == 2
    assert "quantify.json: is there and was not written by this command; " in outcome.err
    assert outcome.err.count("\n") == 1
    assert (out / "quantify.json").read_text() == text
