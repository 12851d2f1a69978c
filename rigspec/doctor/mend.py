"""What would mend a machine: commands to read first, and then to run. Nothing runs here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rigspec.doctor.model import Diagnosis
from rigspec.plan.steps import Platform, Reboot, Step, Verify

__all__ = ["mending"]


def mending(diagnosis: Diagnosis, steps: Sequence[Step]) -> Iterator[str]:
    """Lines for a shell: each step that has a difference, in the plan's order.

    A step is forgotten first, so that the installer does not take it as done.
    """
    broken = {item.step for item in diagnosis.differences}
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
            case _:
                reboot = reboot or step.scope is step.scope.HOST
                yield f"# {step.title}"
                yield f"rm -f {shlex.quote(f'/var/lib/rig/{step.id}')}"
                yield f"install.sh --step {shlex.quote(step.id)}"
    if reboot:
        yield "# then reboot: a driver and kernel arguments are in force after it"
