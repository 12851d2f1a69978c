"""A live machine, held against what its lock and plan promise; nothing is changed."""
