"""The service `program`."""
