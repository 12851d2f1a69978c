"""Rules that do not bind: what works, and not as well as its owner may think."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.resolve.components import UNKNOWN, diagnostic_name
from rigspec.resolve.explain.phrasing import format_statement, rule_as_fact
from rigspec.resolve.problem.domains import CandidateDomain
from rigspec.resolve.problem.model import BoundRule, Requirement
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.toml.document import Document

__all__ = ["advisory_diagnostics"]


def advisory_diagnostics(
    rows: Iterable[BoundRule],
    universes: Mapping[str, CandidateDomain],
    claims: tuple[Requirement, ...],
    solution: Solution,
    document: Document,
) -> Iterator[Diagnostic]:
    """A warning or a note for each row whose conditions the solution meets and whose rest it does
    not.
    """
    told: set[str] = set()
    for row in rows:
        value = solution[row.must[0]]
        if value.version == UNKNOWN or universes[row.must[0]].admits(row.must[1], value):
            continue
        if all(universes[key].admits(texts, solution[key]) for key, texts in row.when):
            words = format_statement(row.rule.statement, value.label)
            if words not in told:
                told.add(words)
                yield _diagnostic(row, value.label, words, claims, document)


def _diagnostic(
    row: BoundRule, value: str, words: str, claims: tuple[Requirement, ...], document: Document
) -> Diagnostic:
    keys = {row.must[0], *(key for key, _ in row.when)}
    lines = [claim for claim in claims if claim.path is not None and _about(claim, keys)]
    names = [diagnostic_name(key.rpartition("/")[2]) for key in (row.must[0], *dict(row.when))]
    fact = rule_as_fact(row.rule, value)
    return Diagnostic(
        code=row.rule.code,
        severity=Severity(row.rule.severity),
        message=words,
        between=tuple(dict.fromkeys(name for name in names if name != "provider")),
        spans=tuple(
            document.span(claim.path, label=claim.label)
            for claim in lines
            if claim.path is not None
        ),
        # The message is the statement: the fact adds where it was read.
        facts=(Fact(fact.id, fact.statement, fact.sources, fact.confidence),),
        breaks=(format_statement(row.rule.failure_message, value),)
        if row.rule.failure_message
        else (),
    )


def _about(claim: Requirement, keys: set[str]) -> bool:
    """Whether the line speaks of one of the components, or declares the part that brings it."""
    if claim.component in keys:
        return claim.component not in ("accelerator", "provider")
    part = claim.component.rpartition("/")[0]
    return claim.component.endswith("/gpu") and f"{part}/compute_capability" in keys
