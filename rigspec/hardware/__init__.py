"""Machines in figures, and what can be said of them before anything is bought or rented."""
