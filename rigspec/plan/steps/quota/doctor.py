"""Check the disk quota of an account."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.plan.inspection.expectation import Expectation, ProbeError, compare, run_command
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.quota import QuotaStep

__all__ = ["check"]

# A line of quota(1): file system, blocks, soft and hard limit.
_LIMITS = re.compile(r"^[ \t]*\S+[ \t]+\d+\*?[ \t]+\d+[ \t]+(\d+)\s", re.MULTILINE)


def check(step: QuotaStep, _: Inspection) -> Iterator[Finding]:
    """Check the disk quota of an account, in blocks of 1024 bytes."""
    expectation = Expectation(step.layer, step.user, "quota", str(step.kib), step.id)

    def probe() -> str:
        arguments = ("quota", "--user", step.user, "--verbose", "--no-wrap", "--raw-grace")
        limits = _LIMITS.findall(run_command(arguments, fails=True))
        if not limits:
            raise ProbeError("user quotas are not enabled on any file system")
        return str(max(map(int, limits)))

    yield compare(expectation, probe)
