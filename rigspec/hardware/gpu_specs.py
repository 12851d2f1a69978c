"""GPU specifications: memory, bandwidth, throughput per precision, power, length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.frozen import dataclass
from rigspec.hardware.machine_context import MachineContext, build_fact
from rigspec.hardware.sourced_value import (
    SourcedValue,
    derive,
    format_share,
    parse_number,
    read_matrix_value,
    read_spec_value,
    round_to,
)
from rigspec.matrix.model import Release
from rigspec.spec.models.machine import Gpu

__all__ = [
    "GpuSpecs",
    "build_gpu_specs",
    "count_gpus_on_board",
    "lint_half_precision",
    "list_declared_gpus",
    "scale_gpu_specs",
]

_SEVERAL = re.compile(r"(?P<all>[\d.]+) \((?P<count>\d+)x(?P<each>[\d.]+)\)")


@dataclass(frozen=True)
class GpuSpecs:
    """GPUs of one model. Values are per GPU; a board may have several (a Tesla K80: two).

    ``watts`` and ``length`` are per board.
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


def list_declared_gpus(machine: MachineContext) -> tuple[GpuSpecs, ...]:
    """Return the GPUs of the spec, in its order."""
    return tuple(_build_declared(machine, gpu) for gpu in machine.table.gpus)


def _build_declared(machine: MachineContext, gpu: Gpu) -> GpuSpecs:
    release = machine.part("gpu", gpu.model)
    own = gpu.memory.gib_of_memory if gpu.memory is not None else None
    length = gpu.length.millimetres if gpu.length is not None else None
    price = read_spec_value(gpu.price.amount, gpu.price.unit) if gpu.price is not None else None
    return build_gpu_specs(
        machine,
        gpu.model,
        release,
        boards=Decimal(gpu.count),
        capability=gpu.compute_capability,
        memory=read_spec_value(own, "GiB"),
        watts=read_spec_value(gpu.watts, "W"),
        idle_watts=read_spec_value(gpu.idle_watts, "W"),
        length=read_spec_value(length, "mm"),
        price=price,
    )


def build_gpu_specs(
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
    """Build the specifications of a GPU from the given values, and from the matrix for the rest."""
    capability = capability or _find_capability(release)
    generation = machine.part("generation", capability)
    each = count_gpus_on_board(release)
    fp32 = _divide(read_matrix_value(release, "fp32_tflops", "TFLOPS"), each)
    return GpuSpecs(
        model=model,
        boards=boards,
        count=boards * each,
        compute_capability=capability,
        memory=memory or _find_memory(release),
        bandwidth=_divide(read_matrix_value(release, "bandwidth_gb_s", "GB/s"), each),
        fp64=_divide(read_matrix_value(release, "fp64_tflops", "TFLOPS"), each)
        or _scale_fp32(generation, "fp64", fp32),
        fp32=fp32,
        fp16=_divide(read_matrix_value(release, "fp16_tflops", "TFLOPS"), each)
        or _scale_fp32(generation, "fp16", fp32),
        tensor_fp16=_divide(read_matrix_value(release, "tensor_fp16_tflops", "TFLOPS"), each),
        tensor_bf16=_divide(read_matrix_value(release, "tensor_bf16_tflops", "TFLOPS"), each),
        tensor_tf32=_divide(read_matrix_value(release, "tensor_tf32_tflops", "TFLOPS"), each),
        tensor_int8=_divide(read_matrix_value(release, "tensor_int8_tops", "TOPS"), each),
        idle_watts=idle_watts,
        watts=watts or read_matrix_value(release, "watts", "W"),
        length=length,
        length_range=release.get("length_range_mm") if release is not None else None,
        price=price,
        release=release,
        generation=generation,
    )


def scale_gpu_specs(specs: GpuSpecs, part: Decimal) -> GpuSpecs:
    """Return the specifications of a rented fraction of a GPU."""

    def scale(value: SourcedValue | None) -> SourcedValue | None:
        if value is None:
            return None
        note = f"{format_share(part)} of the GPU's"
        return derive(round_to(value.amount * part, 4), value.unit, note, value)

    return replace(
        specs,
        count=part,
        memory=scale(specs.memory),
        bandwidth=scale(specs.bandwidth),
        fp64=scale(specs.fp64),
        fp32=scale(specs.fp32),
        fp16=scale(specs.fp16),
        tensor_fp16=scale(specs.tensor_fp16),
        tensor_bf16=scale(specs.tensor_bf16),
        tensor_tf32=scale(specs.tensor_tf32),
        tensor_int8=scale(specs.tensor_int8),
    )


def lint_half_precision(
    machine: MachineContext, gpus: tuple[GpuSpecs, ...]
) -> Iterator[Diagnostic]:
    """Report 16-bit settings on a GPU that is slower in half precision."""
    settings_16_bit = [
        (env_name, framework)
        for env_name, env in machine.rig.env.items()
        for framework, settings in env.config.items()
        if settings.get("floatx") == "float16"
    ]
    for gpu in gpus:
        rate = parse_number(gpu.generation.get("fp16")) if gpu.generation is not None else None
        if gpu.generation is None or rate is None or rate >= 1:
            continue
        fraction = gpu.generation.get("fp16")
        for env_name, framework in settings_16_bit:
            path = ("env", env_name, "config", framework, "floatx")
            yield machine.diagnostic(
                "RS115",
                Severity.WARNING,
                f"half precision on the {gpu.model} has {fraction} of the single-precision rate",
                machine.spec.document.span(path, label="16 bits"),
                facts=(
                    build_fact(
                        gpu.generation,
                        f"{gpu.generation.get('name')} GPUs of compute capability "
                        f"{gpu.compute_capability} have no tensor cores, and their half-precision "
                        f"rate is {fraction} of the single-precision rate",
                        "fp16",
                    ),
                ),
                help=("use `float32`, or a GPU with tensor cores (Volta and newer)",),
            )


def _find_capability(release: Release | None) -> str | None:
    for condition in release.implies if release is not None else ():
        if condition.component == "compute_capability":
            return condition.alternatives[0].removeprefix("==")
    return None


def count_gpus_on_board(release: Release | None) -> Decimal:
    """Return the number of GPUs on a board."""
    found = _SEVERAL.fullmatch((release.get("memory_gib") or "") if release is not None else "")
    return Decimal(found["count"]) if found is not None else Decimal(1)


def _find_memory(release: Release | None) -> SourcedValue | None:
    found = _SEVERAL.fullmatch((release.get("memory_gib") or "") if release is not None else "")
    if release is not None and found is not None:
        sources = release.sources_of("memory_gib")
        return SourcedValue(Decimal(found["each"]), "GiB", "matrix", sources, "of one GPU")
    return read_matrix_value(release, "memory_gib", "GiB")


def _divide(figure: SourcedValue | None, each: Decimal) -> SourcedValue | None:
    """Return the value per GPU of a value per board."""
    if figure is None or each == 1:
        return figure
    return derive(figure.amount / each, figure.unit, f"1/{each} of the board's", figure)


def _scale_fp32(
    generation: Release | None, name: str, fp32: SourcedValue | None
) -> SourcedValue | None:
    """Return a throughput as the fraction of single precision that the generation has."""
    rate = read_matrix_value(generation, name, "")
    if rate is None or fp32 is None or generation is None:
        return None
    note = f"{generation.get(name)} of single precision"
    return derive(round_to(fp32.amount * rate.amount, 4), fp32.unit, note, rate, fp32)
