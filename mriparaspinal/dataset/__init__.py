"""A folder of slices and contours, opened and read."""
