"""A dataset made into results (quantify, check, merge)."""
