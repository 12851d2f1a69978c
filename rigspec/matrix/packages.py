"""Facts about packages: their needs of a system and of a build, and those without an index."""

from __future__ import annotations

import datetime as dt

from rigspec.diagnostics.model import Source
from rigspec.frozen import dataclass

__all__ = [
    "RUST_COMPILERS",
    "BuildVariable",
    "CompiledPackage",
    "CudaLibrary",
    "SourceConflict",
    "StubPackage",
    "SystemDependency",
    "UnlistedPackage",
]

# Packages of the system that include a Rust compiler.
RUST_COMPILERS = frozenset({"cargo", "rustc", "rustup"})


@dataclass(frozen=True)
class SystemDependency:
    """A need of these versions of Python packages that their metadata cannot declare.

    ``needs`` are ``compilers``, ``opengl`` and the like: a system has the property
    ``opengl_packages``.
    """

    packages: tuple[str, ...]
    versions: str
    needs: tuple[str, ...]
    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class BuildVariable:
    """A variable with which the source archives of these versions of a package are built.

    Without it their setup script downloads a wheel, which no lock can pin.
    """

    package: str
    versions: str
    name: str
    value: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class CompiledPackage:
    """Releases of a package without a wheel on the package index, which pip compiles.

    In ``statement``, ``{name}`` and ``{version}`` are those of the package, and ``{cuda}`` is the
    release of the toolkit, or the one in the wheels of its framework. ``pythons`` are those without
    a wheel, such as ``>=3.13``. The build needs the CUDA ``toolkit``: "always", on a machine with a
    "gpu", or never (empty), and a Rust compiler if ``rust``. With a ``framework``, it compiles an
    extension of that. ``dependency`` is compiled if it is not the package itself.
    """

    versions: str
    statement: str
    sources: tuple[Source, ...]
    pythons: str | None = None
    toolkit: str = ""
    rust: bool = False
    framework: str = ""
    dependency: str = ""


@dataclass(frozen=True)
class CudaLibrary:
    """A library of CUDA that releases of a package load on a GPU and do not require.

    ``cuda`` is its major version. ``package`` has it on the Python index. In ``statement``,
    ``{name}`` and ``{version}`` are those of the package that loads it.
    """

    versions: str
    cuda: str
    package: str
    statement: str
    failure_message: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class StubPackage:
    """Releases that need an archive of the package index whose build downloads a wheel.

    ``packages`` are those archives, of which a release needs some. The index at ``index`` has their
    wheels.
    """

    versions: str
    packages: tuple[str, ...]
    index: str
    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class UnlistedPackage:
    """A package that the package index does not have, or has no usable release of.

    ``versions`` are those that no release of the index serves; empty if it has no release.
    ``repository`` has it at the commit ``rev``, in the folder ``subdirectory``, as ``version`` if
    its files do not state one. An archive of a repository with ``submodules`` lacks their files.
    Its build needs the CUDA ``toolkit`` as in CompiledPackage.
    """

    name: str
    statement: str
    sources: tuple[Source, ...]
    versions: str = ""
    repository: str | None = None
    rev: str | None = None
    version: str | None = None
    subdirectory: str | None = None
    submodules: bool = False
    toolkit: str = ""


@dataclass(frozen=True)
class SourceConflict:
    """A fact on which two sources disagree: the value in use, and why the other is rejected."""

    about: str
    used: str
    used_source: str
    rejected: str
    rejected_source: str
    reason: str
    read: dt.date
