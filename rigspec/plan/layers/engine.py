"""Steps for the container engine and its access to the GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedMachine
from rigspec.plan.layers.apt import build_package_step
from rigspec.plan.steps import FileStep, ServiceStep, Step

__all__ = ["build_engine_steps"]

_ENGINE = "engine"
_TOOLKIT = "container-toolkit"
_SETTINGS = "container-toolkit-settings"
# The unit of the engine's package.
_UNIT = "docker.service"
# NVIDIA's guide: nvidia-ctk adds its runtime to the engine's settings, which it creates if needed.
_CONFIGURE = """\
# Written by rigspec: adds the runtime for GPUs to /etc/docker/daemon.json, keeping other settings.
[Service]
ExecStartPre=-/usr/bin/nvidia-ctk runtime configure --runtime=docker
"""


def build_engine_steps(locked: LockedMachine) -> Iterator[Step]:
    """Yield the packages of the engine, which create its group, its settings and its service."""
    steps = [
        *build_package_step(locked, _ENGINE, id=_ENGINE, title="Container engine", layer=_ENGINE)
    ]
    if not steps:
        return
    names = {package.archive for package in locked.packages if package.part == _TOOLKIT}
    toolkit = [
        *build_package_step(
            locked,
            _TOOLKIT,
            id=_TOOLKIT,
            title="NVIDIA Container Toolkit",
            layer=_ENGINE,
            needs=tuple(f"repository-{r.name}" for r in locked.repositories if r.name in names),
            hold=True,
        )
    ]
    yield from steps
    yield from toolkit
    if toolkit:
        yield FileStep(
            id=_SETTINGS,
            title="GPUs in containers",
            layer=_ENGINE,
            needs=(_TOOLKIT,),
            path=f"/etc/systemd/system/{_UNIT}.d/nvidia.conf",
            content=_CONFIGURE,
        )
    yield ServiceStep(
        id=f"{_ENGINE}-service",
        title="Container engine at each boot",
        layer=_ENGINE,
        needs=(_ENGINE,),
        name=_UNIT,
        restart_on=(_SETTINGS,) if toolkit else (),
    )
