"""Advisory rules: combinations that work, but not as well as expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.resolve.components import UNKNOWN, get_diagnostic_name
from rigspec.resolve.explain.phrasing import convert_rule_to_fact, format_statement
from rigspec.resolve.problem.domains import CandidateDomain
from rigspec.resolve.problem.model import BoundRule, Requirement
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.toml.document import Document

__all__ = ["lint_advisories"]


def lint_advisories(
    rows: Iterable[BoundRule],
    universes: Mapping[str, CandidateDomain],
    requirements: tuple[Requirement, ...],
    solution: Solution,
    document: Document,
) -> Iterator[Diagnostic]:
    """Yield a warning or a note for each active rule that the solution violates."""
    reported: set[str] = set()
    for row in rows:
        value = solution[row.requires[0]]
        if value.version == UNKNOWN or universes[row.requires[0]].admits(row.requires[1], value):
            continue
        if all(universes[key].admits(texts, solution[key]) for key, texts in row.when):
            message = format_statement(row.rule.statement, value.label)
            if message not in reported:
                reported.add(message)
                yield _diagnostic(row, value.label, message, requirements, document)


def _diagnostic(
    row: BoundRule,
    value: str,
    message: str,
    requirements: tuple[Requirement, ...],
    document: Document,
) -> Diagnostic:
    keys = {row.requires[0], *(key for key, _ in row.when)}
    lines = [
        requirement
        for requirement in requirements
        if requirement.path is not None and _about(requirement, keys)
    ]
    names = [
        get_diagnostic_name(key.rpartition("/")[2]) for key in (row.requires[0], *dict(row.when))
    ]
    fact = convert_rule_to_fact(row.rule, value)
    return Diagnostic(
        code=row.rule.code,
        severity=Severity(row.rule.severity),
        message=message,
        components=tuple(dict.fromkeys(name for name in names if name != "provider")),
        spans=tuple(
            document.span(requirement.path, label=requirement.label)
            for requirement in lines
            if requirement.path is not None
        ),
        # The message is the statement: the fact adds the sources.
        facts=(Fact(fact.id, fact.statement, fact.sources, fact.confidence),),
        runtime_error=(format_statement(row.rule.failure_message, value),)
        if row.rule.failure_message
        else (),
    )


def _about(requirement: Requirement, keys: set[str]) -> bool:
    """Return whether the line is about one of the components, or declares its part."""
    if requirement.component in keys:
        return requirement.component not in ("accelerator", "provider")
    part = requirement.component.rpartition("/")[0]
    return requirement.component.endswith("/gpu") and f"{part}/compute_capability" in keys
