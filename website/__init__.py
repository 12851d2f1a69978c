"""Pages of the site that are made from the matrix, the query code and the diagnostics."""
