"""Maps of the brain (maps, regions)."""
