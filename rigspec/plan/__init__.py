"""The steps that build one machine, in order and independent of the target."""
