"""Packages of systems that use dnf: verified indexes, libsolv's choice, and exact versions."""
