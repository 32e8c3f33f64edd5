"""The HTML report: one self-contained page on a study, to look at, to check, and to print."""
