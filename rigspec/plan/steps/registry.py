"""Find the kinds of steps: folders with a dataclass, its shell, and what doctor and targets do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from rigspec.frozen import dataclass
from rigspec.plan.extensions import BUILTIN, Extension, ExtensionError, find_extensions
from rigspec.plan.steps.base import Step

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = ["StepKind", "find_step_kinds", "render_reference"]

_PACKAGE = "rigspec.plan.steps"
_GROUP = "rigspec.steps"


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
        return self.source == BUILTIN

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
        ExtensionError: A package is invalid, or two kinds have one name.

    """
    kinds: dict[str, StepKind] = {}
    for found in find_extensions(_PACKAGE, _GROUP, Step):
        name, source = _get_name(found), found.source
        if name in kinds:
            first = kinds[name].source
            raise ExtensionError(f"duplicate kind of step {name}: in {first} and in {source}")
        kinds[name] = StepKind(name, found.type, found.package, source)
    return MappingProxyType(kinds)


def render_reference() -> str:
    """Return the table of the built-in kinds for the documentation."""
    kinds = [kind for kind in find_step_kinds().values() if kind.is_builtin]
    rows = (f"| `{kind.name}` | {kind.type.summary} | {kind.type.in_image} |" for kind in kinds)
    return "\n".join(("| kind | does | in an image |", "| --- | --- | --- |", *rows)) + "\n"


def _get_name(found: Extension[Step]) -> str:
    missing = [name for name in ("kind", "summary") if not hasattr(found.type, name)]
    if missing:
        name = f"{found.package}.{found.type.__name__}"
        raise ExtensionError(f"{found.source}: {name} has no `{missing[0]}`")
    return found.type.kind
