"""Test every rule of the matrix: what it allows must resolve, what it forbids be refused."""
