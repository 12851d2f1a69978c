"""Cloud instances: specifications, prices, retirement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.frozen import dataclass
from rigspec.hardware.gpu_specs import GpuSpecs, build_gpu_specs, scale_gpu_specs
from rigspec.hardware.machine_context import MachineContext, build_fact
from rigspec.hardware.sourced_value import SourcedValue, parse_number, read_matrix_value
from rigspec.matrix.model import Release

__all__ = ["Instance", "build_instance_gpus", "find_instance", "lint_instance"]


@dataclass(frozen=True)
class Instance:
    """A cloud instance. ``price`` is per hour, on demand, as of ``price_day``."""

    release: Release
    vcpus: SourcedValue | None
    ram: SourcedValue | None
    price: SourcedValue | None
    price_day: str | None
    price_scope: str | None
    retired: str | None


def find_instance(machine: MachineContext) -> Instance | None:
    """Return the instance of the machine, if the matrix has it."""
    release = machine.part("instance", machine.table.instance)
    if release is None:
        return None
    retired = next((item.reason for item in release.availability), None)
    return Instance(
        release=release,
        vcpus=read_matrix_value(release, "vcpus", "vCPU"),
        ram=read_matrix_value(release, "ram_gib", "GiB"),
        price=read_matrix_value(release, "usd_per_hour", "USD/h"),
        price_day=release.get("price_day"),
        price_scope=release.get("price_scope"),
        retired=retired,
    )


def build_instance_gpus(machine: MachineContext, instance: Instance) -> tuple[GpuSpecs, ...]:
    """Return the GPUs of an instance, without values that depend on the variant of the card."""
    release = instance.release
    card = machine.part("gpu", release.get("card"))
    capability = release.implies[0].alternatives[0].removeprefix("==")
    count = parse_number(release.get("gpus")) or Decimal(0)
    specs = build_gpu_specs(
        machine,
        release.get("gpu") or "unknown",
        card,
        boards=Decimal(1),
        capability=capability,
        memory=read_matrix_value(release, "memory_gib", "GiB"),
    )
    if 0 < count < 1:
        specs = scale_gpu_specs(specs, count)
    # The power bill and the racks of the provider do not matter to the user.
    return (replace(specs, boards=Decimal(0), count=count, watts=None, length_range=None),)


def lint_instance(machine: MachineContext, instance: Instance) -> Iterator[Diagnostic]:
    """Report retired instances, and notes about images."""
    release = instance.release
    span = machine.span("instance")
    if instance.retired is not None:
        yield machine.diagnostic(
            "RS117",
            Severity.WARNING,
            f"{release.label} is no longer available: {instance.retired}",
            span,
            facts=(build_fact(release, instance.retired, "withdrawn"),),
            help=("choose another instance (`rigspec matrix show instance`)",),
        )
    note = release.get("image_note")
    if note is not None:
        yield machine.diagnostic(
            "RS119",
            Severity.NOTE,
            f"on {release.label}, {note}",
            span,
            facts=(build_fact(release, f"on {release.label}, {note}", "image_note"),),
        )
