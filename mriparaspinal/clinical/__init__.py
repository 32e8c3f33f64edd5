"""Scales and scores (score)."""
