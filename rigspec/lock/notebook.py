"""The notebook server that an environment brings, and what its settings are called."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import Version

from rigspec.lock.conda_files import explicit_packages
from rigspec.lock.model import LockedEnv, LockedNotebook
from rigspec.lock.requirements import pins
from rigspec.matrix.model import Matrix
from rigspec.matrix.vocabulary import NOTEBOOK
from rigspec.spec.model import Rig

__all__ = ["notebook_of", "serves_notebooks"]


def serves_notebooks(rig: Rig, env: str) -> bool:
    """Whether the rig's notebook server runs in this environment."""
    return rig.service.jupyter is not None and rig.service.jupyter.env == env


def notebook_of(rig: Rig, envs: Iterable[LockedEnv], matrix: Matrix) -> LockedNotebook | None:
    """The server at the version that was locked; None where the rig has none."""
    for env in envs:
        if serves_notebooks(rig, env.name):
            found = {pin.name: str(pin.version) for pin in pins(env.requirements)}
            if env.explicit:
                found |= {
                    name: version for name, (version, _) in explicit_packages(env.explicit).items()
                }
            return _notebook(env.name, Version(found[NOTEBOOK]), matrix)
    return None


def _notebook(env: str, version: Version, matrix: Matrix) -> LockedNotebook:
    rows = matrix.product(NOTEBOOK).releases
    row = max(
        (row for row in rows if Version(row.version) <= version),
        key=lambda row: Version(row.version),
    )
    section, password = row.figure("section") or "", row.figure("password") or ""
    return LockedNotebook(env, str(version), section, password)
