"""A synthetic cohort with known answers."""
