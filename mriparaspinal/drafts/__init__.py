"""Contours that the program proposes, for a person to judge: from clicks, from other slices, in stacks."""
