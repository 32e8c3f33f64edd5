"""Other tools' contours and ours (contours, masks)."""
