"""``rigspec why``: explain why a version was chosen."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn

import typer

from rigspec.cli.common.completion import complete_components
from rigspec.cli.common.options import FORMAT, AnyMachine, Spec
from rigspec.cli.common.pipeline import open_spec, resolve_or_exit, select_machines
from rigspec.cli.common.spec_paths import STDIN_NAME, find_spec
from rigspec.cli.console import fail, fail_unknown, show
from rigspec.diagnostics.model import Diagnostic, Report
from rigspec.diagnostics.render.json import render_json
from rigspec.resolve.explain.why import UnknownComponent, Unsolvable
from rigspec.resolve.explain.why import explain_component as explain_version
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec

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
    reports, known = [], dict[str, None]()
    for name in select_machines(loaded, machine):
        resolution = resolve_or_exit(loaded, name).resolution
        try:
            notes = _explain(loaded, name, component)
        except UnknownComponent as error:
            # The machine may lack an environment that another one has.
            known.update(dict.fromkeys(error.known))
            continue
        except Unsolvable:
            fail(f"{spec} has conflicts", status=1, help_text=f"run `rigspec check {spec}`")
        reports.append(Report(str(spec), name, "ok", resolution, notes))
    if not reports:
        _fail_unknown_component(loaded, machine, component, tuple(sorted(known)))
    if format_ == "json":
        typer.echo(render_json(reports))
        return
    for report in reports:
        show(report, {str(spec): loaded.document.text}, to_stdout=True)


def _explain(spec: LoadedSpec, machine: str | None, component: str) -> tuple[Diagnostic, ...]:
    """Return why a machine has the version of a component.

    Raises:
        UnknownComponent: The machine has no such component.
        Unsolvable: The machine has conflicts.

    """
    matrix = load_required_matrix(spec.rig, machine)
    try:
        return explain_version(spec, machine, matrix, component)
    except UnknownComponent as error:
        # `check` prints the CUDA of wheels as `cuda`, too.
        if component != "cuda" or _CUDA_OF_WHEELS not in error.known:
            raise
        return explain_version(spec, machine, matrix, _CUDA_OF_WHEELS)


def _fail_unknown_component(
    spec: LoadedSpec, machine: str | None, component: str, known: tuple[str, ...]
) -> NoReturn:
    if component in _PARTS:
        fail(
            f"`{component}` is hardware and has no version",
            status=2,
            help_text="run `rigspec check` or `rigspec compare` for hardware",
        )
    for name, env in spec.rig.env.items():
        if component in (*env.packages, *env.frameworks):
            if machine is not None and env.machines is not None and machine not in env.machines:
                fail(
                    f"{machine} has no component `{component}`",
                    status=2,
                    help_text=f"[env.{name}] is on {', '.join(env.machines)} only",
                )
            fail(
                f"the version of `{component}` is decided by `rigspec lock`",
                status=2,
                help_text=f"it is requested in [env.{name}]; run `rigspec lock`",
            )
    fail_unknown(
        f"no component `{component}` in {spec.document.file}",
        component,
        known,
        otherwise=f"name one of {', '.join(known)}",
    )
