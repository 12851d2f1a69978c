"""The facts and the run-time errors of a conflict, of few and of many rules."""

from __future__ import annotations

import pytest

from rigspec.matrix.model import Condition, Rule
from rigspec.resolve.conflicts.report import list_facts, sort_conflicts
from rigspec.resolve.conflicts.unsat_core import Conflict
from rigspec.resolve.problem.model import BoundRule


def build_rule(
    number: int, requires: str = "python", error: str = "", code: str = "RS207"
) -> BoundRule:
    rule = Rule(
        id=f"tool-{number}",
        table=f"tool/{requires}",
        code=code,
        when=(Condition("tool", (str(number),)),),
        requires=Condition(requires, (">=3.9",)),
        statement=f"tool {number} requires it",
        failure_message=error,
        sources=(),
        confidence="high",
    )
    return BoundRule(rule, (("tool", (str(number),)),), (requires, (">=3.9",)))


@pytest.mark.parametrize(
    ("rules", "statements"),
    [
        (3, ["tool 1 requires it", "tool 2 requires it", "tool 3 requires it"]),
        (4, ["tool 1 requires it; … (2 more); tool 4 requires it"]),
        (7, ["tool 1 requires it; … (5 more); tool 7 requires it"]),
    ],
)
def test_facts_of_many_rules_of_a_table_are_one_with_their_number(
    rules: int, statements: list[str]
) -> None:
    rows = tuple(build_rule(number) for number in range(1, rules + 1))
    assert [fact.statement for fact in list_facts(Conflict((), (), rows))] == statements


def test_conflict_about_the_accelerator_alone_is_sorted_by_its_error() -> None:
    """Rules that only choose another package have errors where there are no other rules."""
    imports = build_rule(1, "accelerator", "ImportError: libcuda.so.1", "RS217")
    starts = build_rule(2, "driver", "", "RS231")
    alone, other = Conflict((), (), (imports,)), Conflict((), (), (starts,))
    assert sort_conflicts([alone, other]) == (other, alone)


def test_conflict_with_other_rules_is_not_sorted_by_the_accelerator() -> None:
    install = build_rule(1, "accelerator", "No matching distribution found")
    start = build_rule(2, "python", "ImportError: no module", "RS217")
    both = Conflict((), (), (install, start))
    other = Conflict((), (), (build_rule(3, "cuda", "No matching distribution found"),))
    assert sort_conflicts([both, other]) == (other, both)
