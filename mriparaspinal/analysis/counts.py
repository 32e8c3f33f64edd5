"""What a comparison gave, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mriparaspinal.analysis.result import Analysis


def compared_summary(compared: Analysis) -> dict[str, Any]:
    """What comparing gave, as plain data; a row without a test (too few values) is no comparison."""
    from mriparaspinal.stats.counts import count_comparisons
    from mriparaspinal.stats.limits import ALPHA

    def told(rows: Any) -> dict[str, int]:
        counts = count_comparisons(rows)
        return {
            "comparisons": counts.tested,
            "p_below_0_05": counts.below,
            "p_adjusted_below_0_05": counts.adjusted_below,
        }

    by_contrast = {str(name): told(rows) for name, rows in compared.table.groupby("contrast", sort=False)}
    return {
        **told(compared.table),
        "not_tested": count_comparisons(compared.table).not_tested,
        "paired": int(compared.table["paired_p"].notna().sum()),
        "paired_p_below_0_05": int((compared.table["paired_p"] < ALPHA).sum()),
        "by_contrast": by_contrast,
        "notes": len(compared.notes),
        **_omnibus(compared),
    }


def _omnibus(compared: Analysis) -> dict[str, Any]:
    """The same of the tests of all groups at once, where there are any."""
    from mriparaspinal.stats.limits import ALPHA

    table = compared.tables.get("omnibus")
    if table is None:
        return {}
    (column,) = compared.settings["groups"]
    counts = {
        "groups": column,
        "tests": int(table["p"].notna().sum()),
        "p_below_0_05": int((table["p"] < ALPHA).sum()),
        "p_adjusted_below_0_05": int((table["p_adjusted"] < ALPHA).sum()),
    }
    return {"omnibus": counts}
