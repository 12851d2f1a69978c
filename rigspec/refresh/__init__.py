"""New releases of a framework, read from the package index into rows of its table."""
