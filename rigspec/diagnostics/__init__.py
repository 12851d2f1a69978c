"""Diagnostics: values, explanations and renderers."""
