"""A compiler for deep-learning machines: one declared rig in, checked artifacts out."""

__version__ = "0.1.0"
