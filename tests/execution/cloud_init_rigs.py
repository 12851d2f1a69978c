"""Small rigs for first boots, locked when the test runs and compiled to cloud-init."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rigspec.backend.discovery import Backend, find_backends
from rigspec.backend.render import compile_plan
from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.plan.steps import Check, ServiceStep, VerifyStep
from rigspec.spec.loader import load_spec
from tests.execution.roots import archives

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBuF5tV0m5yV9Q2lT4o1yq4h0xVJ4mVw3Jt6o7gq1f2B alice"
UNIT = ServiceStep(
    id="service-heartbeat",
    title="A unit that says that it ran",
    layer="service",
    name="heartbeat.service",
    unit=(
        "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
        "ExecStart=/bin/sh -c 'echo beat >> /var/lib/heartbeat'\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    ),
)
# Nothing that a network would be needed for.
SMALL = f"""
rig = 1
name = "small"
summary = "Quotes ' and \\" and $HOME in a summary"

[machine.first_box]
os = "debian 12"

[system]
env = {{ RIG_WORDS = "two words", CPATH = {{ prepend = ["/opt/include"] }} }}

[user.alice]
ssh_keys = ["{KEY}"]
"""
WHOLE = """
[env.tools]
python = "3.11"
interpreter = "system"
packages = {{ six = "*" }}

[mirrors]
apt = "{mirror}"
"""


def whole_rig(kernel_args: str = "[]") -> str:
    """A package of the system, a Python environment, variables and an account."""
    mirror = archives()
    spec = SMALL.replace('os = "debian 12"', f'os = "debian 12"\nkernel_args = {kernel_args}')
    spec = spec.replace("[system]\n", '[system]\npackages = ["tree"]\n')
    return spec + WHOLE.format(mirror=mirror)


def planned(rigspec: Rigspec, folder: Path, spec: str) -> Plan:
    """The plan of a spec that is locked now, with a unit of systemd in it."""
    file = folder / "rig.toml"
    file.write_text(spec, encoding="utf-8")
    done = rigspec("lock", file, "-o", folder / "lock")
    assert done.returncode == 0, done.stderr
    lock, digest = read_lock(folder / "lock")
    plan = build_plan(load_spec(str(file)).rig, lock, "first_box", digest)
    (verify,) = (step for step in plan.steps if isinstance(step, VerifyStep))
    seen = Check("the kernel", ("uname", "-s"), "Linux")
    verify = replace(verify, checks=(*verify.checks, seen))
    return replace(plan, steps=(*plan.steps[:-1], UNIT, verify))


def cloud_init() -> Backend:
    """The backend that this is about."""
    return next(backend for backend in find_backends() if backend.name == "cloud-init")


def seed_of(plan: Plan, folder: Path, backend: Backend | None = None) -> Path:
    """The plan's files, as a folder that is a NoCloud seed."""
    out = folder / "seed"
    write_tree_atomically(out, compile_plan(plan, backend or cloud_init()))
    return out
