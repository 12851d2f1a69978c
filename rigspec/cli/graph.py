"""``rigspec graph``: draw the resolved stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rigspec.cli.common.options import FORMAT, OneMachine, Spec
from rigspec.cli.common.output_file import write_text
from rigspec.cli.common.pipeline import open_spec, resolve_or_exit, select_machine
from rigspec.cli.console import fail, show
from rigspec.diagnostics.render.summary import drop_warnings
from rigspec.graph.build import build_graph
from rigspec.graph.render.dot import render_dot
from rigspec.graph.render.mermaid import render_mermaid
from rigspec.graph.render.svg import render_svg
from rigspec.resolve.problem.builder import load_required_matrix

__all__ = ["graph"]

Format = Literal["mermaid", "dot", "svg"]
_SUFFIXES: dict[str, Format] = {
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".svg": "svg",
}
_RENDERERS = {"mermaid": render_mermaid, "dot": render_dot, "svg": render_svg}


def graph(
    spec: Spec,
    machine: OneMachine = None,
    format_: Annotated[Format | None, FORMAT] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Output file (default: stdout)"),
    ] = None,
    no_sources: Annotated[
        bool, typer.Option("--no-sources", help="Leave out the facts and their sources")
    ] = False,
) -> None:
    """Draw the resolved stack.

    Edges point from a component to what it requires and are labelled with the rule; the number
    refers to its source. The default format is that of the file's suffix (.mmd, .dot, .gv, .svg),
    or Mermaid on stdout. A rig with conflicts is not drawn: its errors are printed, and the exit
    status is 1.
    """
    chosen = format_ or _format_of(output)
    loaded = open_spec(spec)
    name = select_machine(loaded, machine)
    report = resolve_or_exit(loaded, name)
    # Hardware errors do not prevent a drawing of the software.
    show(drop_warnings(report), {str(spec): loaded.document.text})
    drawn = build_graph(loaded, report, load_required_matrix(loaded.rig, name))
    text = _RENDERERS[chosen](drawn.without_facts() if no_sources else drawn)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)


def _format_of(output: Path | None) -> Format:
    if output is None:
        return "mermaid"
    suffix = output.suffix.lower()
    if suffix not in _SUFFIXES:
        fail(
            f"the suffix of {output} does not match a format",
            status=2,
            help_text=f"use one of {', '.join(_SUFFIXES)}, or set --format",
        )
    return _SUFFIXES[suffix]
