"""``rigspec matrix``: show, verify and refresh the compatibility matrix."""

from __future__ import annotations

from rigspec.cli.common.lazy import LazyCommand, create_group

__all__ = ["COMMANDS", "app"]

COMMANDS = {
    name: LazyCommand(f"rigspec.cli.matrix.{module}", attribute, summary)
    for name, module, attribute, summary in (
        ("list", "products", "list_products", "List the products of the matrix"),
        ("show", "show", "show", "Show the releases and rules of a product with their sources"),
        ("verify", "verify", "verify", "Check the tables and test every rule both ways"),
        (
            "refresh",
            "refresh",
            "refresh",
            "Add new releases of a framework or a package from the package index",
        ),
    )
}

app = create_group(COMMANDS, "Show, verify and refresh the compatibility matrix")
