"""Pins: every version, file and hash of a resolved rig. The only stage that uses the network."""
