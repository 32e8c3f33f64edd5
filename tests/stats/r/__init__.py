"""Answers of R to random tables, with what made both."""
