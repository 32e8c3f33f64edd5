"""Statistics of a study: table in, table out; the modules do not know each other."""
