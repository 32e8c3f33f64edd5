"""One function over many items, in order."""
