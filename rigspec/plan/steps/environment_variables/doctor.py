"""Check the scripts of an environment, and the variables that they set."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from rigspec.plan.inspection.expectation import Expectation, compare
from rigspec.plan.inspection.files import check_attributes
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.base import compute_digest
from rigspec.plan.steps.environment_variables import EnvironmentVariablesStep
from rigspec.plan.steps.variables.doctor import read_variable

__all__ = ["check"]


def check(step: EnvironmentVariablesStep, inspection: Inspection) -> Iterator[Finding]:
    """Check the scripts of an environment, and the variables that they set."""
    texts = inspection.texts
    for name, path in step.scripts:
        if name in texts:
            digest = compute_digest(texts[name])
            yield from check_attributes(
                step.layer, path, step.id, owner="root:root", mode="0644", sha256=digest
            )
    script = step.scripts[0][1] if step.by_conda else f"{step.path}/bin/activate"
    for variable in step.variables:
        expected = ":".join(variable.values)
        name = f"{step.name}/{variable.name}"
        expectation = Expectation(step.layer, name, "activated", expected, step.id)
        yield compare(expectation, partial(read_variable, variable, script))
