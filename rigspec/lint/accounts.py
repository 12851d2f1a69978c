"""Lint users and environments: groups, quotas, ssh keys, and the BLAS library."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.types import has_apt

__all__ = ["lint_accounts"]

# The package of the quota tools on Debian and Ubuntu.
_QUOTA = "quota"


def lint_accounts(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report unknown and privileged groups, quotas that are not enforced, and sshd without keys."""
    yield from _lint_ssh_keys(spec)
    system = spec.rig.system
    own = set(system.groups) if system is not None else set()
    for name, user in sorted(spec.rig.user.items()):
        for index, group in enumerate(user.groups):
            if group not in own:
                path = ("user", name, "groups", index)
                missing = list(_lint_missing_group(spec, matrix, path, group, resolution))
                yield from missing or _lint_group(spec, matrix, path, name, group, own)
        if user.quota is not None and (system is None or _QUOTA not in system.packages):
            yield Diagnostic(
                code="RS408",
                severity=Severity.WARNING,
                message=f"the quota of {name} ({user.quota}) is not enforced: the rig does not "
                "install quota tools",
                spans=(spec.document.span(("user", name, "quota"), label="not enforced"),),
                help=(
                    f'add "{_QUOTA}" to `[system] packages`, and mount the file system of /home '
                    "with `usrquota`",
                ),
            )


def _lint_ssh_keys(spec: LoadedSpec) -> Iterator[Diagnostic]:
    rig = spec.rig
    if rig.service.ssh is None or any(user.ssh_keys for user in rig.user.values()):
        return
    lacking = "no user has `ssh_keys`" if rig.user else "the rig has no users"
    yield Diagnostic(
        code="RS409",
        severity=Severity.WARNING,
        message=f"sshd accepts keys only, but {lacking}: no one can log in",
        spans=(spec.document.span(("service", "ssh"), label="accepts keys only"),),
        help=("add `ssh_keys` to a `[user.*]` table",),
    )


def _lint_group(
    spec: LoadedSpec, matrix: Matrix, path: KeyPath, user: str, group: str, own: set[str]
) -> Iterator[Diagnostic]:
    known = {release.version: release for release in matrix.product("group").releases}
    if group not in known:
        near = get_close_matches(group, sorted(known.keys() | own), n=1)
        advice = (f"did you mean `{near[0]}`?",) if near else ()
        yield Diagnostic(
            code="RS008",
            severity=Severity.ERROR,
            message=f"unknown group `{group}`",
            spans=(
                spec.document.span(
                    path, label="not in `[system] groups`, and not a group of the system"
                ),
            ),
            help=(*advice, f'add `groups = ["{group}"]` to `[system]` to create it'),
        )
        return
    rights = known[group].get("rights")
    if rights is not None:
        yield Diagnostic(
            code="RS407",
            severity=Severity.WARNING,
            message=f"the group `{group}` gives {user} privileges that its name does not suggest",
            spans=(spec.document.span(path, label="privileged group"),),
            facts=(Fact(f"group/{group}", rights, known[group].sources),),
            help=("remove the group if this is not intended",),
        )


def _lint_missing_group(
    spec: LoadedSpec, matrix: Matrix, path: KeyPath, group: str, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report a group that other systems have, but not the resolved one."""
    release = next((r for r in matrix.product("group").releases if r.version == group), None)
    if release is None or resolution is None:
        return
    system = resolution.os
    facts: tuple[Fact, ...] = ()
    systems = (release.get("lacking") or "").split(", ")
    if system in systems:
        message, label = f"{system} has no group `{group}`", "created by later systems only"
        statement = f"{' and '.join(systems)} do not create the group {group}"
        facts = (Fact(f"group/{group}", statement, release.sources_of("lacking")),)
    elif (release.get("packages") or "apt") not in ("any", "apt" if has_apt(system) else "dnf"):
        message = f"the matrix does not know a group `{group}` of {system}"
        label = "known of other systems only"
    else:
        return
    yield Diagnostic(
        code="RS008",
        severity=Severity.ERROR,
        message=message,
        components=("os",),
        spans=(spec.document.span(path, label=label),),
        facts=facts,
        help=(f'remove it, or add `groups = ["{group}"]` to `[system]` to create it',),
    )
