"""Compressed pixels, and files that mislead or end their decoder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.io.dicom_decoder import decode

RLE = Path(str(get_testdata_file("MR_small_RLE.dcm")))
PLAIN = pydicom.dcmread(str(get_testdata_file("MR_small.dcm"))).pixel_array
#: JPEG 2000 with an error on which the C++ of its decoder ends the process.
ENDS_ITS_DECODER = Path(__file__).parents[1] / "corpus" / "dicom" / "534f2fa2682b"


def test_a_compressed_file_has_the_pixels_of_the_plain_one(tmp_path, monkeypatch):
    assert (decode(RLE, None) == PLAIN).all()
    monkeypatch.chdir(RLE.parent)  # the process that decodes stays where it was
    assert (decode(Path(RLE.name), None) == PLAIN).all()
    (tmp_path / "Größe ü\udcff.dcm").write_bytes(RLE.read_bytes())
    assert (decode(tmp_path / "Größe ü\udcff.dcm", None) == PLAIN).all()


def test_a_file_that_ends_its_decoder_is_refused_and_the_next_one_is_read():
    pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    code = f"import pydicom; pydicom.dcmread({str(ENDS_ITS_DECODER)!r}).pixel_array"
    alone = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert alone.returncode in (1, -signal.SIGABRT)  # by the version of the decoder: an error, or the end
    for _ in range(2):
        with pytest.raises(UnreadableError, match="the pixels cannot be decoded"):
            decode(ENDS_ITS_DECODER, None)
    assert (decode(RLE, None) == PLAIN).all()


def test_a_file_that_its_decoder_only_complains_of_is_refused(tmp_path):
    """libjpeg fills in what is missing of a stream that ends early, and writes a line to stderr."""
    pytest.importorskip("gdcm", reason="python-gdcm is not installed")
    raw = Path(str(get_testdata_file("JPEG-LL.dcm"))).read_bytes()
    middle = len(raw) // 2
    (tmp_path / "cut.dcm").write_bytes(raw[:middle] + b"\xff\xd9" + raw[middle + 2 :])  # "end of image"
    with pytest.raises(UnreadableError, match="damaged, according to their decoder"):
        decode(tmp_path / "cut.dcm", None)


def test_what_is_no_dicom_is_refused(tmp_path):
    (tmp_path / "a").write_text("no DICOM")
    with pytest.raises(UnreadableError, match="the pixels cannot be decoded"):
        decode(tmp_path / "a", None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_decodes_for_itself():
    assert (decode(RLE, None) == PLAIN).all()
    child = os.fork()
    if child == 0:
        os._exit(0 if (decode(RLE, None) == PLAIN).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (decode(RLE, None) == PLAIN).all()
