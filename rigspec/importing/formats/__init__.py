"""One module for each format; each has a function ``read`` that returns a ``Reading``."""
