"""Shell commands in the files that are imported, and what they install."""
