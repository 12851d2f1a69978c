"""From a spec and the matrix to exact versions, or to the smallest reason why not."""
