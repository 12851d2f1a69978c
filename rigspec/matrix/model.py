"""The data model of the matrix: products, their releases, and the rules between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import field
from functools import cached_property

from rigspec.diagnostics.model import Source
from rigspec.frozen import dataclass
from rigspec.matrix.packages import (
    BuildVariable,
    CompiledPackage,
    CudaLibrary,
    SourceConflict,
    StubPackage,
    SystemDependency,
    UnlistedPackage,
)

__all__ = [
    "Artifact",
    "Availability",
    "Condition",
    "Dependency",
    "Extra",
    "ImageDriver",
    "Listing",
    "Matrix",
    "Product",
    "Release",
    "Rule",
    "Setting",
    "SettingsFile",
    "UndeclaredDependency",
    "Upload",
    "compute_digest",
]


@dataclass(frozen=True)
class Condition:
    """A component and its accepted versions: any of ``alternatives``.

    An alternative is ``[family] [specifier]``: ``9.0`` (that is ``==9.0.*``), ``>=1.5,<1.13``,
    ``ubuntu 16.04``, ``gpu``.
    """

    component: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A requirement that applies when every condition of ``when`` is met.

    Rules with the same ``table`` (``tensorflow/cuda``) share one solver selector, so that a
    conflict names the table once and shows only the rules that matter.
    Only a rule of ``severity`` error constrains the solver; a warning or a note is reported if the
    solution violates it. In ``statement`` and ``failure_message``, ``{value}`` is replaced by the
    version that ``requires`` is checked against, and ``{sm}`` by its compiler form (``sm_61``).
    """

    id: str
    table: str
    code: str
    when: tuple[Condition, ...]
    requires: Condition
    statement: str
    failure_message: str
    sources: tuple[Source, ...]
    confidence: str
    severity: str = "error"


@dataclass(frozen=True)
class Artifact:
    """A file to download: ``sha256`` in hex, ``size`` in bytes if known.

    ``arch`` is None for a file for all architectures.
    """

    name: str
    url: str
    sha256: str
    size: int | None = None
    arch: str | None = None


@dataclass(frozen=True)
class Availability:
    """The reason why a release is not available or not supported, from ``day`` on."""

    kind: str  # "end-of-life" | "withdrawn" | "deleted" | "yanked"
    day: dt.date | None
    reason: str


@dataclass(frozen=True)
class Release:
    """One version of a product.

    ``family`` separates series of one product with independent version numbers (``ubuntu``,
    ``Anaconda3``); for a framework it is the package on the Python index (``tensorflow-gpu``).
    ``implies`` lists components that the release includes (an OS and its glibc). ``properties``
    are values that no rule reads (``codename``, ``watts``). ``property_sources`` holds the sources
    of properties, and of kinds of availability, that differ from those of the release.
    """

    product: str
    family: str | None
    version: str
    implies: tuple[Condition, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    availability: tuple[Availability, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    sources: tuple[Source, ...] = ()
    confidence: str = "high"
    names: tuple[str, ...] = ()
    property_sources: tuple[tuple[str, tuple[Source, ...]], ...] = ()

    def find_artifact(self, arch: str) -> Artifact | None:
        """Return the file for an architecture, if the matrix has it."""
        return next((file for file in self.artifacts if file.arch in (None, arch)), None)

    @property
    def label(self) -> str:
        """The family and version: ``ubuntu 16.04`` or ``9.0.176``."""
        return f"{self.family} {self.version}".strip() if self.family else self.version

    def get(self, name: str) -> str | None:
        """Return a property, or ``None`` if no source gives it."""
        return self._values.get(name)

    @cached_property
    def _values(self) -> dict[str, str]:
        return dict(self.properties)

    def sources_of(self, name: str) -> tuple[Source, ...]:
        """Return the sources of a property or a kind of availability, else those of the release."""
        return next((found for key, found in self.property_sources if key == name), self.sources)


@dataclass(frozen=True)
class ImageDriver:
    """The drivers with which the container runtime starts a container of an image.

    Those are ``minimum`` and newer ones, and other branches: with GeForce and TITAN cards those of
    ``geforce``, with data-center and professional cards those of ``others``.
    """

    minimum: str
    geforce: tuple[str, ...]
    others: tuple[str, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Listing:
    """All final releases of a package on the Python index for Linux, without yanked ones.

    ``without`` are releases that have no content: they reserve the name of the package.
    """

    versions: tuple[str, ...]
    source: Source
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Upload:
    """The day on which a release of a package was uploaded to the Python index."""

    package: str
    version: str
    day: dt.date
    source: Source


@dataclass(frozen=True)
class SettingsFile:
    """The location and the format of a product's settings.

    ``path`` is relative to a home folder, or to each environment if ``place`` is ``environment``.
    There ``variable`` points the program to the file: ``{file}`` and ``{folder}`` in ``value`` are
    replaced by its path and folder. ``statement`` explains the location.
    """

    path: str
    format: str
    place: str = "home"
    variable: str | None = None
    value: str | None = None
    statement: str = ""
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A key of a settings file that only some versions read, and its replacement, if any."""

    key: str
    versions: str
    instead: str
    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class DefaultSetting:
    """A key of a settings file without which these versions load the framework ``needs``.

    ``instead`` are frameworks that the key may have as its value; ``variable`` is an environment
    variable that the program reads as well.
    """

    key: str
    versions: str
    needs: str
    instead: tuple[str, ...]
    variable: str
    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Extra:
    """An extra of a Python package (``and-cuda``) that is installed when the conditions are met."""

    name: str
    versions: str
    when: tuple[Condition, ...]


@dataclass(frozen=True)
class Dependency:
    """A framework that these versions of a package require in their metadata.

    ``extra`` is the extra of the package that requires it; empty if every request does.
    """

    framework: str
    versions: str
    sources: tuple[Source, ...]
    extra: str = ""


@dataclass(frozen=True)
class UndeclaredDependency:
    """A Python package that these versions import but do not require, if the conditions hold."""

    package: str
    versions: str
    when: tuple[Condition, ...]
    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Product:
    """A product, with its releases and rules.

    ``families`` is ordered by preference. ``ignored_words`` are words that do not distinguish parts
    in the names that users write, and ``ignored_prefixes`` are words that distinguish none before a
    name (`Standard_` of Azure's sizes). ``other_makers`` are words by which parts of other makers
    are known. ``unversioned_packages`` are package names that install the newest release.
    ``carrier`` is the package by whose builds those of the product differ, where it is another one
    (``jaxlib`` of JAX). A package is ``only_conda`` if no Python index has it, and ``has_gpu_code``
    if its wheels contain compiled code for GPUs. ``cache`` holds values derived from the product.
    """

    name: str
    title: str
    kind: str
    releases: tuple[Release, ...]
    rules: tuple[Rule, ...]
    families: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    undeclared_dependencies: tuple[UndeclaredDependency, ...] = ()
    system_dependencies: tuple[SystemDependency, ...] = ()
    build_variables: tuple[BuildVariable, ...] = ()
    unlisted_packages: tuple[UnlistedPackage, ...] = ()
    ignored_words: tuple[str, ...] = ()
    ignored_prefixes: tuple[str, ...] = ()
    other_makers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unversioned_packages: tuple[str, ...] = ()
    carrier: str | None = None
    only_conda: bool = False
    has_gpu_code: bool = False
    source_builds: tuple[CompiledPackage, ...] = ()
    cuda_libraries: tuple[CudaLibrary, ...] = ()
    stubs: tuple[StubPackage, ...] = ()
    listing: Listing | None = None
    settings_file: SettingsFile | None = None
    settings: tuple[Setting, ...] = ()
    default_settings: tuple[DefaultSetting, ...] = ()
    source_conflicts: tuple[SourceConflict, ...] = ()
    sources: tuple[Source, ...] = ()
    cache: dict[str, object] = field(init=False, repr=False, compare=False, default_factory=dict)

    def list_releases(self, version: str) -> tuple[Release, ...]:
        """Return the releases with this version, which are several if there are families."""
        return self._get_index("version").get(version, ())

    def find_release(self, label: str) -> Release | None:
        """Return the first release with this label: ``ubuntu 16.04`` or ``9.0.176``."""
        return next(iter(self._get_index("label").get(label, ())), None)

    def _get_index(self, attribute: str) -> dict[str, tuple[Release, ...]]:
        """Return the releases by an attribute, indexed once: a check looks up several."""
        known = self.cache.get(attribute)
        if isinstance(known, dict):
            return known
        index: dict[str, tuple[Release, ...]] = {}
        for release in self.releases:
            value = getattr(release, attribute)
            index[value] = (*index.get(value, ()), release)
        self.cache[attribute] = index
        return index

    @property
    def release_count(self) -> int:
        """Return the number of its releases, or of those that the index lists of a package."""
        return len(self.listing.versions if self.listing is not None else self.releases)

    @property
    def has_builds(self) -> bool:
        """Return whether a release of it is one or more builds, by local version."""
        known = self.cache.get("has_builds")
        if not isinstance(known, bool):
            known = any(release.get("index") is not None for release in self.releases)
            self.cache["has_builds"] = known
        return known


def compute_digest(tables: Iterable[tuple[str, bytes]]) -> str:
    """Return the SHA-256 of tables, by product, in hex."""
    import hashlib

    parts = (name.encode() + b"\0" + data + b"\0" for name, data in tables)
    return hashlib.sha256(b"".join(parts)).hexdigest()


@dataclass(frozen=True)
class Matrix:
    """A set of products, as known on the day ``as_of``.

    ``tables`` holds the bytes of each product's table. ``cache`` holds values derived from the
    matrix.
    """

    as_of: dt.date
    products: tuple[Product, ...]
    tables: tuple[tuple[str, bytes], ...] = field(repr=False, compare=False)
    cache: dict[str, object] = field(init=False, repr=False, compare=False, default_factory=dict)
    _index: dict[str, Product] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._index.update((product.name, product) for product in self.products)

    @property
    def digest(self) -> str:
        """The SHA-256 of the tables, in hex."""
        return compute_digest(self.tables)

    def part(self, names: Iterable[str]) -> Matrix:
        """Return a matrix of only these products. Raises KeyError if one is missing."""
        products = tuple(self._index[name] for name in sorted(set(names)))
        known = {product.name for product in products}
        return Matrix(self.as_of, products, tuple(t for t in self.tables if t[0] in known))

    def product(self, name: str) -> Product:
        """Return a product. Raises KeyError if the matrix does not have it."""
        return self._index[name]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def rules(self) -> Iterable[Rule]:
        """Yield every rule, in a fixed order."""
        return (rule for product in self.products for rule in product.rules)
