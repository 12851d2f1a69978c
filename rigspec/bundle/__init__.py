"""Everything a lock names, in one folder, for a machine without a network."""
