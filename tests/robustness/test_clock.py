"""Outputs hold no clock: one that is wrong by a century changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.builders.study import PROJECT, fingerprint, run

#: A clock is set for one process by the functions that ask for it; files keep the system's.
CLOCK = """
import time, sys
real_local, real_gm, moment = time.localtime, time.gmtime, {moment}
time.time = lambda: float(moment)
time.time_ns = lambda: moment * 10**9
time.localtime = lambda seconds=None: real_local(moment if seconds is None else seconds)
time.gmtime = lambda seconds=None: real_gm(moment if seconds is None else seconds)
sys.argv = ["mriparaspinal", *sys.argv[1:]]
from mriparaspinal.cli import main
main()
"""
#: One figure: each is written by the same functions.
CONTRAST = ("--contrast", "group:ALS-LR", "--metric", "bmi")
YEARS = {"1970": 0, "2200": 7_258_118_400}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    home = tmp_path_factory.mktemp("clock")
    rows = [
        f"ALS_{i},ALS,{'left' if i % 2 else 'right'},{40 + i * i % 9},{i % 2},{30 + i}" for i in range(1, 9)
    ]
    rows += [f"LR_{i},LR,left,{50 + i * i % 7},0,{40 + i}" for i in range(1, 9)]
    table = home / "table.csv"
    table.write_text("participant_id,group,onset_side,age,psa,bmi\n" + "\n".join(rows) + "\n")
    words = ("compare", "--table", table, "--participants", table, *CONTRAST, "--quiet", "--out")
    assert run(*words, home / "today").code == 0
    found = {}
    for year, moment in YEARS.items():
        done = subprocess.run(
            [sys.executable, "-c", CLOCK.format(moment=moment), *map(str, words), str(home / year)],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
        )
        found[year] = (done.returncode, done.stderr, fingerprint(home / year))
    return fingerprint(home / "today"), found


@pytest.mark.parametrize("year", YEARS)
def test_the_same_bytes_in_any_year(outputs, year):
    today, found = outputs
    code, said, files = found[year]
    assert (code, said) == (0, "")
    assert "tables.xlsx" in files
    assert {".png", ".svg", ".json", ".md"} <= {name[name.rindex(".") :] for name in files}
    assert files == today
