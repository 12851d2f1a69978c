"""What each of two machines can run that the other cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rigspec.compare.model import Admission, Caveat, Range, Refused, Runs, Words
from rigspec.compare.supported_releases import SupportedReleases, admitted
from rigspec.diagnostics.model import Report, Severity, Source
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_specs import MachineSpecs
from rigspec.matrix.loader import list_product_names, load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.builder import required_products
from rigspec.resolve.problem.model import Candidate, Component
from rigspec.resolve.problem.requirements import framework_products
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.cuda import Cuda
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig

__all__ = ["compare_compatibility"]

# The environment that stands for any: every Python can be had in it.
_ANY = "any"


@dataclass(frozen=True)
class _Asked:
    """A product, and the smallest rig in which its releases can be asked about."""

    product: str
    rig: Rig
    of_rig: bool


def compare_compatibility(
    spec: LoadedSpec,
    figures: tuple[MachineSpecs, MachineSpecs],
    reports: tuple[Report, Report],
    matrix: Matrix,
) -> Runs:
    """Features of the GPUs, releases of every product, and what is known against each machine.

    ``matrix`` is whole: all of its frameworks are asked about.
    """
    names = (figures[0].name, figures[1].name)
    asked = [*_layers(spec.rig), *_frameworks(spec.rig, matrix)]
    admissions = [found for one in asked if (found := _admission(spec, names, one)) is not None]
    return Runs(
        features=tuple(_features(*figures)),
        admissions=tuple(sorted(admissions, key=lambda found: not found.asked)),
        caveats=tuple(_caveats(names, reports)),
    )


# --- releases ----------------------------------------------------------------------------------


def _layers(rig: Rig) -> Iterator[_Asked]:
    """The driver and the toolkit. A runfile of a toolkit goes with every system."""
    yield _Asked("driver", _only(rig), rig.cuda is not None)
    toolkit = Cuda.model_validate({"provider": "runfile", "toolkit": ">=0"})
    yield _Asked("cuda", _only(rig, cuda=toolkit), rig.cuda is not None)


def _frameworks(rig: Rig, matrix: Matrix) -> Iterator[_Asked]:
    own = {name for env in rig.env.values() for name in framework_products(env)}
    for product in matrix.products:
        if product.kind == "framework":
            env = Environment.model_validate(
                {"interpreter": "pyenv", "frameworks": {product.name: "*"}}
            )
            yield _Asked(product.name, _only(rig, env={_ANY: env}), product.name in own)


def _only(rig: Rig, **parts: object) -> Rig:
    """The machines of the rig, and nothing else of it."""
    bare: dict[str, object] = {
        "cuda": None,
        "container": None,
        "system": None,
        "env": {},
        "user": {},
    }
    return rig.model_copy(update={**bare, **parts})


def _admission(spec: LoadedSpec, names: tuple[str, str], asked: _Asked) -> Admission | None:
    question = LoadedSpec(asked.rig, spec.document)
    a, b = (_of_machine(question, name, asked.product) for name in names)
    if a is None or b is None:
        return None
    return Admission(
        product=asked.product,
        title=a.component.title,
        asked=asked.of_rig,
        a=_range(a),
        b=_range(b),
        only_a=_beyond(a, b),
        only_b=_beyond(b, a),
    )


def _of_machine(question: LoadedSpec, name: str, product: str) -> SupportedReleases | None:
    known = set(list_product_names())
    needed = [each for each in required_products(question.rig, name) if each in known]

    def wanted(component: Component) -> bool:
        return component.name == product

    return admitted(question, name, load_matrix(needed), wanted)


def _beyond(one: SupportedReleases, other: SupportedReleases) -> tuple[Refused, ...]:
    """What only one admits, with the other's reasons."""
    theirs = set(other.releases)
    listed = set(other.component.candidates)
    refused = [c for c in one.releases if c not in theirs and c in listed]
    return tuple(other.reasons(tuple(refused)))


def _range(found: SupportedReleases) -> Range:
    releases: tuple[Candidate, ...] = found.releases
    if not releases:
        return Range(0, None, None)
    return Range(len(releases), releases[0].label, releases[-1].label)


# --- features ----------------------------------------------------------------------------------


def _features(a: MachineSpecs, b: MachineSpecs) -> Iterator[Words]:
    """What their GPUs can do, where the matrix tells it of either."""
    told: tuple[tuple[str, str, Callable[[GpuSpecs], str | None]], ...] = (
        ("tensor_cores", "tensor cores", _tensor_cores),
        ("bf16", "bfloat16", lambda gpu: _of_generation(gpu, "bf16")),
        ("fp16_rate", "fp16 beside fp32", lambda gpu: _of_generation(gpu, "fp16")),
        ("fp64_rate", "fp64 beside fp32", lambda gpu: _of_generation(gpu, "fp64")),
        ("peer_to_peer", "reach another's memory", lambda gpu: _of_card(gpu, "peer_to_peer")),
        ("mig", "divided into instances (MIG)", lambda gpu: _of_card(gpu, "mig")),
    )
    for key, name, pick in told:
        values = [pick(side.gpus[0]) if side.gpus else None for side in (a, b)]
        if values[0] is not None or values[1] is not None:
            yield Words(key, name, values[0], values[1], _sources(key, a, b))


def _tensor_cores(gpu: GpuSpecs) -> str | None:
    told = _of_generation(gpu, "tensor_cores")
    return "yes" if told is None and gpu.tensor_fp16 is not None else told


def _of_generation(gpu: GpuSpecs, figure: str) -> str | None:
    return gpu.generation.get(figure) if gpu.generation is not None else None


def _of_card(gpu: GpuSpecs, figure: str) -> str | None:
    return gpu.release.get(figure) if gpu.release is not None else None


def _sources(key: str, *sides: MachineSpecs) -> tuple[Source, ...]:
    releases = [
        release
        for side in sides
        for gpu in side.gpus[:1]
        for release in (gpu.generation, gpu.release)
        if release is not None
    ]
    figure = key.removesuffix("_rate")
    told = [release for release in releases if release.get(figure) is not None]
    return tuple(dict.fromkeys(s for release in told for s in release.sources_of(figure)))


# --- caveats -----------------------------------------------------------------------------------


def _caveats(names: tuple[str, str], reports: tuple[Report, Report]) -> Iterator[Caveat]:
    """What `check` says of the parts of one machine, with its facts; RS109 is no caveat."""
    for name, report in zip(names, reports, strict=True):
        for found in report.diagnostics:
            of_parts = found.code.startswith("RS1") and found.code != "RS109"
            if of_parts or (found.severity is Severity.ERROR and report.resolution is None):
                yield Caveat(name, found)
