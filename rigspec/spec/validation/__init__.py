"""Validation of specs: a quick path for usual specs, and pydantic for all others."""
