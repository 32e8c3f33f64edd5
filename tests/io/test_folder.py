"""What lies in a dataset folder, hostile things among them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mriparaspinal.core.errors import NoInputError, UnreadableError
from mriparaspinal.io.folder import FILE_SIZE_LIMIT, list_files, read_bytes


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_files_of_all_folders_with_forward_slashes(tmp_path):
    touch(tmp_path, "b.png", "a.json", "p 1/ü/c.png", "p 1/d")
    assert list_files(tmp_path) == (["a.json", "b.png", "p 1/d", "p 1/ü/c.png"], [])


def test_a_root_with_spaces_and_non_ascii_letters(tmp_path):
    root = tmp_path / "Daten für ALS 数据"
    touch(root, "a.png")
    assert list_files(root) == (["a.png"], [])


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    touch(tmp_path, "a.png", "._a.png", ".DS_Store", ".git/x.png", "p/._ALS_1_3.json", ".hidden/ALS_1_3.png")
    assert list_files(tmp_path) == (["a.png"], [])


def test_an_empty_folder(tmp_path):
    assert list_files(tmp_path) == ([], [])


def test_the_output_folder_is_left_out_under_any_name(tmp_path):
    touch(tmp_path, "a.png", "out/b.png", "out/deep/c.png", "outer/d.png")
    expected = ["a.png", "outer/d.png"]
    assert list_files(tmp_path, tmp_path / "out")[0] == expected
    assert list_files(tmp_path, tmp_path / "outer" / ".." / "out")[0] == expected
    (tmp_path / "link").symlink_to("out")
    assert list_files(tmp_path, tmp_path / "link")[0] == expected
    assert list_files(tmp_path, tmp_path / "out")[0] == expected
    assert list_files(tmp_path / "out", tmp_path)[0] == ["b.png", "deep/c.png"], "root lies in the output"


def test_linked_files_and_folders_are_followed(tmp_path):
    data, root = tmp_path / "data", tmp_path / "root"
    touch(data, "p1/a.png")
    touch(root, "b.png")
    (root / "p1").symlink_to(data / "p1")
    (root / "c.png").symlink_to(data / "p1" / "a.png")
    assert list_files(root) == (["b.png", "c.png", "p1/a.png"], [])


def test_a_folder_goes_by_its_own_name_and_is_read_once(tmp_path):
    touch(tmp_path, "patient/a.png")
    for name in ("aaa", "zzz"):
        (tmp_path / name).symlink_to("patient")
    assert list_files(tmp_path) == (["patient/a.png"], [])


def test_loops_of_links_end(tmp_path):
    touch(tmp_path, "p/a.png")
    (tmp_path / "p" / "up").symlink_to(tmp_path)
    (tmp_path / "here").symlink_to(".")
    assert list_files(tmp_path) == (["p/a.png"], [])


def test_a_link_to_itself_is_a_dead_name(tmp_path):
    touch(tmp_path, "a.png")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "one.png").symlink_to("two.png")
    (tmp_path / "two.png").symlink_to("one.png")
    assert list_files(tmp_path) == (["a.png"], ["loop", "one.png", "two.png"])


def test_broken_links(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.png").symlink_to("/no/such/file")
    assert list_files(tmp_path) == ([], ["p/a.png"])


def test_pipes_and_sockets_are_dead_names_and_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "ALS_1_3.png")
    (tmp_path / "ALS_2_3.png").symlink_to("ALS_1_3.png")
    (tmp_path / "ALS_3_3.png").symlink_to("/dev/zero")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        (tmp_path / "s").symlink_to(f"{short}/s")
        assert list_files(tmp_path) == ([], ["ALS_1_3.png", "ALS_2_3.png", "ALS_3_3.png", "s"])


def test_a_folder_named_like_an_image(tmp_path):
    touch(tmp_path, "ALS_1_3.png/ALS_1_3.json")
    assert list_files(tmp_path) == (["ALS_1_3.png/ALS_1_3.json"], [])


@pytest.mark.parametrize("name", ["nothing", "file", "file/below"])
def test_a_root_that_is_no_folder(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NoInputError) as caught:
        list_files(tmp_path / name)
    assert caught.value.exit_code == 3
    assert str(tmp_path / name) in str(caught.value)
    assert str(caught.value).count("; ") == 2


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are those of POSIX")
def test_folders_without_rights():
    """A folder below stops nothing but itself; the dataset itself is one clear line."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from mriparaspinal.io.folder import list_files\n"
        "if os.geteuid() == 0: os.setuid(65534)  # root may read everything\n"
        "print(list_files(Path(sys.argv[1])))\n"
        "try: list_files(Path(sys.argv[1], 'p', 'q'))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    project = str(Path(__file__).parents[2])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        touch(root, "a.png", "p/q/b.png")
        (root / "p").chmod(0)
        try:
            command = [sys.executable, "-c", code, folder, project]
            lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
        finally:
            (root / "p").chmod(0o700)
    assert lines[0] == "(['a.png'], ['p/'])"
    assert lines[1].startswith("NoInputError ")
    assert "cannot be read (Permission denied); expected a dataset folder" in lines[1]


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(NoInputError, match="expected a dataset folder"):
        list_files(tmp_path / ("x" * 300))


def test_bytes_are_what_the_file_holds(tmp_path):
    content = bytes(range(256)) * 100
    (tmp_path / "f").write_bytes(content)
    assert read_bytes(tmp_path / "f") == content


def test_reading_what_is_no_file_never_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "loop", "nothing", "", "/dev/zero"):
        with pytest.raises(UnreadableError) as caught:
            read_bytes(tmp_path / name)
        assert "; expected" in caught.value.fault.message
        assert caught.value.fault.remedy


def test_a_file_larger_than_any_slice_is_not_read(tmp_path):
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(FILE_SIZE_LIMIT + 1)
    with pytest.raises(UnreadableError, match="300 MB; expected at most 300 MB"):
        read_bytes(tmp_path / "huge.png")


def test_two_thousand_files(tmp_path):
    names = [f"p{n % 20}/f{n}.png" for n in range(2000)]
    touch(tmp_path, *names)
    assert list_files(tmp_path) == (sorted(names), [])


@pytest.mark.skipif(os.name == "nt", reason="a pipe of POSIX as a clock between two processes")
def test_a_file_that_is_written_to_while_it_is_read(tmp_path):
    """Part of such bytes may be of before and part of after."""
    path = tmp_path / "f"
    size = 40_000_000  # long enough to be met in its middle
    path.write_bytes(b"a" * size)
    code = (
        "import sys\n"
        "with open(sys.argv[1], 'r+b', buffering=0) as file:\n"
        "    print('ready', flush=True)\n"
        "    while True:\n"
        "        for letter in b'ab':\n"
        "            file.seek(0)\n"
        f"            for _ in range({size} // 1000000): file.write(bytes([letter]) * 1000000)\n"
    )
    refused = 0
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as writer:
        try:
            writer.stdout.readline()
            for _ in range(10):
                try:
                    assert len(read_bytes(path)) == size
                except UnreadableError as error:
                    refused += "was written to while it was read" in error.fault.message
        finally:
            writer.kill()
    assert refused
