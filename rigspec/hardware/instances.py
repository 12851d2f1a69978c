"""Rented machines: what an instance has, costs, and is known for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.gpu_specs import GpuSpecs, card_figures, part_of_card
from rigspec.hardware.machine_context import MachineContext, fact_of
from rigspec.hardware.sourced_value import SourcedValue, from_matrix, number
from rigspec.matrix.model import Release

__all__ = ["Instance", "instance_advice", "instance_gpus", "instance_of"]


@dataclass(frozen=True)
class Instance:
    """A rented machine. ``price`` is by the hour, on demand, as of ``price_day``."""

    release: Release
    vcpus: SourcedValue | None
    ram: SourcedValue | None
    price: SourcedValue | None
    price_day: str | None
    price_scope: str | None
    retired: str | None


def instance_of(machine: MachineContext) -> Instance | None:
    """The instance that the machine is, if it is one that the matrix knows."""
    release = machine.part("instance", machine.table.instance)
    if release is None:
        return None
    gone = next((item.reason for item in release.availability), None)
    return Instance(
        release=release,
        vcpus=from_matrix(release, "vcpus", "vCPU"),
        ram=from_matrix(release, "ram_gib", "GiB"),
        price=from_matrix(release, "usd_per_hour", "USD/h"),
        price_day=release.get("price_day"),
        price_scope=release.get("price_scope"),
        retired=gone,
    )


def instance_gpus(machine: MachineContext, instance: Instance) -> tuple[GpuSpecs, ...]:
    """Its GPUs. Those that are sold in several forms stay without the figures of a form."""
    release = instance.release
    card = machine.part("gpu", release.get("card"))
    capability = release.implies[0].alternatives[0].removeprefix("==")
    count = number(release.get("gpus")) or Decimal(0)
    figures = card_figures(
        machine,
        release.get("gpu") or "unknown",
        card,
        boards=Decimal(1),
        capability=capability,
        memory=from_matrix(release, "memory_gib", "GiB"),
    )
    if 0 < count < 1:
        figures = part_of_card(figures, count)
    # What the provider pays for power and what fits its racks is nobody's matter here.
    return (replace(figures, boards=Decimal(0), count=count, watts=None, length_range=None),)


def instance_advice(machine: MachineContext, instance: Instance) -> Iterator[Diagnostic]:
    """What is known against an instance: withdrawn, of another architecture, its images."""
    release = instance.release
    span = machine.span("instance")
    if instance.retired is not None:
        yield machine.diagnostic(
            "RS117",
            Severity.WARNING,
            f"{release.label} can no longer be rented: {instance.retired}",
            span,
            facts=(fact_of(release, instance.retired, "withdrawn"),),
            help=("choose another; `rigspec matrix show instance` lists those that are known",),
        )
    arch = release.get("arch")
    if arch is not None and arch != machine.table.arch:
        yield machine.diagnostic(
            "RS118",
            Severity.ERROR,
            f"{release.label} is a machine of {arch}; everything here is for {machine.table.arch}",
            span,
            facts=(fact_of(release, f"{release.label} runs images for {arch}", "arch"),),
            help=("choose an instance with a processor of Intel or AMD",),
        )
    note = release.get("image_note")
    if note is not None:
        yield machine.diagnostic(
            "RS119",
            Severity.NOTE,
            f"on {release.label}, {note}",
            span,
            facts=(fact_of(release, f"on {release.label}, {note}", "image_note"),),
        )
