"""The tables of services that are not part of the spec language, such as those of other packages.

Only a spec with such a table imports this module: finding packages takes as long as a check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, ClassVar, TypeVar

from rigspec.entry_points import list_entry_points
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import MachineService, Services
from rigspec.spec.tables import Field, Table

__all__ = [
    "ServiceTable",
    "ServiceTableError",
    "extend_rig",
    "find_table",
    "list_installed_services",
    "list_other_services",
]

_Table = TypeVar("_Table", bound=Table)

_GROUP = "rigspec.services"
# A service of rigspec whose table is not part of the spec language, by its folder.
_BUILTIN = "rigspec.plan.services"
_MODULE = "table"


class ServiceTable(MachineService):
    """The base class of the table of a service. Its docstring is the description in the schema.

    ``unit`` is the systemd unit of its package, if it has one.
    """

    unit: ClassVar[str] = ""

    def list_packages(self, system: str) -> tuple[str, ...] | None:
        """Return the packages of the service on a system such as ``debian 12``.

        None if the service cannot be set up there.
        """
        return ()


class ServiceTableError(Exception):
    """The package of a service cannot be imported, or has no table."""


def extend_rig(names: Iterable[str]) -> tuple[type[Rig], dict[str, str]]:
    """Return the model of a rig with the tables of services, and why a service has none.

    A service that no package has is in neither.
    """
    tables: dict[str, type[ServiceTable]] = {}
    errors: dict[str, str] = {}
    for name in names:
        try:
            table = find_table(name)
        except ServiceTableError as error:
            errors[name] = str(error)
            continue
        if table is not None:
            tables[name] = table
    return _build_model(tuple(tables.items())), errors


def list_other_services(services: Services) -> dict[str, ServiceTable]:
    """Return the requested services that are not part of the spec language."""
    values = ((name, getattr(services, name)) for name in type(services).model_fields)
    return {name: value for name, value in values if isinstance(value, ServiceTable)}


def list_installed_services() -> tuple[str, ...]:
    """Return the names of the services of other distributions."""
    return tuple(sorted(point.name for point in list_entry_points(_GROUP)))


def find_table(name: str) -> type[ServiceTable] | None:
    """Return the table of a service; None if no package has it.

    Raises:
        ServiceTableError: The package cannot be imported, or has no table.

    """
    package = next(_list_packages(name), None)
    if package is None:
        return None
    module_name = f"{package}.{_MODULE}"
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise ServiceTableError(f"cannot import {module_name}: {error}") from error
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, ServiceTable)
            and value is not ServiceTable
        ):
            return value
    raise ServiceTableError(f"{module_name} defines no subclass of ServiceTable")


def _list_packages(name: str) -> Iterator[str]:
    if name.isidentifier() and (files(_BUILTIN) / name / f"{_MODULE}.py").is_file():
        yield f"{_BUILTIN}.{name}"
    yield from (point.value for point in list_entry_points(_GROUP) if point.name == name)


@cache
def _build_model(tables: tuple[tuple[str, type[ServiceTable]], ...]) -> type[Rig]:
    if not tables:
        return Rig
    fields = {
        name: Field(default=None, description=(table.__doc__ or name).strip(". "))
        for name, table in tables
    }
    annotations = {name: table | None for name, table in tables}
    services = _extend(Services, annotations, fields)
    field = Field(default_factory=services, description="Services")
    return _extend(Rig, {"service": services}, {"service": field})


def _extend(
    table: type[_Table], annotations: dict[str, Any], fields: dict[str, Any]
) -> type[_Table]:
    """Return the table with other keys, under the same name."""
    body = {"__annotations__": annotations, "__module__": table.__module__, **fields}
    return type(table.__name__, (table,), body)
