"""``rigspec schema``: the language, for editors and other tools."""

from __future__ import annotations

import typer

__all__ = ["schema"]


def schema() -> None:
    """Print the JSON Schema of the language."""
    from rigspec.spec.json_schema import render_json_schema

    typer.echo(render_json_schema())
