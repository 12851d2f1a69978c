"""``rigspec schema``: print the JSON Schema of the spec language."""

from __future__ import annotations

import typer

from rigspec.spec.json_schema import render_json_schema

__all__ = ["schema"]


def schema() -> None:
    """Print the JSON Schema of the spec language.

    Editors and other tools use it for completion and validation.
    """
    typer.echo(render_json_schema())
