"""What ``compile`` says of an output that the machine's provider would not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigspec.cli.console import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rigspec.emit.limits import OutputTooLarge
    from rigspec.spec.load import LoadedSpec

__all__ = ["report_output_too_large"]


def report_output_too_large(spec: LoadedSpec, machine: str | None, error: OutputTooLarge) -> None:
    """The error with its place in the spec, on stderr."""
    from rigspec.diagnostics.model import Diagnostic, Fact, Report, Severity

    table = spec.rig.machine.get(machine) if machine is not None else None
    key = "instance" if table is not None and table.instance else "kind"
    place = ("machine", machine, key) if machine is not None else ("name",)
    limit = error.limit
    found = Diagnostic(
        code="RS605",
        severity=Severity.ERROR,
        message=(
            f"{error.path} has {error.size} bytes at its shortest; {limit.provider} takes "
            f"{limit.size}"
        ),
        spans=(spec.document.span(place, label=f"{limit.size} bytes at most"),),
        facts=(
            Fact(
                id=f"{limit.path}/{limit.provider}",
                statement=f"{limit.provider} takes {limit.path} of {limit.size} bytes at most",
                sources=(limit.source,),
            ),
        ),
        help=tuple(_advice(error)),
    )
    report = Report(spec.document.file, machine, "invalid", None, (found,))
    show(report, {spec.document.file: spec.document.text})


def _advice(error: OutputTooLarge) -> Iterator[str]:
    if not error.named:
        yield (
            "the spec names no provider, so the narrowest counts: begin `instance` with its "
            f'name, as in "{error.limit.provider} …"'
        )
    if error.seeded:
        yield "compile with --target shell, and run that installer from an image of your own"
    else:
        yield (
            'write `seed = "https://…"` under [mirrors] and put the files of cloud-init/seed/ '
            "there: the first boot then fetches the rest and checks it"
        )
