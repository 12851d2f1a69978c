"""``rigspec why``: explain why a version was chosen."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rigspec.cli.common.completion import complete_components
from rigspec.cli.common.options import FORMAT, AnyMachine, Spec
from rigspec.cli.common.pipeline import open_spec, resolve_or_exit, select_machines
from rigspec.cli.common.spec_paths import STDIN_NAME, find_spec
from rigspec.cli.console import fail, fail_unknown, show
from rigspec.diagnostics.model import Report
from rigspec.diagnostics.render.json import render_json
from rigspec.resolve.explain.why import UnknownComponent, Unsolvable
from rigspec.resolve.explain.why import explain_component as explain_version
from rigspec.resolve.problem.builder import load_required_matrix

__all__ = ["why"]

_CUDA_OF_WHEELS = "cuda_runtime"
# Hardware and cost have no version to explain.
_PARTS = frozenset(
    {"case", "cost", "electricity", "lanes", "memory", "motherboard", "power", "price", "psu"}
    | {"clearance", "slots", "storage"}
)


def why(
    spec: Spec,
    component: Annotated[
        str | None,
        typer.Argument(
            metavar="COMPONENT",
            help="Component, such as cuda, driver, python, lab/python or torch",
            autocompletion=complete_components,
            show_default=False,
        ),
    ] = None,
    machine: AnyMachine = None,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
) -> None:
    """Explain why a version was chosen.

    Prints the lines and facts that led to the version, and what excludes the next newer one.
    """
    if component is None:
        if spec == STDIN_NAME:
            fail("no component", status=2, help_text="name one, such as `rigspec why - driver`")
        # Without a spec, the only word is the component.
        component, spec = str(spec), find_spec()
    loaded = open_spec(spec)
    reports = []
    for name in select_machines(loaded, machine):
        resolution = resolve_or_exit(loaded, name).resolution
        try:
            notes = explain_version(loaded, name, load_required_matrix(loaded.rig, name), component)
        except UnknownComponent as error:
            # `check` prints the CUDA of wheels as `cuda`, too.
            if component == "cuda" and _CUDA_OF_WHEELS in error.known:
                notes = explain_version(
                    loaded, name, load_required_matrix(loaded.rig, name), _CUDA_OF_WHEELS
                )
                reports.append(Report(str(spec), name, "ok", resolution, notes))
                continue
            if component in _PARTS:
                fail(
                    f"`{component}` is hardware and has no version",
                    status=2,
                    help_text="run `rigspec check` or `rigspec compare` for hardware",
                )
            requested = [
                name
                for name, env in loaded.rig.env.items()
                if component in (*env.packages, *env.frameworks)
            ]
            if requested:
                fail(
                    f"the version of `{component}` is decided by `rigspec lock`",
                    status=2,
                    help_text=f"it is requested in [env.{requested[0]}]; run `rigspec lock`",
                )
            fail_unknown(
                f"no component `{component}` in {spec}",
                component,
                error.known,
                otherwise=f"name one of {', '.join(error.known)}",
            )
        except Unsolvable:
            fail(f"{spec} has conflicts", status=1, help_text=f"run `rigspec check {spec}`")
        reports.append(Report(str(spec), name, "ok", resolution, notes))
    if format_ == "json":
        typer.echo(render_json(reports))
        return
    for report in reports:
        show(report, {str(spec): loaded.document.text}, to_stdout=True)
