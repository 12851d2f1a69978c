"""What would mend a machine: commands to read first, and then to run. Nothing runs here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rigspec.doctor.model import Diagnosis, Status
from rigspec.plan.steps import Platform, Reboot, Step, User, Verify

__all__ = ["mending"]


def mending(diagnosis: Diagnosis, steps: Sequence[Step]) -> Iterator[str]:
    """Lines for a shell: each step that has a difference, in the plan's order.

    A step is forgotten first, so that the installer does not take it as done.
    """
    broken = {item.step for item in diagnosis.differences}
    strange = [item for item in diagnosis.differences if item.status is Status.EXTRA]
    reboot = False
    for step in steps:
        if step.id not in broken:
            continue
        match step:
            case Platform():
                yield "# this is another machine: no step mends that"
            case Verify():
                yield f"# {step.title}: nothing to do but what stands here"
            case Reboot():
                reboot = True
            case User():
                # The installer leaves the keys of others where they are.
                for item in strange:
                    if item.step == step.id:
                        yield f"# take it out of {item.name} by hand: {item.aspect}"
                yield from _anew(step)
            case _:
                reboot = reboot or step.scope is step.scope.HOST
                yield from _anew(step)
    if reboot:
        yield "# then reboot: a driver and kernel arguments are in force after it"


def _anew(step: Step) -> Iterator[str]:
    yield f"# {step.title}"
    yield f"rm -f {shlex.quote(f'/var/lib/rig/{step.id}')}"
    yield f"install.sh --step {shlex.quote(step.id)}"
