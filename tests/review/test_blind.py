"""Blinded reading: nothing tells whose slice it is, and the key gives every name back."""

from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import pytest

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.review.blind import keep_key, keep_reader, key_bytes, make_codes, read_key, unblind
from mriparaspinal.review.timing import add_seconds
from tests.support.builders.slices import SHAPES, box, grey_image, hand_drawn, write_image, write_slice
from tests.support.builders.study import fingerprint, read_csv, rows_of, run
from tests.support.review import serve, shape

IMAGES = [f"ALS_{number}_3.png" for number in range(1, 41)]


def test_the_same_seed_gives_the_same_codes_and_another_one_another_order():
    codes = make_codes(IMAGES, 7)
    assert codes == make_codes(IMAGES, 7)
    assert sorted(code.image for code in codes) == sorted(IMAGES)
    assert [code.code for code in codes] == [f"S{n:03d}" for n in range(1, 41)]
    orders = {tuple(code.image for code in make_codes(IMAGES, seed)) for seed in range(20)}
    assert len(orders) == 20
    assert tuple(IMAGES) not in orders


def test_each_place_in_the_order_is_as_likely():
    """The first image in 400 orders: its place has the mean and the spread of a uniform one."""
    places = [[c.image for c in make_codes(IMAGES, seed)].index(IMAGES[0]) for seed in range(400)]
    assert np.mean(places) == pytest.approx(19.5, abs=3 * 11.54 / 20)
    assert np.std(places) == pytest.approx(11.54, rel=0.1)


@pytest.mark.parametrize(("share", "twice"), [(0.0, 0), (0.1, 4), (0.01, 1), (1.0, 40)])
def test_a_share_of_the_slices_comes_twice_and_far_apart(share, twice):
    codes = make_codes(IMAGES, 3, share)
    counts = Counter(code.image for code in codes)
    assert sum(count == 2 for count in counts.values()) == twice
    assert len({code.code for code in codes}) == len(codes)
    for image, count in counts.items():
        places = [i for i, code in enumerate(codes) if code.image == image]
        assert [codes[i].reading for i in places] == [1, 2][:count]
        if count == 2:
            assert places[1] - places[0] > len(codes) / 5


def test_a_key_comes_back_and_others_are_refused(tmp_path):
    codes = make_codes(["p 2/ALS_1_3.png", "größe/LR_1_3.png"], 1, 1.0)
    path = tmp_path / "key.csv"
    path.write_bytes(key_bytes(codes))
    assert read_key(path)[0] == codes
    for text in ("a,b\n1,2\n", "code,image,reading\nS1,../x.png,1\n", "code,image,reading\nS1,x.png,3\n"):
        path.write_text(text)
        with pytest.raises(NoInputError, match=r"key\.csv: "):
            read_key(path)


def blinded(root, out, key, *options):
    return serve(root, "--reader", "anna", "--out", out, "--blind", 7, "--key", key, *options)


def test_nothing_that_is_told_or_written_names_a_slice(tmp_path):
    root, out, key = tmp_path / "scans", tmp_path / "anna", tmp_path / "key.csv"
    for number in range(1, 5):
        write_slice(root, f"secret{number}/ALS_{number}_3", grey_image(seed=number))
    served = blinded(root, out, key)
    session = served.ask("session")
    told = [json.dumps(session)]
    for number, reading in enumerate(session["readings"]):
        opened = served.ask(f"slices/{number}")
        assert (opened["shapes"], opened["proposals"]) == ([], []), "the contours that there are stay hidden"
        shapes = [shape("MF_R", box(35, 65, 44, 84)), shape("IVD", box(35, 20, 64, 49))]
        body = {"base": None, "shapes": shapes}
        told += [json.dumps(opened), json.dumps(served.ask(f"slices/{number}/measure", body))]
        served.ask(f"slices/{number}/keep", body)
        told.append((out / ".review-journal.jsonl").read_text())
        assert re.fullmatch(r"S\d{3}", reading["name"])
        served.ask(f"slices/{number}/save", body)
        served.ask(f"slices/{number}/judge", {"region": "", "verdict": "reviewed"})
        for path in ("grey", "thumbnail"):
            told.append(str(served.send(f"/api/slices/{number}/{path}")[1:]))
    code, said = served.end()
    assert code == 0
    told += [said.replace(str(root), ""), *(path.name for path in out.rglob("*"))]
    told += [path.read_text() for path in out.rglob("*") if path.is_file()]
    for text in told:
        assert not re.search(r"ALS|secret|L3|LR_", text), text
    assert sorted(p.name for p in out.iterdir() if p.name[0] != ".") == [
        *(f"S00{n}.json" for n in range(1, 5)),
        "review.csv",
    ]


def test_two_blinded_readers_and_reliability_on_their_folders(tmp_path):
    root, named = tmp_path / "scans", {}
    for number in range(1, 7):
        write_slice(root, f"{'ALS' if number % 2 else 'LR'}_{number}_3", grey_image(seed=number))
    for reader, seed in (("anna", 1), ("ben", 2)):
        out, key = tmp_path / f"{reader}-blinded", tmp_path / f"{reader}.key.csv"
        served = serve(root, "--reader", reader, "--out", out, "--blind", seed, "--key", key)
        for number in range(6):
            drawn = [shape(s["label"], s["points"]) for s in hand_drawn(100 * seed + number)]
            served.ask(f"slices/{number}/save", {"base": None, "shapes": drawn})
        assert served.end()[0] == 0
        named[reader] = tmp_path / reader
        done = run("unblind", out, "--key", key, "--out", named[reader])
        assert done.code == 0, done.err
        images = sorted(p.stem for p in root.glob("*.png"))
        assert sorted(p.stem for p in named[reader].glob("*.json")) == [*images, "unblind"]
        for path in root.glob("*.png"):
            write_image(tmp_path / f"{reader}-set" / path.name, grey_image(seed=int(path.stem.split("_")[1])))
            content = (named[reader] / path.with_suffix(".json").name).read_bytes()
            assert json.loads(content)["imagePath"] == path.name
            (tmp_path / f"{reader}-set" / path.with_suffix(".json").name).write_bytes(content)
        assert run("quantify", tmp_path / f"{reader}-set", "--out", tmp_path / f"{reader}-results").code == 0
        assert len(rows_of(tmp_path / f"{reader}-results")) == 6 * 9
    assert (
        run(
            "reliability", tmp_path / "anna-results", tmp_path / "ben-results", "--out", tmp_path / "rel"
        ).code
        == 0
    )
    # What differs beyond a limit comes back on the page, with both contours.
    third = tmp_path / "third"
    served = serve(
        root, "--reader", "carl", "--out", third, "--compare", named["anna"], "--compare", named["ben"],
        "--dice-below", 0.93,
    )  # fmt: skip
    session = served.ask("session")
    listed = read_csv(third / "adjudication.csv")
    assert {row["image"] for row in listed} == {reading["name"] for reading in session["readings"]}
    assert all(float(row["dice"]) < 0.93 for row in listed)
    opened = served.ask("slices/0")
    assert [p["name"] for p in opened["proposals"]] == ["anna", "ben"]
    assert all(len(p["shapes"]) == len(SHAPES) for p in opened["proposals"])
    assert "Dice 0." in session["readings"][0]["why"]
    served.end()


def test_repeats_stand_apart_when_they_have_their_names_again(tmp_path):
    root, out, key = tmp_path / "scans", tmp_path / "anna", tmp_path / "key.csv"
    for number in range(1, 5):
        write_slice(root, f"p{number}/ALS_{number}_3", grey_image(seed=number))
    served = blinded(root, out, key, "--repeat", 0.5)
    readings = served.ask("session")["readings"]
    assert len(readings) == 6
    for number in range(6):
        served.ask(
            f"slices/{number}/save", {"base": None, "shapes": [shape("MF_R", box(30 + number, 65, 44, 84))]}
        )
        served.ask(f"slices/{number}/judge", {"region": "MF_R", "verdict": "look-again"})
    served.end()
    named = tmp_path / "named"
    assert run("unblind", out, "--key", key, "--out", named).code == 0
    first, second = (
        {p.relative_to(named / r) for p in (named / r).rglob("*.json")} for r in ("first", "second")
    )
    assert len(first) == 4
    assert len(second) == 2
    assert second < first
    assert [len(read_csv(named / r / "review.csv")) for r in ("first", "second")] == [4, 2]
    assert {row["image"] for row in read_csv(named / "first" / "review.csv")} == {
        f"p{n}/ALS_{n}_3.png" for n in range(1, 5)
    }
    before = fingerprint(named)
    assert run("unblind", out, "--key", key, "--out", named).code == 0, "it can be done again"
    assert fingerprint(named) == before


@pytest.mark.parametrize("repeat", [False, True])
def test_seconds_get_the_names_of_their_slices_and_a_key_may_have_been_in_a_spreadsheet(tmp_path, repeat):
    out, key, named = tmp_path / "anna", tmp_path / "key.csv", tmp_path / "named"
    # The second name as macOS writes it: o and a mark.
    codes = make_codes(["p/ALS_1_3.png", "bo\u0308/LR_2_3.png"], 7, float(repeat))
    keep_reader(out, "anna", keep_key(key, codes))
    key.write_bytes(b"\xef\xbb\xbf" + key_bytes(codes).replace(b",", b";").replace(b"\n", b"\r\n"))
    for number, code in enumerate(codes):
        write_slice(out, code.code)
        add_seconds(out, code.code, "anna", 10.5 + number)
    done = run("unblind", out, "--key", key, "--out", named)
    assert done.code == 0, done.err
    for reading in (1, 2) if repeat else (1,):
        table = named / ({1: "first", 2: "second"}[reading] if repeat else "") / "timing.csv"
        expected = {
            code.image.replace("o\u0308", "ö"): 10.5 + at
            for at, code in enumerate(codes)
            if code.reading == reading
        }
        rows = read_csv(table)
        assert {row["image"]: float(row["seconds"]) for row in rows} == expected
        assert {row["reader"] for row in rows} == {"anna"}
    add_seconds(out, "S900", "anna", 1)
    refused = run("unblind", out, "--key", key, "--out", named)
    assert refused.code == 3
    assert "timing.csv: S900 is no code of the key" in refused.err


def test_the_key_of_another_reading_is_refused(tmp_path):
    root, out, key = tmp_path / "scans", tmp_path / "anna", tmp_path / "key.csv"
    write_slice(root, "ALS_1_3")
    served = blinded(root, out, key)
    served.ask("slices/0/save", {"base": None, "shapes": [shape("MF_R", box(35, 65, 44, 84))]})
    served.end()
    other = tmp_path / "other.csv"
    other.write_bytes(key.read_bytes() + b"S002,ALS_2_3.png,1\n")
    refused = run("unblind", out, "--key", other, "--out", tmp_path / "named")
    assert refused.code == 3
    assert "is not the key of this folder" in refused.err
    assert not (tmp_path / "named").exists()
    (out / "S001.json").write_text("no JSON")
    refused = run("unblind", out, "--key", key, "--out", tmp_path / "named")
    assert refused.code == 3
    assert "S001.json: broken JSON at line 1" in refused.err
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(NoInputError, match="no contours of any of"):
        unblind(empty, key, tmp_path / "named")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--blind", 7], "--blind: given without --out; expected both; add --out"),
        (["--reader", "a", "--out", "anna", "--blind", 7], "--blind: given without --key"),
        (["--out", "anna"], "--out: given without --reader"),
        (["--reader", "a", "--out", "anna", "--repeat", 0.1], "--repeat: given without --blind"),
        (["--timing"], "--timing: given without --out"),
        (["--reader", "a", "--out", "scans/anna"], "lies in "),
        (["--reader", "a", "--out", "anna", "--blind", 7, "--key", "anna/key.csv"], "lies in "),
        (["--reader", "a", "--out", "anna", "--compare", "b"], "--compare: given once"),
        (["--port", 70000], "--port: '70000' was found; expected a whole number from 0 to 65535"),
    ],
)
def test_options_that_do_not_fit_together(tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    write_slice(tmp_path / "scans", "ALS_1_3")
    outcome = run("review", "scans", "--no-browser", *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert "Traceback" not in outcome.err


def test_a_folder_without_slices(tmp_path):
    outcome = run("review", tmp_path, "--no-browser")
    assert outcome.code == 3
    assert "no slices were found; expected images named GROUP_N_L.png" in outcome.err


def test_what_was_drawn_and_not_saved_is_told_when_the_names_are_given_back(tmp_path):
    root, out, key = tmp_path / "scans", tmp_path / "anna", tmp_path / "key.csv"
    write_slice(root, "ALS_1_3")
    write_slice(root, "ALS_2_3")
    served = blinded(root, out, key)
    body = {"base": None, "shapes": [shape("MF_R", box(35, 65, 44, 84))]}
    served.ask("slices/0/save", body)
    served.ask("slices/1/keep", body)
    refused = run("unblind", out, "--key", key, "--out", tmp_path / "named")
    assert (refused.code, (tmp_path / "named").exists()) == (3, False)
    assert "review is still open here" in refused.err
    served.end()
    done = run("unblind", out, "--key", key, "--out", tmp_path / "named")
    assert done.code == 0
    assert "note: 1 of the codes have no contours" in done.err
    assert "on 1 of the slices more was drawn than was saved" in done.err
