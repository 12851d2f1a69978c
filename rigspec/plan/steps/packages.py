"""Steps that install packages, downloads and Python environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.lock.model import LockedFile
from rigspec.plan.steps.base import Scope, Step

__all__ = [
    "AptPackage",
    "AptPackagesStep",
    "AptRepositoryStep",
    "AptSourceStep",
    "ArchiveStep",
    "DownloadStep",
    "EnvironmentStep",
    "HostPackagesStep",
    "InstallerStep",
    "SourceBuildStep",
]


@dataclass(frozen=True, kw_only=True)
class AptRepositoryStep(Step):
    """A package repository. The fingerprint of its signing key is verified."""

    kind: ClassVar[str] = "apt-repository"
    name: str
    url: str
    suite: str
    components: tuple[str, ...]
    key_url: str
    key_fingerprint: str

    @property
    def key_protocols(self) -> tuple[str, ...]:
        """Return the protocols for downloading the key: that of its URL, and HTTPS."""
        scheme = self.key_url.partition(":")[0]
        return tuple(dict.fromkeys((scheme, "https")))


@dataclass(frozen=True, kw_only=True)
class AptSourceStep(Step):
    """Source lines for the distribution's archive, in the apt source file ``name``.

    Without ``entries``, the machine already has the first of ``components`` for the ``suites``;
    ``program``, a payload file, prints the lines for the others.
    """

    kind: ClassVar[str] = "apt-source"
    name: str
    entries: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    program: str = ""


@dataclass(frozen=True)
class AptPackage:
    """A package; ``version`` and ``sha256`` are None if the lock does not have them.

    With ``hold``, unattended upgrades do not change it.
    """

    name: str
    version: str | None = None
    sha256: str | None = None
    hold: bool = False

    @property
    def pin(self) -> str:
        """Return the package specification for apt."""
        return self.name if self.version is None else f"{self.name}={self.version}"


@dataclass(frozen=True, kw_only=True)
class AptPackagesStep(Step):
    """Packages to install.

    ``package_list`` is the payload file with the pinned packages; empty if no package is pinned.
    """

    kind: ClassVar[str] = "apt-packages"
    packages: tuple[AptPackage, ...]
    package_list: str = ""

    @property
    def has_checksums(self) -> bool:
        """Return whether the lock has checksums to compare with the package index."""
        return any(package.sha256 is not None for package in self.packages)

    @property
    def held_names(self) -> tuple[str, ...]:
        """Return the names of the packages that unattended upgrades must not change."""
        return tuple(package.name for package in self.packages if package.hold)


@dataclass(frozen=True, kw_only=True)
class HostPackagesStep(AptPackagesStep):
    """Packages that change the running kernel, such as a driver; not possible in an image.

    ``builds_modules`` is set if they build kernel modules on the machine.
    """

    kind: ClassVar[str] = "host-packages"
    scope: ClassVar[Scope] = Scope.HOST
    builds_modules: bool = False


@dataclass(frozen=True, kw_only=True)
class DownloadStep(Step):
    """A file to download and verify; ``to`` is its path."""

    kind: ClassVar[str] = "download"
    file: LockedFile
    to: str
    mode: str = "0644"


@dataclass(frozen=True, kw_only=True)
class ArchiveStep(Step):
    """A tar archive to download, verify and unpack into ``to``.

    ``strip`` leading path components are removed. ``creates`` is a path that exists afterwards.
    ``exclusive`` is set if only this archive uses ``to``.
    """

    kind: ClassVar[str] = "archive"
    file: LockedFile
    to: str
    strip: int
    creates: str
    exclusive: bool = False


@dataclass(frozen=True, kw_only=True)
class InstallerStep(Step):
    """A self-extracting installer to download, verify and run with ``arguments``.

    ``prefix`` is the directory that only this installer uses, removed before each run; empty if it
    installs into a shared directory.
    """

    kind: ClassVar[str] = "installer"
    file: LockedFile
    arguments: tuple[str, ...]
    creates: str
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceBuildStep(Step):
    """A source archive to download, verify, build with ``configure`` and make, and install.

    ``configure`` are the arguments of its configure script, ``c_flags`` those of the compiler.
    ``prefix`` is the directory that only this build uses. ``check_command`` fails if the build
    lacks an optional part.
    """

    kind: ClassVar[str] = "source-build"
    file: LockedFile
    configure: tuple[str, ...]
    c_flags: tuple[str, ...]
    prefix: str
    creates: str
    check_command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EnvironmentStep(Step):
    """A Python environment at ``path``, with packages pinned by hash.

    ``create_command`` creates it; the path is appended
    (``("virtualenv", "--python", "python2.7")``). ``requirements`` and ``tools`` are payload files;
    ``tools`` (pip and its companions) are installed first, ``sources`` (source archives, which pip
    builds with the packages of the environment) last. If conda creates the environment,
    ``explicit`` is the list of its packages, which ``create_command`` reads. ``index`` is the URL
    of the Python index, if the spec sets one, and ``extra_indexes`` are those of its builds that
    the default index does not have. ``bootstrap`` is the interpreter that ``tools`` are
    installed into first, if ``create_command`` is one of them.
    """

    kind: ClassVar[str] = "environment"
    name: str
    path: str
    create_command: tuple[str, ...]
    python: str
    requirements: str
    tools: str
    pip: str
    sources: str | None = None
    explicit: str | None = None
    bootstrap: str | None = None
    index: str | None = None
    extra_indexes: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Return the payload files that it is created from, in order of use."""
        conda = () if self.explicit is None else (self.explicit,)
        sources = () if self.sources is None else (self.sources,)
        return (*conda, self.tools, self.requirements, *sources)
