"""Files that projects already have, read as parts of a rig."""
