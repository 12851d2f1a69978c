"""Notebook servers."""
