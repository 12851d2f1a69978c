"""Compare which releases and GPU features each of two machines supports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rigspec.compare.model import (
    CompatibilityComparison,
    MachineNote,
    ProductSupport,
    ReleaseRange,
    TextRow,
    UnsupportedReleases,
)
from rigspec.compare.supported_releases import (
    SupportedReleases,
    find_release,
    find_supported_releases,
)
from rigspec.diagnostics.model import Report, Severity, Source
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_specs import MachineSpecs
from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.resolve.problem.model import Candidate, Component
from rigspec.resolve.problem.requested_packages import list_framework_products
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.cuda import Cuda
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig

__all__ = ["compare_compatibility"]

# An environment that supports every Python version.
_ANY = "any"


@dataclass(frozen=True)
class _ProductQuery:
    """A product, and a minimal rig that requests it."""

    product: str
    rig: Rig
    of_rig: bool


def compare_compatibility(
    spec: LoadedSpec,
    figures: tuple[MachineSpecs, MachineSpecs],
    reports: tuple[Report, Report],
    matrix: Matrix,
) -> CompatibilityComparison:
    """Compare GPU features, supported releases of each product, and notes about the machines.

    ``matrix`` must be complete, because all of its frameworks are compared.
    """
    names = (figures[0].name, figures[1].name)
    queries = [*_iterate_layers(spec.rig), *_iterate_frameworks(spec.rig, matrix)]
    compared = (_compare_product(spec, names, query) for query in queries)
    products = [product for product in compared if product is not None]
    return CompatibilityComparison(
        features=tuple(_iterate_features(*figures)),
        products=tuple(sorted(products, key=lambda product: not product.requested)),
        notes=tuple(_iterate_notes(names, reports)),
    )


# --- releases ----------------------------------------------------------------------------------


def _iterate_layers(rig: Rig) -> Iterator[_ProductQuery]:
    """Yield the driver and the toolkit. The runfile of a toolkit supports every system."""
    yield _ProductQuery("driver", _reduce_rig(rig), rig.cuda is not None)
    toolkit = Cuda.model_validate({"provider": "runfile", "toolkit": ">=0"})
    yield _ProductQuery("cuda", _reduce_rig(rig, cuda=toolkit), rig.cuda is not None)


def _iterate_frameworks(rig: Rig, matrix: Matrix) -> Iterator[_ProductQuery]:
    requested = {name for env in rig.env.values() for name in list_framework_products(env)}
    for product in matrix.products:
        if product.kind == "framework":
            env = Environment.model_validate(
                {"interpreter": "pyenv", "frameworks": {product.name: "*"}}
            )
            yield _ProductQuery(
                product.name, _reduce_rig(rig, env={_ANY: env}), product.name in requested
            )


def _reduce_rig(rig: Rig, **parts: object) -> Rig:
    """Return the machines of the rig with only the given parts."""
    bare: dict[str, object] = {
        "cuda": None,
        "container": None,
        "system": None,
        "env": {},
        "user": {},
    }
    return rig.model_copy(update={**bare, **parts})


def _compare_product(
    spec: LoadedSpec, names: tuple[str, str], query: _ProductQuery
) -> ProductSupport | None:
    question = LoadedSpec(query.rig, spec.document)
    a, b = (_find_releases(question, name, query.product) for name in names)
    if a is None or b is None:
        return None
    return ProductSupport(
        product=query.product,
        title=a.component.title,
        requested=query.of_rig,
        a=_build_range(a),
        b=_build_range(b),
        only_a=_find_unsupported(a, b),
        only_b=_find_unsupported(b, a),
    )


def _find_releases(question: LoadedSpec, name: str, product: str) -> SupportedReleases | None:
    def is_requested(component: Component) -> bool:
        return component.name == product

    return find_supported_releases(
        question, name, load_required_matrix(question.rig, name), is_requested
    )


def _find_unsupported(
    one: SupportedReleases, other: SupportedReleases
) -> tuple[UnsupportedReleases, ...]:
    """Return the releases that only one supports, with the other's reasons."""
    supported = set(other.releases)
    listed = {find_release(candidate) for candidate in other.component.candidates}
    refused = [c for c in one.releases if c not in supported and c in listed]
    return tuple(other.iterate_reasons(tuple(refused)))


def _build_range(supported: SupportedReleases) -> ReleaseRange:
    releases: tuple[Candidate, ...] = supported.releases
    if not releases:
        return ReleaseRange(0, None, None)
    return ReleaseRange(len(releases), releases[0].label, releases[-1].label)


# --- features ----------------------------------------------------------------------------------


def _iterate_features(a: MachineSpecs, b: MachineSpecs) -> Iterator[TextRow]:
    """Yield the GPU features that the matrix knows for at least one of the machines."""
    features: tuple[tuple[str, str, Callable[[GpuSpecs], str | None]], ...] = (
        ("tensor_cores", "tensor cores", _get_tensor_cores),
        ("bf16", "bfloat16", lambda gpu: _get_generation_property(gpu, "bf16")),
        (
            "fp16_rate",
            "fp16 rate relative to fp32",
            lambda gpu: _get_generation_property(gpu, "fp16"),
        ),
        (
            "fp64_rate",
            "fp64 rate relative to fp32",
            lambda gpu: _get_generation_property(gpu, "fp64"),
        ),
        (
            "peer_to_peer",
            "peer-to-peer access",
            lambda gpu: _get_card_property(gpu, "peer_to_peer"),
        ),
        ("mig", "multi-instance GPU (MIG)", lambda gpu: _get_card_property(gpu, "mig")),
    )
    for key, name, pick in features:
        values = [pick(side.gpus[0]) if side.gpus else None for side in (a, b)]
        if values[0] is not None or values[1] is not None:
            yield TextRow(key, name, values[0], values[1], _collect_sources(key, a, b))


def _get_tensor_cores(gpu: GpuSpecs) -> str | None:
    value = _get_generation_property(gpu, "tensor_cores")
    return "yes" if value is None and gpu.tensor_fp16 is not None else value


def _get_generation_property(gpu: GpuSpecs, figure: str) -> str | None:
    return gpu.generation.get(figure) if gpu.generation is not None else None


def _get_card_property(gpu: GpuSpecs, figure: str) -> str | None:
    return gpu.release.get(figure) if gpu.release is not None else None


def _collect_sources(key: str, *sides: MachineSpecs) -> tuple[Source, ...]:
    releases = [
        release
        for side in sides
        for gpu in side.gpus[:1]
        for release in (gpu.generation, gpu.release)
        if release is not None
    ]
    figure = key.removesuffix("_rate")
    known = [release for release in releases if release.get(figure) is not None]
    return tuple(dict.fromkeys(s for release in known for s in release.sources_of(figure)))


# --- notes -------------------------------------------------------------------------------------


def _iterate_notes(names: tuple[str, str], reports: tuple[Report, Report]) -> Iterator[MachineNote]:
    """Yield the diagnostics of the parts of each machine, except for RS109."""
    for name, report in zip(names, reports, strict=True):
        for found in report.diagnostics:
            of_parts = found.code.startswith("RS1") and found.code != "RS109"
            if of_parts or (found.severity is Severity.ERROR and report.resolution is None):
                yield MachineNote(name, found)
