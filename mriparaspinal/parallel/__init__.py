"""One function over many items, in order: here, in several processes, or on a cluster."""
