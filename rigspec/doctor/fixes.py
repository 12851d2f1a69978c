"""Generate the commands that fix differences. They are printed, not run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rigspec.doctor.model import Diagnosis, Item, Status
from rigspec.plan.steps import (
    AccessStep,
    EnvironmentStep,
    EnvironmentVariablesStep,
    PlatformStep,
    RebootStep,
    ServiceStep,
    Step,
    UserStep,
    VerifyStep,
)

__all__ = ["list_fix_commands"]


def list_fix_commands(diagnosis: Diagnosis, steps: Sequence[Step]) -> Iterator[str]:
    """Yield shell commands for each step with a difference, in the order of the plan.

    The stamp of a step is removed first, so that the installer runs it again.
    """
    broken = {item.step for item in diagnosis.differences}
    # Recreating an environment removes its directory: also run the steps that change it.
    recreated = {
        step.path for step in steps if isinstance(step, EnvironmentStep) and step.id in broken
    }
    broken |= {
        step.id
        for step in steps
        if isinstance(step, (AccessStep, EnvironmentVariablesStep)) and step.path in recreated
    }
    # A service reads its configuration at start.
    broken |= {
        step.id
        for step in steps
        if isinstance(step, ServiceStep) and broken & {*step.needs, *step.restart_on}
    }
    reboot = False
    for step in steps:
        if step.id not in broken:
            continue
        items = [item for item in diagnosis.differences if item.step == step.id]
        match step:
            case PlatformStep():
                yield "# wrong platform: this cannot be fixed"
            case VerifyStep():
                yield f"# {step.title}: fixed by the commands above"
            case RebootStep():
                reboot = True
            case UserStep():
                yield from _fix_account(step, items)
            case ServiceStep():
                yield from _fix_unit(step, items)
            case _:
                reboot = reboot or step.scope is step.scope.HOST
                yield from _rerun_step(step)
    if reboot:
        yield "# then reboot: drivers and kernel arguments take effect at boot"


def _fix_account(step: UserStep, items: Sequence[Item]) -> Iterator[str]:
    """Yield commands for an account; the installer does not change foreign keys or owners."""
    remaining = []
    for item in items:
        if item.status is Status.EXTRA:
            yield f"# remove manually from {item.name}: {item.aspect}"
        elif item.aspect == "password":
            yield f"passwd --lock {shlex.quote(step.name)}"
        elif item.aspect == "owner" and item.found is not None:
            owner, path = shlex.quote(item.expected or ""), shlex.quote(item.name)
            yield f"chown --no-dereference {owner} {path}"
        else:
            remaining.append(item)
    if remaining:
        yield from _rerun_step(step)


def _fix_unit(step: ServiceStep, items: Sequence[Item]) -> Iterator[str]:
    """Yield commands for a unit; the installer does not change foreign drop-ins or masked units."""
    name = shlex.quote(step.name)
    for item in items:
        if item.status is Status.EXTRA:
            yield f"# remove manually: {item.name}"
        elif (item.aspect, item.found) == ("enabled", "masked"):
            yield f"systemctl unmask {name}"
    if not items or any(item.status is not Status.EXTRA for item in items):
        yield from _rerun_step(step)


def _rerun_step(step: Step) -> Iterator[str]:
    yield f"# {step.title}"
    yield f"rm -f {shlex.quote(f'/var/lib/rig/{step.id}')}"
    yield f"install.sh --step {shlex.quote(step.id)}"
