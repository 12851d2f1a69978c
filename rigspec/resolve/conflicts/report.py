"""A conflict as a diagnostic: its lines, its facts, what would break, and tried ways out."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.diagnostics.model import Diagnostic, Edit, Fact, Repair, Severity
from rigspec.matrix.model import Rule
from rigspec.resolve.components import diagnostic_name
from rigspec.resolve.conflicts.repairs import RepairOption
from rigspec.resolve.conflicts.unsat_core import Conflict
from rigspec.resolve.explain.phrasing import format_statement, rule_as_fact
from rigspec.resolve.problem.model import BoundRule, KeyPath, Problem, Requirement
from rigspec.resolve.problem.requirements import DECLARED
from rigspec.spec.toml.document import Document

__all__ = ["conflict_diagnostic", "facts_of", "format_key_path"]

# A conflict is between two, at least.
_FEW = 2

# Two lines that ask the same component for different releases, no fact between them.
_TWO_LINES = "RS230"

# A sheet with more rows in play than this is told in one sentence.
_ROWS_TOLD = 3


def conflict_diagnostic(
    conflict: Conflict, ways: Iterable[RepairOption], problem: Problem, document: Document
) -> Diagnostic:
    """The diagnostic of one conflict of the problem, with the ways out of it."""
    lines = _lines(conflict, problem)
    return Diagnostic(
        code=_code(conflict),
        severity=Severity.ERROR,
        message=_message(conflict, lines, problem),
        between=_between(conflict, lines),
        spans=tuple(document.span(c.path, label=c.label) for c in lines if c.path is not None),
        facts=tuple(facts_of(conflict)),
        breaks=tuple(
            dict.fromkeys(
                format_statement(row.rule.failure_message, _value(conflict, row))
                for row in _breaking(conflict)
                if row.rule.failure_message
            )
        ),
        repairs=tuple(_repair(way) for way in ways),
    )


def format_key_path(path: KeyPath) -> str:
    """A key path as a person writes it: ``machine.tower.gpus[0].model``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _code(conflict: Conflict) -> str:
    """The code of the rule that stands nearest to two lines of the spec."""
    if not conflict.rows:
        return _TWO_LINES
    claimed = {claim.component for claim in conflict.claims if claim.path is not None}
    claimed |= {key.replace("/gpu", "/compute_capability") for key in claimed}
    claimed -= {"accelerator"}

    def rank(row: BoundRule) -> tuple[bool, bool, int, str]:
        # What comes with a part explains little, and that a package is for the CPU only tells
        # why another one is meant; both are named where there is nothing else to name.
        keys = {row.must[0], *(key for key, _ in row.when)}
        comes_along = not row.rule.failure_message
        return (comes_along, row.must[0] == "accelerator", -len(keys & claimed), row.rule.id)

    return min(conflict.rows, key=rank).rule.code


def _breaking(conflict: Conflict) -> list[BoundRule]:
    """The rows whose words a user would meet: not those that only chose another package, and of
    a sheet that is told in one sentence the first.
    """
    met = [row for row in conflict.rows if row.must[0] not in ("accelerator", "provider")]
    by_table: dict[str, list[BoundRule]] = {}
    for row in met or conflict.rows:
        by_table.setdefault(row.rule.table, []).append(row)
    told = [rows if len(rows) <= _ROWS_TOLD else rows[:1] for rows in by_table.values()]
    return [row for rows in told for row in rows]


def _value(conflict: Conflict, row: BoundRule) -> str | None:
    """What the row's component is, as far as one line or one other row says so exactly."""
    key = row.must[0]
    told = [other.must[1] for other in conflict.rows if other.must[0] == key and other is not row]
    told += [claim.alternatives for claim in conflict.claims if claim.component == key]
    exact = [texts[0] for texts in told if len(texts) == 1]
    return exact[0].removeprefix("==") if exact else None


def _message(conflict: Conflict, lines: list[Requirement], problem: Problem) -> str:
    if len(conflict.rows) == 1:
        row = conflict.rows[0]
        asked = [claim for claim in lines if claim.component == row.must[0]]
        if asked:
            title = problem.component(asked[0].component).title
            statement = format_statement(row.rule.statement, _value(conflict, row))
            return (
                f"{statement}; the spec asks for {asked[0].said or f'{title} {asked[0].written}'}"
            )
    named = [_named(claim, problem) for claim in lines]
    if len(named) == 1:
        return f"{named[0]} cannot exist on this rig"
    return f"{', '.join(named[:-1])} and {named[-1]} cannot hold together"


def _named(claim: Requirement, problem: Problem) -> str:
    if not claim.alternatives[0][:1].isdigit() and claim.label.startswith("declares a"):
        return claim.label.split(" ", 2)[2]
    if claim.component == "accelerator":
        return "a GPU"
    if claim.component == "os":
        return claim.alternatives[0]
    return (
        claim.said or f"{claim.prefix or problem.component(claim.component).title} {claim.written}"
    )


def _lines(conflict: Conflict, problem: Problem) -> list[Requirement]:
    """The lines of the spec to show.

    Those of the conflict; that a rig has a GPU only where little else is told. A conflict with
    every release of a product needs no line about its version: then the line that asks for the
    product at all is shown.
    """
    lines = [claim for claim in conflict.claims if claim.path is not None]
    telling = [claim for claim in lines if claim.component != "accelerator"]
    if len(telling) < _FEW:
        claimed = {claim.component for claim in conflict.claims}
        mentioned = {key for row in conflict.rows for key in (row.must[0], *dict(row.when))}
        beside = [
            claim
            for claim in problem.claims
            if claim.path is not None and claim.component in mentioned - claimed
        ]
        # What is there whatever its version goes before what would only be in between.
        for there in (_declared, _wanted_at_all, lambda _: True):
            if len(telling) < _FEW:
                telling += [c for c in beside if c not in telling and there(c)]
    return telling if len(telling) >= _FEW else lines


def _declared(claim: Requirement) -> bool:
    return claim.alternatives == (DECLARED,)


def _wanted_at_all(claim: Requirement) -> bool:
    """Whether the rig would do without the product but for this line."""
    return claim.path is not None and claim.path[-2] in ("frameworks", "packages")


def _between(conflict: Conflict, lines: list[Requirement]) -> tuple[str, ...]:
    """The names of the components whose lines collide, in the order of the spec."""
    names = [_name(claim.component) for claim in lines]
    if len(set(names)) < _FEW:
        names += [_name(row.must[0]) for row in conflict.rows]
        names += [_name(key) for row in conflict.rows for key, _ in row.when]
    return tuple(dict.fromkeys(names))


def _name(component: str) -> str:
    return diagnostic_name(component.rpartition("/")[2])


def facts_of(conflict: Conflict) -> Iterable[Fact]:
    """The rows of a conflict as facts; a sheet of which many rows count is told in one."""
    by_table: dict[str, list[BoundRule]] = {}
    for row in conflict.rows:
        by_table.setdefault(row.rule.table, []).append(row)
    for table, rows in by_table.items():
        unique = {row.rule.id: row for row in rows}
        if len(unique) <= _ROWS_TOLD:
            for row in unique.values():
                yield rule_as_fact(row.rule, _value(conflict, row))
        else:
            yield _summary(table, [row.rule for row in unique.values()])


def _summary(table: str, rules: list[Rule]) -> Fact:
    """A whole sheet as one fact: its first and last rows said, the others counted."""
    between = len(rules) - 2
    statement = f"{rules[0].statement}; … ({between} rows between); {rules[-1].statement}"
    sources = tuple(dict.fromkeys(source for rule in rules for source in rule.sources))
    return Fact(table, statement, sources, rules[0].confidence)


def _repair(way: RepairOption) -> Repair:
    edits = tuple(
        Edit(
            format_key_path(change.claim.place or ()),
            change.claim.written if change.claim.path is not None else None,
            change.after,
        )
        for change in way.changes
    )
    return Repair(edits, way.resolution)
