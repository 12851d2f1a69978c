"""``rigspec matrix list``: list the products of the matrix."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from rigspec.cli.common.options import FORMAT, NoPager
from rigspec.cli.console import fail_unknown, show_long
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.loader import list_product_names, load_matrix
from rigspec.version_specifiers import normalize_name

__all__ = ["find_product", "list_products"]


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
                "releases": product.release_count,
                "rules": len(product.rules),
            }
            for product in products
        ]
        typer.echo(json.dumps({"schema": 1, "products": rows}, indent=2, ensure_ascii=False))
        return
    lines = [
        f"{product.name:<20} {product.title:<32} "
        f"{product.release_count} releases, {len(product.rules)} rules"
        for product in products
    ]
    show_long("\n".join(lines), pager=not no_pager)


def find_product(name: str) -> str:
    """Return the product of that name, or the package; exit with status 2 if there is none."""
    known = list_product_names()
    for product in (name, f"{PACKAGE_PREFIX}{normalize_name(name.removeprefix(PACKAGE_PREFIX))}"):
        if product in known:
            return product
    names = [product.removeprefix(PACKAGE_PREFIX) for product in known]
    fail_unknown(
        f"no product `{name}` in the matrix", name, names, otherwise="run `rigspec matrix list`"
    )
