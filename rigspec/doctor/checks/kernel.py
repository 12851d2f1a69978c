"""Check kernel arguments, and whether a reboot is required."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial

from rigspec.doctor.expectation import Expectation, ProbeError, compare, read_text
from rigspec.doctor.model import Item
from rigspec.plan.steps import KernelArgumentsStep, RebootStep

__all__ = ["check_arguments", "check_reboot"]


def check_arguments(step: KernelArgumentsStep) -> Iterator[Item]:
    """Check the arguments of the running kernel."""
    for argument in step.arguments:
        name = argument.partition("=")[0]
        expectation = Expectation(step.layer, name, "argument", argument, step.id)
        yield compare(expectation, partial(_find_argument, name))


def check_reboot(step: RebootStep) -> Iterator[Item]:
    """Check whether the kernel was started after the installer requested a reboot."""
    expectation = Expectation(step.layer, "reboot", "state", "not required", step.id)
    yield compare(expectation, lambda: _reboot_state(f"/var/lib/rig/{step.id}"))


def _find_argument(name: str) -> str | None:
    line = read_text("/proc/cmdline")
    if line is None:
        raise ProbeError("/proc/cmdline not found")
    same = [word for word in line.split() if word.partition("=")[0] == name]
    # The kernel uses the last of several.
    return same[-1] if same else None


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
