"""The targets: a folder each, with a manifest and templates. No Python lives here."""
