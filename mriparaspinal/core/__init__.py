"""Words and plain data: no numpy at import, no disk, no terminal."""
