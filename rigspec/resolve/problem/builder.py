"""From a rig and the matrix to the problem the solver sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rigspec.hardware.machine_context import products_for_parts
from rigspec.matrix.components import NOTEBOOK, PACKAGE_PREFIX
from rigspec.matrix.loader import product_names
from rigspec.matrix.model import Matrix, Rule
from rigspec.resolve.components import DERIVED, NEWEST_FIRST
from rigspec.resolve.problem.instantiation import RuleInstantiation
from rigspec.resolve.problem.model import (
    BoundRule,
    Component,
    Problem,
    Requirement,
    RuleTable,
)
from rigspec.resolve.problem.requirements import framework_products, requirements_of, uses_gpu
from rigspec.resolve.problem.rule_index import RuleGroup, rule_index
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.models.rig import Rig

__all__ = ["BoundRuleGroup", "ProblemBuilder", "required_products"]


def required_products(rig: Rig, machine_name: str | None) -> tuple[str, ...]:
    """The products of the matrix that can matter for one machine of this rig, sorted."""
    machine = rig.machine[machine_name] if machine_name is not None else None
    products = {"os", *products_for_parts(machine)}
    if machine is not None and machine.against is not None:
        products |= products_for_parts(rig.machine.get(machine.against))
    if uses_gpu(rig, machine):
        products |= {"gpu", "driver", "cuda", "cudnn", "nvidia-repository"}
    if any(user.gpus for user in rig.user.values()):
        every = frozenset().union(*map(products_for_parts, rig.machine.values()))
        products |= every & {"gpu", "instance"}
    if any(user.groups for user in rig.user.values()):
        products.add("group")
    if rig.service.jupyter is not None:
        products.add(NOTEBOOK)
    for env in rig.env.values():
        products |= {"blas"} if env.blas is not None else set()
        products |= {"python", "pip", *framework_products(env)}
        products |= set(env.config) & set(product_names())
        if env.interpreter_kind == "conda":
            products.add("installer")
    return tuple(sorted(products))


@dataclass(frozen=True)
class BoundRuleGroup:
    """Rules about the same components, and the components of this rig that are meant."""

    group: RuleGroup
    keys: Mapping[str, str]

    @property
    def own(self) -> str | None:
        """The key of the component by whose release the rules can be chosen."""
        return self.keys[self.group.own] if self.group.own is not None else None

    def rows(self, domain: int) -> Iterator[BoundRule]:
        """The rules that say anything of the releases in ``domain``, tied to this rig."""
        return (self._tied(rule) for rule in self.group.relevant(domain))

    def _tied(self, rule: Rule) -> BoundRule:
        when = tuple((self.keys[c.component], c.alternatives) for c in rule.when)
        return BoundRule(
            rule, when, (self.keys[rule.requires.component], rule.requires.alternatives)
        )


class ProblemBuilder:
    """One machine of a rig beside the matrix. Every name in the rig must be known to it."""

    def __init__(self, rig: Rig, machine_name: str | None, matrix: Matrix) -> None:
        self._knowledge = rule_index(matrix)
        claims = requirements_of(rig, machine_name, self._knowledge)
        self._scopes = RuleInstantiation(rig, machine_name, matrix, self._knowledge, claims)
        self.components = tuple(self._scopes.components())
        self.universes = {component.key: component.universe for component in self.components}
        self.claims = tuple(claim for claim in claims if claim.component in self.universes)
        self.declared = tuple(
            sheet
            for sheet in self._scopes.declared_facts()
            if all(row.must[0] in self.universes for row in sheet.constraints)
        )
        self.order = tuple(_order(self.components))
        self.binding = tuple(self._tied(self._knowledge.binding))

    def problem(self, claims: tuple[Requirement, ...]) -> Problem:
        """The whole finite problem under these claims, with every row that can matter."""
        rows = (row for tied in self.binding for row in tied.rows(self._everything(tied)))
        sheets = tuple(_sheets(rows)) + self.declared
        return Problem(self.components, claims, sheets, self.order)

    def bound(self, solution: Solution) -> Iterator[BoundRule]:
        """The rules that bind, and speak of what the solution holds."""
        for tied in self.binding:
            yield from tied.rows(self._held(tied, solution))

    def advice(self, solution: Solution) -> Iterator[BoundRule]:
        """The rules that do not bind, and speak of what the solution holds."""
        for tied in self._tied(self._knowledge.advisory):
            yield from tied.rows(self._held(tied, solution))

    def unasked(self, solution: Solution) -> Iterator[BoundRule]:
        """The rules about what an environment gets unasked: Python packages, CUDA in wheels.

        Only those whose conditions the solution meets.
        """
        for group in self._knowledge.binding:
            if any(_unasked(name) for name in group.names):
                for keys in self._scopes.instances(group.names):
                    tied = BoundRuleGroup(group, keys)
                    if tied.own is None or tied.own in self.universes:
                        yield from self._met(tied, solution)

    def _met(self, tied: BoundRuleGroup, solution: Solution) -> Iterator[BoundRule]:
        for row in tied.rows(self._held(tied, solution)):
            if _unasked(row.rule.requires.component) and all(
                key in solution and self.universes[key].admits(texts, solution[key])
                for key, texts in row.when
            ):
                yield row

    def _tied(self, groups: Iterable[RuleGroup]) -> Iterator[BoundRuleGroup]:
        present = self.universes.keys()
        for group in groups:
            for keys in self._scopes.instances(group.names):
                if present >= set(keys.values()):
                    yield BoundRuleGroup(group, keys)

    def _everything(self, tied: BoundRuleGroup) -> int:
        return self.universes[tied.own].all if tied.own is not None else 0

    def _held(self, tied: BoundRuleGroup, solution: Solution) -> int:
        return self.universes[tied.own].bit(solution[tied.own]) if tied.own is not None else 0


def _unasked(name: str) -> bool:
    return name.startswith(PACKAGE_PREFIX) or name == "cuda_runtime"


def _sheets(constraints: Iterable[BoundRule]) -> Iterator[RuleTable]:
    """The rules by table and scope: a sheet is switched as a whole."""
    tables: dict[tuple[str, str], list[BoundRule]] = {}
    for row in constraints:
        keys = {row.must[0], *(key for key, _ in row.when)}
        place = "+".join(sorted({key.rpartition("/")[0] for key in keys if "/" in key}))
        tables.setdefault((row.rule.table, place), []).append(row)
    for table, place in sorted(tables):
        yield RuleTable(f"{place}:{table}", tuple(tables[table, place]))


def _order(components: Iterable[Component]) -> Iterator[str]:
    by_name: dict[str, list[str]] = {}
    for component in components:
        by_name.setdefault(component.name, []).append(component.key)
    later = set(NEWEST_FIRST) | set(DERIVED)
    for name in sorted(by_name.keys() - later):
        yield from by_name[name]
    for name in (*NEWEST_FIRST, *sorted(DERIVED)):
        yield from by_name.get(name, ())
