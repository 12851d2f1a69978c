"""Check whether a reboot is required."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from rigspec.plan.inspection.expectation import Expectation, ProbeError, compare, read_text
from rigspec.plan.inspection.findings import Finding, Fix, Inspection
from rigspec.plan.steps.reboot import RebootStep

__all__ = ["check", "fix"]


def check(step: RebootStep, _: Inspection) -> Iterator[Finding]:
    """Check whether the kernel was started after the installer requested a reboot."""
    expectation = Expectation(step.layer, "reboot", "state", "not required", step.id)
    yield compare(expectation, lambda: _reboot_state(f"/var/lib/rig/{step.id}"))


def fix(step: RebootStep, findings: Sequence[Finding]) -> Fix:
    """Return no commands: the reboot comes after all others."""
    return Fix(rerun=False)


def _reboot_state(stamp: str) -> str | None:
    if any(os.path.exists(f"/{folder}/reboot-required") for folder in ("run", "var/run")):
        return "required"
    text = read_text("/proc/stat")
    boot_time = re.search(r"^btime (\d+)$", text or "", re.MULTILINE)
    if boot_time is None:
        raise ProbeError("/proc/stat has no boot time")
    try:
        requested = os.stat(stamp).st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProbeError(f"{stamp}: {error.strerror}") from None
    return "required" if requested > int(boot_time[1]) else "not required"
