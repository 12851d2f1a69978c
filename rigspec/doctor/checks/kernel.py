"""The running kernel: its arguments, and whether a reboot is still due."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial

from rigspec.doctor.expectation import Expectation, ProbeError, compare, read_text
from rigspec.doctor.model import Item
from rigspec.plan.steps import KernelArguments, Reboot

__all__ = ["arguments", "reboot"]


def arguments(step: KernelArguments) -> Iterator[Item]:
    """Every argument, as the kernel was started with it."""
    for argument in step.arguments:
        name = argument.partition("=")[0]
        promise = Expectation(step.layer, name, "argument", argument, step.id)
        yield compare(promise, partial(_started_with, name))


def reboot(step: Reboot) -> Iterator[Item]:
    """The installer marks that it asks for a reboot: done, where the kernel started later."""
    promise = Expectation(step.layer, "reboot", "state", "not due", step.id)
    yield compare(promise, lambda: _state(f"/var/lib/rig/{step.id}"))


def _started_with(name: str) -> str | None:
    line = read_text("/proc/cmdline")
    if line is None:
        raise ProbeError("/proc/cmdline is not there")
    same = [word for word in line.split() if word.partition("=")[0] == name]
    # The kernel takes the last of several.
    return same[-1] if same else None


def _state(mark: str) -> str | None:
    if any(os.path.exists(f"/{folder}/reboot-required") for folder in ("run", "var/run")):
        return "due"
    text = read_text("/proc/stat")
    started = re.search(r"^btime (\d+)$", text or "", re.MULTILINE)
    if started is None:
        raise ProbeError("/proc/stat does not say when the kernel started")
    try:
        asked = os.stat(mark).st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProbeError(f"{mark}: {error.strerror}") from None
    return "due" if asked > int(started[1]) else "not due"
