"""Maps of the brain: computed from images (maps) and averaged over the regions of an atlas (regions)."""
