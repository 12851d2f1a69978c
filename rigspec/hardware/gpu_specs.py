"""The GPUs of a machine: memory, bandwidth, arithmetic at each precision, power, length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.machine_context import MachineContext, fact_of
from rigspec.hardware.sourced_value import (
    SourcedValue,
    count_of,
    derived,
    from_matrix,
    from_spec,
    number,
    rounded,
)
from rigspec.matrix.model import Release
from rigspec.spec.models.machine import Gpu

__all__ = [
    "GpuSpecs",
    "card_figures",
    "declared_gpus",
    "gpus_on_board",
    "half_precision_advice",
    "part_of_card",
]

_SEVERAL = re.compile(r"(?P<all>[\d.]+) \((?P<count>\d+)x(?P<each>[\d.]+)\)")


@dataclass(frozen=True)
class GpuSpecs:
    """GPUs of one kind. Figures are of one GPU; a board may carry several (a Tesla K80: two).

    ``watts`` and ``length`` are of one board.
    """

    model: str
    boards: Decimal
    count: Decimal
    compute_capability: str | None
    memory: SourcedValue | None
    bandwidth: SourcedValue | None
    fp64: SourcedValue | None
    fp32: SourcedValue | None
    fp16: SourcedValue | None
    tensor_fp16: SourcedValue | None
    tensor_bf16: SourcedValue | None
    tensor_tf32: SourcedValue | None
    tensor_int8: SourcedValue | None
    idle_watts: SourcedValue | None
    watts: SourcedValue | None
    length: SourcedValue | None
    length_range: str | None
    price: SourcedValue | None
    release: Release | None
    generation: Release | None


def declared_gpus(machine: MachineContext) -> tuple[GpuSpecs, ...]:
    """The cards that the spec lists, in its order."""
    return tuple(_declared(machine, gpu) for gpu in machine.table.gpus)


def _declared(machine: MachineContext, gpu: Gpu) -> GpuSpecs:
    release = machine.part("gpu", gpu.model)
    own = gpu.memory.gib_of_memory if gpu.memory is not None else None
    length = gpu.length.millimetres if gpu.length is not None else None
    price = from_spec(gpu.price.amount, gpu.price.unit) if gpu.price is not None else None
    return card_figures(
        machine,
        gpu.model,
        release,
        boards=Decimal(gpu.count),
        capability=gpu.compute_capability,
        memory=from_spec(own, "GiB"),
        watts=from_spec(gpu.watts, "W"),
        idle_watts=from_spec(gpu.idle_watts, "W"),
        length=from_spec(length, "mm"),
        price=price,
    )


def card_figures(
    machine: MachineContext,
    model: str,
    release: Release | None,
    *,
    boards: Decimal,
    capability: str | None = None,
    memory: SourcedValue | None = None,
    watts: SourcedValue | None = None,
    idle_watts: SourcedValue | None = None,
    length: SourcedValue | None = None,
    price: SourcedValue | None = None,
) -> GpuSpecs:
    """The figures of cards of one kind: those given here, and the matrix's for the rest."""
    capability = capability or _capability(release)
    generation = machine.part("generation", capability)
    each = gpus_on_board(release)
    fp32 = _shared(from_matrix(release, "fp32_tflops", "TFLOPS"), each)
    return GpuSpecs(
        model=model,
        boards=boards,
        count=boards * each,
        compute_capability=capability,
        memory=memory or _memory(release),
        bandwidth=_shared(from_matrix(release, "bandwidth_gb_s", "GB/s"), each),
        fp64=_shared(from_matrix(release, "fp64_tflops", "TFLOPS"), each)
        or _at_rate(generation, "fp64", fp32),
        fp32=fp32,
        fp16=_shared(from_matrix(release, "fp16_tflops", "TFLOPS"), each)
        or _at_rate(generation, "fp16", fp32),
        tensor_fp16=_shared(from_matrix(release, "tensor_fp16_tflops", "TFLOPS"), each),
        tensor_bf16=_shared(from_matrix(release, "tensor_bf16_tflops", "TFLOPS"), each),
        tensor_tf32=_shared(from_matrix(release, "tensor_tf32_tflops", "TFLOPS"), each),
        tensor_int8=_shared(from_matrix(release, "tensor_int8_tops", "TOPS"), each),
        idle_watts=idle_watts,
        watts=watts or from_matrix(release, "watts", "W"),
        length=length,
        length_range=release.get("length_range_mm") if release is not None else None,
        price=price,
        release=release,
        generation=generation,
    )


def part_of_card(figures: GpuSpecs, part: Decimal) -> GpuSpecs:
    """A part of a GPU, which is rented as such: the same part of all that the GPU has and does."""

    def of(figure: SourcedValue | None) -> SourcedValue | None:
        if figure is None:
            return None
        note = f"{count_of(part)} of the GPU's"
        return derived(rounded(figure.amount * part, 4), figure.unit, note, figure)

    return replace(
        figures,
        count=part,
        memory=of(figures.memory),
        bandwidth=of(figures.bandwidth),
        fp64=of(figures.fp64),
        fp32=of(figures.fp32),
        fp16=of(figures.fp16),
        tensor_fp16=of(figures.tensor_fp16),
        tensor_bf16=of(figures.tensor_bf16),
        tensor_tf32=of(figures.tensor_tf32),
        tensor_int8=of(figures.tensor_int8),
    )


def half_precision_advice(
    machine: MachineContext, gpus: tuple[GpuSpecs, ...]
) -> Iterator[Diagnostic]:
    """A warning where a spec asks for 16 bits on a GPU that is slower with them."""
    asking = [
        (env_name, framework)
        for env_name, env in machine.rig.env.items()
        for framework, settings in env.config.items()
        if settings.get("floatx") == "float16"
    ]
    for gpu in gpus:
        rate = number(gpu.generation.get("fp16")) if gpu.generation is not None else None
        if gpu.generation is None or rate is None or rate >= 1:
            continue
        told = gpu.generation.get("fp16")
        for env_name, framework in asking:
            path = ("env", env_name, "config", framework, "floatx")
            yield machine.diagnostic(
                "RS115",
                Severity.WARNING,
                f"the {gpu.model} computes in half precision at {told} of its single precision",
                machine.spec.document.span(path, label="asks for 16 bits"),
                facts=(
                    fact_of(
                        gpu.generation,
                        f"{gpu.generation.get('name')} GPUs of compute capability "
                        f"{gpu.compute_capability} give {told} as many results in half precision "
                        "as in single, and have no tensor cores",
                        "fp16",
                    ),
                ),
                help=("compute in `float32`, or on a card with tensor cores (Volta and newer)",),
            )


def _capability(release: Release | None) -> str | None:
    for condition in release.implies if release is not None else ():
        if condition.component == "compute_capability":
            return condition.alternatives[0].removeprefix("==")
    return None


def gpus_on_board(release: Release | None) -> Decimal:
    """How many GPUs a board of this kind carries."""
    told = _SEVERAL.fullmatch((release.get("memory_gib") or "") if release is not None else "")
    return Decimal(told["count"]) if told is not None else Decimal(1)


def _memory(release: Release | None) -> SourcedValue | None:
    told = _SEVERAL.fullmatch((release.get("memory_gib") or "") if release is not None else "")
    if release is not None and told is not None:
        sources = release.sources_of("memory_gib")
        return SourcedValue(Decimal(told["each"]), "GiB", "matrix", sources, "of one GPU")
    return from_matrix(release, "memory_gib", "GiB")


def _shared(figure: SourcedValue | None, each: Decimal) -> SourcedValue | None:
    """A figure of a board as that of one of its GPUs."""
    if figure is None or each == 1:
        return figure
    return derived(figure.amount / each, figure.unit, f"1/{each} of the board's", figure)


def _at_rate(
    generation: Release | None, name: str, fp32: SourcedValue | None
) -> SourcedValue | None:
    """A rate that its generation has, as a fraction of single precision."""
    rate = from_matrix(generation, name, "")
    if rate is None or fp32 is None or generation is None:
        return None
    note = f"{generation.get(name)} of single precision"
    return derived(rounded(fp32.amount * rate.amount, 4), fp32.unit, note, rate, fp32)
