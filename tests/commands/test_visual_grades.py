"""Two readers' records → scores and κ; and what else ``score`` makes of region-level items and ratios."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

import mriparaspinal as mp
from mriparaspinal.analysis.ratings import ITEM_COLUMNS
from tests.support.builders.scores import write
from tests.support.builders.study import run

GRADED = ("participant_id", "segment", "muscle", "side", "grade")
STAGES = ["0", "1", "2a", "2b", "3", "4"]
CELLS = [(f"P{n}", "L4", m, s) for n in range(1, 13) for m in ("MF", "ES") for s in ("left", "right")]


@pytest.fixture(scope="module")
def grades() -> np.ndarray:
    """Positions on the scale by two readers: the second is off by one in a third of them."""
    rng = np.random.default_rng(11)
    first = rng.integers(0, 6, len(CELLS))
    off = np.where(rng.random(len(CELLS)) < 0.35, rng.choice([-1, 1], len(CELLS)), 0)
    return np.column_stack([first, np.clip(first + off, 0, 5)])


@pytest.fixture
def readers(grades: np.ndarray, tmp_path: Path) -> list[Path]:
    """Each in a spelling of their own."""
    mine = [(*cell, STAGES[a]) for cell, (a, _) in zip(CELLS, grades, strict=True)]
    names = {"MF": "multifidus", "ES": "Erector spinae"}
    theirs = [
        (who, "l4", names[m], s[0].upper(), STAGES[b].upper())
        for (who, _, m, s), (_, b) in zip(CELLS, grades, strict=True)
    ]
    return [write(tmp_path / "anna.csv", GRADED, mine), write(tmp_path / "ben.csv", GRADED, theirs[::-1])]


def kappas(pairs: np.ndarray) -> dict[str, float]:
    """By statsmodels, from the cross table."""
    table = np.zeros((6, 6))
    np.add.at(table, (pairs[:, 0], pairs[:, 1]), 1)
    kinds = {"unweighted": None, "linear": "linear", "quadratic": "quadratic"}
    return {
        name: cohens_kappa(table, wt=kind, return_results=kind is None).kappa
        if kind is None
        else float(cohens_kappa(table, wt=kind, return_results=False))
        for name, kind in kinds.items()
    }


def test_from_two_records_to_kappa(readers: list[Path], grades: np.ndarray, tmp_path: Path) -> None:
    out = tmp_path / "agreement"
    done = run("reliability", "--ratings", *readers, "--instrument", "mercuri", "--out", out)
    assert done.code == 0, done.err
    table = pd.read_csv(out / "rating_agreement.csv")
    found = table[table["coefficient"] == "cohen_kappa"].set_index("weights")["value"]
    assert dict(found) == pytest.approx(kappas(grades), abs=1e-12)
    assert set(table["n"]) == {len(CELLS)}
    items = pd.read_csv(out / "rating_agreement_items.csv")
    assert tuple(items.columns) == ITEM_COLUMNS
    for muscle in ("MF", "ES"):
        mine = grades[[cell[2] == muscle for cell in CELLS]]
        of = items[(items["coefficient"] == "cohen_kappa") & (items["item"] == muscle.lower())]
        assert dict(of.set_index("weights")["value"]) == pytest.approx(kappas(mine), abs=1e-12)
    pairs = pd.read_csv(out / "rating_pairs.csv", dtype=str)
    assert list(dict.fromkeys(pairs["grade_a"])) == STAGES
    assert "grades 0, 1, 2a, 2b, 3, 4" in (out / "notes.txt").read_text()
    mp.rating_agreement(readers, instrument="mercuri").save(tmp_path / "mine")
    assert (tmp_path / "mine" / "rating_agreement_items.csv").read_bytes() == (
        out / "rating_agreement_items.csv"
    ).read_bytes()


def test_the_same_records_are_scored(readers: list[Path], grades: np.ndarray, tmp_path: Path) -> None:
    for number, file in enumerate(readers):
        assert run("score", "mercuri", file, "--out", tmp_path / "o.csv").code == 0
        table = pd.read_csv(tmp_path / "o.csv")
        points = np.array([0, 1, 2, 2.5, 3, 4])[grades[:, number]].reshape(12, 4)
        assert table["mercuri"].tolist() == points.max(axis=1).tolist()
        assert table["mercuri_mean"].tolist() == pytest.approx(points.mean(axis=1).tolist())
        assert table["mercuri_l4_es_right"].tolist() == points[:, 3].tolist()


def test_a_sign_that_one_reader_graded_has_no_agreement_of_its_own(tmp_path: Path) -> None:
    columns = ("participant_id", "target", "side", "grade")
    a = [(f"P{n}", t, "left", n % 2) for n in range(1, 7) for t in ("motor_band", "cst_t2")]
    b = [(f"P{n}", "motor band sign (motor dark line)", "left", int(n > 3)) for n in range(1, 7)]
    files = [write(tmp_path / f"{name}.csv", columns, rows) for name, rows in (("a", a), ("b", b))]
    out = tmp_path / "agreement"
    done = run("reliability", "--ratings", *files, "--instrument", "umn-mri", "--out", out)
    assert done.code == 0, done.err
    assert "cst_t2: fewer than two raters graded it" in done.err
    items = pd.read_csv(out / "rating_agreement_items.csv")
    assert set(items["item"]) == {"motor_band"}
    kappa = items.set_index("coefficient").loc["cohen_kappa", "value"]
    # a: 1 0 1 0 1 0; b: 0 0 0 1 1 1 → agreement 2/6, by chance 1/2.
    assert kappa == pytest.approx((2 / 6 - 1 / 2) / (1 - 1 / 2))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--instrument", "mercuri", "--grades", "0,1"], "--grades: given with --instrument"),
        (["--instrument", "kings"], "kings has no grades of single items"),
        (["--instrument", "psa"], "psa has no grades of single items"),
        (["--instrument", "nonsense"], "nonsense: no such instrument"),
        (["--instrument", "kjaer"], "ben.csv: P"),
    ],
)
def test_what_is_refused(readers: list[Path], tmp_path: Path, words: list[str], said: str) -> None:
    done = run("reliability", "--ratings", *reversed(readers), *words, "--out", tmp_path / "agreement")
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "agreement").exists()


def test_one_table_and_no_ratings_are_refused(readers: list[Path], tmp_path: Path) -> None:
    out = ("--out", tmp_path / "agreement")
    done = run("reliability", "--ratings", readers[0], "--instrument", "mercuri", *out)
    assert (done.code, "expected one per rater" in done.err) == (2, True)
    done = run("reliability", "r_a", "r_b", "--instrument", "mercuri", *out)
    assert (done.code, "--instrument: given without --ratings" in done.err) == (2, True)


# --- spectroscopy joins, categories go over into each other -------------------------------------------------


def test_ratios_of_spectroscopy_join_a_comparison(tmp_path: Path) -> None:
    columns = (
        "participant_id",
        *(f"{m}_{s}" for m in ("naa", "cr", "cho", "mins") for s in ("left", "right")),
    )
    rng = np.random.default_rng(2)
    values = rng.uniform(3, 9, (12, 8)).round(2)
    rows = [(f"P{n}", *row) for n, row in enumerate(values.tolist())]
    people = [(f"P{n}", "ALS" if n < 6 else "HC", 40 + n) for n in range(12)]
    table = write(tmp_path / "people.csv", ("participant_id", "group", "age"), people)
    assert (
        run("score", "mrs", write(tmp_path / "r.csv", columns, rows), "--out", tmp_path / "mrs.csv").code == 0
    )
    out = tmp_path / "compared"
    done = run(
        *("compare", "--table", table, "--join", tmp_path / "mrs.csv", "--contrast", "group:ALS-HC"),
        *("--metric", "naa_cr_left", "--metric", "mins_naa", "--out", out),
    )
    assert done.code == 0, done.err
    found = pd.read_csv(out / "comparisons.csv").set_index("metric")
    ratio = values[:, 0] / values[:, 2]
    assert found.loc["naa_cr_left", "mean_a"] == pytest.approx(ratio[:6].mean())
    both = values[:, 6:].sum(axis=1) / values[:, :2].sum(axis=1)
    assert found.loc["mins_naa", "mean_b"] == pytest.approx(both[6:].mean())


def test_the_shift_by_ultrasound_is_counted(tmp_path: Path) -> None:
    """Ten people: 3 possible, of whom ultrasound makes 2 probable; 4 probable, 1 of them definite; 3 none."""
    from mriparaspinal.clinical.criteria import ITEMS

    possible = {"umn_cervical", "lmn_cervical", "umn_lumbosacral", "emg_chronic_lumbosacral"}
    probable = {*possible, "lmn_lumbosacral", "umn_thoracic", "emg_chronic_thoracic"}
    seen = {"us_fasciculation_lumbosacral", "us_fasciculation_thoracic"}
    people = [possible, possible | seen, possible | seen, *[probable] * 3, probable | seen, *[set()] * 3]
    rows = [(f"P{n}", *(int(item in signs) for item in ITEMS[:-1])) for n, signs in enumerate(people)]
    file = write(tmp_path / "signs.csv", ("participant_id", *ITEMS[:-1]), rows)
    out = tmp_path / "shift"
    done = run("score", "als-criteria", file, "--out", tmp_path / "c.csv", "--summary", out)
    assert done.code == 0, done.err
    assert "awaji to awaji_us: 3 of 10 participants higher, 0 lower" in done.err
    table = pd.read_csv(out / "category_shift.csv", keep_default_na=False)
    shift = table[(table["criteria_b"] == "awaji_us") & (table["count"] > 0)]
    assert [tuple(row) for row in shift[["category_a", "category_b", "count", "share"]].to_numpy()] == [
        ("none", "none", 3, 0.3), ("possible", "possible", 1, 0.1), ("possible", "probable", 2, 0.2),
        ("probable", "probable", 3, 0.3), ("probable", "definite", 1, 0.1),
    ]  # fmt: skip
    lines = (out / "shift_ultrasound.md").read_text().splitlines()
    assert "| possible | 0 | 1 | 2 | 0 | 3 |" in lines
    assert "| Total | 3 | 1 | 5 | 1 | 10 |" in lines
    scores = pd.read_csv(tmp_path / "c.csv", keep_default_na=False)
    assert scores["awaji_us_shift"].tolist() == [0, 1, 1, 0, 0, 0, 1, 0, 0, 0]
    mp.score("als-criteria", file, summary=True).save(tmp_path / "m.csv", tmp_path / "mine")
    assert (tmp_path / "mine" / "category_shift.csv").read_bytes() == (
        out / "category_shift.csv"
    ).read_bytes()
    people_csv = write(
        tmp_path / "p.csv", ("participant_id", "awaji"), [("P0", "possible"), ("P1", "probable")]
    )
    refused = run("score", "als-criteria", file, "--out", tmp_path / "j.csv", "--participants", people_csv)
    assert refused.code == 2
    assert "P1: awaji is probable in the participants table and possible by its records" in refused.err


def test_a_summary_of_nothing_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", ("participant_id", "umn_bulbar"), [("P1", 1)])
    done = run("score", "als-criteria", file, "--out", tmp_path / "c.csv", "--summary", tmp_path / "shift")
    assert done.code == 2
    assert "--summary: no participant has two categories" in done.err
