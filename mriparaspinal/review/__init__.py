"""The local page on which a person looks at slices, draws, corrects and judges contours."""
