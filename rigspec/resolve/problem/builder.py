"""Build the finite problem that the solver sees from a rig and the matrix."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from rigspec.hardware.machine_context import list_part_products
from rigspec.matrix.components import (
    NOTEBOOK,
    PACKAGE_PREFIX,
    UNLISTED_PACKAGES,
    get_channel_product,
)
from rigspec.matrix.loader import list_product_names, load_matrix
from rigspec.matrix.model import Matrix, Product, Rule
from rigspec.resolve.components import DERIVED, NEWEST_FIRST
from rigspec.resolve.problem.bound_rules import Binding, BoundRuleGroup
from rigspec.resolve.problem.channels import (
    is_about_channel_packages,
    is_about_channels,
    list_channel_frameworks,
)
from rigspec.resolve.problem.dependencies import list_dependency_products
from rigspec.resolve.problem.instantiation import RuleInstantiation
from rigspec.resolve.problem.model import (
    BoundRule,
    Component,
    Problem,
    Requirement,
)
from rigspec.resolve.problem.requested_packages import (
    list_framework_products,
    list_package_products,
    list_requested_frameworks,
    list_requested_packages,
)
from rigspec.resolve.problem.requirements import get_env_key, list_requirements, uses_gpu
from rigspec.resolve.problem.rule_index import RuleGroup, get_rule_index
from rigspec.resolve.problem.written_versions import read_requirement
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig
from rigspec.spec.package_sources import find_named_index, list_named_indexes

__all__ = ["ProblemBuilder", "list_required_products", "load_required_matrix"]


# What a wheel runs on, as its tags state it: another index has wheels for other platforms.
_ABOUT_WHEELS = frozenset({"arch", "glibc"})
# Rigs of a batch have few kinds of machines and environments at a time.
_MAX_SHARED = 16


def load_required_matrix(rig: Rig, machine: str | None) -> Matrix:
    """Return the products of the matrix that one machine of this rig needs."""
    known = set(list_product_names())
    return load_matrix([name for name in list_required_products(rig, machine) if name in known])


def list_required_products(rig: Rig, machine_name: str | None) -> tuple[str, ...]:
    """Return the products of the matrix that one machine of this rig needs, sorted."""
    rig = limit_to_machine(rig, machine_name)
    machine = rig.machine[machine_name] if machine_name is not None else None
    products = {"os", *list_part_products(machine)}
    if machine is not None and machine.against is not None:
        products |= list_part_products(rig.machine.get(machine.against))
    if machine is not None and machine.gcc is not None:
        products.add("cuda")  # the rules on nvcc name the releases of GCC
    if machine is not None and machine.docker is not None:
        products.add("docker")
    if uses_gpu(rig, machine):
        products |= {"gpu", "driver", "cuda", "cudnn", "nvidia-repository"}
    if any(user.gpus for user in rig.user.values()):
        every = frozenset().union(*map(list_part_products, rig.machine.values()))
        products |= every & {"gpu", "instance"}
    if any(user.groups for user in rig.user.values()):
        products.add("group")
    if rig.service.jupyter is not None:
        products.add(NOTEBOOK)
    for env in rig.env.values():
        products |= {"blas"} if env.blas is not None else set()
        products |= {UNLISTED_PACKAGES} if env.packages else set()
        products |= {"python", "pip", *list_framework_products(env), *list_package_products(env)}
        products |= set(list_dependency_products(env))
        tables = {get_channel_product(framework) for framework in list_channel_frameworks(env)}
        products |= tables & set(list_product_names())
        products |= set(env.config) & set(list_product_names())
        if env.interpreter_kind == "conda":
            products.add("installer")
    return tuple(sorted(products))


class ProblemBuilder:
    """The problem of one machine of a rig. The matrix must know every name in the rig."""

    def __init__(
        self,
        rig: Rig,
        machine_name: str | None,
        matrix: Matrix,
        *,
        cuda_from_wheels: bool = False,
    ) -> None:
        rig = limit_to_machine(rig, machine_name)
        self._knowledge = get_rule_index(matrix)
        requirements = list_requirements(
            rig, machine_name, self._knowledge, cuda_from_wheels=cuda_from_wheels
        )
        self._scopes = RuleInstantiation(rig, machine_name, matrix, self._knowledge, requirements)
        self.components = tuple(self._scopes.components())
        self.universes = {component.key: component.universe for component in self.components}
        by_key = {component.key: component for component in self.components}
        self.requirements = tuple(
            read_requirement(
                requirement, by_key[requirement.component], self._mentions(requirement)
            )
            for requirement in requirements
            if requirement.component in by_key
        )
        self.declared = tuple(
            rule_table
            for rule_table in self._scopes.declared_facts()
            if all(row.requires[0] in self.universes for row in rule_table.constraints)
        )
        # An interpreter that is left open is the system's wherever that is possible.
        opened = [r.component for r in requirements if len(r.alternatives) > 1 and r.path is None]
        first = tuple(key for key in opened if key.endswith("/interpreter"))
        self.order = tuple(_order(self.components, first))
        self._from_named_indexes = _list_keys_of_named_indexes(rig)
        self._bindings = self._share_bindings()

    def _share_bindings(self) -> dict[str, Binding]:
        """Return rule groups by their kind: those of an earlier rig with the same components."""
        place = self._scopes.binding_key
        if place is None or self._from_named_indexes:
            return {}
        bindings, key = self._knowledge.bindings, (*place, *self.universes.items())
        if key not in bindings:
            if len(bindings) >= _MAX_SHARED:
                bindings.clear()
            bindings[key] = {}
        return bindings[key]

    def _get_binding(self, kind: str, bind: Callable[[], Iterator[BoundRuleGroup]]) -> Binding:
        known = self._bindings.get(kind)
        if known is None:
            known = self._bindings[kind] = Binding(tuple(bind()))
        return known

    @property
    def binding(self) -> Binding:
        """Return the binding rules of the rig."""
        return self._get_binding("binding", lambda: self._bind(self._knowledge.binding))

    def find_product(self, name: str) -> Product | None:
        """Return the product of a component, if the matrix has a table about it."""
        return self._knowledge.find_product(name)

    def _mentions(self, requirement: Requirement) -> frozenset[str]:
        """Return the requests that rules make of a package whose releases no table lists."""
        name = requirement.component.rpartition("/")[2]
        return self._knowledge.mentions(name) if name.startswith(PACKAGE_PREFIX) else frozenset()

    def problem(self, requirements: tuple[Requirement, ...]) -> Problem:
        """Return the whole problem under these requirements, with every relevant rule."""
        shared = self.binding.shared_tables
        tables = (*shared.rule_tables, *self.declared)
        return Problem(self.components, requirements, tables, self.order, shared)

    def binding_rules(self, solution: Solution) -> Iterator[BoundRule]:
        """Yield the binding rules about the chosen releases.

        The solution may lack components, such as those of a toolkit.
        """
        for bound_group in self.binding.groups:
            if bound_group.own is None or bound_group.own in solution:
                yield from bound_group.rows(self._chosen_bit(bound_group, solution))

    def advisory_rules(self, solution: Solution) -> Iterator[BoundRule]:
        """Yield the advisory rules about the chosen releases."""
        bound = self._get_binding("advisory", lambda: self._bind(self._knowledge.advisory))
        for bound_group in bound.groups:
            yield from bound_group.rows(self._chosen_bit(bound_group, solution))

    def implied_rules(self, solution: Solution) -> Iterator[BoundRule]:
        """Yield the rules about implied Python packages and CUDA in wheels.

        Only those whose conditions the solution meets.
        """
        for bound_group in self._get_binding("implied", self._bind_implied).groups:
            yield from self._satisfied_rules(bound_group, solution)

    def _bind_implied(self) -> Iterator[BoundRuleGroup]:
        for group in self._knowledge.binding:
            if any(_is_implied(name) for name in group.names):
                for keys in self._scopes.instances(group.names):
                    bound_group = self._bind_group(group, keys)
                    if bound_group.own is None or bound_group.own in self.universes:
                        yield bound_group

    def _satisfied_rules(
        self, bound_group: BoundRuleGroup, solution: Solution
    ) -> Iterator[BoundRule]:
        for row in bound_group.rows(self._chosen_bit(bound_group, solution)):
            if _is_implied(row.rule.requires.component) and all(
                key in solution and self.universes[key].admits(texts, solution[key])
                for key, texts in row.when
            ):
                yield row

    def _bind_group(self, group: RuleGroup, keys: Mapping[str, str]) -> BoundRuleGroup:
        """Bind a group; one about a component with unlisted versions keeps all of its rules."""
        provided = self._scopes.channel_packages(keys)
        if is_about_channels(group.rules[:1]) and not provided & self._knowledge.frameworks:
            group = RuleGroup(group.names, (), None, None)
        elif provided:
            frameworks = self._knowledge.frameworks
            rules = (
                self._scopes.admit_unknown_builds(rule, keys)
                for rule in group.rules
                if is_about_channel_packages(rule, provided, frameworks)
            )
            group = RuleGroup(group.names, tuple(rules), None, None)
        from_named = {name for name, key in keys.items() if key in self._from_named_indexes}
        if from_named and not _ABOUT_WHEELS.isdisjoint(group.names):
            # The rules know the wheels of the public index, and those of this index are others.
            rules = (rule for rule in group.rules if not _is_about_wheels(rule, from_named))
            group = RuleGroup(group.names, tuple(rules), None, None)
        if not self._scopes.knows_system and "os" in group.names:
            # The systems that such a rule lists are those that the matrix has the packages of.
            rules = (rule for rule in group.rules if rule.requires.component != "os")
            group = RuleGroup(group.names, tuple(rules), None, None)
        key = keys[group.own] if group.own is not None else None
        if key in self.universes and self.universes[key] is not group.universe:
            group = RuleGroup(group.names, group.rules, None, None)
        return BoundRuleGroup(group, keys, self.universes)

    def _bind(self, groups: Iterable[RuleGroup]) -> Iterator[BoundRuleGroup]:
        present = self.universes.keys()
        for group in groups:
            for keys in self._scopes.instances(group.names):
                if present >= set(keys.values()):
                    yield self._bind_group(group, keys)

    def _chosen_bit(self, bound_group: BoundRuleGroup, solution: Solution) -> int:
        return (
            self.universes[bound_group.own].bit(solution[bound_group.own])
            if bound_group.own is not None
            else 0
        )


def _list_keys_of_named_indexes(rig: Rig) -> frozenset[str]:
    """Return the components of packages that an index of the spec names."""
    indexes = list_named_indexes(rig)
    if not indexes:
        return frozenset()
    return frozenset(
        get_env_key(env_name, component)
        for env_name, env in rig.env.items()
        for component, package in (
            *((line.product, line.family or line.key) for line in list_requested_frameworks(env)),
            *((PACKAGE_PREFIX + line.name, line.name) for line in list_requested_packages(env)),
        )
        if find_named_index(indexes, package) is not None
    )


def _is_about_wheels(rule: Rule, components: Collection[str]) -> bool:
    """Return whether a rule says for which platforms there are wheels of these components."""
    return rule.requires.component in _ABOUT_WHEELS and any(
        condition.component in components for condition in rule.when
    )


def _is_implied(name: str) -> bool:
    return name.startswith(PACKAGE_PREFIX) or name == "cuda_runtime"


def _order(components: Iterable[Component], first: Iterable[str]) -> Iterator[str]:
    """Yield the keys of components in the order of choice; ``first`` come before all others."""
    yield from first
    components = [component for component in components if component.key not in first]
    by_name: dict[str, list[str]] = {}
    for component in components:
        by_name.setdefault(component.name, []).append(component.key)
    later = set(NEWEST_FIRST) | set(DERIVED)
    for name in sorted(by_name.keys() - later):
        yield from by_name[name]
    for name in (*NEWEST_FIRST, *sorted(set(DERIVED) - set(NEWEST_FIRST))):
        yield from by_name.get(name, ())
