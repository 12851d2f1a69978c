"""From a rig and the matrix to the problem the solver sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.matrix.model import Matrix
from rigspec.matrix.vocabulary import PACKAGE_PREFIX
from rigspec.resolve.claims import accelerated, claims_of
from rigspec.resolve.frameworks import framework_products
from rigspec.resolve.knowledge import knowledge_of
from rigspec.resolve.problem import Claim, Component, Constraint, Problem, Sheet
from rigspec.resolve.scopes import Scopes
from rigspec.resolve.vocabulary import DERIVED, NEWEST_FIRST
from rigspec.spec.model import Rig

__all__ = ["Assembly", "products_needed"]


def products_needed(rig: Rig, machine_name: str | None) -> tuple[str, ...]:
    """The products of the matrix that can matter for one machine of this rig, sorted."""
    machine = rig.machine[machine_name] if machine_name is not None else None
    products = {"os"}
    if accelerated(rig, machine):
        products |= {"gpu", "driver", "cuda", "cudnn", "nvidia-repository"}
    if machine is not None and isinstance(machine.cpu, str):
        products.add("cpu")
    if machine is not None and machine.instance is not None:
        products.add("instance")
    for env in rig.env.values():
        products |= {"python", "pip", *framework_products(env)}
        if env.interpreter_kind == "conda":
            products.add("installer")
    return tuple(sorted(products))


class Assembly:
    """One machine of a rig beside the matrix. Every name in the rig must be known to it."""

    def __init__(self, rig: Rig, machine_name: str | None, matrix: Matrix) -> None:
        self._knowledge = knowledge_of(matrix)
        claims = claims_of(rig, machine_name, self._knowledge)
        self._scopes = Scopes(rig, machine_name, matrix, self._knowledge, claims)
        self.components = tuple(self._scopes.components())
        self._present = {component.key for component in self.components}
        self.claims = tuple(claim for claim in claims if claim.component in self._present)
        self.declared = tuple(
            sheet
            for sheet in self._scopes.declared_facts()
            if all(row.must[0] in self._present for row in sheet.constraints)
        )
        self.order = tuple(_order(self.components))
        self.universes = {component.key: component.universe for component in self.components}

    def problem(self, claims: tuple[Claim, ...]) -> Problem:
        """The whole finite problem under these claims, with every row that can matter."""
        sheets = tuple(_sheets(self.constraints(), self.components)) + self.declared
        return Problem(self.components, claims, sheets, self.order)

    def constraints(self) -> Iterator[Constraint]:
        """Every binding rule about components of this rig, tied to them."""
        for group in self._knowledge.binding:
            for keys in self._scopes.instances(group.names):
                if self._present.issuperset(keys.values()):
                    for rule in group.rules:
                        when = tuple((keys[c.component], c.alternatives) for c in rule.when)
                        must = (keys[rule.must.component], rule.must.alternatives)
                        yield Constraint(rule, when, must)

    def advice(self) -> Iterator[Constraint]:
        """Every rule that does not bind but is told where a solution breaks it."""
        for group in self._knowledge.advisory:
            for keys in self._scopes.instances(group.names):
                if self._present.issuperset(keys.values()):
                    for rule in group.rules:
                        when = tuple((keys[c.component], c.alternatives) for c in rule.when)
                        must = (keys[rule.must.component], rule.must.alternatives)
                        yield Constraint(rule, when, must)

    def environment_rules(self) -> Iterator[Constraint]:
        """The rules about what an environment gets unasked: Python packages, CUDA in wheels."""
        for group in self._knowledge.binding:
            if any(_unasked(name) for name in group.names):
                for keys in self._scopes.instances(group.names):
                    for rule in group.rules:
                        if _unasked(rule.must.component):
                            when = tuple((keys[c.component], c.alternatives) for c in rule.when)
                            if {key for key, _ in when} <= self._present:
                                must = (keys[rule.must.component], rule.must.alternatives)
                                yield Constraint(rule, when, must)


def _unasked(name: str) -> bool:
    return name.startswith(PACKAGE_PREFIX) or name == "cuda_runtime"


def _sheets(
    constraints: Iterable[Constraint], components: tuple[Component, ...]
) -> Iterator[Sheet]:
    """The rules by table and scope: a sheet is switched as a whole."""
    tables: dict[tuple[str, str], list[Constraint]] = {}
    for row in constraints:
        keys = {row.must[0], *(key for key, _ in row.when)}
        place = "+".join(sorted({key.rpartition("/")[0] for key in keys if "/" in key}))
        tables.setdefault((row.rule.table, place), []).append(row)
    for table, place in sorted(tables):
        yield Sheet(f"{place}:{table}", tuple(tables[table, place]))


def _order(components: Iterable[Component]) -> Iterator[str]:
    by_name: dict[str, list[str]] = {}
    for component in components:
        by_name.setdefault(component.name, []).append(component.key)
    later = set(NEWEST_FIRST) | set(DERIVED)
    for name in sorted(by_name.keys() - later):
        yield from by_name[name]
    for name in (*NEWEST_FIRST, *sorted(DERIVED)):
        yield from by_name.get(name, ())
