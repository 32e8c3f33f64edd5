"""Other analyses on the page: as their files are, of these results alone, estimate and interval before p."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mriparaspinal.analysis.inputs import open_cohort
from mriparaspinal.core.errors import NoInputError
from mriparaspinal.report.analyses import is_comparison, read_analyses
from mriparaspinal.report.analysis_tables import table_of
from tests.support.builders.study import SAMPLE, read_csv, run


@pytest.fixture(scope="module")
def models(sample_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("analyses") / "models"
    done = run("regress", sample_results, "--predictor", "age", "--outcome", "fi", "--out", out, "--quiet")
    assert done.code == 0
    return out


def test_a_table_has_the_numbers_of_its_file_with_the_interval_before_p(models: Path, sample_results: Path):
    (view,) = read_analyses([models], open_cohort(sample_results))
    (table,) = view.tables
    assert (view.command, table.file) == ("regress", "regressions.csv")
    header = list(table.header)
    assert header.index("B") < header.index("95 % CI") < header.index("p")
    rows = read_csv(models / "regressions.csv")
    assert len(table.rows) == len(rows) == 30
    shown = {name: cell.text for name, cell in zip(header, table.rows[1], strict=True)}
    assert (shown["segment"], shown["term"], shown["n"]) == ("L1", "age", rows[1]["n"])
    b, low, high = (f"{float(rows[1][c]):#.3g}".replace("-", "−") for c in ("b", "ci_low", "ci_high"))
    assert (shown["B"], shown["95 % CI"], shown["outcome"]) == (b, f"{low} to {high}", "FI")
    assert shown["p"] == f"{float(rows[1]['p']):.3f}"


def test_cells_read_as_in_print():
    """By hand: a p of 1.0 was shown as 1.0, an area of 1234.5 px² as 1.23e+03, and 0.450 as 0.45."""
    header = "metric,factors,by,at,cell_a,cell_b,difference,se,df,t,p,p_adjusted,ci_low,ci_high\n"
    row = "csa_mm2,group,,,ALS,LR,-1234.5,1,13,-0.45,0.9997,1.0,-2345.6,0.45\n"
    table = table_of((header + row).encode(), "mean_differences.csv")
    shown = dict(zip(table.header, (cell.text for cell in table.rows[0]), strict=True))
    assert shown == {
        **{"metric": "CSA (mm²)", "first": "ALS", "second": "LR"},
        **{
            "difference": "−1234",
            "95 % CI": "−2346 to 0.450",
            "t": "−0.450",
            "df": "13",
            "p": "> 0.999",
            "adjusted p": "> 0.999",
        },
    }


def test_a_table_too_long_for_a_page_is_named():
    rows = "".join(f"side:ALS,L1,MF,,{n},student_t,0.5,0.9,hedges_g,0.1\n" for n in range(301))
    header = "contrast,segment,muscle,role,threshold,test,p,p_adjusted_fi,effect,effect_size\n"
    table = table_of((header + rows).encode(), "sweep_contrasts.csv")
    assert (table.title, table.rows) == ("FI compared at other thresholds: 301 rows, too many for a page", ())


def test_files_that_were_changed_and_other_results_are_refused(
    models: Path, sample_results: Path, tmp_path: Path
):
    cohort = open_cohort(sample_results)
    changed = shutil.copytree(models, tmp_path / "changed")
    with (changed / "regressions.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(NoInputError, match=r"regressions\.csv: changed since regress wrote it"):
        read_analyses([changed], cohort)
    other = tmp_path / "other"
    assert run("quantify", SAMPLE, "--threshold", "60", "--out", other, "--quiet").code == 0
    with pytest.raises(NoInputError, match=r"made from another L1\.csv than that of these results"):
        read_analyses([models], open_cohort(other))
    cut_off = shutil.copytree(models, tmp_path / "cut_off")
    (cut_off / ".unfinished").touch()
    with pytest.raises(NoInputError, match="finished analysis"):
        read_analyses([cut_off], cohort)


def test_the_page_shows_them_beside_one_comparison(
    models: Path, sample_results: Path, sample_comparison: Path, tmp_path: Path
):
    assert is_comparison(sample_comparison)
    assert not is_comparison(models)
    page = tmp_path / "page.html"
    words = ("report", sample_results, "--dataset", SAMPLE, "--out", page, "--comparison", sample_comparison)
    assert run(*words, "--comparison", models).code == 0
    text = page.read_text(encoding="utf-8")
    assert text.count('id="analyses"') == 1
    assert "regressions.csv" in text
    done = run(*words, "--comparison", sample_comparison)
    assert done.code != 0
    assert "a second comparison" in done.err
