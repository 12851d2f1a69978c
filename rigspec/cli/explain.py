"""``rigspec explain``: what a diagnostic means."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from rigspec.cli.console import fail

__all__ = ["explain"]


def explain(
    code: Annotated[str, typer.Argument(help="A code such as RS203.")],
) -> None:
    """Print the page of a diagnostic code: what it means, an example, how to mend it."""
    from rigspec.diagnostics.explanations import list_codes, load_page

    known = list_codes()
    wanted = code.upper()
    if wanted not in known:
        near = get_close_matches(wanted, known, n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        fail(f"there is no code `{code}`{hint}", status=2)
    typer.echo(load_page(wanted).rstrip("\n"))
