"""Steps for monitoring: node_exporter, GPU metrics and Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from string import Template

from rigspec.lock.model import LockedMachine, LockedService
from rigspec.lock.paths import get_installed_lock_path
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import GPU_METRICS, service_packages
from rigspec.plan.services.base import Service, ServiceContext
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import FileStep, ServiceStep, Step

__all__ = [
    "MonitoringService",
    "build_exporter_steps",
    "build_prometheus_steps",
    "exports_gpu_metrics",
]

_LAYER = "host-service"
_PACKAGES = service_packages(_LAYER)
_CONFIG = "/etc/rig/prometheus.yml"
# The textfile directory of Debian's node_exporter, and its account.
_METRICS_DIR, _ACCOUNT = "/var/lib/prometheus/node-exporter", "prometheus"
_GPU_METRICS_FILE = f"{_METRICS_DIR}/rig-gpu.prom"
_INTERVAL_S = 15


class MonitoringService(Service):
    """Metrics of the machine."""

    name = "monitoring"
    summary = "metrics of the machine and its GPUs, and a server that collects them"
    programs = "node_exporter, Prometheus"

    def is_locked(self, locked: LockedMachine) -> bool:
        """Return whether the lock has the exporter."""
        return any(service.name == "node_exporter" for service in locked.services)

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the steps of node_exporter and Prometheus."""
        builders = {"node_exporter": build_exporter_steps, "prometheus": build_prometheus_steps}
        for name, build in builders.items():
            service = context.find_locked(name)
            if service is not None:
                yield from build(context.rig, service)

    def build_files(self, context: ServiceContext) -> Iterator[PayloadFile]:
        """Yield the program that writes GPU metrics."""
        if exports_gpu_metrics(context.rig, context.locked):
            yield PayloadFile(GPU_METRICS, self.read_file(GPU_METRICS))


def exports_gpu_metrics(rig: RigSettings, locked: LockedMachine) -> bool:
    """Return whether GPU metrics are exported."""
    monitoring = rig.service.monitoring
    has_exporter = any(service.name == "node_exporter" for service in locked.services)
    return has_exporter and monitoring is not None and "gpu" in monitoring.exporters


def build_exporter_steps(rig: RigSettings, service: LockedService) -> Iterator[Step]:
    """Yield the steps of node_exporter and of the GPU metrics."""
    monitoring = rig.service.monitoring
    if monitoring is None:
        return
    listen_address = _format_address(monitoring.address, monitoring.port)
    arguments = (
        "--web.listen-address=" + listen_address,
        f"--collector.textfile.directory={_METRICS_DIR}",
    )
    settings = _arguments_file("service-node-exporter-settings", service, arguments)
    yield settings
    yield ServiceStep(
        id="service-node-exporter",
        title=f"node_exporter on {listen_address}",
        layer=_LAYER,
        needs=(_PACKAGES, settings.id),
        name=service.unit,
        restart_on=(settings.id,),
        port=monitoring.port,
        address=monitoring.address,
    )
    if "gpu" in monitoring.exporters:
        yield ServiceStep(
            id="service-gpu-metrics",
            title="GPU metrics for node_exporter",
            layer=_LAYER,
            needs=(_PACKAGES,),
            name="rig-gpu-metrics.service",
            unit=Template(MonitoringService.read_file("gpu-metrics.service")).substitute(
                account=_ACCOUNT,
                exporter=service.unit,
                program=get_installed_lock_path(GPU_METRICS),
                metrics_file=_GPU_METRICS_FILE,
                seconds=_INTERVAL_S,
            ),
        )


def build_prometheus_steps(rig: RigSettings, service: LockedService) -> Iterator[Step]:
    """Yield the steps of a Prometheus that scrapes node_exporter and itself."""
    monitoring = rig.service.monitoring
    prometheus = monitoring.prometheus_settings if monitoring is not None else None
    if monitoring is None or prometheus is None:
        return
    listen_address = _format_address(prometheus.address, prometheus.port)
    yield FileStep(
        id="service-prometheus-config",
        title="Prometheus configuration",
        layer=_LAYER,
        path=_CONFIG,
        content=Template(MonitoringService.read_file("prometheus.yml")).substitute(
            interval=prometheus.interval,
            prometheus=json.dumps(listen_address),
            exporter=json.dumps(_format_address(monitoring.address, monitoring.port)),
        ),
    )
    arguments = (f"--web.listen-address={listen_address}", f"--config.file={_CONFIG}")
    settings = _arguments_file("service-prometheus-settings", service, arguments)
    yield settings
    yield ServiceStep(
        id="service-prometheus",
        title=f"Prometheus on {listen_address}",
        layer=_LAYER,
        needs=(_PACKAGES, settings.id, "service-prometheus-config"),
        name=service.unit,
        restart_on=(settings.id, "service-prometheus-config"),
        port=prometheus.port,
        address=prometheus.address,
    )


def _arguments_file(id_: str, service: LockedService, arguments: tuple[str, ...]) -> FileStep:
    """Return the drop-in with the arguments of a unit that reads $ARGS.

    It is written before the package is installed, so that the service never listens elsewhere.
    """
    return FileStep(
        id=id_,
        title=f"Arguments: {service.unit.removesuffix('.service')}",
        layer=_LAYER,
        path=f"/etc/systemd/system/{service.unit}.d/rig.conf",
        content="# Written by rigspec: /etc/default is not read.\n"
        f'[Service]\nEnvironmentFile=\nEnvironment="ARGS={" ".join(arguments)}"\n',
    )


def _format_address(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
