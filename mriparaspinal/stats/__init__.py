"""Table in, table out: the statistics."""
