"""One module per statistics command: open, compute, draw, name the files."""
