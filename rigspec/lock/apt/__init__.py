"""A distribution's signed archive: found, verified, and read for the versions to lock."""
