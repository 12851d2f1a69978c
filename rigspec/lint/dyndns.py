"""Lint the protocol of the dynamic DNS client."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import Resolution
from rigspec.spec.loader import LoadedSpec

__all__ = ["lint_dyndns"]

_CODE = "RS242"


def lint_dyndns(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report a protocol that the ddclient of the system does not support."""
    dyndns = spec.rig.service.dyndns
    if dyndns is None or resolution is None or "os" not in matrix:
        return
    system = matrix.product("os").find_release(resolution.os)
    known = _list_protocols(system) if system is not None else ()
    if system is None or not known:
        return  # the protocols are unknown
    path = ("service", "dyndns", "protocol")
    if dyndns.protocol not in known:
        near = get_close_matches(dyndns.protocol, known, n=1)
        yield Diagnostic(
            code=_CODE,
            severity=Severity.ERROR,
            message=f"ddclient of {resolution.os} does not support `{dyndns.protocol}`",
            components=("os",),
            spans=(spec.document.span(path, label="not supported"),),
            facts=(_fact(system),),
            help=(f"did you mean `{near[0]}`?",) if near else (),
        )


def _fact(system: Release) -> Fact:
    statement = f"ddclient of {system.label} supports {', '.join(_list_protocols(system))}"
    name = "dyndns_protocols"
    return Fact(f"os-{system.label}/{name}", statement, system.sources_of(name))


def _list_protocols(system: Release) -> tuple[str, ...]:
    # A dash follows the name of a protocol without an account.
    return tuple(n.rstrip("-") for n in (system.get("dyndns_protocols") or "").split())
