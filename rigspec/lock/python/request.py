"""What an engine is asked: a set of requirements, for an interpreter that may not be here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.lock.python.requirements_file import pins
from rigspec.lock.python.target_interpreter import TargetInterpreter

__all__ = ["TOOLS", "ResolveRequest"]

# What installs and builds packages is of today, whatever the day that they are of.
TOOLS = ("pip", "setuptools", "wheel")


@dataclass(frozen=True)
class ResolveRequest:
    """``env`` is the environment's name, for error messages.

    ``index`` is an index's address, None for the one that the user has configured; nothing
    uploaded after the day ``as_of`` is taken, but for ``TOOLS``. ``kept`` are requirements that
    were locked before: their versions stay where they can, but for the packages in ``moving``.
    """

    env: str
    requirements: tuple[str, ...]
    target: TargetInterpreter
    constraints: tuple[str, ...] = ()
    index: str | None = None
    as_of: dt.date | None = None
    kept: str = ""
    moving: tuple[str, ...] = ()

    def preferred_versions(self) -> dict[str, Version]:
        """Return the previous versions to prefer, by canonical name."""
        free = {canonicalize_name(name) for name in self.moving}
        return {pin.name: pin.version for pin in pins(self.kept) if pin.name not in free}
