"""``rigspec matrix refresh``: add new releases from the package index."""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import Annotated

import typer

from rigspec.cli.console import fail, print_status
from rigspec.cli.matrix.products import find_product
from rigspec.lock.errors import LockError
from rigspec.matrix.loader import load_matrix
from rigspec.refresh.update import update_framework, update_listing

__all__ = ["refresh"]

# How to update a product, by its kind.
_UPDATES = {"framework": update_framework, "package": update_listing}


def refresh(
    product: Annotated[
        str,
        typer.Argument(
            metavar="PRODUCT",
            help="Framework or package, such as torch or vllm",
            show_default=False,
        ),
    ],
    index: Annotated[
        str | None,
        typer.Option("--index", metavar="URL", help="Package index (default: that of pip)"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the change, write nothing")
    ] = False,
) -> None:
    """Add new releases of a framework or a package from the package index.

    Prints the change as a diff for review. Each row gets its source and today's date. No tag states
    the CUDA release that a wheel is linked against or its GPU code: add these by hand. Of a package
    only the list of releases is read: add their rules by hand.
    """
    product = find_product(product)
    update = _UPDATES.get(_read_kind(product))
    if update is None:
        kind = _read_kind(product)
        fail(
            f"`{product}` is a {kind}, but only frameworks and packages are on a package index",
            status=2,
        )
    try:
        result = update(product, day=dt.datetime.now(dt.timezone.utc).date(), index=index)
    except LockError as failure:
        fail(str(failure), status=3)
    for problem in result.problems:
        typer.echo(f"{problem.place}: {problem.message}", err=True)
    for change in result.files:
        lines = (change.before.splitlines(keepends=True), change.after.splitlines(keepends=True))
        name = change.name
        typer.echo("".join(difflib.unified_diff(*lines, f"a/{name}", f"b/{name}", n=1)), nl=False)
    if result.problems:
        fail("the table was not changed, because its new rows are invalid", status=1)
    if not result.files:
        print_status(f"no {product} on the index is newer than the table")
    elif not dry_run:
        for change in result.files:
            _write(change.file, change.after)


def _read_kind(product: str) -> str:
    return load_matrix([product]).product(product).kind


def _write(file: Path, text: str) -> None:
    """Replace the table; exit with status 1 if the folder is not writable."""
    partial = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(file)
    except OSError as error:
        fail(f"cannot write {file}: {(error.strerror or str(error)).lower()}", status=1)
