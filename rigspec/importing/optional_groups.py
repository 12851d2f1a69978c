"""Extras and dependency groups of a project: those that are imported, and the names of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rigspec.importing.model import Reading, SourceText
from rigspec.importing.pip_requirement import read_requirement
from rigspec.importing.toml_file import TomlFile

__all__ = ["EXTRAS", "GROUPS", "OptionalGroups"]

EXTRAS = ("project", "optional-dependencies")
GROUPS = ("dependency-groups",)


@dataclass(frozen=True)
class OptionalGroups:
    """The tables of one kind in a file, and the names that are imported."""

    file: TomlFile
    source: SourceText
    path: tuple[str, ...]
    option: str
    selected: frozenset[str]

    def read(self) -> Iterator[Reading]:
        """Yield the requirements of the selected tables, and the others as omissions."""
        named: dict[str, str] = {
            canonicalize_name(name): name for name in self.file.table(*self.path)
        }
        included: set[str] = set()
        for key in sorted(self.selected & named.keys()):
            yield from self._read_group(named, key, included)
        found = frozenset((self.option, key) for key in named)
        omitted = [
            self.source.omission(
                name,
                f"optional: import it with `{self.option} {name}`",
                self.file.span(*self.path, name, of="key").line,
            )
            for key, name in named.items()
            if key not in included
        ]
        yield Reading(omissions=tuple(omitted), optional=found)

    def _read_group(self, named: dict[str, str], key: str, included: set[str]) -> Iterator[Reading]:
        """Yield the requirements of a group, and of those that it includes, each group once."""
        if key in included or key not in named:
            return
        included.add(key)
        place = (*self.path, named[key])
        for number, item in enumerate(self.file.items(*place)):
            if isinstance(item, dict):
                included_key = canonicalize_name(str(item.get("include-group", "")))
                yield from self._read_group(named, included_key, included)
            elif isinstance(item, str):
                own = self._list_own_extras(item)
                for extra in own:
                    yield from self._read_group(named, extra, included)
                if not own:
                    yield read_requirement(item, self.file.span(*place, number), self.source)

    def _list_own_extras(self, text: str) -> Sequence[str]:
        """Return the extras in a requirement of the project itself: `all = ["lab[train]"]`."""
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            return []
        own = canonicalize_name(self.file.text("project", "name") or "")
        if canonicalize_name(requirement.name) != own:
            return []
        return sorted(map(canonicalize_name, requirement.extras))
