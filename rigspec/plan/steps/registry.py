"""Find the kinds of steps: folders with a dataclass, its shell, and what doctor and targets do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.util import find_spec
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from rigspec.plan.steps.base import Step

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = ["StepKind", "StepKindError", "find_step_kinds", "render_reference"]

_PACKAGE = "rigspec.plan.steps"
_GROUP = "rigspec.steps"
_SOURCE = "rigspec"


class StepKindError(Exception):
    """A package of a kind of step is invalid."""


@dataclass(frozen=True)
class StepKind:
    """A kind of step: its class, the package with its files, and the distribution it is from."""

    name: str
    type: type[Step]
    package: str
    source: str

    @property
    def is_builtin(self) -> bool:
        """Return whether it is part of rigspec."""
        return self.source == _SOURCE

    def find_file(self, name: str) -> Traversable | None:
        """Return a file of its folder, or of the kind that it is derived from."""
        for kind in self._lineage():
            file = files(kind.package) / name
            if file.is_file():
                return file
        return None

    def read_shell(self, name: str) -> str | None:
        """Return the text of a file with its shell functions, if it has one."""
        file = files(self.package) / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def import_module(self, name: str) -> ModuleType | None:
        """Return a module of its folder, or of the kind that it is derived from."""
        for kind in self._lineage():
            if find_spec(f"{kind.package}.{name}") is not None:
                return import_module(f"{kind.package}.{name}")
        return None

    def _lineage(self) -> Iterator[StepKind]:
        kinds = {kind.type: kind for kind in find_step_kinds().values()}
        yield from (kinds[each] for each in self.type.__mro__ if each in kinds)


@cache
def find_step_kinds() -> Mapping[str, StepKind]:
    """Return all kinds of steps by name: built in, sorted, and those of other distributions.

    Raises:
        StepKindError: A package cannot be imported or has no class, or two kinds have one name.

    """
    kinds: dict[str, StepKind] = {}
    for package, source in (*_list_builtin(), *_list_installed()):
        kind = _load_kind(package, source)
        if kind.name in kinds:
            first = kinds[kind.name].source
            raise StepKindError(f"duplicate kind of step {kind.name}: in {first} and in {source}")
        kinds[kind.name] = kind
    return MappingProxyType(kinds)


def render_reference() -> str:
    """Return the table of the built-in kinds for the documentation."""
    kinds = [kind for kind in find_step_kinds().values() if kind.is_builtin]
    rows = (f"| `{kind.name}` | {kind.type.summary} | {kind.type.in_image} |" for kind in kinds)
    return "\n".join(("| kind | does | in an image |", "| --- | --- | --- |", *rows)) + "\n"


def _list_builtin() -> Iterator[tuple[str, str]]:
    for folder in sorted(files(_PACKAGE).iterdir(), key=lambda folder: folder.name):
        if folder.is_dir() and (folder / "__init__.py").is_file():
            yield f"{_PACKAGE}.{folder.name}", _SOURCE


def _list_installed() -> Iterator[tuple[str, str]]:
    """Yield the packages of other distributions, from their entry points."""
    points = entry_points(group=_GROUP)
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        dist = point.dist
        source = f"{dist.name} {dist.version}" if dist is not None else "another distribution"
        yield point.value, source


def _load_kind(package: str, source: str) -> StepKind:
    try:
        module = import_module(package)
    except ImportError as error:
        raise StepKindError(f"{source}: cannot import package {package}: {error}") from error
    types = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Step) and value.__module__ == package
    ]
    if len(types) != 1:
        raise StepKindError(f"{source}: package {package} must define one subclass of Step")
    missing = [name for name in ("kind", "summary") if not hasattr(types[0], name)]
    if missing:
        raise StepKindError(f"{source}: {package}.{types[0].__name__} has no `{missing[0]}`")
    return StepKind(types[0].kind, types[0], package, source)
