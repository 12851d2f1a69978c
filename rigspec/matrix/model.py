"""The matrix as values: products, their releases, and the rules between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from rigspec.diagnostics.model import Source

__all__ = [
    "Artifact",
    "Availability",
    "Condition",
    "Extra",
    "Matrix",
    "Product",
    "Release",
    "Rule",
    "Setting",
    "SettingsFile",
    "SourceConflict",
    "UndeclaredDependency",
    "Upload",
]


@dataclass(frozen=True)
class Condition:
    """A component and the versions meant: any of ``alternatives``.

    An alternative is ``[family] [specifier]``: ``9.0`` (that is ``==9.0.*``), ``>=1.5,<1.13``,
    ``ubuntu 16.04``, ``gpu``.
    """

    component: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """When every condition of ``when`` holds, ``requires`` must hold.

    Rules that share a ``table`` are one fact sheet (``tensorflow/cuda``): the solver turns them
    on and off together, so that a conflict names the sheet once and shows the rows that matter.
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
    """A file that can be fetched: ``size`` in bytes where it is known, ``sha256`` in hex."""

    name: str
    url: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True)
class Availability:
    """Why a release can no longer be had or is no longer kept, since ``day``."""

    kind: str  # "end-of-life" | "withdrawn" | "deleted" | "yanked"
    day: dt.date | None
    reason: str


@dataclass(frozen=True)
class Release:
    """One version of a product.

    ``family`` tells apart lines of one product that count versions on their own (``ubuntu``,
    ``Anaconda3``); for a framework it is the package on the Python index (``tensorflow-gpu``).
    ``provides`` are components that come with it (an OS and its glibc); ``figures`` are the
    numbers and names that no rule reads but a plan or a comparison may (``codename``,
    ``watts``). ``told_by`` names the sources of what has its own: a figure, or by its kind a word
    on availability.
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

    @property
    def label(self) -> str:
        """``ubuntu 16.04`` or ``9.0.176``."""
        return f"{self.family} {self.version}".strip() if self.family else self.version

    def get(self, name: str) -> str | None:
        """The figure of that name, or ``None`` where no source gave it."""
        return next((value for key, value in self.properties if key == name), None)

    def sources_of(self, name: str) -> tuple[Source, ...]:
        """Who gave a figure, or told of a kind of availability: else those of the whole release."""
        return next((told for key, told in self.property_sources if key == name), self.sources)


@dataclass(frozen=True)
class Upload:
    """The day on which a release of a package came to the Python index."""

    package: str
    version: str
    day: dt.date
    source: Source


@dataclass(frozen=True)
class SettingsFile:
    """Where a product keeps its settings, and in which format of ``resolve/settings_text.py``.

    ``path`` is below a home folder or, where ``place`` is ``environment``, below that of each
    environment. There ``variable`` makes the program look at it: ``{file}`` and ``{folder}`` in
    ``value`` stand for its path and folder. ``statement`` says why a file is where it is.
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
    """A key of a settings file that only some versions read, and what to write ``instead``, if
    there is anything.
    """

    key: str
    versions: str
    instead: str
    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Extra:
    """An extra of a Python package (``and-cuda``) that is asked for when the conditions hold."""

    name: str
    versions: str
    when: tuple[Condition, ...]


@dataclass(frozen=True)
class UndeclaredDependency:
    """A Python package that these versions import and do not ask for, when the conditions hold."""

    package: str
    versions: str
    when: tuple[Condition, ...]
    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class SourceConflict:
    """A fact that two sources tell differently: what is in force, and why the other is not."""

    about: str
    used: str
    used_source: str
    rejected: str
    rejected_source: str
    reason: str
    read: dt.date


@dataclass(frozen=True)
class Product:
    """A product: its releases, and the rules that stand in its file.

    ``families`` orders the families, most wanted first. ``noise`` are words in the names that
    people write for a part that tell nothing apart. ``follows_newest`` are package names that
    stand for whatever is newest. ``memo`` is for what is
    worked out of a product once and asked for many times.
    """

    name: str
    title: str
    kind: str
    releases: tuple[Release, ...]
    rules: tuple[Rule, ...]
    families: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()
    undeclared_dependencies: tuple[UndeclaredDependency, ...] = ()
    ignored_words: tuple[str, ...] = ()
    unversioned_packages: tuple[str, ...] = ()
    settings_file: SettingsFile | None = None
    settings: tuple[Setting, ...] = ()
    source_conflicts: tuple[SourceConflict, ...] = ()
    sources: tuple[Source, ...] = ()
    cache: dict[str, object] = field(init=False, repr=False, compare=False, default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """The products a question needs. ``as_of`` is the day the matrix speaks for.

    ``tables`` are the bytes the products were read from, by product. ``memo`` is for what others
    work out of this matrix once and ask for many times.
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
        """The sha256 of the tables, in hex."""
        import hashlib

        parts = (name.encode() + b"\0" + data + b"\0" for name, data in self.tables)
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def part(self, names: Iterable[str]) -> Matrix:
        """Only these products. Raises KeyError."""
        products = tuple(self._index[name] for name in sorted(set(names)))
        known = {product.name for product in products}
        return Matrix(self.as_of, products, tuple(t for t in self.tables if t[0] in known))

    def product(self, name: str) -> Product:
        """The product of that name. Raises KeyError where the matrix has none."""
        return self._index[name]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def rules(self) -> Iterable[Rule]:
        """Every rule, in a fixed order."""
        return (rule for product in self.products for rule in product.rules)
