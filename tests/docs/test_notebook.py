"""The notebook of the documentation, executed from its first cell to its last."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.pages import DOCS, ROOT, SAMPLE

NOTEBOOK = DOCS / "notebooks" / "from-python.ipynb"


def test_it_holds_no_output_and_uses_the_public_names_alone() -> None:
    nbformat = pytest.importorskip("nbformat")
    code = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    imported = [line for cell in code for line in cell.source.splitlines() if "import" in line]
    assert imported == ["import mriparaspinal as mp"]


# What a library of the kernel warns of on its way is none of ours.
@pytest.mark.filterwarnings("default")
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = map(pytest.importorskip, ("nbformat", "nbclient"))
    pytest.importorskip("ipykernel")
    folder = tmp_path / "docs" / "notebooks"
    folder.mkdir(parents=True)
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [
        output.data
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type in ("display_data", "execute_result")
    ]
    assert sum("image/png" in data for data in shown) == 3, "each figure is shown"
    assert "report.html'), 80)" in shown[-1]["text/plain"], "all 16 × 5 slices stand on the page"
    assert (folder / "study" / "report.html").is_file()
