"""Caches on disk: results of `rigspec check`, and parsed tables of the matrix."""
