"""What would mend a machine: commands to read first, and then to run. Nothing runs here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rigspec.doctor.model import Diagnosis, Item, Status
from rigspec.plan.steps import (
    Access,
    Environment,
    EnvironmentVariables,
    Platform,
    Reboot,
    Service,
    Step,
    User,
    Verify,
)

__all__ = ["fix_commands"]


def fix_commands(diagnosis: Diagnosis, steps: Sequence[Step]) -> Iterator[str]:
    """Lines for a shell: each step that has a difference, in the plan's order.

    A step is forgotten first, so that the installer does not take it as done.
    """
    broken = {item.step for item in diagnosis.differences}
    # An environment is made from nothing: what was done to its folder is done once more.
    remade = {step.path for step in steps if isinstance(step, Environment) and step.id in broken}
    broken |= {
        step.id
        for step in steps
        if isinstance(step, (Access, EnvironmentVariables)) and step.path in remade
    }
    # What a service reads it reads as it starts.
    broken |= {
        step.id
        for step in steps
        if isinstance(step, Service) and broken & {*step.needs, *step.restart_on}
    }
    reboot = False
    for step in steps:
        if step.id not in broken:
            continue
        items = [item for item in diagnosis.differences if item.step == step.id]
        match step:
            case Platform():
                yield "# this is another machine: no step mends that"
            case Verify():
                yield f"# {step.title}: nothing to do but what stands here"
            case Reboot():
                reboot = True
            case User():
                yield from _account(step, items)
            case Service():
                yield from _unit(step, items)
            case _:
                reboot = reboot or step.scope is step.scope.HOST
                yield from _rerun_step(step)
    if reboot:
        yield "# then reboot: a driver and kernel arguments are in force after it"


def _account(step: User, items: Sequence[Item]) -> Iterator[str]:
    """The installer leaves the keys of others where they are, and whose a home's folders are."""
    left = []
    for item in items:
        if item.status is Status.EXTRA:
            yield f"# take it out of {item.name} by hand: {item.aspect}"
        elif item.aspect == "password":
            yield f"passwd --lock {shlex.quote(step.name)}"
        elif item.aspect == "owner" and item.found is not None:
            owner, path = shlex.quote(item.expected or ""), shlex.quote(item.name)
            yield f"chown --no-dereference {owner} {path}"
        else:
            left.append(item)
    if left:
        yield from _rerun_step(step)


def _unit(step: Service, items: Sequence[Item]) -> Iterator[str]:
    """What somebody laid over a unit the installer leaves alone, and a masked unit as it is."""
    name = shlex.quote(step.name)
    for item in items:
        if item.status is Status.EXTRA:
            yield f"# take it away by hand: {item.name}"
        elif (item.aspect, item.found) == ("enabled", "masked"):
            yield f"systemctl unmask {name}"
    if not items or any(item.status is not Status.EXTRA for item in items):
        yield from _rerun_step(step)


def _rerun_step(step: Step) -> Iterator[str]:
    yield f"# {step.title}"
    yield f"rm -f {shlex.quote(f'/var/lib/rig/{step.id}')}"
    yield f"install.sh --step {shlex.quote(step.id)}"
