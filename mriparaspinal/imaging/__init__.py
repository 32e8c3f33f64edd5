"""Arrays in, arrays out: pixels, contours and planes; no files."""
