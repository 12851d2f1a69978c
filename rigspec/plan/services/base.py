"""The base class of services."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, ClassVar

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedMachine, LockedService
from rigspec.plan.model import PayloadFile
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import Check, EnvironmentVariablesStep, Step, VariablesStep

__all__ = ["Service", "ServiceContext"]


@dataclass(frozen=True)
class ServiceContext:
    """The input of a service.

    ``session`` has the variables of login sessions, ``environments`` those of each environment.
    """

    rig: RigSettings
    locked: LockedMachine
    session: VariablesStep | None = None
    environments: tuple[EnvironmentVariablesStep, ...] = ()

    def get_table(self, name: str) -> Any:
        """Return the table of a service that the spec requests."""
        return getattr(self.rig.service, name)

    def find_locked(self, name: str) -> LockedService | None:
        """Return a service of the lock, or None if the lock does not have it."""
        return next((each for each in self.locked.services if each.name == name), None)


class Service:
    """A service of the spec: its steps, its files and its checks.

    ``name`` is its table in ``[service]``. ``summary`` and ``programs`` are its row in the
    documentation: what it does, and the programs that do it.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    programs: ClassVar[str]

    def is_locked(self, locked: LockedMachine) -> bool:
        """Return whether the lock has what the service needs on its system."""
        return any(service.name == self.name for service in locked.services)

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the steps of the service. They come after the accounts."""
        yield from ()

    def build_files(self, context: ServiceContext) -> Iterator[PayloadFile]:
        """Yield the programs that the service runs."""
        yield from ()

    def build_checks(self, context: ServiceContext) -> Iterator[Check]:
        """Yield the checks of the result, further to those of its steps."""
        yield from ()

    @classmethod
    def read_file(cls, name: str) -> str:
        """Return the text of a file in the folder ``payload`` of the service."""
        package = cls.__module__.rpartition(".")[0]
        return (files(package) / "payload" / name).read_text(encoding="utf-8")
