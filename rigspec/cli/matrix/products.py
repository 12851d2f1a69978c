"""``rigspec matrix list``: list the products of the matrix."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from rigspec.cli.common.options import FORMAT, NoPager
from rigspec.cli.console import fail_unknown, show_long
from rigspec.matrix.loader import list_product_names, load_matrix

__all__ = ["list_products", "refuse_unknown_product"]


def list_products(
    format_: Annotated[Literal["text", "json"], FORMAT] = "text", no_pager: NoPager = False
) -> None:
    """List the products of the matrix."""
    products = load_matrix().products
    if format_ == "json":
        rows = [
            {
                "name": product.name,
                "title": product.title,
                "releases": len(product.releases),
                "rules": len(product.rules),
            }
            for product in products
        ]
        typer.echo(json.dumps({"schema": 1, "products": rows}, indent=2, ensure_ascii=False))
        return
    lines = [
        f"{product.name:<20} {product.title:<32} "
        f"{len(product.releases)} releases, {len(product.rules)} rules"
        for product in products
    ]
    show_long("\n".join(lines), pager=not no_pager)


def refuse_unknown_product(name: str) -> None:
    """Exit with status 2 if the matrix has no such product."""
    if name not in list_product_names():
        fail_unknown(
            f"no product `{name}` in the matrix",
            name,
            list_product_names(),
            otherwise="run `rigspec matrix list`",
        )
