"""List the releases of a framework that run on a GPU, one row a build, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.version import Version

from rigspec.diagnostics.model import Diagnostic
from rigspec.matrix.model import Matrix, Product, Release
from rigspec.query.answer import answer_question, find_environment, install_commands
from rigspec.query.question import (
    ENVIRONMENT,
    MACHINE,
    QUESTION_FILE,
    Question,
    Requested,
    write_spec,
)
from rigspec.resolve.conflicts.unknown_names import find_unknown_names
from rigspec.resolve.problem.builder import ProblemBuilder, load_required_matrix
from rigspec.resolve.problem.model import Requirement
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import parse_spec
from rigspec.version_specifiers import (
    build_of,
    parse_alternative,
    parse_version,
    strip_local_version,
)

__all__ = ["NewerRelease", "Offer", "list_offers"]

_LIMIT = 6  # a table that fits a screen


@dataclass(frozen=True)
class NewerRelease:
    """The release after an offer, and why it does not run. ``source`` is an address.

    ``error`` is the conflict with all builds of the release.
    """

    version: str
    reason: str
    source: str | None = None
    error: Diagnostic | None = None


@dataclass(frozen=True)
class Offer:
    """The newest release of a build that runs. ``index`` is None if PyPI has it.

    ``install`` is the command of pip, with the extra that adds the CUDA of the build;
    ``unchecked`` says what the matrix has no rules about.
    """

    version: str
    build: str | None
    cuda: str | None
    index: str | None
    pythons: tuple[str, ...]
    install: str
    newer: NewerRelease | None = None
    unchecked: tuple[Diagnostic, ...] = ()


def list_offers(question: Question, request: Requested, limit: int = _LIMIT) -> tuple[Offer, ...]:
    """Return an offer for each build that has a release that runs, ``limit`` at most.

    Raises InvalidSpec if the values of the question are not in the language.
    """
    open_question = question.with_request(Requested(request.name))
    spec = parse_spec(QUESTION_FILE, write_spec(open_question))
    matrix = load_required_matrix(spec.rig, MACHINE)
    product = matrix.product(request.framework or request.name)
    if find_unknown_names(spec, MACHINE, matrix):
        return ()
    feasible = _Feasibility(ProblemBuilder(spec.rig, MACHINE, matrix), product.name)
    ordered = _newest_first(product)
    offers: list[Offer] = []
    builds: set[str] = set()
    for number, release in enumerate(ordered):
        build = build_of(release.version)
        if build in builds or not feasible.has(release):
            continue
        exact = Requested(request.name, f"=={release.version}")
        answer = answer_question(question.with_request(exact))
        resolution = answer.resolution
        env = find_environment(resolution) if resolution is not None else None
        if resolution is None or env is None:
            continue
        builds.add(build)
        newer = _newer(open_question, request, ordered[:number], release, first=not offers)
        if newer is not None and newer.error is not None:
            newer = replace(newer, reason=_join_reasons(matrix, newer.error) or newer.reason)
        cuda = release.get("cuda") or env.cuda or resolution.cuda
        offer = _offer(product, release, cuda, install_commands(env)[0], newer)
        offers.append(replace(offer, unchecked=answer.unchecked))
        if len(offers) == limit:
            break
    return tuple(offers)


class _Feasibility:
    """Test releases of a framework in one rig."""

    def __init__(self, builder: ProblemBuilder, product: str) -> None:
        self._builder = builder
        self._key = f"{ENVIRONMENT}/{product}"
        self._others = tuple(r for r in builder.requirements if r.component != self._key)

    def has(self, release: Release) -> bool:
        line = Requirement(self._key, (f"=={release.version}",), None, "")
        return find_newest(self._builder, (*self._others, line)) is not None


def _newest_first(product: Product) -> list[Release]:
    """Order releases by version, and builds of one release by their CUDA."""

    def key(release: Release) -> tuple[Version, bool, Version]:
        cuda = parse_version(release.get("cuda") or "")
        default = release.get("pypi") is not None
        return Version(strip_local_version(release.version)), default, cuda or Version("0")

    return sorted(product.releases, key=key, reverse=True)


def _newer(
    question: Question,
    request: Requested,
    newer: Sequence[Release],
    release: Release,
    *,
    first: bool,
) -> NewerRelease | None:
    """Explain why the next release does not run, with the same build if it has one.

    For the ``first`` offer, all builds of the next release are asked about.
    """
    version = Version(strip_local_version(release.version))
    above = [r for r in newer if Version(strip_local_version(r.version)) > version]
    if not above:
        return None
    following = min(Version(strip_local_version(r.version)) for r in above)
    of_version = [r for r in above if Version(strip_local_version(r.version)) == following]
    build = build_of(release.version)
    same = next((r for r in of_version if build_of(r.version) == build), None)
    if same is None and not first:
        return NewerRelease(str(following), f"{following} has no {build} build")
    exact = Requested(request.name, f"=={same.version if same is not None else following}")
    answer = answer_question(question.with_request(exact))
    if not answer.errors:
        return None
    error = answer.errors[0]
    fact = error.facts[0] if error.facts else None
    source = fact.sources[0].url if fact is not None and fact.sources else None
    reason = fact.statement if fact else error.message
    return NewerRelease(str(following), reason, source, error if same is None else None)


def _join_reasons(matrix: Matrix, error: Diagnostic) -> str:
    """Return the facts that break the builds of a release, one for each component."""
    rules = {rule.id: rule for rule in matrix.rules() if rule.failure_message}
    reasons: dict[str, str] = {}
    for fact in error.facts:
        if fact.id in rules:
            reasons.setdefault(rules[fact.id].requires.component, fact.statement)
    return "; ".join(reasons.values())


def _offer(
    product: Product,
    release: Release,
    cuda: str | None,
    install: str,
    newer: NewerRelease | None,
) -> Offer:
    on_pypi = release.get("index") is None or release.get("pypi") is not None
    return Offer(
        version=strip_local_version(release.version),
        build=build_of(release.version) if product.has_builds else None,
        cuda=cuda,
        index=None if on_pypi else release.get("index"),
        pythons=tuple(_pythons(product, release)),
        install=install,
        newer=newer,
    )


def _pythons(product: Product, release: Release) -> Iterator[str]:
    """Yield the Pythons that have wheels of a release, by the rules of its table."""
    for rule in product.rules:
        condition = rule.when[0]
        if rule.requires.component != "python" or len(rule.when) != 1:
            continue
        if condition.component == product.name and any(
            parse_alternative(text).admits(release.family, release.version)
            for text in condition.alternatives
        ):
            for text in rule.requires.alternatives:
                yield text.removeprefix("==").removesuffix(".*")
            return
