"""What the system's dynamic DNS client speaks."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import Resolution
from rigspec.spec.loader import LoadedSpec

__all__ = ["name_service_advice"]

_CODE = "RS242"


def name_service_advice(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """An error for a protocol that the system's client does not speak."""
    dyndns = spec.rig.service.dyndns
    if dyndns is None or resolution is None or "os" not in matrix:
        return
    system = next((r for r in matrix.product("os").releases if r.label == resolution.os), None)
    known = _spoken(system) if system is not None else ()
    if system is None or not known:
        return  # nobody says what it speaks
    path = ("service", "dyndns", "protocol")
    if dyndns.protocol not in known:
        near = get_close_matches(dyndns.protocol, known, n=1)
        yield Diagnostic(
            code=_CODE,
            severity=Severity.ERROR,
            message=f"the ddclient of {resolution.os} does not speak `{dyndns.protocol}`",
            components=("os",),
            spans=(spec.document.span(path, label="not among its protocols"),),
            facts=(_fact(system),),
            help=(f"did you mean `{near[0]}`?",) if near else (),
        )


def _fact(system: Release) -> Fact:
    statement = f"the package ddclient of {system.label} speaks {', '.join(_spoken(system))}"
    figure = "dyndns_protocols"
    return Fact(f"os-{system.label}/{figure}", statement, system.sources_of(figure))


def _spoken(system: Release) -> tuple[str, ...]:
    # After the name of a protocol that asks for no account stands a dash.
    return tuple(n.rstrip("-") for n in (system.get("dyndns_protocols") or "").split())
