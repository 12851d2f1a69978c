"""From a rig and the matrix to the problem the solver sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.matrix.model import Condition, Matrix, Release, Rule
from rigspec.matrix.part_names import find_part
from rigspec.matrix.vocabulary import PACKAGE_PREFIX, UNLISTED, WORDS
from rigspec.resolve.claims import DECLARED, accelerated, claims_of, env_key, gpu_key
from rigspec.resolve.problem import Candidate, Claim, Component, Constraint, Problem, Sheet
from rigspec.resolve.regions import stand_ins
from rigspec.resolve.vocabulary import DERIVED, ENV_SCOPED, NEWEST_FIRST, shown_as
from rigspec.spec.model import Rig
from rigspec.versions import parse_alternative, version_key

__all__ = ["assemble", "products_needed"]


def products_needed(rig: Rig, machine_name: str | None) -> tuple[str, ...]:
    """The products of the matrix that can matter for one machine of this rig, sorted."""
    machine = rig.machine[machine_name] if machine_name is not None else None
    products = {"os"}
    if accelerated(rig, machine):
        products |= {"gpu", "driver", "cuda", "cudnn", "nvidia-repository"}
    if machine is not None and isinstance(machine.cpu, str):
        products.add("cpu")
    if rig.container is not None and rig.container.base is not None:
        products.add("image")
    for env in rig.env.values():
        products |= {"python", "pip", *env.frameworks}
        if env.interpreter_kind == "conda":
            products.add("installer")
    return tuple(sorted(products))


def assemble(rig: Rig, machine_name: str | None, matrix: Matrix) -> Problem:
    """The finite problem of one machine. Every name in the rig must be known to the matrix."""
    claims = claims_of(rig, machine_name, matrix)
    scopes = _Scopes(rig, machine_name, matrix, claims)
    rules = [*matrix.rules(), *scopes.facts_of_releases()]
    components = tuple(scopes.components(rules))
    present = {component.key for component in components}
    sheets = tuple(_sheets(rules, scopes, present)) + tuple(scopes.declared_facts())
    package_rules = tuple(_package_sheets(rules, scopes, present))
    claims = tuple(claim for claim in claims if claim.component in present)
    return Problem(components, claims, sheets, tuple(_order(components)), package_rules)


def _order(components: Iterable[Component]) -> Iterator[str]:
    by_name: dict[str, list[str]] = {}
    for component in components:
        by_name.setdefault(component.name, []).append(component.key)
    later = set(NEWEST_FIRST) | set(DERIVED)
    for name in sorted(by_name.keys() - later):
        yield from by_name[name]
    for name in (*NEWEST_FIRST, *sorted(DERIVED)):
        yield from by_name.get(name, ())


def _sheets(rules: list[Rule], scopes: _Scopes, present: set[str]) -> Iterator[Sheet]:
    """The rules by table and scope; a rule about a component the rig lacks says nothing here."""
    tables: dict[str, dict[str, list[Constraint]]] = {}
    for rule in rules:
        for scope in scopes.instances(rule):
            when = tuple((scope(c.component), c.alternatives) for c in rule.when)
            must = (scope(rule.must.component), rule.must.alternatives)
            keys = {must[0], *(key for key, _ in when)}
            if keys <= present:
                place = " ".join(sorted(key for key in keys if "/" in key))
                place = place.split("/")[0] if place else ""
                constraint = Constraint(rule, when, must)
                tables.setdefault(rule.table, {}).setdefault(place, []).append(constraint)
    for table in sorted(tables):
        for place in sorted(tables[table]):
            yield Sheet(f"{place}:{table}", tuple(tables[table][place]))


def _package_sheets(rules: list[Rule], scopes: _Scopes, present: set[str]) -> Iterator[Sheet]:
    """The rules about Python packages whose conditions this rig can meet, one a sheet."""
    for rule in rules:
        if rule.must.component.startswith(PACKAGE_PREFIX):
            for scope in scopes.instances(rule):
                when = tuple((scope(c.component), c.alternatives) for c in rule.when)
                if {key for key, _ in when} <= present:
                    must = (scope(rule.must.component), rule.must.alternatives)
                    yield Sheet(f"{must[0]}:{rule.id}", (Constraint(rule, when, must),))


class _Scopes:
    """Which copies of a component this rig has: one for the machine, one an environment, one a
    GPU.
    """

    def __init__(
        self, rig: Rig, machine_name: str | None, matrix: Matrix, claims: tuple[Claim, ...]
    ) -> None:
        self._rig = rig
        self._matrix = matrix
        self._machine = rig.machine[machine_name] if machine_name is not None else None
        self._claimed: dict[str, list[Claim]] = {}
        for claim in claims:
            self._claimed.setdefault(claim.component, []).append(claim)

    # --- components ------------------------------------------------------------------------

    def components(self, rules: list[Rule]) -> Iterator[Component]:
        """Every component of the rig, each with all releases it could take."""
        declared = [row.rule for sheet in self.declared_facts() for row in sheet.constraints]
        released = {product.name for product in self._matrix.products}
        mentioned = _mentions([*rules, *declared], released)
        for name in self._machine_names(rules):
            yield self._component(name, name, mentioned)
        if self._machine is not None:
            for index in range(len(self._machine.gpus)):
                key = gpu_key(index, "compute_capability")
                yield self._component(key, "compute_capability", mentioned)
                if gpu_key(index, "gpu") in self._claimed:
                    yield self._declared(gpu_key(index, "gpu"), "gpu")
            if "cpu" in self._claimed:
                yield self._declared("cpu", "cpu")
        for env_name in sorted(self._rig.env):
            env = self._rig.env[env_name]
            names = {"interpreter", "python", "pip", *env.frameworks}
            if env.interpreter_kind == "conda":
                names.add("installer")
            for name in sorted(names):
                yield self._component(env_key(env_name, name), name, mentioned, env_name)
            yield from self._packages(env_name, mentioned)

    def _machine_names(self, rules: list[Rule]) -> list[str]:
        names = {"os", "glibc", "accelerator"}
        if self._claimed["accelerator"][0].alternatives == ("gpu",):
            names |= {"driver", "provider"}
            frameworks = {name for env in self._rig.env.values() for name in env.frameworks}
            wanted = {
                rule.must.component
                for rule in rules
                if any(condition.component in frameworks for condition in rule.when)
            }
            for component in ("cuda", "cudnn"):
                if component in wanted or component in self._claimed:
                    names.add(component)
            if self._rig.cuda is not None:
                names.add("cuda")
            if "cudnn" in names:
                names.add("cudnn_cuda")
        if "gcc" in self._claimed:
            names.add("gcc")
        if "avx" in self._claimed or "cpu" in self._claimed:
            names.add("avx")
        return sorted(names)

    def _component(
        self, key: str, name: str, mentioned: dict[str, set[str]], env: str | None = None
    ) -> Component:
        product = self._matrix.product(name) if name in self._matrix else None
        releases = product.releases if product is not None else ()
        candidates = {Candidate(release.family, release.version) for release in releases}
        if not candidates or name == "python":
            # Not released on its own, or also brought by another: what the facts mention.
            candidates |= {Candidate(None, text) for text in mentioned.get(name, ())}
        candidates |= {Candidate(None, word) for word in WORDS.get(name, ())}
        asked = [text for claim in self._claimed.get(key, ()) for text in claim.alternatives]
        if name == "compute_capability":
            # A card described in the spec may have one that no table mentions.
            candidates |= {Candidate(None, text) for text in asked}
        elif name in UNLISTED:
            candidates = set(stand_ins(sorted({*mentioned.get(name, ()), *asked})))
        families = product.families if product is not None else ()
        ordered = sorted(candidates, key=lambda c: _newest_first(c, families), reverse=True)
        title = shown_as(name, product.title if product is not None else None)
        return Component(key, name, title, tuple(ordered), env)

    def _declared(self, key: str, name: str) -> Component:
        return Component(key, name, name.upper(), (Candidate(None, DECLARED),))

    def _packages(self, env_name: str, mentioned: dict[str, set[str]]) -> Iterator[Component]:
        prefix = env_key(env_name, PACKAGE_PREFIX)
        for key in sorted(key for key in self._claimed if key.startswith(prefix)):
            package = key.removeprefix(env_key(env_name, ""))
            texts = set(mentioned.get(package, ()))
            texts |= {text for claim in self._claimed[key] for text in claim.alternatives}
            candidates = stand_ins(sorted(texts))
            yield Component(key, package, shown_as(package), candidates, env_name)

    # --- rules -----------------------------------------------------------------------------

    def instances(self, rule: Rule) -> Iterator[_Scope]:
        """The ways to tie a rule to this rig: one, or one an environment, or one a GPU."""
        names = {rule.must.component, *(condition.component for condition in rule.when)}
        frameworks = {name for env in self._rig.env.values() for name in env.frameworks}
        if any(n in ENV_SCOPED or n in frameworks or n.startswith(PACKAGE_PREFIX) for n in names):
            for env in sorted(self._rig.env):
                yield _Scope(env, frozenset(ENV_SCOPED | frameworks), None)
        elif "compute_capability" in names and self._machine is not None:
            for index in range(len(self._machine.gpus)):
                yield _Scope(None, frozenset(), index)
        else:
            yield _Scope(None, frozenset(), None)

    def facts_of_releases(self) -> Iterator[Rule]:
        """What comes with a release (an OS and its glibc), as rules."""
        for product in self._matrix.products:
            if product.name not in ("gpu", "cpu"):
                for release in product.releases:
                    exactly = Candidate(release.family, release.version).exactly
                    when = Condition(product.name, (exactly,))
                    yield from _provided(product.title, release, (when,))

    def declared_facts(self) -> Iterator[Sheet]:
        """What the matrix knows of the very parts this machine declares."""
        if self._machine is None:
            return
        for index, gpu in enumerate(self._machine.gpus):
            key = gpu_key(index, "gpu")
            if key in self._claimed:
                release = find_part(self._matrix.product("gpu"), gpu.model)
                scope = _Scope(None, frozenset(), index)
                yield from _declared_sheet(key, release, scope)
        if isinstance(self._machine.cpu, str) and "cpu" in self._matrix:
            release = find_part(self._matrix.product("cpu"), self._machine.cpu)
            yield from _declared_sheet("cpu", release, _Scope(None, frozenset(), None))


class _Scope:
    """Turns a component's name into the key of the copy that is meant."""

    def __init__(self, env: str | None, own: frozenset[str], gpu: int | None) -> None:
        self._env, self._own, self._gpu = env, own, gpu

    def __call__(self, name: str) -> str:
        if self._env is not None and (name in self._own or name.startswith(PACKAGE_PREFIX)):
            return env_key(self._env, name)
        if self._gpu is not None and name == "compute_capability":
            return gpu_key(self._gpu, name)
        return name


def _declared_sheet(key: str, release: Release | None, scope: _Scope) -> Iterator[Sheet]:
    if release is None:
        return
    when = Condition(key, (DECLARED,))
    for rule in _provided(release.label, release, (when,)):
        must = (scope(rule.must.component), rule.must.alternatives)
        yield Sheet(f"{key}:{rule.table}", (Constraint(rule, ((key, (DECLARED,)),), must),))


def _provided(title: str, release: Release, when: tuple[Condition, ...]) -> Iterator[Rule]:
    name = title if title == release.label else f"{title} {release.label}"
    for provided in release.provides:
        words = shown_as(provided.component)
        values = " or ".join(provided.alternatives)
        yield Rule(
            id=f"{release.product}-{release.label}/{provided.component}".replace(" ", "-").lower(),
            table=f"{release.product}/{provided.component}",
            code=_PROVIDED_CODES.get(provided.component, "RS213"),
            when=when,
            must=provided,
            statement=f"{name} has {words} {values}",
            breaks="",
            sources=release.sources,
            confidence=release.confidence,
        )


_PROVIDED_CODES = {"compute_capability": "RS205", "avx": "RS212", "cudnn_cuda": "RS203"}


def _newest_first(candidate: Candidate, families: tuple[str, ...]) -> tuple[int, object]:
    rank = families.index(candidate.family) if candidate.family in families else len(families)
    return (-rank, (*version_key(candidate.version), candidate.family or ""))


def _mentions(rules: Iterable[Rule], released: set[str]) -> dict[str, set[str]]:
    """The single values that rules name, by component: ``2.27``, ``yes``, ``3.6.5``.

    Of what has no list of releases the requests themselves are kept, for stand-in versions.
    """
    found: dict[str, set[str]] = {}
    for rule in rules:
        for condition in (*rule.when, rule.must):
            values = found.setdefault(condition.component, set())
            for text in condition.alternatives:
                if (
                    condition.component.startswith(PACKAGE_PREFIX)
                    or condition.component in UNLISTED
                ):
                    values.add(text)
                else:
                    values |= _single_value(text, series=condition.component not in released)
    return found


def _single_value(text: str, *, series: bool) -> set[str]:
    """The one release a request stands for: ``==3.6`` itself, ``3.6.5`` as it is, a word.

    Two numbers are a value where nothing is released under the name (``glibc 2.27``), and a
    ``series`` of releases elsewhere (``python 3.6``).
    """
    alternative = parse_alternative(text)
    if alternative.family is not None:
        return {alternative.family} if alternative.versions is None else set()
    if text.startswith("==") and not text.endswith("*") and "," not in text:
        return {text.removeprefix("==")}
    plain = text[:1].isdigit() and (series or text.count(".") > 1)
    return {text} if plain else set()
