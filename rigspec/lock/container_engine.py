"""The container engine: the packages that install it, and the version that the spec requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rigspec.lock.errors import report_no_packages
from rigspec.lock.model import LockedPackage
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import parse_specifier

__all__ = ["list_engine_packages", "require_requested_engine"]

_ENGINE = "engine"


def list_engine_packages(resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """Yield the distribution's packages of the container engine; the first contains the engine."""
    system = matrix.product("os").find_release(resolution.os)
    if resolution.docker is None or system is None:
        return
    for name in (system.get("engine_packages") or "").split():
        yield LockedPackage(name, _ENGINE)


def require_requested_engine(
    rig: Rig, resolution: Resolution, packages: Sequence[LockedPackage]
) -> None:
    """Raise LockError if the archive has another version of the engine than the spec requests.

    The matrix knows the version of a system's updates on one day only.
    """
    engine = next((package for package in packages if package.part == _ENGINE), None)
    machine = rig.machine.get(resolution.machine or "")
    requested = parse_specifier(machine.engine_version or "*") if machine is not None else None
    if engine is None or engine.version is None or requested is None:
        return
    version = _strip_packaging(engine.version)
    if version not in requested:
        what = f"{engine.name} is at {version}, but the spec requests {requested}"
        do = f'set `docker = "{version}"`, or `from = "none"` if the machine has an engine'
        raise report_no_packages(resolution.os, what, do)


def _strip_packaging(version: str) -> str:
    """Return the engine's version: ``26.1.5`` of ``26.1.5+dfsg1-9+deb13u1``."""
    return version.rpartition(":")[2].partition("-")[0].partition("+")[0]
