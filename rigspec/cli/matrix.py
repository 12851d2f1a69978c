"""``rigspec matrix``: the knowledge, and its self-check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rigspec.cli.console import fail, status

__all__ = ["app"]

app = typer.Typer(help="What rigspec knows, with its sources.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List the products of the matrix."""
    from rigspec.matrix.loader import load_matrix

    for product in load_matrix().products:
        counted = f"{len(product.releases)} releases, {len(product.rules)} rules"
        typer.echo(f"{product.name:<20} {product.title:<32} {counted}")


@app.command()
def show(
    product: Annotated[str, typer.Argument(help="A product's name.")],
    version: Annotated[str | None, typer.Argument(help="Only what concerns this release.")] = None,
) -> None:
    """Show a product's releases and rules, each with its sources."""
    from rigspec.matrix.display import UnknownReleaseError, format_product
    from rigspec.matrix.loader import load_matrix

    _known_product(product)
    try:
        typer.echo(format_product(load_matrix([product]).product(product), version))
    except UnknownReleaseError as error:
        hint = (
            f"nearest: {', '.join(error.similar)}"
            if error.similar
            else f"`rigspec matrix show {product}` lists them"
        )
        fail(f"the matrix knows no {product} `{version}`; {hint}", status=2)


def _known_product(product: str) -> None:
    from difflib import get_close_matches

    from rigspec.matrix.loader import list_product_names

    if product not in list_product_names():
        near = get_close_matches(product, list_product_names(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "; `rigspec matrix list` names them"
        fail(f"the matrix has no product `{product}`{hint}", status=2)


@app.command()
def refresh(
    product: Annotated[str, typer.Argument(help="A framework.")],
    index: Annotated[
        str | None, typer.Option("--index", help="The package index; else the configured one.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the change, write none.")
    ] = False,
) -> None:
    """Add the releases that the package index has beyond the table: a change to review.

    Each row gets its source and today's date. The change is shown as a diff; what no tag tells
    (the CUDA that a wheel is linked against, its code for GPUs) stays for somebody to read.
    """
    import datetime as dt
    import difflib

    from rigspec.lock.errors import LockError
    from rigspec.refresh.update import update_framework

    _known_product(product)
    _framework_only(product)
    try:
        update = update_framework(product, day=dt.datetime.now(dt.timezone.utc).date(), index=index)
    except LockError as failure:
        fail(str(failure), status=3)
    for problem in update.problems:
        typer.echo(f"{problem.place}: {problem.message}", err=True)
    for changed in update.files:
        lines = (changed.before.splitlines(keepends=True), changed.after.splitlines(keepends=True))
        name = changed.name
        typer.echo("".join(difflib.unified_diff(*lines, f"a/{name}", f"b/{name}", n=1)), nl=False)
    if update.problems:
        fail("the table is left as it was: its new rows do not hold", status=1)
    if not update.files:
        status(f"the index has no {product} newer than the table")
    elif not dry_run:
        for changed in update.files:
            _write(changed.file, changed.after)


def _framework_only(product: str) -> None:
    from rigspec.matrix.loader import load_matrix

    kind = load_matrix([product]).product(product).kind
    if kind != "framework":
        fail(f"`{product}` is a {kind}: only frameworks are on a package index", status=2)


def _write(file: Path, text: str) -> None:
    """Replace the table as a whole; a folder that cannot be written to is told of."""
    partial = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(file)
    except OSError as error:
        fail(f"cannot write {file}: {(error.strerror or str(error)).lower()}", status=1)


@app.command()
def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the trial of every row, a minute's work.")
    ] = False,
) -> None:
    """Hold the matrix against its own rules, and try every row both ways; exit 1 if one is wrong.

    What a row admits must resolve, and what it forbids be refused by name.
    """
    from rigspec.matrix.lint import find_problems
    from rigspec.matrix.loader import load_matrix, load_uploads

    matrix = load_matrix()
    uploads = {p.name: load_uploads(p.name) for p in matrix.products if p.kind == "framework"}
    found = find_problems(matrix, uploads)
    for problem in found:
        typer.echo(f"{problem.place}: {problem.message}", err=True)
    wrong = len(found) + (0 if quick else _tried(sum(1 for _ in matrix.rules())))
    if wrong:
        raise typer.Exit(1)
    typer.echo("the matrix is consistent")


def _tried(count: int) -> int:
    """How many rows are not as they say; what is tried is shown on a terminal."""
    from rigspec.cli.console import progress
    from rigspec.selftest.runner import try_all

    wrong = idle = 0
    for trial in progress(try_all(), count, "rows tried"):
        for failure in trial.failures:
            typer.echo(f"{trial.rule.id}: {failure}", err=True)
        wrong += bool(trial.failures)
        idle += bool(trial.idle)
    typer.echo(f"{count} rules tried both ways; of {idle} one side lies beyond what a spec can ask")
    return wrong
