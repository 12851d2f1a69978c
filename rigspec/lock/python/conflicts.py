"""A conflict of packages: the two requirements that exclude each other, and who requires them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.diagnostics.model import Diagnostic
from rigspec.lock.errors import LockError, Place, remove_addresses, report_no_solution
from rigspec.spec.toml.document import KeyPath

__all__ = [
    "NOT_ON_INDEX",
    "Collision",
    "PackageConflict",
    "RequiredPackage",
    "find_collision",
]

# Why a package cannot be installed that the index has no page of.
NOT_ON_INDEX = "the index has no such package"


@dataclass(frozen=True)
class RequiredPackage:
    """A requirement, and the package that has it; None for a line of the request.

    ``versions`` are the admitted ranges, any of which is enough: `("<2.0",)`. ``requirer_versions``
    are the releases of the requirer that have this requirement, empty for all. ``absent`` states
    why no release fits, if that is known. ``is_constraint``: it does not install the package, and
    the spec does not have it.
    """

    name: str
    versions: tuple[str, ...] = ()
    requirer: str | None = None
    requirer_versions: str = ""
    absent: str = ""
    is_constraint: bool = False

    def __str__(self) -> str:
        """Return the requirement as a spec has it."""
        return f"{self.name}{' or '.join(self.versions)}"

    @property
    def requirer_label(self) -> str:
        """The requirer with its releases, one as `trl 1.0` and several as `trl >=1.0`."""
        if self.requirer is None:
            return "the environment" if self.is_constraint else "the spec"
        return f"{self.requirer} {self.requirer_versions.removeprefix('==')}".strip()

    def admits(self, version: Version) -> bool:
        """Return whether a version satisfies the requirement."""
        ranges = self.versions or ("",)
        return any(SpecifierSet(each).contains(version, prereleases=True) for each in ranges)

    def conflicts_with(self, other: RequiredPackage) -> bool:
        """Return whether no version satisfies both."""
        return not any(self.admits(v) and other.admits(v) for v in _points(self, other))

    def is_equal_range(self, other: RequiredPackage) -> bool:
        """Return whether the same versions of the same package satisfy both."""
        return self.name == other.name and all(
            self.admits(v) == other.admits(v) for v in _points(self, other)
        )


@dataclass(frozen=True)
class Collision:
    """Chains of requirements, from a line of the request to one package; two, or one without fit.

    ``origins`` explain constraints, by package.
    """

    chains: tuple[tuple[RequiredPackage, ...], ...]
    origins: tuple[tuple[str, str], ...] = ()

    @property
    def statement(self) -> str:
        """The requirements that collide, in one line."""
        ends = [self._end(chain) for chain in self.chains]
        if len(ends) == 1:
            return f"{ends[0]}, but {self.chains[0][-1].absent}"
        return ", but ".join(ends)

    @property
    def roots(self) -> tuple[str, ...]:
        """The packages of the request that the chains start with, without constraints."""
        first = (chain[0] for chain in self.chains)
        return tuple(dict.fromkeys(each.name for each in first if not each.is_constraint))

    def describe(self, root: str) -> str:
        """Return the chain from a package of the request in one sentence."""
        chain = next(
            chain for chain in self.chains if chain[0].name == root and not chain[0].is_constraint
        )
        if len(chain) == 1:
            return self._end(chain)
        first = f"{chain[1].requirer_label} requires {chain[1]}"
        return ", which requires ".join([first, *map(str, chain[2:])])

    def _end(self, chain: Sequence[RequiredPackage]) -> str:
        end = chain[-1]
        origin = dict(self.origins).get(end.name) if end.is_constraint else None
        return origin or f"{end.requirer_label} requires {end}"


class PackageConflict(LockError):
    """Requirements of packages exclude each other."""

    def __init__(self, env: str, collision: Collision, places: Sequence[Place] = ()) -> None:
        plain = report_no_solution(env, "").diagnostic
        message = f"{plain.message}: {collision.statement}"
        # No other Python has a package that the index does not have.
        unknown = collision.chains[0][-1].absent == NOT_ON_INDEX
        super().__init__(_with_help(plain, message, collision), 1, places, on_every_python=unknown)
        self._env, self.collision = env, collision

    def locate_lines(
        self, lines: Mapping[str, KeyPath], origins: Mapping[str, str]
    ) -> PackageConflict:
        """Return the conflict with the lines of the spec, given by package.

        ``origins`` are statements about constraints, by package.
        """
        collision = replace(self.collision, origins=tuple(origins.items()))
        places = [
            Place(lines[root], collision.describe(root))
            for root in collision.roots
            if root in lines
        ]
        return PackageConflict(self._env, collision, places)

    def explain_bounds(self, origins: Mapping[str, str]) -> PackageConflict:
        """Return the conflict with the roots that the spec does not have as constraints.

        ``origins`` are statements about them, by package.
        """

        def convert(each: RequiredPackage) -> RequiredPackage:
            added = each.requirer is None and each.name in origins
            return replace(each, is_constraint=True) if added else each

        chains = tuple(tuple(map(convert, chain)) for chain in self.collision.chains)
        collision = replace(self.collision, chains=chains, origins=tuple(origins.items()))
        return PackageConflict(self._env, collision, self.places)


def find_collision(
    required: Iterable[RequiredPackage], others: Iterable[RequiredPackage] = ()
) -> Collision | None:
    """Return the plainest collision among requirements; None where none is seen.

    Requirements of the newest releases come first, then short chains. The chains may contain
    ``others``.
    """
    known = tuple(dict.fromkeys(required))
    chains = _Chains([*known, *others])
    by_name: dict[str, list[RequiredPackage]] = {}
    for each in known:
        by_name.setdefault(each.name, []).append(each)
    found = [
        (first, second)
        for same in by_name.values()
        for a, b in combinations(same, 2)
        if a.requirer != b.requirer or a.requirer is None
        if a.conflicts_with(b)
        if (first := chains.to(a)) and (second := chains.to(b))
    ]
    if found:
        return Collision(_sorted(min(found, key=_rank)))
    alone = [chain for each in known if each.absent and (chain := chains.to(each))]
    return Collision((min(alone, key=lambda chain: _rank((chain,))),)) if alone else None


class _Chains:
    """The ways from the lines of the request to a requirement."""

    def __init__(self, required: Sequence[RequiredPackage]) -> None:
        self._by_name: dict[str, list[RequiredPackage]] = {}
        for each in required:
            self._by_name.setdefault(each.name, []).append(each)

    def to(self, end: RequiredPackage) -> tuple[RequiredPackage, ...]:
        """Return the shortest chain that ends with a requirement; empty where there is none."""
        waiting: list[tuple[RequiredPackage, ...]] = [(end,)]
        seen = {end.requirer}
        for chain in waiting:
            if chain[0].requirer is None:
                return chain
            before = sorted(self._by_name.get(chain[0].requirer, ()), key=_newest_first)
            for each in before:
                if each.requirer is None:
                    return (each, *chain)
                if each.requirer not in seen:
                    seen.add(each.requirer)
                    waiting.append((each, *chain))
        return ()


def _rank(chains: Sequence[Sequence[RequiredPackage]]) -> tuple[object, ...]:
    ends = [chain[-1] for chain in chains]
    # Two lines of the request are the plainest collision, whatever else there is.
    packages = [each for end in ends if end.requirer for each in [_newest_first(end)]]
    return (sorted(packages), sum(map(len, chains)), [str(end) for end in ends])


def _sorted(
    chains: tuple[tuple[RequiredPackage, ...], ...],
) -> tuple[tuple[RequiredPackage, ...], ...]:
    """Return the chains with packages before a line of the request itself."""
    return tuple(sorted(chains, key=lambda chain: chain[-1].requirer is None))


def _newest_first(required: RequiredPackage) -> tuple[bool, bool]:
    """Sort requirements of all releases first, then those of the newest ones."""
    versions = required.requirer_versions
    return (bool(versions), "<" in versions)


def _points(*required: RequiredPackage) -> Iterator[Version]:
    """Yield the ends of ranges and versions between them: enough to compare the ranges."""
    yield from (Version("0"), Version("0.0.0.0.1"))
    for text in (text for each in required for text in each.versions):
        for specifier in SpecifierSet(text):
            version = Version(specifier.version.removesuffix(".*"))
            yield version
            yield Version(f"{version.base_version}.0.0.1")


def _with_help(plain: Diagnostic, message: str, collision: Collision) -> Diagnostic:
    chains = (collision.describe(root) for root in collision.roots)
    longer = [text for text in chains if text not in collision.statement]
    names = " or ".join(f"`{canonicalize_name(root)}`" for root in collision.roots)
    advice = f"request another version of {names}"
    end = collision.chains[0][-1]
    if end.absent == NOT_ON_INDEX and end.requirer is None:
        advice = (
            f"correct the name, or name its repository: `{end.name} = {{ git = "
            '"URL", rev = "COMMIT" }`'
        )
    help_ = (*longer, advice)
    return replace(
        plain,
        message=remove_addresses(message),
        help=tuple(remove_addresses(text) for text in help_),
    )
