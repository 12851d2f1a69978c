"""Instantiate rules: per machine, per environment and per GPU."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product as pairs

from rigspec.matrix.components import PACKAGE_PREFIX, UNLISTED
from rigspec.matrix.model import Condition, Matrix, Release, Rule
from rigspec.matrix.part_lookup import find_part
from rigspec.resolve.components import ENV_SCOPED
from rigspec.resolve.problem.archives import list_missing_archives
from rigspec.resolve.problem.base_image import find_rig_image
from rigspec.resolve.problem.channels import (
    build_channel_domain,
    is_about_channels,
    list_channel_builds,
    list_channel_components,
)
from rigspec.resolve.problem.domains import (
    Candidate,
    CandidateDomain,
    choose_representative_versions,
)
from rigspec.resolve.problem.image_rules import (
    build_image_driver_rule,
    list_image_capability_rules,
)
from rigspec.resolve.problem.model import (
    DECLARED,
    BoundRule,
    Component,
    Requirement,
    RuleTable,
    matches_any,
)
from rigspec.resolve.problem.release_cutoff import AS_OF, build_day_component, list_releases_after
from rigspec.resolve.problem.requested_packages import list_framework_products
from rigspec.resolve.problem.requirements import get_env_key, get_gpu_key, list_gpus
from rigspec.resolve.problem.rule_index import RuleIndex, list_provided_rules
from rigspec.resolve.problem.systems import (
    find_systems_with_engine,
    find_unchosen_systems,
    find_unlisted_system,
    is_fully_known,
)
from rigspec.resolve.problem.universes import sort_newest_first
from rigspec.resolve.problem.written_versions import list_unlisted_candidates
from rigspec.spec.models.rig import Rig
from rigspec.spec.package_sources import can_have_package
from rigspec.version_specifiers import NO_BUILD, get_version_key, parse_alternative

__all__ = ["RuleInstantiation"]


# `6.2` and `470.199.02` are versions of their own; `470` is a branch, of which one must be known.
_WHOLE_VERSION = re.compile(r"\d+(\.\d+)+")


_DECLARED = CandidateDomain([Candidate(None, DECLARED)])


class RuleInstantiation:
    """One machine of a rig: its components, and the ways to bind a rule to them."""

    def __init__(
        self,
        rig: Rig,
        machine_name: str | None,
        matrix: Matrix,
        knowledge: RuleIndex,
        requirements: tuple[Requirement, ...],
    ) -> None:
        self._rig = rig
        self._matrix = matrix
        self._knowledge = knowledge
        self._machine = rig.machine[machine_name] if machine_name is not None else None
        self._gpus = list_gpus(self._machine) if self._machine is not None else ()
        self._frameworks = {name: list_framework_products(env) for name, env in rig.env.items()}
        self._from_channels = frozenset(
            get_env_key(name, component)
            for name, env in rig.env.items()
            for component in list_channel_components(env)
        )
        self._only_conda = frozenset(p.name for p in matrix.products if p.only_conda)
        self._open_channels: set[str] = set()
        self._own = ENV_SCOPED.union(*self._frameworks.values())
        self._required: dict[str, list[Requirement]] = {}
        for requirement in requirements:
            self._required.setdefault(requirement.component, []).append(requirement)
        self._package_keys = _group_package_keys(self._required)
        provider = [requirement.alternatives for requirement in self._required.get("provider", ())]
        self._from_wheels = ("wheels",) in provider
        self._accelerated = self._required["accelerator"][0].alternatives == ("gpu",)
        system, systems = next(iter(self._requested_versions("os")), None), matrix.product("os")
        self.knows_system = is_fully_known(system, systems)
        self._unlisted_system = (
            find_unlisted_system(system, systems) if system is not None else None
        )

    # --- components ------------------------------------------------------------------------

    def components(self) -> Iterator[Component]:
        """Yield every component of the rig with its candidate releases."""
        for name in self._machine_names():
            yield self._system() if name == "os" else self._component(name, name)
        for index in range(len(self._gpus)):
            yield self._component(get_gpu_key(index, "compute_capability"), "compute_capability")
        for key in sorted(self._required):
            if self._required[key][0].alternatives == (DECLARED,):
                name = key.rpartition("/")[2]
                yield Component(key, name, name.upper(), _DECLARED, _DECLARED.all)
        for env_name in sorted(self._rig.env):
            yield from self._environment(env_name)

    def _machine_names(self) -> list[str]:
        names = {"os", "glibc", "accelerator"} | ({"arch"} & self._knowledge.named)
        if self._unlisted_system is not None and "glibc" not in self._required:
            # Rules about an unknown C library cannot be checked.
            names.discard("glibc")
        if self._accelerated:
            names |= {"driver", "driver_source", "kernel_modules"}
            names |= {"provider", "forward_compatibility"}
            names |= {name for name in ("cuda", "cudnn") if self._needs(name)}
            if (self._rig.cuda is not None and not self._from_wheels) or "image" in self._required:
                names.add("cuda")
            if "cuda" in names:
                names.add("default_gcc")
            elif "cudnn" not in self._required:
                # Rules of a framework about cuDNN apply only with a toolkit.
                names.discard("cudnn")
            if "cudnn" in names:
                names.add("cudnn_cuda")
        if "platform" in self._required:
            # The driver is that of Windows: it has no modules, and a free one is not chosen.
            names |= {"platform"}
            names -= {"kernel_modules", *({"driver"} - self._required.keys())}
        names |= {"docker", "gcc"} & self._required.keys()
        if "avx" in self._required or "cpu" in self._required:
            names.add("avx")
        return sorted(names)

    def _needs(self, name: str) -> bool:
        """Return whether a line of the spec or a framework requires this part of the toolkit."""
        frameworks = set[str]().union(*map(self._indexed_frameworks, self._frameworks))
        if self._from_wheels:
            return name in self._required
        return name in self._required or any(
            rule.requires.component == name
            for group in self._knowledge.binding
            if name in group.names and group.names & frameworks
            for rule in group.rules
        )

    def _environment(self, env_name: str) -> Iterator[Component]:
        env = self._rig.env[env_name]
        names = {"interpreter", "python", "pip", *self._frameworks[env_name]}
        if env.interpreter_kind == "conda":
            names.add("installer")
        if self._accelerated and any(
            "cuda_runtime" in group.names and group.names & self._indexed_frameworks(env_name)
            for group in self._knowledge.binding
        ):
            names.add("cuda_runtime")
        for name in sorted(names):
            yield self._component(get_env_key(env_name, name), name, env_name)
        if env.as_of is not None:
            yield build_day_component(get_env_key(env_name, AS_OF), env_name, env.as_of)
        for key in sorted(self._package_keys.get(env_name, ())):
            yield self._component(key, key.removeprefix(get_env_key(env_name, "")), env_name)

    def _indexed_frameworks(self, env: str) -> set[str]:
        """Return the frameworks that the Python index provides in an environment."""
        return {n for n in self._frameworks[env] if get_env_key(env, n) not in self._from_channels}

    def _component(self, key: str, name: str, env: str | None = None) -> Component:
        universe = self._knowledge.universe(name)
        has_ranges = name in UNLISTED or name.startswith(PACKAGE_PREFIX)
        if name in ("compute_capability", "driver", "glibc"):
            universe = self._extend_with_requested(key, universe)
        elif name == "docker":
            universe = self._extend_with_newer(key, universe)
        elif name in self._knowledge.frameworks and key in self._from_channels:
            universe = self._channel_domain(key, name, universe, str(env))
        elif name in self._knowledge.frameworks:
            requested = self._requested_versions(key)
            unlisted = tuple(list_unlisted_candidates(requested, universe, name))
            if unlisted:
                universe = CandidateDomain((*unlisted, *universe.candidates))
        elif has_ranges:
            universe = self._package_domain(key, name)
        title = self._knowledge.title(name)
        apart = name not in self._knowledge.frameworks
        return Component(key, name, title, universe, universe.all, env, apart, has_ranges)

    def _package_domain(self, key: str, name: str) -> CandidateDomain:
        """Return the listed releases of a package, or one version of each range that rules name.

        A request that no listed release meets can be met by one of another index, or a newer one.
        """
        requested = self._requested_versions(key)
        builds = {parse_alternative(text).build for text in requested} - {None, NO_BUILD}
        named = tuple(sorted(build for build in builds if build is not None))
        package = name.removeprefix(PACKAGE_PREFIX)
        if key not in self._from_channels and not can_have_package(self._rig, package):
            listed = self._knowledge.listed_universe(name, named)
            if listed is not None and self._can_meet_requests(listed, key):
                return listed
        texts = {*self._knowledge.mentions(name), *requested}
        return CandidateDomain(choose_representative_versions(sorted(texts), named))

    def _can_meet_requests(self, universe: CandidateDomain, key: str) -> bool:
        fitting = universe.all
        for requirement in self._required.get(key, ()):
            fitting &= universe.mask(requirement.alternatives)
        return bool(fitting)

    def _channel_domain(
        self, key: str, name: str, universe: CandidateDomain, env: str
    ) -> CandidateDomain:
        """Return the builds of a framework in the channels of an environment."""
        arch = self._required["arch"][0].alternatives[0]
        builds, known = list_channel_builds(
            name, self._rig.env[env], arch, self._matrix, gpu=self._accelerated
        )
        if not known:
            self._open_channels.add(key)
        return build_channel_domain(
            universe, self._requested_versions(key), builds, all_known=known
        )

    def _requested_versions(self, key: str) -> list[str]:
        return [
            text for requirement in self._required.get(key, ()) for text in requirement.alternatives
        ]

    def _system(self) -> Component:
        """Return the operating system: one without a table, or those that rigspec can choose."""
        universe, title = self._knowledge.universe("os"), self._knowledge.title("os")
        if self._unlisted_system is not None:
            universe = CandidateDomain((self._unlisted_system, *universe.candidates))
        domain = universe.all
        if self.knows_system:
            domain &= ~find_unchosen_systems(self._matrix.product("os"), universe)
        if "docker" in self._required:
            with_engine = domain & find_systems_with_engine(self._matrix.product("os"), universe)
            named = self._required.get("os", ())
            if all(with_engine & universe.mask(line.alternatives) for line in named):
                domain = with_engine
        return Component("os", "os", title, universe, domain)

    def _extend_with_requested(self, key: str, universe: CandidateDomain) -> CandidateDomain:
        """Return the universe with requested versions that no table lists.

        A card can have such a capability, and a machine such a driver: rules about ranges of
        versions apply to those between the known ones, too.
        """
        requested = [
            text.removeprefix("==")
            for text in self._requested_versions(key)
            if not universe.mask((text,))
        ]
        exact = [text for text in requested if _WHOLE_VERSION.fullmatch(text)]
        return _add_candidates(universe, [Candidate(None, text) for text in exact])

    def _extend_with_newer(self, key: str, universe: CandidateDomain) -> CandidateDomain:
        """Return the universe with the first version of each request that no listed one meets.

        The updates of a system contain versions that its table does not have yet.
        """
        requested = [text for text in self._requested_versions(key) if not universe.mask((text,))]
        newer = []
        for text in requested:
            fitting = (
                c for c in choose_representative_versions((text,)) if matches_any((text,), c)
            )
            newer.append(min(fitting, key=lambda candidate: get_version_key(candidate.version)))
        return _add_candidates(universe, newer)

    @property
    def binding_key(self) -> tuple[object, ...] | None:
        """Return what the binding of rules depends on besides the universes.

        None if rules are changed for this rig.
        """
        if self._from_channels or not self.knows_system:
            return None
        return (*sorted(self._rig.env), len(self._gpus), self._own)

    # --- rules -----------------------------------------------------------------------------

    def instances(self, names: frozenset[str]) -> Iterator[Mapping[str, str]]:
        """Yield the bindings of these components to this rig: the key of each."""
        own = [n for n in names if n in self._own or n.startswith(PACKAGE_PREFIX)]
        foreign = (names & self._knowledge.frameworks) - self._own
        if foreign:
            return
        envs: list[str | None] = [*sorted(self._rig.env)] if own else [None]
        each_gpu = "compute_capability" in names
        gpus: list[int | None] = [*range(len(self._gpus))] if each_gpu else [None]
        for env, gpu in pairs(envs, gpus):
            keys = {name: name for name in names}
            if env is not None:
                keys.update((name, get_env_key(env, name)) for name in own)
            if gpu is not None:
                keys["compute_capability"] = get_gpu_key(gpu, "compute_capability")
            yield keys

    def channel_packages(self, keys: Mapping[str, str]) -> frozenset[str]:
        """Return the bound components that conda installs instead of a Python index.

        All that is known of a package that no index has is about the package of conda.
        """
        return frozenset(
            name
            for name, key in keys.items()
            if key in self._from_channels and name not in self._only_conda
        )

    def admit_unknown_builds(self, rule: Rule, keys: Mapping[str, str]) -> Rule:
        """Return a rule about builds in channels so that it admits those of an unknown channel."""
        needed = rule.requires
        if not is_about_channels((rule,)) or keys[needed.component] not in self._open_channels:
            return rule
        admitted = (*dict.fromkeys((*needed.alternatives, f"+{NO_BUILD}")),)
        return replace(rule, requires=Condition(needed.component, admitted))

    def declared_facts(self) -> Iterator[RuleTable]:
        """Yield the rules about the parts and days that this rig declares."""
        for index, gpu in enumerate(self._gpus):
            key = get_gpu_key(index, "gpu")
            if key in self._required:
                yield from self._part_rules(key, gpu.part(self._matrix), index)
        if self._machine is not None and self._machine.named_cpu is not None:
            release = find_part(self._matrix.product("cpu"), self._machine.named_cpu)
            yield from self._part_rules("cpu", release, None)
        image = find_rig_image(self._rig)
        if "image" in self._required and image is not None:
            yield from self._part_rules("image", image, None)
            yield from list_image_capability_rules(image, len(self._gpus))
            about_driver = build_image_driver_rule(self._rig, self._gpus, self._matrix)
            if about_driver is not None:
                yield about_driver
        if "cudnn" in self._machine_names():
            (arch,) = self._required["arch"][0].alternatives
            yield from list_missing_archives(self._rig, self._matrix.product("cudnn"), arch)
        for env_name, env in sorted(self._rig.env.items()):
            if env.as_of is not None:
                for framework in self._frameworks[env_name]:
                    product = self._matrix.product(framework)
                    key, day = get_env_key(env_name, framework), get_env_key(env_name, AS_OF)
                    # The days are those of the Python index.
                    if key not in self._from_channels:
                        yield list_releases_after(product, key, day, env.as_of)

    def _part_rules(
        self, key: str, release: Release | None, gpu: int | None
    ) -> Iterator[RuleTable]:
        if release is None:
            return
        when = Condition(key, (DECLARED,))
        for rule in list_provided_rules(release.label, release, (when,), self._knowledge.title):
            name = rule.requires.component
            requires = (name if gpu is None else get_gpu_key(gpu, name), rule.requires.alternatives)
            yield RuleTable(
                f"{key}:{rule.table}", (BoundRule(rule, ((key, (DECLARED,)),), requires),)
            )


def _group_package_keys(keys: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys of packages by their environments."""
    grouped: dict[str, list[str]] = {}
    for key in keys:
        env, _, name = key.partition("/")
        if name.startswith(PACKAGE_PREFIX):
            grouped.setdefault(env, []).append(key)
    return grouped


def _add_candidates(universe: CandidateDomain, new: Sequence[Candidate]) -> CandidateDomain:
    if not new:
        return universe
    return CandidateDomain(sort_newest_first([*universe.candidates, *new], (), apart=True))
