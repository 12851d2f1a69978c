"""``rigspec matrix``: the knowledge, and its self-check."""

from __future__ import annotations

from typing import Annotated

import typer

from rigspec.cli.console import fail

__all__ = ["app"]

app = typer.Typer(help="What rigspec knows, with its sources.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List the products of the matrix."""
    from rigspec.matrix.load import load_matrix

    for product in load_matrix().products:
        counted = f"{len(product.releases)} releases, {len(product.rules)} rules"
        typer.echo(f"{product.name:<20} {product.title:<32} {counted}")


@app.command()
def show(
    product: Annotated[str, typer.Argument(help="A product's name.")],
    version: Annotated[str | None, typer.Argument(help="Only what concerns this release.")] = None,
) -> None:
    """Show a product's releases and rules, each with its sources."""
    from difflib import get_close_matches

    from rigspec.matrix.load import load_matrix, product_names
    from rigspec.matrix.show import shown

    if product not in product_names():
        near = get_close_matches(product, product_names(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "; `rigspec matrix list` names them"
        fail(f"the matrix has no product `{product}`{hint}", status=2)
    typer.echo(shown(load_matrix([product]).product(product), version))


@app.command()
def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the trial of every row, a minute's work.")
    ] = False,
) -> None:
    """Hold the matrix against its own rules, and try every row both ways; exit 1 if one is wrong.

    What a row admits must resolve, and what it forbids be refused by name.
    """
    from rigspec.matrix.load import load_matrix
    from rigspec.matrix.verify import problems

    matrix = load_matrix()
    found = problems(matrix)
    for problem in found:
        typer.echo(f"{problem.place}: {problem.what}", err=True)
    wrong = len(found) + (0 if quick else _tried(sum(1 for _ in matrix.rules())))
    if wrong:
        raise typer.Exit(1)
    typer.echo("the matrix is consistent")


def _tried(count: int) -> int:
    """How many rows are not as they say; what is tried is shown on a terminal."""
    from rigspec.cli.console import progress
    from rigspec.trial.run import try_all

    wrong = idle = 0
    for trial in progress(try_all(), count, "rows tried"):
        for failure in trial.failures:
            typer.echo(f"{trial.rule.id}: {failure}", err=True)
        wrong += bool(trial.failures)
        idle += bool(trial.idle)
    typer.echo(f"{count} rules tried both ways; of {idle} one side lies beyond what a spec can ask")
    return wrong
