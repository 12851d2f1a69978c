"""What the spec asks for its users: groups, quotas, and the BLAS of their environments."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec

__all__ = ["account_advice", "blas_advice"]

# What brings the program that sets quotas, as Debian and Ubuntu package it.
_QUOTA = "quota"


def account_advice(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Errors for groups that are not there; warnings for those that make their members root, for
    quotas that nothing enforces, and for a secure shell without keys.
    """
    yield from _shut_out(spec)
    system = spec.rig.system
    own = set(system.groups) if system is not None else set()
    for name, user in sorted(spec.rig.user.items()):
        for index, group in enumerate(user.groups):
            if group not in own:
                path = ("user", name, "groups", index)
                yield from _group(spec, matrix, path, name, group, own)
                yield from _lacking(spec, matrix, path, group, resolution)
        if user.quota is not None and (system is None or _QUOTA not in system.packages):
            yield Diagnostic(
                code="RS408",
                severity=Severity.WARNING,
                message=f"nothing holds {name} to {user.quota}: the rig brings no program that "
                "sets quotas",
                spans=(spec.document.span(("user", name, "quota"), label="named, not enforced"),),
                help=(
                    f'add "{_QUOTA}" to `[system] packages`, and mount the file system of /home '
                    "with `usrquota`",
                ),
            )


def _shut_out(spec: LoadedSpec) -> Iterator[Diagnostic]:
    rig = spec.rig
    if rig.service.ssh is None or any(user.ssh_keys for user in rig.user.values()):
        return
    who = "no user of the rig has one" if rig.user else "the rig has no users"
    yield Diagnostic(
        code="RS409",
        severity=Severity.WARNING,
        message=f"the secure shell takes keys only, and {who}",
        spans=(spec.document.span(("service", "ssh"), label="lets in who has a key already"),),
        help=("give a `[user.*]` its `ssh_keys`",),
    )


def _group(
    spec: LoadedSpec, matrix: Matrix, path: KeyPath, user: str, group: str, own: set[str]
) -> Iterator[Diagnostic]:
    known = {release.version: release for release in matrix.product("group").releases}
    if group not in known:
        near = get_close_matches(group, sorted(known.keys() | own), n=1)
        advice = (f"did you mean `{near[0]}`?",) if near else ()
        yield Diagnostic(
            code="RS008",
            severity=Severity.ERROR,
            message=f"no group `{group}`: no system has it, and `[system] groups` does not make it",
            spans=(spec.document.span(path, label="not declared"),),
            help=(*advice, f'to make it, write `groups = ["{group}"]` in `[system]`'),
        )
        return
    rights = known[group].get("rights")
    if rights is not None:
        yield Diagnostic(
            code="RS407",
            severity=Severity.WARNING,
            message=f"the group `{group}` gives {user} more than it seems",
            spans=(spec.document.span(path, label="as good as it says"),),
            facts=(Fact(f"group/{group}", rights, known[group].sources),),
            help=("leave it out, where this is not meant",),
        )


def _lacking(
    spec: LoadedSpec, matrix: Matrix, path: KeyPath, group: str, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """An error for a group that other systems make, and the resolved one does not."""
    release = next((r for r in matrix.product("group").releases if r.version == group), None)
    told = release.get("lacking") if release is not None else None
    if release is None or told is None or resolution is None:
        return
    systems = told.split(", ")
    if resolution.os in systems:
        statement = f"{' and '.join(systems)} do not make the group {group}"
        yield Diagnostic(
            code="RS008",
            severity=Severity.ERROR,
            message=f"{resolution.os} has no group `{group}`",
            components=("os",),
            spans=(spec.document.span(path, label="made by later systems"),),
            facts=(Fact(f"group/{group}", statement, release.sources_of("lacking")),),
            help=(f'leave it out, or make it: `groups = ["{group}"]` in `[system]`',),
        )


def blas_advice(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    """An error for a BLAS that the environment's packages cannot be made to use."""
    for name, env in sorted(spec.rig.env.items()):
        if env.blas is None or env.manager == "conda":
            continue
        release = next(r for r in matrix.product("blas").releases if r.version == env.blas)
        lack = release.get("wheels_lack")
        if lack is not None:
            yield Diagnostic(
                code="RS238",
                severity=Severity.ERROR,
                message=f"pip cannot give NumPy of `{name}` another BLAS",
                spans=(spec.document.span(("env", name, "blas"), label=f"asks for {env.blas}"),),
                facts=(Fact(f"blas/{env.blas}", lack, release.sources),),
                help=('let conda make the environment: `manager = "conda"` and `channels`',),
            )
