"""Check the arguments of the running kernel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from rigspec.plan.inspection.expectation import Expectation, ProbeError, compare, read_text
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.kernel_arguments import KernelArgumentsStep

__all__ = ["check"]


def check(step: KernelArgumentsStep, _: Inspection) -> Iterator[Finding]:
    """Check the arguments of the running kernel."""
    for argument in step.arguments:
        name = argument.partition("=")[0]
        expectation = Expectation(step.layer, name, "argument", argument, step.id)
        yield compare(expectation, partial(_find_argument, name))


def _find_argument(name: str) -> str | None:
    line = read_text("/proc/cmdline")
    if line is None:
        raise ProbeError("/proc/cmdline not found")
    same = [word for word in line.split() if word.partition("=")[0] == name]
    # The kernel uses the last of several.
    return same[-1] if same else None
