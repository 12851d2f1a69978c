"""The facts of a release as rows of name, value and sources, and the rules about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rigspec.diagnostics.model import Source
from rigspec.matrix.model import Product, Release, Rule
from rigspec.version_specifiers import parse_alternative

__all__ = [
    "Fact",
    "find_name",
    "is_about",
    "label_property",
    "list_facts",
    "phrase_rule",
]

_LABELS = {
    "apt_package": "apt package",
    "apt_version": "version of the apt package",
    "architecture": "architecture",
    "bandwidth_gb_s": "memory bandwidth, GB/s",
    "bf16": "bfloat16",
    "compute_capabilities": "code for compute capabilities",
    "compute_capability": "compute capability",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
    "driver_in": "drivers",
    "end-of-life": "end of life",
    "fp16_tflops": "FP16, TFLOPS",
    "fp32_tflops": "FP32, TFLOPS",
    "fp64_tflops": "FP64, TFLOPS",
    "gcc": "GCC",
    "glibc": "glibc",
    "gpu": "GPU",
    "gpus": "GPUs",
    "index": "package index",
    "launch_price_usd": "price at launch, USD",
    "length_mm": "length, mm",
    "last_setuptools": "last setuptools",
    "length_range_mm": "length of the cards sold, mm",
    "max_cuda": "newest CUDA",
    "memory_gib": "memory, GiB",
    "openssl": "OpenSSL",
    "pcie": "PCIe",
    "peer_to_peer": "peer-to-peer copies",
    "pypi": "on PyPI",
    "ram_gib": "RAM, GiB",
    "tensor_fp16_tflops": "FP16 on tensor cores, TFLOPS",
    "vcpus": "vCPUs",
    "watts": "power, W",
}


@dataclass(frozen=True)
class Fact:
    """A fact of a release: ``name`` as a reader writes it, and its sources."""

    name: str
    value: str
    sources: tuple[Source, ...]


def list_facts(release: Release) -> tuple[Fact, ...]:
    """Return the facts of a release: its components, its properties, and why it is unavailable."""
    return tuple(_facts(release))


def label_property(name: str) -> str:
    """Return the name of a property as a reader writes it."""
    return _LABELS.get(name, name.replace("_", " ").replace("-", " "))


def is_about(rule: Rule, components: Sequence[str], releases: Iterable[Release]) -> bool:
    """Return whether a condition of the rule names one of the components in these releases."""
    texts = [
        text
        for condition in rule.when
        if condition.component in components
        for text in condition.alternatives
    ]
    return any(parse_alternative(t).admits(r.family, r.version) for r in releases for t in texts)


def phrase_rule(rule: Rule) -> str:
    """Return the statement of a rule for any GPU and version."""
    return rule.statement.replace("{sm}", "the GPU").replace("{value}", "another version")


def find_name(product: Product) -> str:
    """Return the name of a product without the prefix of packages."""
    return product.name.rpartition(":")[2]


def _facts(release: Release) -> Iterator[Fact]:
    for condition in release.implies:
        value = " or ".join(text.removeprefix("==") for text in condition.alternatives)
        yield Fact(label_property(condition.component), value, release.sources)
    for name, value in release.properties:
        yield Fact(label_property(name), value, release.sources_of(name))
    for item in release.availability:
        day = f"{item.day.isoformat()}: " if item.day is not None else ""
        yield Fact(label_property(item.kind), f"{day}{item.reason}", release.sources_of(item.kind))
    for artifact in release.artifacts:
        yield Fact("file", f"`{artifact.name}`", release.sources)
