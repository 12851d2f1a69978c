"""``rigspec why``: which lines and facts led to a version."""

from __future__ import annotations

from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from rigspec.cli.console import fail, show
from rigspec.cli.pipeline import chosen_machines, matrix_for, open_spec, resolve_or_exit

__all__ = ["why"]


# What a machine is made of and costs: nothing that a version would have to be chosen for.
_PARTS = frozenset(
    {"case", "cost", "electricity", "lanes", "memory", "motherboard", "power", "price", "psu"}
    | {"clearance", "slots", "storage"}
)


class Format(str, Enum):
    """How the answer is written."""

    text = "text"
    json = "json"


def why(
    spec_file: Annotated[Path, typer.Argument(metavar="SPEC", help="A rig.")],
    component: Annotated[
        str, typer.Argument(help="What to ask about: cuda, driver, python, lab/python, torch.")
    ],
    machine: Annotated[
        str | None, typer.Option("--machine", help="Only this machine of the rig.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.text,
) -> None:
    """Tell which lines and facts led to a version, and what stopped the next newer one."""
    from rigspec.diagnostics.model import Report
    from rigspec.resolve.explain.why import UnknownComponent, Unsolvable
    from rigspec.resolve.explain.why import why as reasons

    spec = open_spec(spec_file)
    reports = []
    for name in chosen_machines(spec, machine):
        resolution = resolve_or_exit(spec, name).resolution
        try:
            notes = reasons(spec, name, matrix_for(spec, name), component)
        except UnknownComponent as error:
            if component in _PARTS:
                told = "`rigspec check` and `rigspec compare` tell of it"
                fail(f"`{component}` is a part and has no version to ask about; {told}", status=2)
            near = get_close_matches(component, error.known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(error.known)}"
            fail(f"{spec_file} has no component `{component}`; {hint}", status=2)
        except Unsolvable:
            fail(f"{spec_file} cannot exist; `rigspec check` tells why", status=1)
        reports.append(Report(str(spec_file), name, "ok", resolution, notes))
    if format_ is Format.json:
        from rigspec.diagnostics.render.json import render_json

        typer.echo(render_json(reports))
        return
    for report in reports:
        show(report, {str(spec_file): spec.document.text}, to_stdout=True)
