"""``rigspec graph``: the resolved stack as a picture."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, show, write_text
from rigspec.cli.pipeline import chosen_machines, matrix_for, open_spec, resolve_or_exit

if TYPE_CHECKING:
    from rigspec.graph.model import StackGraph

__all__ = ["graph"]


class Format(str, Enum):
    """How the picture is written."""

    mermaid = "mermaid"
    dot = "dot"
    svg = "svg"


_ENDINGS = {
    ".mmd": Format.mermaid,
    ".mermaid": Format.mermaid,
    ".dot": Format.dot,
    ".gv": Format.dot,
    ".svg": Format.svg,
}


def graph(
    spec_file: Annotated[Path, typer.Argument(metavar="SPEC", help="A rig.")],
    machine: Annotated[
        str | None, typer.Option("--machine", help="Which machine, where the rig has several.")
    ] = None,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="mermaid (for Markdown), dot (for Graphviz), or svg (as it is). Else the ending "
            "of FILE says so: .mmd, .dot, .gv, .svg; and without a FILE it is mermaid.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")
    ] = None,
) -> None:
    """Draw the resolved stack, from the hardware up, with the facts that bind it on the arrows.

    An arrow leads from what asks to what is asked; a number is that of the fact, and of its
    source, below. A rig that cannot exist is not drawn: its errors are told, and the exit status
    is 1.
    """
    from rigspec.diagnostics.render.summary import drop_warnings
    from rigspec.graph.build import build_graph

    chosen = format_ or _by_ending(output)
    spec = open_spec(spec_file)
    machines = chosen_machines(spec, machine)
    if len(machines) > 1:
        names = ", ".join(str(name) for name in machines)
        fail(
            f"{spec_file} declares {len(machines)} machines; name one of {names} with --machine",
            status=2,
        )
    report = resolve_or_exit(spec, machines[0])
    # Parts that do not fit stop no picture of the software; they are told beside it.
    show(drop_warnings(report), {str(spec_file): spec.document.text})
    text = _written(build_graph(spec, report, matrix_for(spec, machines[0])), chosen)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)


def _by_ending(output: Path | None) -> Format:
    if output is None:
        return Format.mermaid
    found = _ENDINGS.get(output.suffix.lower())
    if found is None:
        known = ", ".join(_ENDINGS)
        fail(f"{output}: the ending names no format ({known}); name one with --format", status=2)
    return found


def _written(picture: StackGraph, format_: Format) -> str:
    if format_ is Format.svg:
        from rigspec.graph.render.svg import as_svg

        return as_svg(picture)
    if format_ is Format.dot:
        from rigspec.graph.render.dot import as_dot

        return as_dot(picture)
    from rigspec.graph.render.mermaid import as_mermaid

    return as_mermaid(picture)
