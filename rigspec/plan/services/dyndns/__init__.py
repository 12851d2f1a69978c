"""Dynamic DNS."""
