"""The spec language: models, validation and positions in the file."""
