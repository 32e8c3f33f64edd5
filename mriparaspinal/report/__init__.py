"""The HTML page of a study: findings, slices with their outlines, tables and figures."""
