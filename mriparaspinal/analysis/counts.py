"""What a comparison gave, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mriparaspinal.analysis.result import Analysis


def compared_summary(compared: Analysis) -> dict[str, Any]:
    """What comparing gave, as plain data; a row without a test (too few values) is no comparison."""
    table = compared.table
    by_contrast = {
        str(name): {
            "comparisons": int(rows["p"].notna().sum()),
            "p_below_0_05": int((rows["p"] < 0.05).sum()),
            "p_adjusted_below_0_05": int((rows["p_adjusted"] < 0.05).sum()),
        }
        for name, rows in table.groupby("contrast", sort=False)
    }
    return {
        "comparisons": int(table["p"].notna().sum()),
        "not_tested": int(table["p"].isna().sum()),
        "p_below_0_05": int((table["p"] < 0.05).sum()),
        "p_adjusted_below_0_05": int((table["p_adjusted"] < 0.05).sum()),
        "by_contrast": by_contrast,
        "notes": len(compared.notes),
    }
