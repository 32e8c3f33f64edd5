"""Linear algebra in one thread, as the command has it: before NumPy is loaded, so before any test is read."""

import os

for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
