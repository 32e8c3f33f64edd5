"""From contours on lumbar MRI slices to numbers that a study can rest on."""

from __future__ import annotations

__version__ = "0.1.0"

#: Where each public name is; it is loaded when it is first asked for, so that the command line stays light.
_HOMES = {
    "api.measuring": ("check", "merge", "quantify", "read_settings"),
    "api.results": ("StudyResults", "read_results"),
    "api.running": ("run",),
    "api.statistics": ("compare", "correlate", "regress", "roc", "sweep_thresholds"),
    "api.modelling": ("model",),
    "api.agreement": ("rating_agreement", "reliability"),
    "api.planning": ("plan",),
    "api.change": ("change",),
    "api.making": ("contours", "make_phantom", "make_report", "masks"),
    "api.starting": ("demo", "init"),
    "api.bids": ("bids",),
    "api.scans": ("list_series", "prepare"),
    "api.clinical": ("instruments", "score", "score_template"),
    "api.brain": ("make_maps", "measure_regions"),
    "api.painting": ("paint_regions",),
    "api.reading": ("rasterise", "read_labelme"),
    "api.drafting": ("draft", "interpolate", "refine"),
    "api.reviewing": ("read_review", "unblind"),
    "core.model": ("OwnRegion", "Settings"),
    "stats.power": ("Target",),
    "parallel.map": ("Execution",),
    "core": ("errors",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mriparaspinal.core.loading import quick_loading

    with quick_loading():
        if name == "errors":
            return importlib.import_module(f"{__name__}.core.errors")
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
