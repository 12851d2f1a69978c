"""Test a rule of the matrix with specs that meet it and specs that violate it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.matrix.components import (
    CHANNEL_SUFFIX,
    ENUMERATED,
    PACKAGE_PREFIX,
    UNLISTED,
    get_channel_product,
)
from rigspec.matrix.model import Condition, Matrix, Rule
from rigspec.resolve.components import NOTHING, UNKNOWN, get_diagnostic_name
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.resolve.problem.domains import (
    Candidate,
    CandidateDomain,
    choose_representative_versions,
)
from rigspec.resolve.problem.rule_index import get_rule_index
from rigspec.resolve.problem.systems import find_unchosen_systems
from rigspec.selftest.minimal_spec import ComponentRequest, build_minimal_spec, parse_part
from rigspec.spec.loader import parse_spec
from rigspec.version_specifiers import Alternative, parse_alternative

__all__ = ["RuleTestResult", "check_rule"]

# Limits for each side of a rule: specs, and forbidden releases.
_MAX_SPECS = 12
_MAX_FORBIDDEN = 4

# Components that the operating system sets, not a line of a spec.
_WITH_OS = frozenset({"glibc", "default_gcc"})

_EXACT = re.compile(r"==[\d.]+")


@dataclass(frozen=True)
class RuleTestResult:
    """The result for one rule.

    ``failures`` contain the problem of a side and its spec. ``idle`` sides are those that no spec
    can express, or that other rules refuse first.
    """

    rule: Rule
    failures: tuple[str, ...]
    idle: tuple[str, ...]


def check_rule(rule: Rule, matrix: Matrix) -> RuleTestResult:
    """Test a rule both ways. The matrix must be complete."""
    framework, _, _ = rule.table.partition("/")
    if framework.endswith(CHANNEL_SUFFIX):
        matrix = _with_channels(matrix, framework.removesuffix(CHANNEL_SUFFIX))
    outcomes = {"allows": _test_allowed(rule, matrix), "forbids": _test_forbidden(rule, matrix)}
    return RuleTestResult(
        rule,
        tuple(f"side that it {side}: {failure}" for side, failure in outcomes.items() if failure),
        tuple(side for side, failure in outcomes.items() if failure is None),
    )


def _with_channels(matrix: Matrix, framework: str) -> Matrix:
    """Return the matrix in which a framework has the builds of conda channels only."""
    name = get_channel_product(framework)
    known = matrix.cache.get(name)
    if not isinstance(known, Matrix):
        releases = matrix.product(name).releases
        products = (
            replace(p, releases=releases) if p.name == framework else p for p in matrix.products
        )
        known = matrix.cache[name] = replace(matrix, products=tuple(products))
    return known


def _test_allowed(rule: Rule, matrix: Matrix) -> str | None:
    """Return a failure, empty if an allowed spec resolves, None if no spec can express it."""
    failure = None
    for text in islice(_inside(rule, matrix), _MAX_SPECS):
        report = _check(text)
        errors = _errors(report)
        if not errors and not _is_reported(report, rule):
            return ""
        failure = f"{errors[0].message if errors else 'the rule is reported'}:\n{text}"
    return failure


def _test_forbidden(rule: Rule, matrix: Matrix) -> str | None:
    """Return a failure, empty if a violation is reported, None if no spec can express it."""
    failure = None
    for text in islice(_outside(rule, matrix), _MAX_SPECS):
        report = _check(text)
        errors = _errors(report)
        if rule.severity == "error":
            if any(_names_it(error, rule, matrix) for error in errors):
                return ""
            failure = f"{errors[0].message if errors else 'no error'}:\n{text}"
        elif not errors:
            return "" if _is_reported(report, rule) else f"no report:\n{text}"
    return failure


def _errors(report: Report) -> list[Diagnostic]:
    return [d for d in report.diagnostics if d.severity is Severity.ERROR]


def _names_it(error: Diagnostic, rule: Rule, matrix: Matrix) -> bool:
    """Return whether an error is about this rule, or at least about its pair of components."""
    if any(fact.id in (rule.id, rule.table) for fact in error.facts):
        return True
    named = {rule.requires.component, *(condition.component for condition in rule.when)}
    pair = {get_diagnostic_name(name) for name in named}
    if named & _WITH_OS:
        pair.add("os")
    if "cuda_runtime" in named:
        # No line requests it: the report names the framework with the wheels instead.
        pair |= get_rule_index(matrix).frameworks
    return len(pair & set(error.components)) > 1


def _is_reported(report: Report, rule: Rule) -> bool:
    return rule.severity != "error" and any(
        fact.id == rule.id for diagnostic in report.diagnostics for fact in diagnostic.facts
    )


def _check(text: str) -> Report:
    spec = parse_spec("minimal.toml", text)
    matrix = load_required_matrix(spec.rig, "box")
    return check_machine(spec, "box", matrix, repairs=False, installable=False)


def _inside(rule: Rule, matrix: Matrix) -> Iterator[str]:
    """Yield specs that the rule allows."""
    goals: list[ComponentRequest | None] = [parse_part(text) for text in rule.requires.alternatives]
    if rule.requires.component in {*_WITH_OS, "cuda_runtime"}:
        goals = [None]
    if rule.requires.component in _WITH_OS:
        universe = _universe(rule.requires, matrix)
        inside = universe.members(universe.mask(rule.requires.alternatives))
        goals += [_exactly(candidate) for candidate in inside]
    for parts in _conditions(rule, matrix):
        for goal in goals:
            yield from _spec({**parts, **({rule.requires.component: goal} if goal else {})}, matrix)


def _outside(rule: Rule, matrix: Matrix) -> Iterator[str]:
    """Yield specs that meet the conditions and request the closest forbidden releases."""
    name = rule.requires.component
    if name == "cuda_runtime":
        # No line requests the CUDA inside wheels. That of a package is the one of its framework;
        # that of a framework is forbidden by a driver too old for all of it.
        if any(c.component.startswith(PACKAGE_PREFIX) for c in rule.when):
            others = list(_frameworks_without(rule.requires, matrix))
        else:
            others = [{"driver": _driver_too_old(rule.requires, matrix)}]
        for parts, other in product(_conditions(rule, matrix), others):
            yield from _spec({**parts, **other}, matrix)
        return
    own = [c for c in rule.when if c.component == name]
    for beyond in _closest_forbidden(rule.requires, own, matrix):
        for parts in _conditions(rule, matrix):
            yield from _spec({**parts, name: beyond}, matrix)


def _parts(
    condition: Condition, text: str, rule: Rule, matrix: Matrix
) -> Iterator[ComponentRequest]:
    """Yield a request for an alternative; for a package's build, the releases that have it.

    `+cu118` alone would mean the newest release, of which no such build exists.
    """
    if not condition.component.startswith(PACKAGE_PREFIX) or not re.fullmatch(r"\+\w+", text):
        yield parse_part(text)
        return
    framework = rule.requires.component
    builds = [r for r in matrix.product(framework).releases if r.version.endswith(text)]
    for exact, required in _releases_with_rules(condition.component, framework, matrix):
        if any(alternative.admits(r.family, r.version) for r in builds for alternative in required):
            yield from (ComponentRequest(None, f"{version}{text}") for version in exact)


def _releases_with_rules(
    package: str, framework: str, matrix: Matrix
) -> tuple[tuple[list[str], list[Alternative]], ...]:
    """Return exact releases of a package with the releases of the framework that they require."""
    name = f"exact releases of {package} for {framework}"
    known = matrix.cache.get(name)
    if not isinstance(known, tuple):
        known = matrix.cache[name] = tuple(
            (exact, [parse_alternative(text) for text in other.requires.alternatives])
            for other in matrix.rules()
            if other.requires.component == framework
            and [condition.component for condition in other.when] == [package]
            and (exact := [a for a in other.when[0].alternatives if _EXACT.fullmatch(a)])
        )
    return known


def _conditions(rule: Rule, matrix: Matrix) -> Iterator[dict[str, ComponentRequest]]:
    """Yield requests that meet the conditions; with a GPU as well, unless they exclude it."""
    choices = [
        [(c.component, part) for text in c.alternatives for part in _parts(c, text, rule, matrix)]
        for c in rule.when
    ]
    for chosen in product(*choices):
        yield dict(chosen)
    for chosen in product(*choices):
        if "accelerator" not in dict(chosen):
            yield {**dict(chosen), "accelerator": ComponentRequest("gpu", "*")}


def _driver_too_old(runtime: Condition, matrix: Matrix) -> ComponentRequest:
    """Return the newest driver that supports none of these CUDA runtimes."""
    served = _universe(runtime, matrix).mask(runtime.alternatives)
    drivers = get_rule_index(matrix).universe("driver")
    fitting = 0
    for rule in matrix.product("cuda").rules:
        for condition in rule.when:
            if condition.component == "cuda_runtime" and rule.requires.component == "driver":
                meant = _universe(condition, matrix).mask(condition.alternatives)
                fitting |= drivers.mask(rule.requires.alternatives) if meant & served else 0
    return _exactly(next(drivers.members(drivers.all & ~fitting)))


def _frameworks_without(
    runtime: Condition, matrix: Matrix
) -> Iterator[dict[str, ComponentRequest]]:
    """Yield frameworks with wheels that include another CUDA, the newest first."""
    universe = _universe(runtime, matrix)
    served = universe.mask(runtime.alternatives)
    for rule in matrix.rules():
        of_package = any(c.component.startswith(PACKAGE_PREFIX) for c in rule.when)
        if rule.requires.component != "cuda_runtime" or of_package:
            continue
        if not universe.mask(rule.requires.alternatives) & served:
            yield {c.component: parse_part(c.alternatives[0]) for c in rule.when}


def _closest_forbidden(
    requirement: Condition, own: list[Condition], matrix: Matrix
) -> list[ComponentRequest]:
    """Return the releases closest to those of a condition, among those that ``own`` allows."""
    universe = _universe(requirement, matrix)
    inside = universe.mask(requirement.alternatives)
    outside = universe.all & ~inside
    for condition in own:
        outside &= universe.mask(condition.alternatives)
    if requirement.component == "os":
        # No rule about a system binds one that only a spec chooses: it is not checked.
        outside &= ~find_unchosen_systems(matrix.product("os"), universe)
    places = [i for i in range(len(universe.candidates)) if inside >> i & 1]

    def distance(index: int) -> int:
        return min((abs(index - place) for place in places), default=index)

    indexes = [i for i in range(len(universe.candidates)) if outside >> i & 1]
    nearest = sorted(indexes, key=distance)[:_MAX_FORBIDDEN]
    chosen = [universe.candidates[i] for i in nearest]
    return [
        _exactly(candidate) for candidate in chosen if candidate.version not in (UNKNOWN, NOTHING)
    ]


def _universe(condition: Condition, matrix: Matrix) -> CandidateDomain:
    name = condition.component
    if name.startswith(PACKAGE_PREFIX) or name in UNLISTED:
        return CandidateDomain(choose_representative_versions(sorted(condition.alternatives)))
    return get_rule_index(matrix).universe(name)


def _exactly(candidate: Candidate) -> ComponentRequest:
    if candidate.version in {word for words in ENUMERATED.values() for word in words}:
        return ComponentRequest(candidate.version, "*")
    return ComponentRequest(candidate.family, f"=={candidate.version}")


def _spec(parts: Mapping[str, ComponentRequest], matrix: Matrix) -> Iterator[str]:
    """Yield the spec; nothing if no line can request one of the parts."""
    parts = dict(parts)
    for name in _WITH_OS & parts.keys():
        os = _os_with(name, parts.pop(name), matrix)
        if os is None or parts.get("os", os) != os:
            return
        parts["os"] = os
    if "cuda_runtime" in parts:
        framework = _framework_with(parts.pop("cuda_runtime"), matrix)
        if framework is None:
            return
        parts.update(framework)
    yield build_minimal_spec(parts, matrix)


def _os_with(name: str, value: ComponentRequest, matrix: Matrix) -> ComponentRequest | None:
    # The systems that rigspec chooses itself come first: rules about others are fewer.
    releases = reversed(matrix.product("os").releases)
    for release in sorted(releases, key=lambda release: release.get("selection") or ""):
        for provided in release.implies:
            value_with_os = provided.alternatives[0].lstrip("=")
            if provided.component == name and f"=={value_with_os}" == value.request:
                return ComponentRequest(release.family, f"=={release.version}")
    return None


def _framework_with(
    runtime: ComponentRequest, matrix: Matrix
) -> dict[str, ComponentRequest] | None:
    """Return a framework with wheels that include this CUDA; None if there is none."""
    for rule in matrix.rules():
        # A package needs a CUDA in the wheels of its framework; it has none itself.
        of_package = any(c.component.startswith(PACKAGE_PREFIX) for c in rule.when)
        if not of_package and rule.requires == Condition("cuda_runtime", (runtime.request,)):
            return {c.component: parse_part(c.alternatives[0]) for c in rule.when}
    return None
