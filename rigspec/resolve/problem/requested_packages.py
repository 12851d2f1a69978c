"""The frameworks and plain packages that an environment requests, under either table."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.frozen import dataclass
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.loader import find_package_owner, list_product_names
from rigspec.spec.models.environment import Environment
from rigspec.version_specifiers import normalize_name, parse_alternative

__all__ = [
    "PIP",
    "RequestedFramework",
    "RequestedPackage",
    "find_requested_pip",
    "list_framework_products",
    "list_package_products",
    "list_requested_frameworks",
    "list_requested_packages",
    "list_source_packages",
]

# Each environment has it, whether or not it is among the packages.
PIP = "pip"


@dataclass(frozen=True)
class RequestedFramework:
    """One line that requests a framework.

    ``family`` is the package that the line names: `tensorflow-gpu` is one of the packages of
    TensorFlow, and so is `tensorflow` under `packages`.
    """

    product: str
    family: str
    request: str
    table: str  # "frameworks" | "packages"
    key: str


def list_requested_frameworks(env: Environment) -> Iterator[RequestedFramework]:
    """Yield every line of the environment about a framework of the matrix, in order."""
    for key, request in sorted(env.frameworks.items()):
        owner = find_package_owner(key)
        if key.lower() in list_product_names():
            yield RequestedFramework(key.lower(), "", request, "frameworks", key)
        elif owner is not None:
            yield RequestedFramework(owner[0], owner[1], request, "frameworks", key)
    for key, request in sorted(env.requests.items()):
        owner = find_package_owner(key)
        if owner is not None:
            yield RequestedFramework(owner[0], owner[1], request, "packages", key)


@dataclass(frozen=True)
class RequestedPackage:
    """One line that requests a plain Python package; ``name`` is canonical."""

    name: str
    request: str
    table: str  # "frameworks" | "packages"
    key: str


def list_requested_packages(env: Environment) -> Iterator[RequestedPackage]:
    """Yield every line about a plain package of an index, under whichever table it is."""
    known = {(line.table, line.key) for line in list_requested_frameworks(env)}
    for table, lines in (("frameworks", env.frameworks), ("packages", env.requests)):
        for key, request in sorted(lines.items()):
            name = normalize_name(key)
            if (table, key) not in known and name != PIP:
                yield RequestedPackage(name, request, table, key)


def find_requested_pip(env: Environment) -> RequestedPackage | None:
    """Return the line among the packages that requests a version of pip; None without one."""
    for table, lines in (("frameworks", env.frameworks), ("packages", env.requests)):
        for key, request in sorted(lines.items()):
            if normalize_name(key) == PIP and parse_alternative(request).versions is not None:
                return RequestedPackage(PIP, request, table, key)
    return None


def list_source_packages(env: Environment) -> Iterator[RequestedPackage]:
    """Yield the packages that come from a repository or a file, and whose version is known.

    Each is a build of that version, so that the listed releases of an index do not bound it.
    """
    for key, source in sorted(env.sources.items()):
        if source.version is not None and find_package_owner(key) is None:
            name = normalize_name(key)
            yield RequestedPackage(name, f"{source.version}+source", "packages", key)


def list_package_products(env: Environment) -> tuple[str, ...]:
    """Return the plain packages that the matrix has a table about, sorted."""
    packages = (*list_requested_packages(env), *list_source_packages(env))
    names = {PACKAGE_PREFIX + package.name for package in packages}
    return tuple(sorted(names.intersection(list_product_names())))


def list_framework_products(env: Environment) -> tuple[str, ...]:
    """Return the framework products of the environment, sorted."""
    return tuple(sorted({line.product for line in list_requested_frameworks(env)}))
