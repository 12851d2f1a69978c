"""Resolve a spec against the matrix to exact versions, or to a minimal conflict."""
