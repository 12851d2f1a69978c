"""The signed archive of a distribution: found, verified, and read for the versions to lock."""
