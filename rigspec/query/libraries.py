"""Libraries that need a release of a framework: ``vllm``, ``flash-attn``, ``torchvision``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Product
from rigspec.query.question import (
    MACHINE,
    QUESTION_FILE,
    BadQuestion,
    Question,
    Requested,
    write_spec,
)
from rigspec.resolve.problem.builder import ProblemBuilder, load_required_matrix
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import parse_spec

__all__ = ["complete_libraries"]

_EXACT = re.compile(r"==([0-9][0-9A-Za-z.]*)")


@dataclass(frozen=True)
class _Library:
    """A library with its releases in the matrix, the newest first, and the frameworks it needs."""

    releases: tuple[Version, ...]
    frameworks: tuple[str, ...]


def complete_libraries(question: Question) -> Question:
    """Return the question with the newest release of each library that runs, and its framework.

    A library without a version gets one, so that its rules apply. If no release runs,
    the newest one is asked about. Raises BadQuestion if the matrix knows none of the packages.
    """
    known = {request.name: _load(request) for request in question.requests}
    if question.requests and not any(request.product for request in question.requests):
        names = ", ".join(f"`{request.name}`" for request in question.requests)
        raise BadQuestion(f"the matrix has no rules about {names}: rigspec cannot tell if it runs")
    question = _with_frameworks(question, known)
    for number, request in enumerate(question.requests):
        library = known.get(request.name)
        if library is not None:
            question = _with_newest(question, number, request, library)
    return question


def _with_frameworks(question: Question, known: dict[str, _Library | None]) -> Question:
    needed = (name for library in known.values() if library for name in library.frameworks)
    present = {request.framework for request in question.requests}
    added = tuple(Requested(name) for name in dict.fromkeys(needed) if name not in present)
    return replace(question, requests=(*question.requests, *added))


def _with_newest(
    question: Question, number: int, request: Requested, library: _Library
) -> Question:
    candidates = [
        _with_version(question, number, request, str(version))
        for version in library.releases
        if _admits(request.version, version)
    ]
    return next(filter(_is_feasible, candidates), candidates[0] if candidates else question)


def _with_version(question: Question, number: int, request: Requested, version: str) -> Question:
    requests = list(question.requests)
    requests[number] = Requested(request.name, f"=={version}")
    return replace(question, requests=tuple(requests))


def _is_feasible(question: Question) -> bool:
    spec = parse_spec(QUESTION_FILE, write_spec(question))
    builder = ProblemBuilder(spec.rig, MACHINE, load_required_matrix(spec.rig, MACHINE))
    return find_newest(builder, builder.requirements) is not None


def _admits(requested: str | None, version: Version) -> bool:
    if requested is None:
        return True
    try:
        Version(requested)
        return f"{version}.".startswith(f"{requested}.")
    except InvalidVersion:
        pass
    try:
        return SpecifierSet(requested).contains(version, prereleases=True)
    except InvalidSpecifier:
        return False


def _load(request: Requested) -> _Library | None:
    product = request.product
    if product is None or request.framework is not None:
        return None
    table = load_matrix([product]).product(product)
    releases = sorted({*_releases(table)}, reverse=True)
    return _Library(tuple(releases), tuple(dict.fromkeys(_frameworks(table))))


def _releases(product: Product) -> Iterator[Version]:
    """Yield the releases that rules name one by one."""
    for rule in product.rules:
        for condition in rule.when:
            if condition.component == product.name:
                for text in condition.alternatives:
                    match = _EXACT.fullmatch(text.rpartition(" ")[2])
                    if match is not None:
                        yield Version(match[1])


def _frameworks(product: Product) -> Iterator[str]:
    for rule in product.rules:
        name = rule.requires.component
        if Requested(name).framework == name:
            yield name
