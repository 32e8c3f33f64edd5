"""An SPSS table read in a process of its own: the library dies of some damaged files, and this one must not.

Bytes come by stdin; what the library found goes to stdout as JSON.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import math
import subprocess
import sys
from typing import Any

import msgspec

#: So long at most a table is read.
_SECONDS = 600


class SavTable(msgspec.Struct, frozen=True):
    """What the library found in a table."""

    columns: list[str]
    values: list[list[float | str | None]]
    """By column; dates and times are ISO texts."""
    labels: list[list[tuple[float | str, str]]]
    measures: list[str]
    formats: list[str]


def read_apart(raw: bytes, cells: int) -> SavTable:
    """The table in the bytes, or its beginning if it has more ``cells``; raises :class:`ValueError`."""
    command = [sys.executable, "-m", __name__, str(cells)]
    try:
        done = subprocess.run(command, input=raw, capture_output=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise ValueError("it takes too long") from None
    if done.returncode:
        raise ValueError("it is damaged")
    return msgspec.json.decode(done.stdout, type=SavTable)


def main() -> None:
    """Read stdin, write stdout; the exit code is not 0 where the table cannot be read."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pyreadstat

    raw = sys.stdin.buffer.read()
    _, meta = pyreadstat.read_sav(io.BytesIO(raw), metadataonly=True, output_format="dict")
    limit = int(sys.argv[1]) // max(len(meta.column_names), 1) + 1
    table, meta = pyreadstat.read_sav(io.BytesIO(raw), output_format="dict", row_limit=limit)
    columns = meta.column_names
    found = {
        "columns": columns,
        "values": [[_plain(value) for value in table[column]] for column in columns],
        "labels": [list(meta.variable_value_labels.get(column, {}).items()) for column in columns],
        "measures": [str(meta.variable_measure.get(column)) for column in columns],
        "formats": [str(meta.original_variable_types.get(column)) for column in columns],
    }
    sys.stdout.buffer.write(json.dumps(found, allow_nan=False).encode())


def _plain(value: Any) -> float | str | None:
    if value is None or value != value:
        return None
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else f"{value}"
    return f"{value}".strip()


if __name__ == "__main__":
    main()
