"""One format, one module: what reads and writes files."""
