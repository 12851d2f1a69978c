"""Download everything that a lock names into one folder, for a machine without a network."""
