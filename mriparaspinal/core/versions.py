"""The versions that a result depends on: this package, Python, and the libraries that make the numbers."""

from __future__ import annotations

import platform

from mriparaspinal import __version__

#: The libraries that have a part in what ``run`` writes, and those that draw or decode for them.
STUDY = (
    *("numpy", "pillow", "msgspec", "kornia-rs", "python-gdcm", "nibabel", "pydicom", "scikit-image"),
    *("scipy", "pandas", "statsmodels", "patsy", "matplotlib", "contourpy", "fonttools", "kiwisolver"),
    *("openpyxl", "xlsxwriter", "pyreadstat", "jinja2", "markupsafe"),
)


def library_versions() -> dict[str, str]:
    """Python and the libraries that decode, fill and count."""
    import msgspec
    import numpy
    import PIL

    return {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
        "msgspec": msgspec.__version__,
    }


def study_versions() -> dict[str, str]:
    """Python and, as far as they are installed, all libraries of :data:`STUDY`; none of them is loaded."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in STUDY:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def all_versions() -> dict[str, str]:
    """Those of the libraries, and of this package."""
    return {"mriparaspinal": __version__, **library_versions()}
