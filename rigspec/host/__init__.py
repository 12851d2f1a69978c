"""Detect the hardware and software of a machine and write its spec."""
