"""What has to be done to a machine, in order and in no particular language."""
