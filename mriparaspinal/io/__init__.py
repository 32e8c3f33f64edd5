"""One format, one module: the only package that opens files."""
