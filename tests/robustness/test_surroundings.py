"""Commands in places that are not as they should be: one line or none, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from multiprocessing import cpu_count
from pathlib import Path

import pytest

from tests.support.builders.slices import write_dataset
from tests.support.builders.study import PROJECT, fingerprint, run

HERE = {**os.environ, "PYTHONPATH": str(PROJECT)}
TABLE = "participant_id,group,x,y\n" + "".join(
    f"P_{i},{'A' if i < 6 else 'B'},{i * i % 7},{i}\n" for i in range(12)
)


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


DRAWING = {
    "compare": ("compare", "--table", "TABLE", "--contrast", "group:A-B", "--metric", "x"),
    "correlate": ("correlate", "--table", "TABLE", "--score", "y", "--metric", "x"),
    "roc": ("roc", "TABLE", *["--outcome", "group", "--positive", "A", "--predictor", "x"]),
}


#: Each command in a fork of its own, before matplotlib was imported: the other libraries are imported once.
EACH = """
import json, os, sys
import pandas, scipy.stats, statsmodels.api
assert "matplotlib" not in sys.modules
from mriparaspinal.cli import main
for words in json.loads(sys.argv[1]):
    process = os.fork()
    if not process:
        sys.argv = ["mriparaspinal", *words]
        main()
        sys.exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    print(words[0], code, flush=True)
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"MPLBACKEND": "tkagg", "DISPLAY": ""},
        {
            "MPLBACKEND": "nonsense",
            "HOME": "/nonexistent",
            "MPLCONFIGDIR": "/proc/none",
            "TMPDIR": "/nonexistent",
        },
    ],
)
def test_drawing_hangs_on_nothing_around(table, tmp_path, environment):
    commands = [
        [
            *(str(table) if word == "TABLE" else word for word in words),
            "--out",
            str(tmp_path / name),
            "--quiet",
        ]
        for name, words in DRAWING.items()
    ]
    found = subprocess.run(
        [sys.executable, "-c", EACH, json.dumps(commands)],
        env={**HERE, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines() == [f"{name} 0" for name in DRAWING]
    for name in DRAWING:
        assert list((tmp_path / name).glob("*.png")), name


def test_the_folder_that_it_was_started_in_is_gone(table, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"rmdir '{gone}'; '{sys.executable}' -m mriparaspinal check data"
    found = subprocess.run(["sh", "-c", command], cwd=gone, env=HERE, capture_output=True, text=True)
    assert found.returncode in (2, 3)
    assert found.stderr.count("\n") == 1
    quantify = f"rmdir '{gone}'; '{sys.executable}' -m mriparaspinal quantify data --out out"
    gone.mkdir()
    found = subprocess.run(["sh", "-c", quantify], cwd=gone, env=HERE, capture_output=True, text=True)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "the folder that the command was started in is gone" in found.stderr


@pytest.mark.parametrize(
    "lack",
    [
        "import os, errno\ndef fork():\n    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))\n"
        "os.fork = fork\n",
        'import threading\ndef begin(self):\n    raise RuntimeError("can\'t start new thread")\n'
        "threading.Thread.start = begin\n",
        "import sys\nsys.modules['_multiprocessing'] = None\n",
        "import _multiprocessing, errno, os\ndef lock(*_):\n"
        "    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "import multiprocessing.synchronize as s\ns._multiprocessing.SemLock = lock\n",
    ],
)
@pytest.mark.skipif(cpu_count() < 2, reason="one core: no second process is started")
def test_no_further_process(tmp_path, lack):
    """A limit on processes or threads, no /dev/shm. Root has none: what the system would say is played."""
    data = write_dataset(tmp_path / "data")
    code = f"{lack}\nimport sys\nsys.argv = ['mriparaspinal', *sys.argv[1:]]\n"
    code += "from mriparaspinal.cli import main\nmain()\n"
    words = ["quantify", data, "--out", tmp_path / "out", "--jobs", 2]
    found = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], env=HERE, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 2, found.stderr
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("mriparaspinal: --jobs 2: no further process can be started (")
    assert not (tmp_path / "out").exists()


def test_more_processes_than_cores(tmp_path):
    data = write_dataset(tmp_path / "data")
    assert run("quantify", data, "--out", tmp_path / "one", "--quiet").code == 0
    (data / "paraspinal.toml").write_text("jobs = 100000\n")
    many = run("quantify", data, "--out", tmp_path / "many")
    assert many.code == 0
    assert many.err.splitlines()[0].startswith("note: --jobs 100000: ")
    tables = [fingerprint(tmp_path / name)["L3.csv"] for name in ("one", "many")]
    assert tables[0] == tables[1]


def test_a_secure_scheduler_without_certificates(tmp_path):
    pytest.importorskip("distributed")
    data = write_dataset(tmp_path / "data")
    outcome = run("quantify", data, "--out", tmp_path / "out", "--scheduler", "tls://127.0.0.1:1")
    assert outcome.code == 2
    assert "no certificates are set" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["../people.csv", "/etc/hostname", "link.csv", "circle.csv", "a/../../people.csv"]
)
def test_a_protocol_may_not_lead_out_of_the_dataset(tmp_path, name):
    data = write_dataset(tmp_path / "data")
    (tmp_path / "people.csv").write_text("participant_id\nALS_1\n")
    (data / "link.csv").symlink_to(tmp_path / "people.csv")
    (data / "circle.csv").symlink_to(data / "circle.csv")
    (data / "paraspinal.toml").write_text(f'participants = "{name}"\n')
    for command in (("quantify", data, "--out", tmp_path / "out"), ("check", data)):
        outcome = run(*command)
        assert outcome.code == 2
        assert outcome.err.count("\n") == 1
        assert "leads out of the dataset" in outcome.err
    (data / "circle.csv").unlink()
    assert run("check", data, "--participants", tmp_path / "people.csv").code == 0


def test_a_protocol_with_faults_in_its_run_options(tmp_path):
    data = write_dataset(tmp_path / "data")
    assert run("quantify", data, "--out", tmp_path / "out", "--quiet").code == 0
    (data / "paraspinal.toml").write_text('jobs = "abc"\n')
    outcome = run("report", tmp_path / "out", "--dataset", data, "--out", tmp_path / "page.html")
    assert outcome.code == 2
    assert "jobs: 'abc' was found; expected a whole number" in outcome.err
