"""The command line: typer, a module a command, no logic."""
