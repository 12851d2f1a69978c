"""Report a conflict as a diagnostic: lines, facts, run-time error and verified repairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rigspec.diagnostics.model import Diagnostic, Edit, Fact, Repair, Severity
from rigspec.diagnostics.order import find_stage
from rigspec.resolve.components import get_diagnostic_name
from rigspec.resolve.conflicts.repairs import RepairOption
from rigspec.resolve.conflicts.unsat_core import Conflict
from rigspec.resolve.explain.phrasing import convert_rule_to_fact, format_statement
from rigspec.resolve.problem.model import DECLARED, BoundRule, KeyPath, Problem, Requirement
from rigspec.spec.toml.document import Document
from rigspec.version_specifiers import get_extras

__all__ = [
    "build_conflict_diagnostic",
    "describe_rule",
    "format_key_path",
    "list_facts",
    "sort_conflicts",
]

# A conflict is between two, at least.
_FEW = 2

# Two lines that ask the same component for different releases, no fact between them.
_TWO_LINES = "RS230"

# More rules of one table than this are summarised in one sentence.
_MAX_LISTED_RULES = 3


def build_conflict_diagnostic(
    conflict: Conflict,
    ways: Sequence[RepairOption],
    problem: Problem,
    document: Document,
    *,
    searched: bool = True,
) -> Diagnostic:
    """Return the diagnostic of one conflict of the problem, with its repairs.

    The help has the reason why there is none, if repairs were ``searched``.
    """
    lines = _lines_to_show(conflict, problem)
    advice = ("declare the GPU with `gpus` in `[machine.NAME]`",) if _lacks_gpu(conflict) else ()
    if searched and not ways and not advice:
        advice = (_explain_missing_repair(lines, problem),)
    return Diagnostic(
        code=_code(conflict),
        severity=Severity.ERROR,
        message=_message(conflict, lines, problem),
        components=_between(conflict, lines),
        spans=tuple(document.span(c.path, label=c.label) for c in lines if c.path is not None),
        facts=tuple(list_facts(conflict)),
        runtime_error=_runtime_errors(conflict),
        help=advice,
        repairs=tuple(_repair(way) for way in ways),
    )


def _explain_missing_repair(lines: Iterable[Requirement], problem: Problem) -> str:
    titles = dict.fromkeys(
        problem.component(line.component).title
        for line in lines
        if line.editable and line.path is not None
    )
    if not titles:
        return "change the machine or remove a line, because none of these lines has a version"
    named = " and ".join(titles)
    return f"change the machine or remove a line, because no known release of {named} fits"


def sort_conflicts(conflicts: Iterable[Conflict]) -> tuple[Conflict, ...]:
    """Return the conflicts in the order in which a user would meet their errors."""
    return tuple(sorted(conflicts, key=lambda c: find_stage(_code(c), _runtime_errors(c))))


def format_key_path(path: KeyPath) -> str:
    """Return a key path in TOML notation: ``machine.tower.gpus[0].model``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _code(conflict: Conflict) -> str:
    """Return the code of the rule that relates to the most lines of the spec."""
    if not conflict.rows:
        return _TWO_LINES
    required = {
        requirement.component
        for requirement in conflict.requirements
        if requirement.path is not None
    }
    required |= {key.replace("/gpu", "/compute_capability") for key in required}
    required -= {"accelerator"}

    def rank(row: BoundRule) -> tuple[bool, bool, int, str]:
        # A property of a part explains little, and a CPU-only package explains only why another
        # one is chosen; both are named where there is nothing else to name.
        keys = {row.requires[0], *(key for key, _ in row.when)}
        comes_along = not row.rule.failure_message
        return (comes_along, row.requires[0] == "accelerator", -len(keys & required), row.rule.id)

    return min(conflict.rows, key=rank).rule.code


def _runtime_errors(conflict: Conflict) -> tuple[str, ...]:
    """Return the messages of a conflict, in the order in which a user would meet them."""
    rules = [row for row in _breaking_rules(conflict) if row.rule.failure_message]
    rules.sort(key=lambda row: find_stage(row.rule.code, (row.rule.failure_message,)))
    texts = (format_statement(row.rule.failure_message, _value(conflict, row)) for row in rules)
    return tuple(dict.fromkeys(texts))


def _breaking_rules(conflict: Conflict) -> list[BoundRule]:
    """Return the rules with a run-time error: the first of each summarised table.

    Rules that only choose another package have none.
    """
    visible = [row for row in conflict.rows if row.requires[0] not in ("accelerator", "provider")]
    by_table: dict[str, list[BoundRule]] = {}
    for row in visible or conflict.rows:
        by_table.setdefault(row.rule.table, []).append(row)
    values = [rows if len(rows) <= _MAX_LISTED_RULES else rows[:1] for rows in by_table.values()]
    return [row for rows in values for row in rows]


def _is_value(text: str) -> bool:
    """Return whether a request names a value, and not a range."""
    return text.startswith("==") or text[:1].isalnum()


def _value(conflict: Conflict, row: BoundRule) -> str | None:
    """Return the value of the rule's component where one line or one other rule fixes it."""
    key = row.requires[0]
    values = [
        other.requires[1]
        for other in conflict.rows
        if other.requires[0] == key and other is not row
    ]
    values += [
        requirement.alternatives
        for requirement in conflict.requirements
        if requirement.component == key
    ]
    exact = [texts[0] for texts in values if len(texts) == 1 and _is_value(texts[0])]
    return exact[0].removeprefix("==") if exact else None


def describe_rule(conflict: Conflict, row: BoundRule) -> str:
    """Return the statement of a rule about the value that it was checked against."""
    return format_statement(row.rule.statement, _value(conflict, row))


def _message(conflict: Conflict, lines: list[Requirement], problem: Problem) -> str:
    if len(conflict.rows) == 1:
        row = conflict.rows[0]
        requested = [
            requirement for requirement in lines if requirement.component == row.requires[0]
        ]
        if requested:
            title = problem.component(requested[0].component).title
            statement = describe_rule(conflict, row)
            line = requested[0].display or f"{title} {requested[0].written}"
            return f"{statement}; the spec requests {line}"
    named = [_describe_requirement(requirement, problem) for requirement in lines]
    where = _architecture(conflict, problem)
    if len(named) == 1:
        products = _products_without_a_release(conflict, problem)
        if products and lines[0].component == "accelerator":
            return f"{' and '.join(products)} cannot use a GPU{where or ' on this rig'}"
        reason = ": it requires a GPU" if _lacks_gpu(conflict) else ""
        return f"{named[0]} cannot be installed{where or ' on this rig'}{reason}"
    return f"{', '.join(named[:-1])} and {named[-1]} are incompatible{where}"


def _architecture(conflict: Conflict, problem: Problem) -> str:
    """Return "on aarch64" if rules about the architecture conflict and no line declares it."""
    if all(row.requires[0] != "arch" for row in conflict.rows):
        return ""
    implied = [r for r in problem.requirements if r.component == "arch" and r.path is None]
    return f" on {implied[0].written}" if implied else ""


def _products_without_a_release(conflict: Conflict, problem: Problem) -> tuple[str, ...]:
    """Return the products whose lines admit every release: the rules exclude them all.

    Without such a line, they are those that a package of the spec requires.
    """
    mentioned = {key for row in conflict.rows for key, _ in row.when}
    found = [r for r in problem.requirements if r.component in mentioned]
    requested = [r for r in found if _is_requested(r)] or [r for r in found if r.adds is not None]
    return tuple(problem.component(r.component).title for r in requested)


def _describe_requirement(requirement: Requirement, problem: Problem) -> str:
    if not requirement.alternatives[0][:1].isdigit() and requirement.label.startswith("declares a"):
        return requirement.label.split(" ", 2)[2]
    if requirement.component == "accelerator":
        return "a GPU"
    if requirement.component == "os":
        return requirement.alternatives[0]
    title = requirement.prefix or problem.component(requirement.component).title
    if requirement.alternatives == ("*",):
        return title
    return requirement.display or f"{title} {requirement.written.removeprefix('==')}"


def _lacks_gpu(conflict: Conflict) -> bool:
    """Return whether every rule of the conflict requires a GPU, and the spec declares none."""
    needed = {row.requires for row in conflict.rows}
    return needed == {("accelerator", ("gpu",))}


def _lines_to_show(conflict: Conflict, problem: Problem) -> list[Requirement]:
    """Return the lines of the spec to show.

    Those of the conflict; the GPU only where there are few others. A conflict with every release
    of a product needs no line about its version: then the line that requests the product is shown.
    """
    lines = [requirement for requirement in conflict.requirements if requirement.path is not None]
    shown = [requirement for requirement in lines if requirement.component != "accelerator"]
    if len(shown) < _FEW:
        required = {requirement.component for requirement in conflict.requirements}
        mentioned = {key for row in conflict.rows for key in (row.requires[0], *dict(row.when))}
        related = [
            requirement
            for requirement in problem.requirements
            if requirement.path is not None and requirement.component in mentioned - required
        ]
        # What is there whatever its version goes before what would only be in between.
        for there in (_is_declared, _is_requested, lambda _: True):
            if len(shown) < _FEW:
                shown += [c for c in related if c not in shown and there(c)]
    return shown if len(shown) >= _FEW or not lines else lines


def _is_declared(requirement: Requirement) -> bool:
    return requirement.alternatives == (DECLARED,)


def _is_requested(requirement: Requirement) -> bool:
    """Return whether only this line requires the product."""
    path = requirement.path or ()
    return len(path) > 1 and path[-2] in ("frameworks", "packages")


def _between(conflict: Conflict, lines: list[Requirement]) -> tuple[str, ...]:
    """Return the names of the components whose lines conflict, in the order of the spec."""
    names = [_name(requirement.component) for requirement in lines]
    if len(set(names)) < _FEW:
        names += [_name(row.requires[0]) for row in conflict.rows]
        names += [_name(key) for row in conflict.rows for key, _ in row.when]
    return tuple(dict.fromkeys(names))


def _name(component: str) -> str:
    return get_diagnostic_name(component.rpartition("/")[2])


def list_facts(conflict: Conflict) -> Iterable[Fact]:
    """Yield the rules of a conflict as facts; many rules of one table are summarised."""
    by_table: dict[str, list[BoundRule]] = {}
    for row in _without_cpu_builds(conflict.rows):
        by_table.setdefault(row.rule.table, []).append(row)
    for table, rows in by_table.items():
        unique = {row.rule.id: row for row in rows}
        if len(unique) <= _MAX_LISTED_RULES:
            for row in unique.values():
                yield convert_rule_to_fact(row.rule, _value(conflict, row))
        else:
            facts = [convert_rule_to_fact(r.rule, _value(conflict, r)) for r in unique.values()]
            yield _summary(table, facts)


def _without_cpu_builds(rows: tuple[BoundRule, ...]) -> tuple[BoundRule, ...]:
    """Return the rules without those that a build for the CPU needs no GPU, if others remain."""
    others = tuple(
        row for row in rows if not any(text.startswith("+cpu") for _, t in row.when for text in t)
    )
    return others or rows


def _summary(table: str, facts: list[Fact]) -> Fact:
    """Return the facts of a rule table as one: first and last, and the number of others."""
    statement = f"{facts[0].statement}; … ({len(facts) - 2} more); {facts[-1].statement}"
    sources = tuple(dict.fromkeys(source for fact in facts for source in fact.sources))
    return Fact(table, statement, sources, facts[0].confidence)


def _repair(way: RepairOption) -> Repair:
    edits = tuple(
        Edit(
            format_key_path(change.requirement.place or ()),
            change.requirement.written if change.requirement.path is not None else None,
            _keep_extras(change.requirement.written, change.after),
        )
        for change in way.changes
    )
    return Repair(edits, way.resolution)


def _keep_extras(written: str, after: str) -> str:
    """Return the new versions of a line with the extras that it has: ``[audio]==0.19.1``."""
    extras = get_extras(written)
    return f"{extras}{'==' * after[:1].isdigit()}{after}" if extras else after
