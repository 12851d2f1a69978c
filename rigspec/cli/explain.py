"""``rigspec explain``: print the page of a diagnostic code."""

from __future__ import annotations

from typing import Annotated

import typer

from rigspec.cli.console import fail_unknown
from rigspec.diagnostics.explanations import list_codes, load_page

__all__ = ["explain"]


def explain(
    code: Annotated[str, typer.Argument(help="Code, such as RS203", show_default=False)],
) -> None:
    """Print the page of a diagnostic code.

    The page has the meaning of the code, an example and the fix.
    """
    known = list_codes()
    requested = code.upper()
    if requested not in known:
        fail_unknown(
            f"no diagnostic code `{code}`",
            requested,
            known,
            otherwise=f"codes range from {known[0]} to {known[-1]}",
        )
    typer.echo(load_page(requested).rstrip("\n"))
