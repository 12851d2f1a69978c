"""Every row of the matrix, tried both ways: what it admits resolves, what it forbids is refused."""
