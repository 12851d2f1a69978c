"""Compare two machines of a rig."""
