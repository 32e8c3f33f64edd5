"""Tables made into figures and printed tables, as objects."""
