"""Rigs for first boots, compiled to cloud-init: small ones locked by the test, committed ones."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rigspec.backend.discovery import Backend, find_backends
from rigspec.backend.render import compile_plan
from rigspec.backend.size_limits import OutputTooLarge
from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import DeploymentTarget, Plan
from rigspec.plan.steps import Check, ServiceStep, VerifyStep
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT
from tests.execution.roots import archives

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

NOCLOUD = DeploymentTarget()
AWS = DeploymentTarget(cloud=True, provider="aws")
DEPLOYMENTS = [pytest.param(NOCLOUD, id="nocloud"), pytest.param(AWS, id="aws")]
SUITES = {"debian 11": "bullseye", "debian 12": "bookworm"}
TENSORFLOW = "import tensorflow as tf; print(tf.Session().run(tf.constant(40) + 2))"
# The rigs of specs/ and specs/today/ that boot here in whole, and a command of each with the last
# word that it prints. The others need NVIDIA's repository or downloads, Ubuntu's archive, or builds
# of Python on GitHub. driver-in-container needs Debian's archive only, but an emulated machine
# would unpack its toolkit and compile its driver for hours.
BOOTED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "legacy-cpu": (("/opt/rig/envs/tf18/bin/python", "-c", TENSORFLOW), "42"),
}
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


@cache
def planned(rigspec: Rigspec, spec: str) -> Plan:
    """The plan of a spec that is locked now, once a process, with a unit of systemd in it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
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


def committed(rig: str) -> Plan:
    """Return the plan of a rig of specs/ with one machine, from its committed lock."""
    lock, digest = read_lock(ROOT / "lockfiles" / rig)
    (machine,) = lock.machines
    spec = load_spec(str(ROOT / "specs" / f"{rig}.toml")).rig
    return build_plan(spec, lock, machine.resolution.machine, digest)


def cloud_init() -> Backend:
    """Return the backend."""
    return next(backend for backend in find_backends() if backend.name == "cloud-init")


def narrowed(size: int, *, binary: bool = True) -> Backend:
    """Return the backend with one provider that accepts user-data of that size."""
    backend = cloud_init()
    limit = replace(backend.limits[0], size=size, binary=binary)
    return replace(backend, limits=(limit,))


def shortest(plan: Plan) -> Backend:
    """Return the backend with a limit that only the shortest form of the user-data fits."""
    try:
        compile_plan(plan, narrowed(1))
    except OutputTooLarge as error:
        return narrowed(error.size)
    raise AssertionError("user-data of one byte")


def seed_of(plan: Plan, folder: Path, backend: Backend | None = None) -> Path:
    """The plan's files, as a folder that is a NoCloud seed."""
    out = folder / "seed"
    write_tree_atomically(out, compile_plan(plan, backend or cloud_init()))
    return out


def seed_for(plan: Plan, deployment: DeploymentTarget, folder: Path) -> Path:
    """Write the user-data of a deployment: for AWS in its shortest form."""
    plan = replace(plan, deployment=deployment)
    seed = seed_of(plan, folder, shortest(plan) if deployment.cloud else None)
    content = (seed / "user-data").read_bytes()
    if deployment.cloud:
        assert len(content) <= 16384
        assert b"complete_packages" in gzip.decompress(content)
    else:
        assert max(map(len, content.decode().splitlines())) <= 200
    return seed
