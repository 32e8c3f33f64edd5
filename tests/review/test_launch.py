"""How the page is opened, and how the program ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builders.slices import write_slice
from tests.support.builders.study import run, start, wait_until
from tests.support.review import serve


@pytest.mark.skipif(sys.platform == "win32", reason="rights of files, and /proc")
def test_the_browser_gets_the_address_through_a_file_that_only_its_owner_can_read(tmp_path, monkeypatch):
    write_slice(tmp_path / "scans", "ALS_1_3")
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\nfile="${{1#file://}}"\n'
        f'{{ echo "$@"; stat -c %a "$file" "$(dirname "$file")"; cat "$file"; }} > {seen}.part\n'
        f"mv {seen}.part {seen}\n"
    )
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    process = start("review", tmp_path / "scans", "--log-file", tmp_path / "log")
    assert wait_until(seen.exists, 60)
    argument, file_mode, folder_mode, *page = seen.read_text().splitlines()
    found = re.search(r"http://127\.0\.0\.1:(\d+)/#([\w-]{40,})", "\n".join(page))
    assert found is not None
    assert (file_mode, folder_mode) == ("600", "700")
    assert argument.startswith("file://")
    assert found[2] not in argument
    running = "".join(p.read_text() for p in Path("/proc").glob("[0-9]*/cmdline") if _readable(p))
    assert found[2] not in running, "arguments of programs are public"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert found[2] not in said
    assert found[2] not in (tmp_path / "log").read_text()
    assert not Path(argument.removeprefix("file://")).exists()


def _readable(path: Path) -> bool:
    try:
        path.read_text()
    except (OSError, UnicodeDecodeError):
        return False
    return True


def test_the_token_is_another_one_every_time_and_stands_in_no_log(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3")
    tokens = set()
    for _ in range(2):
        served = serve(tmp_path / "scans", "--log-file", tmp_path / "log")
        tokens.add(served.token)
        served.end()
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 40
    log = (tmp_path / "log").read_text()
    assert "1 slice to look at" in log
    assert not any(token in log for token in tokens)


def test_a_signal_to_stop_is_obeyed_and_named(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3")
    served = serve(tmp_path / "scans")
    served.process.send_signal(signal.SIGTERM)
    code, said = served.end()
    assert code == 143
    assert "stopped by the signal SIGTERM" in said


def test_a_port_that_is_taken(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = run("review", tmp_path / "scans", "--no-browser", "--port", taken.getsockname()[1])
    assert outcome.code == 2
    assert "--port: " in outcome.err
    assert "expected a free port" in outcome.err
    assert not list((tmp_path / "scans").glob(".*"))


def test_nothing_of_the_server_is_loaded_by_other_commands(tmp_path):
    write_slice(tmp_path / "scans", "ALS_1_3")
    code = (
        "import sys; sys.argv = ['mriparaspinal', 'check', sys.argv[1], '--quiet']\n"
        "from mriparaspinal.cli import main\n"
        "main()\n"
        "assert not {'starlette', 'uvicorn', 'anyio'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "scans"], check=False).returncode == 0
