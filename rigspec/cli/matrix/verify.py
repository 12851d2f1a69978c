"""``rigspec matrix verify``: check the tables and test every rule."""

from __future__ import annotations

from typing import Annotated

import typer

from rigspec.cli.common.progress import count_items
from rigspec.matrix.lint import find_problems
from rigspec.matrix.loader import (
    load_matrix,
)
from rigspec.matrix.uploads import load_uploads
from rigspec.selftest.runner import check_all_rules

__all__ = ["verify"]


def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Skip the tests of the rules, which take a minute")
    ] = False,
) -> None:
    """Check the tables and test every rule both ways.

    A combination that a rule allows must resolve, and one that it forbids must be refused with the
    right code. Exits with 1 if a rule is wrong.
    """
    matrix = load_matrix()
    uploads = {p.name: load_uploads(p.name) for p in matrix.products if p.kind == "framework"}
    invalid = find_problems(matrix, uploads)
    for problem in invalid:
        typer.echo(f"{problem.place}: {problem.message}", err=True)
    wrong = len(invalid) + (0 if quick else _test_rules(sum(1 for _ in matrix.rules())))
    if wrong:
        raise typer.Exit(1)
    typer.echo("the matrix is consistent")


def _test_rules(total: int) -> int:
    """Test every rule and return the number of failures."""
    wrong = one_sided = 0
    for result in count_items(check_all_rules(), total, "rules tested"):
        for failure in result.failures:
            typer.echo(f"{result.rule.id}: {failure}", err=True)
        wrong += bool(result.failures)
        one_sided += bool(result.idle)
    typer.echo(f"{total} rules tested both ways; a spec can express only one side of {one_sided}")
    return wrong
