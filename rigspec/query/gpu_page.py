"""The page of a GPU, with the newest release of each framework that runs on it."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Release
from rigspec.matrix.part_lookup import find_part
from rigspec.query.offers import Offer, list_offers
from rigspec.query.question import MACHINE, QUESTION_FILE, Question, Requested, write_spec
from rigspec.resolve.problem.builder import ProblemBuilder, load_required_matrix
from rigspec.resolve.problem.model import Requirement
from rigspec.resolve.solver.propagation import propagate
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import parse_spec

__all__ = ["FRAMEWORKS", "GpuPage", "build_gpu_page"]

# The frameworks of a page, as their packages are called.
FRAMEWORKS = ("torch", "tensorflow", "jax", "cupy", "onnxruntime-gpu", "mxnet", "paddlepaddle-gpu")


@dataclass(frozen=True)
class GpuPage:
    """Facts about a card or an instance; ranges are from the oldest to the newest version."""

    name: str
    release: Release
    capability: str | None
    drivers: tuple[str, str] | None
    toolkits: tuple[str, str] | None
    frameworks: tuple[tuple[str, Offer | None], ...]


def build_gpu_page(question: Question) -> GpuPage | None:
    """Return the page of the GPU or the instance of a question; None if it is unknown."""
    kind = "gpu" if question.instance is None else "instance"
    name = question.gpu or question.instance
    release = find_part(load_matrix([kind]).product(kind), name or "")
    if release is None:
        return None
    capability = next(
        (c.alternatives[0] for c in release.implies if c.component == "compute_capability"), None
    )
    return GpuPage(
        release.version,
        release,
        capability.removeprefix("==") if capability is not None else None,
        _range_of(question, "driver"),
        _range_of(question, "cuda"),
        tuple((name, _newest(question, name)) for name in FRAMEWORKS if _is_known(name)),
    )


def _is_known(name: str) -> bool:
    return Requested(name).framework is not None


def _newest(question: Question, name: str) -> Offer | None:
    return next(iter(list_offers(question, Requested(name), limit=1)), None)


def _range_of(question: Question, component: str) -> tuple[str, str] | None:
    """Return the oldest and newest version of a component that the GPU allows."""
    text = write_spec(question)
    if component == "cuda":
        text += "\n[cuda]\n" if question.cuda is None else ""
    spec = parse_spec(QUESTION_FILE, text)
    builder = ProblemBuilder(spec.rig, MACHINE, load_required_matrix(spec.rig, MACHINE))
    left = propagate(builder, builder.requirements)
    if left is None or component not in builder.universes:
        return None
    known = [c.version for c in left.remaining(component) if c.version[:1].isdigit()]

    def is_feasible(version: str) -> bool:
        line = Requirement(component, (f"=={version}",), None, "")
        return find_newest(builder, (*builder.requirements, line)) is not None

    newest = next(filter(is_feasible, known), None)
    oldest = next(filter(is_feasible, reversed(known)), None)
    return (oldest, newest) if oldest is not None and newest is not None else None
