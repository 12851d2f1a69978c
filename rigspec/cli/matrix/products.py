"""``rigspec matrix list``: list the products of the matrix."""

from __future__ import annotations

import typer

from rigspec.cli.console import fail_unknown
from rigspec.matrix.loader import list_product_names, load_matrix

__all__ = ["list_products", "refuse_unknown_product"]


def list_products() -> None:
    """List the products of the matrix."""
    for product in load_matrix().products:
        counts = f"{len(product.releases)} releases, {len(product.rules)} rules"
        typer.echo(f"{product.name:<20} {product.title:<32} {counts}")


def refuse_unknown_product(name: str) -> None:
    """Exit with status 2 if the matrix has no such product."""
    if name not in list_product_names():
        fail_unknown(
            f"no product `{name}` in the matrix",
            name,
            list_product_names(),
            otherwise="run `rigspec matrix list`",
        )
