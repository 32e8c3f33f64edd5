"""A fault is data; text is made of it only where a person reads it."""

from __future__ import annotations

import pickle

import pytest

from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, unreadable
from mriparaspinal.core.model import Problem

FAULT = Fault("a.png", "16 bits", "8 bits", "export it again", "image-bits", "MF_L")


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            Fault("a.png", "16 bits", "8 bits", "export it again"),
            "a.png: 16 bits; expected 8 bits; export it again",
        ),
        (FAULT, "a.png: MF_L: 16 bits; expected 8 bits; export it again"),
        (Fault("", "16 bits", "", "export it again"), "16 bits; export it again"),
        (Fault("a.png", "16 bits"), "a.png: 16 bits"),
        # What looks like the seam of two parts stays in the part that it stands in.
        (Fault("a; b.png", "x; y", "z", "do; then do"), "a; b.png: x; y; expected z; do; then do"),
    ],
)
def test_a_fault_is_one_line_for_a_person(fault: Fault, line: str) -> None:
    assert str(fault) == line
    assert str(NoInputError(fault)) == line


def test_a_fault_is_a_row_of_problems() -> None:
    assert FAULT.problem() == Problem(
        "a.png", "MF_L", "error", "image-bits", "16 bits; expected 8 bits", "export it again"
    )
    assert FAULT.problem("warning").severity == "warning"


def test_a_reader_leaves_the_file_to_its_caller_and_keeps_its_own_code() -> None:
    read = unreadable("colours", "grey levels", "export it as grey").fault
    assert read.at("b.png", "bad-image").problem().code == "bad-image"
    assert FAULT.at("b.png", "bad-image").problem().code == "image-bits"
    assert FAULT.at("b.png", shape="ES_R").shape == "ES_R"
    assert (
        str(read.about("mask.png").at("b.png"))
        == "b.png: mask.png: colours; expected grey levels; export it as grey"
    )


def test_errors_keep_their_fault_between_processes() -> None:
    error = pickle.loads(pickle.dumps(UnreadableError(FAULT)))
    assert (error.fault, error.exit_code) == (FAULT, 3)
    assert NoInputError("plain words").fault == Fault("", "plain words")
