"""Add new releases of a framework, read from the package index, to its table."""
