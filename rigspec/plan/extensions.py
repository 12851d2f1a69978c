"""Find classes in the folders of a package, and in the packages of other distributions."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from typing import Generic, TypeVar

from rigspec.entry_points import list_entry_points
from rigspec.frozen import dataclass

__all__ = ["BUILTIN", "Extension", "ExtensionError", "find_extensions"]

# The source of what is not of another distribution.
BUILTIN = "rigspec"

_Base = TypeVar("_Base")


class ExtensionError(Exception):
    """A package of a kind of step or of a service is invalid."""


@dataclass(frozen=True)
class Extension(Generic[_Base]):
    """A class, the package with its files, and the distribution that the package is from."""

    type: type[_Base]
    package: str
    source: str


def find_extensions(
    folder: str, group: str, base: type[_Base], module: str = ""
) -> Iterator[Extension[_Base]]:
    """Yield a class of each package: those in ``folder``, sorted, and of the entry points.

    The class is the only one in the package, or in its ``module``, that is derived from ``base``.

    Raises:
        ExtensionError: A package cannot be imported, or has no or several classes.

    """
    for package, source in (*_list_builtin(folder), *_list_installed(group)):
        yield Extension(_load_class(f"{package}{module}", source, base), package, source)


def _list_builtin(folder: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(files(folder).iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and (entry / "__init__.py").is_file():
            yield f"{folder}.{entry.name}", BUILTIN


def _list_installed(group: str) -> Iterator[tuple[str, str]]:
    for point in list_entry_points(group):
        dist = point.dist
        source = f"{dist.name} {dist.version}" if dist is not None else "another distribution"
        yield point.value, source


def _load_class(name: str, source: str, base: type[_Base]) -> type[_Base]:
    try:
        module = import_module(name)
    except ImportError as error:
        raise ExtensionError(f"{source}: cannot import {name}: {error}") from error
    types = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == name
    ]
    if len(types) != 1:
        raise ExtensionError(f"{source}: {name} must define one subclass of {base.__name__}")
    return types[0]
