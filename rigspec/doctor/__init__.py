"""Check a live machine against its lock and plan, read-only."""
