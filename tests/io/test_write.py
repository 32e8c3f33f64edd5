"""What is said of a file that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from mriparaspinal.io.write import cannot_write


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PermissionError(13, "Permission denied"),
            "close the files that a spreadsheet shows, or choose another",
        ),
        (OSError(28, "No space left on device"), "choose another place"),
    ],
)
def test_a_table_that_is_open_in_a_spreadsheet_is_to_be_closed(error: OSError, told: str) -> None:
    line = str(cannot_write(Path("results/L4.csv"), error))
    assert line.startswith(
        f"results/L4.csv: cannot be written ({error.strerror}); expected a writable folder"
    )
    assert f"; {told}" in line
