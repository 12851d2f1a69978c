"""The arguments of commands that start without Typer."""
