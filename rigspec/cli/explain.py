"""``rigspec explain``: print the page of a diagnostic code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from rigspec.cli.common.completion import complete_codes
from rigspec.cli.common.options import FORMAT, NoPager
from rigspec.cli.console import fail_unknown, show_long
from rigspec.diagnostics.explanations import find_similar_codes, list_codes, load_page, load_title

__all__ = ["explain"]


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="Code, such as RS203 (default: list all codes)",
            autocompletion=complete_codes,
            show_default=False,
        ),
    ] = None,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
    no_pager: NoPager = False,
) -> None:
    """Print the page of a diagnostic code.

    The page has the meaning of the code, an example and the fix.
    """
    known = list_codes()
    if code is None:
        _list(known, format_, pager=not no_pager)
        return
    requested = code.upper()
    requested = f"RS{requested}" if requested.isdigit() else requested
    if requested not in known:
        fail_unknown(
            f"no diagnostic code `{code}`",
            requested,
            find_similar_codes(requested),
            otherwise="run `rigspec explain` for a list",
        )
    page = load_page(requested).rstrip("\n")
    if format_ == "json":
        value = {"schema": 1, "code": requested, "title": load_title(requested), "page": page}
        typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        show_long(page, pager=not no_pager)


def _list(codes: Sequence[str], format_: str, *, pager: bool) -> None:
    titles = {code: load_title(code) for code in codes}
    if format_ == "json":
        rows = [{"code": code, "title": title} for code, title in titles.items()]
        typer.echo(json.dumps({"schema": 1, "codes": rows}, indent=2, ensure_ascii=False))
    else:
        show_long("\n".join(f"{code}  {title}" for code, title in titles.items()), pager=pager)
