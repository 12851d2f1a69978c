"""A text that is shown before log-in."""
