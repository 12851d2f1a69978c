"""A frozen dataclass that takes half as long to create.

`dataclasses` compiles the source of each method of each class. Here all classes share the methods
that compare, hash and print; a check creates seventy classes before it starts.
"""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses

    def dataclass(*, frozen, **options):
        """Return the decorator of a dataclass like ``dataclasses.dataclass``."""
        if not frozen or options:
            return dataclasses.dataclass(frozen=frozen, **options)
        make = dataclasses.dataclass(frozen=True, repr=False, eq=False)

        def decorate(cls):
            made = make(cls)
            for name, method in _build_methods(made).items():
                if name not in cls.__dict__:
                    setattr(made, name, method)
            return made

        return decorate


__all__ = ["dataclass"]


def _build_methods(cls: Any) -> dict[str, Any]:
    found = fields(cls)
    get_compared = _get_all([each.name for each in found if each.compare])
    get_hashed = _get_all(
        [each.name for each in found if (each.compare if each.hash is None else each.hash)]
    )
    printed = [each.name for each in found if each.repr]

    def compare(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return get_compared(self) == get_compared(other)

    def compute_hash(self: Any) -> int:
        return hash(get_hashed(self))

    def describe(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in printed)
        return f"{self.__class__.__qualname__}({values})"

    return {"__eq__": compare, "__hash__": compute_hash, "__repr__": describe}


def _get_all(names: list[str]) -> Any:
    """Return a function that returns the values of an object as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)
