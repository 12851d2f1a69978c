"""Rules of the matrix held against the program that uses them, each in specs of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.matrix.components import ENUMERATED, PACKAGE_PREFIX, UNLISTED
from rigspec.matrix.loader import list_product_names, load_matrix
from rigspec.matrix.model import Condition, Matrix, Rule
from rigspec.resolve.components import NOTHING, UNKNOWN, diagnostic_name
from rigspec.resolve.problem.builder import required_products
from rigspec.resolve.problem.domains import (
    Candidate,
    CandidateDomain,
    representative_versions,
)
from rigspec.resolve.problem.rule_index import rule_index
from rigspec.selftest.minimal_spec import Part, asked, minimal_spec
from rigspec.spec.loader import parse_spec

__all__ = ["RuleTestResult", "try_rule"]

# How many specs one side of a row is tried with, and how many releases of the other side.
_TRIED = 12
_OUTSIDE = 4

# What comes with an operating system and no line of a spec says.
_WITH_OS = frozenset({"glibc", "default_gcc"})


@dataclass(frozen=True)
class RuleTestResult:
    """The outcome for one row.

    ``failures`` tell what a side should have given, and the spec that it was tried with.
    ``idle`` sides are those that no spec can ask for, or that other rows refuse before.
    """

    rule: Rule
    failures: tuple[str, ...]
    idle: tuple[str, ...]


def try_rule(rule: Rule, matrix: Matrix) -> RuleTestResult:
    """Try a row of the matrix both ways. ``matrix`` must be whole."""
    outcomes = {"admits": _admitted(rule, matrix), "forbids": _forbidden(rule, matrix)}
    return RuleTestResult(
        rule,
        tuple(f"what it {side}: {told}" for side, told in outcomes.items() if told),
        tuple(side for side, told in outcomes.items() if told is None),
    )


def _admitted(rule: Rule, matrix: Matrix) -> str | None:
    """Empty where some rig has what the row asks for; None where no spec can say it."""
    failure = None
    for text in islice(_inside(rule, matrix), _TRIED):
        report = _checked(text)
        errors = _errors(report)
        if not errors and not _told(report, rule):
            return ""
        failure = f"{errors[0].message if errors else 'it is told of'}:\n{text}"
    return failure


def _forbidden(rule: Rule, matrix: Matrix) -> str | None:
    """Empty where what breaks the row is refused by name, or told, as the row says."""
    failure = None
    for text in islice(_outside(rule, matrix), _TRIED):
        report = _checked(text)
        errors = _errors(report)
        if rule.severity == "error":
            if any(_names_it(error, rule, matrix) for error in errors):
                return ""
            failure = f"{errors[0].message if errors else 'it is admitted'}:\n{text}"
        elif not errors:
            return "" if _told(report, rule) else f"nothing is told:\n{text}"
    return failure


def _errors(report: Report) -> list[Diagnostic]:
    return [d for d in report.diagnostics if d.severity is Severity.ERROR]


def _names_it(error: Diagnostic, rule: Rule, matrix: Matrix) -> bool:
    """Whether an error is about this row, or at least about the pair that the row is about."""
    if any(fact.id in (rule.id, rule.table) for fact in error.facts):
        return True
    named = {rule.requires.component, *(condition.component for condition in rule.when)}
    pair = {diagnostic_name(name) for name in named}
    if "cuda_runtime" in named:
        # No line asks for it: whoever brings it stands in the report, with wheels as narrow.
        pair |= rule_index(matrix).frameworks
    return len(pair & set(error.components)) > 1


def _told(report: Report, rule: Rule) -> bool:
    return rule.severity != "error" and any(
        fact.id == rule.id for diagnostic in report.diagnostics for fact in diagnostic.facts
    )


def _checked(text: str) -> Report:
    spec = parse_spec("specimen.toml", text)
    known = set(list_product_names())
    needed = [name for name in required_products(spec.rig, "box") if name in known]
    return check_machine(spec, "box", load_matrix(needed), repairs=False)


def _inside(rule: Rule, matrix: Matrix) -> Iterator[str]:
    """Specs that ask for what the row admits."""
    goals: list[Part | None] = [asked(text) for text in rule.requires.alternatives]
    if rule.requires.component in {*_WITH_OS, "cuda_runtime"}:
        goals = [None]
    if rule.requires.component in _WITH_OS:
        universe = _universe(rule.requires, matrix)
        inside = universe.members(universe.mask(rule.requires.alternatives))
        goals += [_exactly(candidate) for candidate in inside]
    for parts in _conditions(rule):
        for goal in goals:
            yield from _spec({**parts, **({rule.requires.component: goal} if goal else {})}, matrix)


def _outside(rule: Rule, matrix: Matrix) -> Iterator[str]:
    """Specs in which the row's conditions hold, and the nearest to what it forbids."""
    name = rule.requires.component
    if name == "cuda_runtime":
        # No line asks for the CUDA inside of wheels; a driver too old for any of it forbids it.
        driver = _driver_too_old(rule.requires, matrix)
        for parts in _conditions(rule):
            yield from _spec({**parts, "driver": driver}, matrix)
        return
    own = [c for c in rule.when if c.component == name]
    for beyond in _beyond(rule.requires, own, matrix):
        for parts in _conditions(rule):
            yield from _spec({**parts, name: beyond}, matrix)


def _conditions(rule: Rule) -> Iterator[dict[str, Part]]:
    """Ways to ask for what the row's conditions say; beside a GPU, too, where that is open."""
    choices = [[(c.component, asked(text)) for text in c.alternatives] for c in rule.when]
    for chosen in product(*choices):
        yield dict(chosen)
    for chosen in product(*choices):
        if "accelerator" not in dict(chosen):
            yield {**dict(chosen), "accelerator": Part("gpu", "*")}


def _driver_too_old(runtime: Condition, matrix: Matrix) -> Part:
    """The newest driver that serves none of these CUDA runtimes."""
    served = _universe(runtime, matrix).mask(runtime.alternatives)
    drivers = rule_index(matrix).universe("driver")
    fitting = 0
    for rule in matrix.product("cuda").rules:
        for condition in rule.when:
            if condition.component == "cuda_runtime" and rule.requires.component == "driver":
                meant = _universe(condition, matrix).mask(condition.alternatives)
                fitting |= drivers.mask(rule.requires.alternatives) if meant & served else 0
    return _exactly(next(drivers.members(drivers.all & ~fitting)))


def _beyond(requirement: Condition, own: list[Condition], matrix: Matrix) -> list[Part]:
    """The releases next to those that a condition means, of those that ``own`` admits."""
    universe = _universe(requirement, matrix)
    inside = universe.mask(requirement.alternatives)
    outside = universe.all & ~inside
    for condition in own:
        outside &= universe.mask(condition.alternatives)
    places = [i for i in range(len(universe.candidates)) if inside >> i & 1]

    def distance(index: int) -> int:
        return min((abs(index - place) for place in places), default=index)

    indexes = [i for i in range(len(universe.candidates)) if outside >> i & 1]
    nearest = sorted(indexes, key=distance)[:_OUTSIDE]
    chosen = [universe.candidates[i] for i in nearest]
    return [
        _exactly(candidate) for candidate in chosen if candidate.version not in (UNKNOWN, NOTHING)
    ]


def _universe(condition: Condition, matrix: Matrix) -> CandidateDomain:
    name = condition.component
    if name.startswith(PACKAGE_PREFIX) or name in UNLISTED:
        return CandidateDomain(representative_versions(sorted(condition.alternatives)))
    return rule_index(matrix).universe(name)


def _exactly(candidate: Candidate) -> Part:
    if candidate.version in {word for words in ENUMERATED.values() for word in words}:
        return Part(candidate.version, "*")
    return Part(candidate.family, f"=={candidate.version}")


def _spec(parts: Mapping[str, Part], matrix: Matrix) -> Iterator[str]:
    """The spec, or none where one of the parts cannot be had by any line."""
    parts = dict(parts)
    for name in _WITH_OS & parts.keys():
        found = _os_with(name, parts.pop(name), matrix)
        if found is None or parts.get("os", found) != found:
            return
        parts["os"] = found
    if "cuda_runtime" in parts:
        brought = _bringing(parts.pop("cuda_runtime"), matrix)
        if brought is None:
            return
        parts.update(brought)
    yield minimal_spec(parts, matrix)


def _os_with(name: str, value: Part, matrix: Matrix) -> Part | None:
    for release in reversed(matrix.product("os").releases):
        for provided in release.implies:
            told = provided.alternatives[0].lstrip("=")
            if provided.component == name and f"=={told}" == value.request:
                return Part(release.family, f"=={release.version}")
    return None


def _bringing(runtime: Part, matrix: Matrix) -> dict[str, Part] | None:
    """A framework whose wheels bring this CUDA."""
    for rule in matrix.rules():
        if rule.requires == Condition("cuda_runtime", (runtime.request,)):
            return {c.component: asked(c.alternatives[0]) for c in rule.when}
    return None
