"""What tells how the machine and its GPUs fare, and a Prometheus that keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from string import Template

from rigspec.lock.model import LockedMachine, LockedService
from rigspec.lock.paths import installed_lock_path
from rigspec.plan.paths import GPU_METRICS, service_packages
from rigspec.plan.steps import File, Service, Step
from rigspec.spec.models.rig import Rig

__all__ = ["exporter_steps", "exports_gpu_metrics", "prometheus_steps"]

_PART = "host-service"
_PACKAGES = service_packages(_PART)
_CONFIG = "/etc/rig/prometheus.yml"
# Where Debian's node exporter reads figures of others, and the account that it runs as.
_FIGURES, _ACCOUNT = "/var/lib/prometheus/node-exporter", "prometheus"
_GPU_FIGURES = f"{_FIGURES}/rig-gpu.prom"
_EVERY = 15  # seconds


def exports_gpu_metrics(rig: Rig, locked: LockedMachine) -> bool:
    """Whether the GPUs' figures are told."""
    watch = rig.service.monitoring
    made = any(service.name == "node_exporter" for service in locked.services)
    return made and watch is not None and "gpu" in watch.exporters


def exporter_steps(rig: Rig, service: LockedService) -> Iterator[Step]:
    """The node exporter at the rig's address, and beside it what tells of the GPUs."""
    watch = rig.service.monitoring
    if watch is None:
        return
    listens = _at(watch.address, watch.port)
    arguments = ("--web.listen-address=" + listens, f"--collector.textfile.directory={_FIGURES}")
    settings = _arguments("service-node-exporter-settings", service, arguments)
    yield settings
    yield Service(
        id="service-node-exporter",
        title=f"Figures of the machine on {listens}",
        part=_PART,
        needs=(_PACKAGES, settings.id),
        name=service.unit,
        configured_by=(settings.id,),
        port=watch.port,
        address=watch.address,
    )
    if "gpu" in watch.exporters:
        yield Service(
            id="service-gpu-metrics",
            title="Figures of the GPUs, told by the same exporter",
            part=_PART,
            needs=(_PACKAGES,),
            name="rig-gpu-metrics.service",
            unit=Template(_text("gpu-metrics.service")).substitute(
                account=_ACCOUNT,
                exporter=service.unit,
                program=installed_lock_path(GPU_METRICS),
                figures=_GPU_FIGURES,
                seconds=_EVERY,
            ),
        )


def prometheus_steps(rig: Rig, service: LockedService) -> Iterator[Step]:
    """A Prometheus that asks the exporter and itself."""
    watch = rig.service.monitoring
    if watch is None or watch.keeper is None:
        return
    listens = _at(watch.keeper.address, watch.keeper.port)
    yield File(
        id="service-prometheus-config",
        title="What Prometheus asks",
        part=_PART,
        path=_CONFIG,
        content=Template(_text("prometheus.yml")).substitute(
            interval=watch.keeper.interval,
            itself=json.dumps(listens),
            exporter=json.dumps(_at(watch.address, watch.port)),
        ),
    )
    arguments = (f"--web.listen-address={listens}", f"--config.file={_CONFIG}")
    settings = _arguments("service-prometheus-settings", service, arguments)
    yield settings
    yield Service(
        id="service-prometheus",
        title=f"Prometheus on {listens}",
        part=_PART,
        needs=(_PACKAGES, settings.id, "service-prometheus-config"),
        name=service.unit,
        configured_by=(settings.id, "service-prometheus-config"),
        port=watch.keeper.port,
        address=watch.keeper.address,
    )


def _arguments(id_: str, service: LockedService, arguments: tuple[str, ...]) -> File:
    """The arguments of a unit that takes them from $ARGS: there before the package, so that it
    never listens anywhere else.
    """
    return File(
        id=id_,
        title=f"Arguments of {service.unit}",
        part=_PART,
        path=f"/etc/systemd/system/{service.unit}.d/rig.conf",
        content="# Written by rigspec: /etc/default is not read.\n"
        f'[Service]\nEnvironmentFile=\nEnvironment="ARGS={" ".join(arguments)}"\n',
    )


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _text(name: str) -> str:
    return (resources.files("rigspec.plan") / "payload" / name).read_text(encoding="utf-8")
