"""Metrics of the machine."""
