"""The versions that a result depends on: this package, Python, and the libraries that make the numbers."""

from __future__ import annotations

import platform

from mriparaspinal import __version__


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


def all_versions() -> dict[str, str]:
    """Those of the libraries, and of this package."""
    return {"mriparaspinal": __version__, **library_versions()}
