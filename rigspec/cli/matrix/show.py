"""``rigspec matrix show``: show the releases and rules of a product."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from rigspec.cli.common.completion import complete_products, complete_releases
from rigspec.cli.common.options import FORMAT, NoPager
from rigspec.cli.console import fail, show_long
from rigspec.cli.matrix.products import find_product
from rigspec.matrix.display import UnknownReleaseError, convert_product, format_product
from rigspec.matrix.loader import load_matrix
from rigspec.query.gpu_page import build_gpu_page
from rigspec.query.question import Question
from rigspec.query.render import render_page

__all__ = ["show"]


def show(
    product: Annotated[
        str,
        typer.Argument(
            metavar="PRODUCT",
            help="Product or package, such as torch or vllm",
            autocompletion=complete_products,
            show_default=False,
        ),
    ],
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="RELEASE",
            help="Only this release, as a spec names it",
            autocompletion=complete_releases,
            show_default=False,
        ),
    ] = None,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
    no_pager: NoPager = False,
) -> None:
    """Show the releases and rules of a product with their sources."""
    product = find_product(product)
    try:
        table = load_matrix([product]).product(product)
        if format_ == "json":
            value = convert_product(table, version)
            typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
            return
        text = format_product(table, version)
        page = build_gpu_page(Question(gpu=version)) if product == "gpu" and version else None
        whole = text if page is None else f"{render_page(page)}\n\n{text}"
        show_long(whole, pager=not no_pager)
    except UnknownReleaseError as error:
        close = " or ".join(f"`{name}`" for name in error.similar)
        fail(
            f"no {product} `{version}` in the matrix",
            status=2,
            help_text=f"did you mean {close}?" if close else f"run `rigspec matrix show {product}`",
        )
