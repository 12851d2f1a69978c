"""Building blocks of the commands: lazy groups, shared options, progress, output files."""
