"""``rigspec matrix show``: show the releases and rules of a product."""

from __future__ import annotations

from typing import Annotated

import typer

from rigspec.cli.console import fail
from rigspec.cli.matrix.products import refuse_unknown_product
from rigspec.matrix.display import UnknownReleaseError, format_product
from rigspec.matrix.loader import load_matrix

__all__ = ["show"]


def show(
    product: Annotated[str, typer.Argument(help="Product, such as torch", show_default=False)],
    version: Annotated[
        str | None, typer.Argument(help="Only this release, as a spec names it", show_default=False)
    ] = None,
) -> None:
    """Show the releases and rules of a product with their sources."""
    refuse_unknown_product(product)
    try:
        typer.echo(format_product(load_matrix([product]).product(product), version))
    except UnknownReleaseError as error:
        close = " or ".join(f"`{name}`" for name in error.similar)
        fail(
            f"no {product} `{version}` in the matrix",
            status=2,
            help_text=f"did you mean {close}?" if close else f"run `rigspec matrix show {product}`",
        )
