"""A request to a resolver: requirements, for an interpreter that may not be here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.lock.python.direct_packages import DirectPackage
from rigspec.lock.python.index.pages import IndexPages
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.resolution import Pin
from rigspec.spec.package_sources import NamedIndex

__all__ = ["TOOLS", "ResolveRequest"]

# The tools that install and build packages are current, whatever the day of the packages.
TOOLS = ("pip", "setuptools", "wheel")


@dataclass(frozen=True)
class ResolveRequest:
    """``env`` is the environment's name, for error messages.

    ``index`` is an index's address, None for the one that the user has configured; nothing
    uploaded after the day ``as_of`` is used, except ``TOOLS``. ``kept`` are packages that
    were locked before: their versions are preferred, except for the packages in ``moving``.
    ``pages`` are those of the index that were read already. ``extra_indexes`` are the addresses of
    indexes with builds that the first one does not have, and ``named_indexes`` those that some
    packages come from alone. ``direct`` are packages that no index has;
    a result does not contain them, but what they require.
    """

    env: str
    requirements: tuple[str, ...]
    target: TargetInterpreter
    constraints: tuple[str, ...] = ()
    index: str | None = None
    as_of: dt.date | None = None
    kept: tuple[Pin, ...] = ()
    moving: tuple[str, ...] = ()
    extra_indexes: tuple[str, ...] = ()
    named_indexes: tuple[NamedIndex, ...] = ()
    direct: tuple[DirectPackage, ...] = ()
    pages: IndexPages = field(default_factory=IndexPages, repr=False, compare=False)

    def preferred_versions(self) -> dict[str, Version]:
        """Return the previous versions to prefer, by canonical name."""
        free = {canonicalize_name(name) for name in self.moving}
        return {pin.name: Version(pin.version) for pin in self.kept if pin.name not in free}
