"""Sources of Python packages: indexes that name packages, and lines that name a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.frozen import dataclass
from rigspec.spec.models.environment import Environment, PackageSource
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import Document, KeyPath
from rigspec.version_specifiers import normalize_name

__all__ = [
    "NamedIndex",
    "can_have_package",
    "check_package_indexes",
    "check_package_sources",
    "find_named_index",
    "list_named_indexes",
]

_ANY = "*"
_SOURCES = "name a repository and a commit, or a file and its checksum; a version alone is a string"
_COMMIT = 'write the commit in full: `rev = "…"` with 40 hexadecimal digits'
_CHECKSUM = 'write the checksum of the file: `sha256 = "…"`'


@dataclass(frozen=True)
class NamedIndex:
    """An index with the packages that come from it and from no other index.

    ``packages`` are names in canonical form; one that ends with ``*`` is the start of names.
    """

    name: str
    url: str
    packages: tuple[str, ...]

    def names(self, package: str) -> bool:
        """Return whether a package, by its canonical name, comes from this index."""
        return any(_covers(pattern, package) for pattern in self.packages)


def list_named_indexes(rig: Rig) -> tuple[NamedIndex, ...]:
    """Return the indexes of a rig that name packages."""
    return tuple(
        NamedIndex(name, index.url, tuple(map(normalize_name, index.packages)))
        for name, index in rig.index.items()
        if index.packages
    )


def find_named_index(indexes: Sequence[NamedIndex], package: str) -> NamedIndex | None:
    """Return the index that a package comes from; None for the default index."""
    if not indexes:
        return None
    name = normalize_name(package)
    return next((index for index in indexes if index.names(name)), None)


def can_have_package(rig: Rig, package: str) -> bool:
    """Return whether another index than the default one may have a package.

    An index without ``packages`` has the builds of its name, of any package.
    """
    if any(not index.packages for index in rig.index.values()):
        return True
    return find_named_index(list_named_indexes(rig), package) is not None


def check_package_indexes(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each package that two indexes name."""
    indexes = list_named_indexes(rig)
    for one, other in combinations(indexes, 2):
        for number, pattern in enumerate(other.packages):
            if any(_covers(pattern, each) or _covers(each, pattern) for each in one.packages):
                yield _report_ambiguous(one, other, number, rig, document)


def _covers(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith(_ANY) else name == pattern


def _report_ambiguous(
    one: NamedIndex, other: NamedIndex, number: int, rig: Rig, document: Document
) -> Diagnostic:
    path: KeyPath = ("index", other.name, "packages", number)
    text = rig.index[other.name].packages[number]
    return Diagnostic(
        "RS003",
        Severity.ERROR,
        f"`{text}` is a package of two indexes, `{one.name}` and `{other.name}`: a package comes "
        "from one index only",
        spans=(
            document.span(path, label="named twice"),
            document.span(("index", one.name, "packages")),
        ),
        help=(f"remove it from one of them, or write longer names than `{text}`",),
    )


def check_package_sources(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each package source whose keys do not name one file."""
    for env_name, env in rig.env.items():
        for name, source in env.sources.items():
            path: KeyPath = ("env", env_name, "packages", name)
            found = _find_problem(name, env, source)
            if found is not None:
                code, message, advice = found
                span = document.span(path)
                yield Diagnostic(code, Severity.ERROR, message, spans=(span,), help=(advice,))


def _find_problem(
    name: str, env: Environment, source: PackageSource
) -> tuple[str, str, str] | None:
    """Return the code, the message and the help of a source that cannot be installed."""
    if (source.git is None) == (source.url is None):
        message = f"`{name}` needs either `git` with `rev`, or `url` with `sha256`"
        return "RS006", message, _SOURCES
    if source.git is not None and source.rev is None:
        return "RS006", f"missing key `rev`: the commit of `{name}` is unknown", _COMMIT
    if source.url is not None and source.sha256 is None:
        message = f"missing key `sha256`: the file of `{name}` cannot be verified"
        return "RS006", message, _CHECKSUM
    if source.git is not None and source.sha256 is not None:
        message = f"`sha256` of `{name}` is that of a file, but `git` names a repository"
        return "RS003", message, "remove `sha256`: the commit identifies the files"
    if source.url is not None and source.rev is not None:
        message = f"`rev` of `{name}` is a commit, but `url` names a file"
        return "RS003", message, "remove `rev`: the checksum identifies the file"
    if env.manager == "conda":
        message = f"conda manages the environment, and no step installs `{name}` from its source"
        return "RS003", message, 'set `manager = "venv"`, or name the package of a channel'
    return None
