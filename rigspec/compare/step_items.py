"""What the steps of a plan leave on one machine, item by item: what no lock tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from rigspec.compare.promise import ComparedItem, fingerprint
from rigspec.plan.steps import (
    Access,
    AptPackages,
    AptRepository,
    AptSource,
    Archive,
    Certificate,
    Download,
    Environment,
    EnvironmentVariables,
    File,
    Group,
    Installer,
    KernelArguments,
    Platform,
    Quota,
    Reboot,
    Secret,
    Service,
    Step,
    User,
    Variables,
    Verify,
)

__all__ = ["step_promises"]

# Told by the lock already, each package and repository by itself.
_LOCKED = (AptPackages, AptRepository, Platform)


def step_promises(steps: Iterable[Step]) -> Iterator[ComparedItem]:
    """Files, variables, accounts, services, the kernel's arguments, and every check at the end."""
    for step in steps:
        if not isinstance(step, _LOCKED):
            yield from _promises(step)


def _promises(step: Step) -> Iterator[ComparedItem]:
    match step:
        case File():
            value = f"{step.owner}, mode {step.mode}"
            yield ComparedItem("files", step.path, value, fingerprint(step.content), step.part)
        case Download():
            yield ComparedItem("files", step.to, f"mode {step.mode}", step.file.sha256, step.part)
        case Archive() | Installer():
            yield ComparedItem("files", step.creates, f"from {step.file.name}", part=step.part)
        case Environment():
            made = f"Python {step.python} by {' '.join(step.creator)}, pip {step.pip}"
            yield ComparedItem("environments", step.path, made, part=step.part)
        case Variables():
            for variable in step.variables:
                before = "before what is there" if variable.prepend else ""
                value = " ".join([":".join(variable.values), before]).strip()
                yield ComparedItem("variables", variable.name, value, part=step.part)
        case EnvironmentVariables():
            for variable in step.variables:
                name = f"{variable.name} in {step.name}"
                yield ComparedItem("variables", name, ":".join(variable.values), part=step.part)
        case Group():
            members = "anybody" if step.members is None else ", ".join(step.members)
            yield ComparedItem("users", f"group {step.name}", members, part=step.part)
        case Access():
            yield ComparedItem(
                "files", step.path, f"{step.owner}, mode {step.mode}", part=step.part
            )
        case Quota():
            yield ComparedItem("users", f"quota of {step.user}", step.limit, part=step.part)
        case User():
            groups = ", ".join(step.groups) or "no groups"
            keys = fingerprint("\n".join(sorted(step.ssh_keys))) if step.ssh_keys else ""
            value = f"{groups}, {len(step.ssh_keys)} ssh keys"
            yield ComparedItem("users", step.name, value, keys, step.part)
        case Service():
            value = "a unit of the rig's own" if step.unit else "the package's unit"
            content = fingerprint(step.unit) if step.unit else ""
            yield ComparedItem("services", step.name, value, content, step.part)
        case Secret() | Certificate():
            yield from _kept_apart(step)
        case KernelArguments():
            for argument in step.arguments:
                yield ComparedItem("kernel arguments", argument, "given", part=step.part)
        case Verify():
            for check in step.checks:
                expected = fingerprint(" ".join([*check.command, check.expect]))
                yield ComparedItem(
                    "checks", check.title, check.expect or "nothing", expected, "check"
                )
        case Reboot():
            yield ComparedItem("reboot", "a reboot", step.reason, part=step.part)
        case AptSource():
            value = "; ".join(step.entries) or f"{' '.join(step.components)}"
            yield ComparedItem("repositories", step.name, value, part=step.part)
        case _:
            yield _unknown(step)


def _kept_apart(step: Secret | Certificate) -> Iterator[ComparedItem]:
    """What no artifact holds: its place, and how it is made or by which name it is asked for."""
    if isinstance(step, Secret):
        value = f"the secret {step.name}, for {step.owner}"
        yield ComparedItem("files", step.path, value, part=step.part)
    else:
        value = f"{step.algorithm} for {step.days} days, for {step.owner}"
        yield ComparedItem("files", step.certificate, value, part=step.part)


def _unknown(step: Step) -> ComparedItem:
    """A kind of step that has come since: held against the other machine's as a whole."""
    told = " ".join(f"{field.name}={getattr(step, field.name)!r}" for field in fields(step))
    return ComparedItem(step.kind, step.id, step.title, fingerprint(told), step.part)
