"""The language: what a person may write, and where they wrote it."""
