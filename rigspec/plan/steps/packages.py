"""Steps that install: packages, files from elsewhere, environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.lock.model import LockedFile
from rigspec.plan.steps.base import Scope, Step

__all__ = [
    "AptPackage",
    "AptPackages",
    "AptRepository",
    "AptSource",
    "Archive",
    "Download",
    "Environment",
    "HostPackages",
    "Installer",
]


@dataclass(frozen=True, kw_only=True)
class AptRepository(Step):
    """A package repository whose signing key is checked by its full fingerprint."""

    kind: ClassVar[str] = "apt-repository"
    name: str
    url: str
    suite: str
    components: tuple[str, ...]
    key_url: str
    key_fingerprint: str

    @property
    def key_protocols(self) -> tuple[str, ...]:
        """How the key may be fetched: never by less than its address says."""
        scheme = self.key_url.partition(":")[0]
        return tuple(dict.fromkeys((scheme, "https")))


@dataclass(frozen=True, kw_only=True)
class AptSource(Step):
    """Lines of apt's sources for the distribution's own archive, kept under ``name``.

    Without ``entries`` the machine has the archive, but its ``suites`` are to have all these
    ``components``, of which the first is there: ``program``, a payload file, tells the lines.
    """

    kind: ClassVar[str] = "apt-source"
    name: str
    entries: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    program: str = ""


@dataclass(frozen=True)
class AptPackage:
    """A package; ``version`` is None where the lock does not pin it, ``sha256`` that of its file.

    ``hold`` keeps unattended upgrades away from it.
    """

    name: str
    version: str | None = None
    sha256: str | None = None
    hold: bool = False

    @property
    def pin(self) -> str:
        """What apt is to be asked for."""
        return self.name if self.version is None else f"{self.name}={self.version}"


@dataclass(frozen=True, kw_only=True)
class AptPackages(Step):
    """Packages to install. ``listed`` names the payload file with those that have a version; it is
    empty where none has.
    """

    kind: ClassVar[str] = "apt-packages"
    packages: tuple[AptPackage, ...]
    listed: str = ""

    @property
    def locked(self) -> bool:
        """Whether the lock knows the files: the archive is to be held against them."""
        return any(package.sha256 is not None for package in self.packages)

    @property
    def held(self) -> tuple[str, ...]:
        """The names that unattended upgrades must leave alone."""
        return tuple(package.name for package in self.packages if package.hold)


@dataclass(frozen=True, kw_only=True)
class HostPackages(AptPackages):
    """Packages that change the running kernel: a driver. An image cannot hold them."""

    kind: ClassVar[str] = "host-packages"
    scope: ClassVar[Scope] = Scope.HOST


@dataclass(frozen=True, kw_only=True)
class Download(Step):
    """One file to fetch, check and put at ``to``."""

    kind: ClassVar[str] = "download"
    file: LockedFile
    to: str
    mode: str = "0644"


@dataclass(frozen=True, kw_only=True)
class Archive(Step):
    """A tarball to fetch, check and unpack into ``to``, less ``strip`` leading folders.

    ``creates`` is a path that exists afterwards.
    """

    kind: ClassVar[str] = "archive"
    file: LockedFile
    to: str
    strip: int
    creates: str


@dataclass(frozen=True, kw_only=True)
class Installer(Step):
    """A self-extracting shell installer to fetch, check and run with ``arguments``.

    ``prefix`` is the folder that is the installer's alone, to be cleared before a new try; empty
    where it installs into a folder that others use.
    """

    kind: ClassVar[str] = "installer"
    file: LockedFile
    arguments: tuple[str, ...]
    creates: str
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Environment(Step):
    """An isolated Python environment at ``path``, filled from hash-pinned requirements.

    ``creator`` is the command that makes it, ready to be followed by the path
    (``("virtualenv", "--python", "python2.7")``). ``requirements`` and ``tools`` name payload
    files; ``tools`` (pip and its companions) goes in first. Where conda makes the environment,
    ``explicit`` names the list of its packages, which ``creator`` reads. ``index`` is the address
    of a Python index, where the spec names one.
    """

    kind: ClassVar[str] = "environment"
    name: str
    path: str
    creator: tuple[str, ...]
    python: str
    requirements: str
    tools: str
    pip: str
    explicit: str | None = None
    index: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The payload files that it is made from, in the order of their use."""
        conda = () if self.explicit is None else (self.explicit,)
        return (*conda, self.tools, self.requirements)
