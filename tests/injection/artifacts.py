"""The artifacts of a rig, from a lock that is made here and needs no network."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.fs.atomic_tree import OutputFile
from rigspec.lock.model import (
    Lock,
    LockedEnv,
    LockedFile,
    LockedInterpreter,
    LockedMachine,
    LockedSettings,
)
from rigspec.lock.services import list_services
from rigspec.matrix.loader import load_matrix
from rigspec.plan.build import build_plan
from rigspec.resolution import EnvResolution, Resolution
from rigspec.spec.loader import parse_spec
from rigspec.spec.models.rig import Rig
from tests.injection.written import written

__all__ = ["DATA", "Tree", "artifacts", "read_rig"]

Tree = dict[str, tuple[OutputFile, ...]]

DATA = b"data\n"
_DIGEST = "0" * 64
# pip takes an empty list; what is in it is not of the spec, and other tests build it.


def read_rig(rig: dict[str, Any]) -> Rig:
    """The rig as rigspec reads it. Raises InvalidSpec."""
    return parse_spec("rig.toml", written(rig).text).rig


def artifacts(rig: dict[str, Any]) -> Tree:
    """What every backend writes of a rig in the manner of PLAIN. Raises InvalidSpec."""
    read = read_rig(rig)
    (machine,) = read.machine
    plan = build_plan(read, _lock(read, machine), machine, _DIGEST)
    return {backend.name: compile_plan(plan, backend) for backend in _backends()}


@cache
def _backends() -> tuple[Any, ...]:
    return find_backends()


def _lock(rig: Rig, machine: str) -> Lock:
    files = tuple(
        LockedFile("data", found.url, _sha256(), "spec", len(DATA), f"download.{name}")
        for name, found in rig.download.items()
    )
    resolution = Resolution(
        machine=machine,
        os="debian 12",
        arch="x86_64",
        accelerator="cpu",
        envs=tuple(EnvResolution(name, python="3.11.2", pip="23.0.1") for name in rig.env),
    )
    locked = LockedMachine(
        resolution,
        files=files,
        envs=tuple(_env(rig, name) for name in rig.env),
        services=tuple(list_services(rig, resolution, load_matrix())),
    )
    return Lock(rig.name, _DIGEST, _DIGEST, (locked,))


def _env(rig: Rig, name: str) -> LockedEnv:
    settings = tuple(
        LockedSettings(framework, f".{framework}/{framework}.json", "json")
        for framework in rig.env[name].config
    )
    interpreter = LockedInterpreter("system", ("python3", "-m", "venv"))
    return LockedEnv(name, "uv", (), (), interpreter, settings)


def _sha256() -> str:
    return hashlib.sha256(DATA).hexdigest()
