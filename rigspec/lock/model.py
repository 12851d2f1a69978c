"""The lock as values. ``lock/lockfile.py`` reads and writes them."""

from __future__ import annotations

from rigspec.frozen import dataclass
from rigspec.resolution import Resolution

__all__ = [
    "DNF",
    "Lock",
    "LockedArchive",
    "LockedBuild",
    "LockedEnv",
    "LockedFile",
    "LockedImage",
    "LockedInterpreter",
    "LockedMachine",
    "LockedNotebook",
    "LockedPackage",
    "LockedPythonPackage",
    "LockedRepository",
    "LockedService",
    "LockedSettings",
    "Unpinned",
]

# The `manager` of a dnf repository.
DNF = "dnf"


@dataclass(frozen=True)
class LockedFile:
    """A download: ``name`` is the file's own name, ``pinned_by`` is the source of the hash
    (``matrix``, ``spec`` or ``lock``: taken when the lock was made). ``part`` is what it is for:
    ``cuda``, ``cudnn``, ``installer``, ``interpreter`` or ``download.NAME``.
    """

    name: str
    url: str
    sha256: str
    pinned_by: str
    size: int | None = None
    part: str = ""


@dataclass(frozen=True)
class LockedImage:
    """The image that a container starts from: ``reference`` as the spec writes it, less its digest.

    ``pinned_by`` is the source of the digest: ``registry``, ``matrix`` or ``spec``. Both are None
    where the digest is unknown.
    """

    reference: str
    digest: str | None = None
    pinned_by: str | None = None


@dataclass(frozen=True)
class LockedRepository:
    """A third-party apt repository or, if ``manager`` is ``dnf``, a dnf repository; and its key.

    ``released`` and ``release_sha256`` are of the index that its packages were chosen from, as in
    LockedArchive; without them it was not read. A dnf repository has the checksum of the file of
    its key, and ``signed_index`` if that key signs the index, too. Where no source states the
    fingerprint of the key, ``key_text_sha256`` is the checksum of its file without lines
    ``Version``. ``module_hotfixes`` keeps the filter of module streams from its packages.
    Packages of the distribution need no ``third_party`` repository.
    """

    name: str
    url: str
    suite: str
    components: tuple[str, ...]
    key_url: str
    key_fingerprint: str
    released: str | None = None
    release_sha256: str | None = None
    manager: str | None = None
    key_sha256: str | None = None
    signed_index: bool | None = None
    key_text_sha256: str | None = None
    module_hotfixes: bool | None = None
    third_party: bool | None = None


@dataclass(frozen=True)
class LockedArchive:
    """A suite of the distribution's archive, as it was when the packages were chosen.

    ``distribution`` is the archive's own name (``debian-security``), the ``{distribution}`` of
    ``[mirrors] apt``. ``released`` and ``valid_until`` are its index's own dates in UTC,
    ``release_sha256`` is that of the signed index, ``key_fingerprints`` are the primary keys that
    signed it. ``snapshot`` is the moment at which the distribution's snapshots have it,
    ``promise`` the distribution's statement on how long; ``keyring`` is the file of its keys.
    """

    name: str
    distribution: str
    suite: str
    components: tuple[str, ...]
    released: str
    release_sha256: str
    key_fingerprints: tuple[str, ...]
    valid_until: str | None = None
    snapshot: str | None = None
    promise: str | None = None
    keyring: str | None = None


@dataclass(frozen=True)
class LockedPackage:
    """A package of the system. ``part`` is the layer that requests it (``driver``,
    ``fabric-manager``, ``cuda``, ``engine``, ``interpreter``, ``system``, ``service``, ``fetch``)
    or ``dependency``; without a version it is unpinned.

    ``archive`` names the archive or repository that has it, ``path`` its file there. ``needed_by``
    are the parts that cannot be installed without it. A pinned package of dnf has an ``arch``; the
    version of an unpinned one has neither epoch nor release.
    """

    name: str
    part: str
    version: str | None = None
    sha256: str | None = None
    size: int | None = None
    path: str | None = None
    archive: str | None = None
    needed_by: tuple[str, ...] = ()
    arch: str | None = None


@dataclass(frozen=True)
class LockedInterpreter:
    """The source of an environment's interpreter.

    ``creator`` is the command that makes an isolated environment when a path is put after it.
    If the interpreter comes from a file (an installer, a source archive or a standalone build),
    ``installer`` names it among the machine's ``files`` and ``creator`` is a program of it.
    ``packages`` are packages of the system that must be there first.
    """

    kind: str
    creator: tuple[str, ...]
    packages: tuple[str, ...] = ()
    installer: str | None = None


@dataclass(frozen=True)
class LockedSettings:
    """A program's own settings file: ``path`` is relative to a home folder or, where ``place`` is
    ``environment``, to that of the environment. A ``variable`` points the program to it with
    ``value``, in which ``{file}`` and ``{folder}`` are its paths.
    """

    framework: str
    path: str
    format: str
    place: str | None = None
    variable: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class LockedService:
    """A service of the system: its ``packages`` and its ``unit``.

    ``settings`` is the file for the rig's settings, ``form`` the kind of its content:
    ``directives`` that the service's own settings include, or ``options`` for its command line.
    They are empty for a service without unit or file. ``options`` are further required options
    on this release.
    """

    name: str
    packages: tuple[str, ...]
    unit: str
    settings: str
    form: str
    options: str | None = None


@dataclass(frozen=True)
class LockedNotebook:
    """The notebook server of the environment ``env``: ``section`` is that of its settings in this
    version, ``password`` the setting (``Section.name``) that a password's hash goes to.
    ``program`` is the module that starts it: ``notebook`` or ``jupyterlab``.
    """

    env: str
    version: str
    section: str
    password: str
    program: str = "notebook"


@dataclass(frozen=True)
class LockedPythonPackage:
    """A package of an environment, by its canonical name.

    ``sha256`` are the checksums of the files that may be installed: that of the one that the
    target takes, or several in a lock of an older release. ``from_source`` marks a source archive,
    which pip builds with the packages of the environment. ``url`` is the address of one that is
    not from an index, with a fragment `#subdirectory=` if the package is in a folder of it.
    """

    name: str
    version: str
    sha256: tuple[str, ...]
    from_source: bool = False
    url: str | None = None

    @property
    def file_name(self) -> str:
        """Return the name of its file, which begins with that of the package."""
        name = (self.url or "").partition("#")[0].rpartition("/")[2]
        own = self.name.replace("-", "_")
        return name if name.replace("-", "_").lower().startswith(own) else f"{own}-{name}"


@dataclass(frozen=True)
class LockedChannelPackage:
    """A package of a conda channel, at an address in which a word replaces conda's own server."""

    name: str
    version: str
    build: str
    address: str
    md5: str


@dataclass(frozen=True)
class LockedConda:
    """The packages of conda for a ``platform`` (``linux-64``), in the order of installation."""

    platform: str
    packages: tuple[LockedChannelPackage, ...]


@dataclass(frozen=True)
class LockedBuild:
    """Source archives that are built outside of their environment, whose packages do not build it.

    ``sources`` are the names of the archives; ``tools`` is everything that is installed for the
    build alone, with pip.
    """

    sources: tuple[str, ...]
    tools: tuple[LockedPythonPackage, ...]


@dataclass(frozen=True)
class LockedEnv:
    """A Python environment, sorted by name: ``packages`` is everything that it installs, with the
    build requirements of source archives, except ``tools``: pip, setuptools and wheel.

    ``engine`` is the resolver that chose them. An environment that conda manages has ``conda``,
    with the file of conda-lock, ``conda_lock``; one locked with ``--pylock`` has ``pylock``
    (PEP 751). ``build_needs`` are needs of the source archives that packages of the system meet:
    ``compilers`` and ``python-headers``. ``build_variables`` (``NAME=VALUE``) keep their setup
    scripts from a download. ``builds`` are those that the environment's own packages do not build.
    """

    name: str
    engine: str
    packages: tuple[LockedPythonPackage, ...]
    tools: tuple[LockedPythonPackage, ...]
    interpreter: LockedInterpreter = LockedInterpreter("system", ("python3", "-m", "venv"))
    settings: tuple[LockedSettings, ...] = ()
    conda_lock: str = ""
    conda: LockedConda | None = None
    pylock: str = ""
    build_needs: tuple[str, ...] = ()
    build_variables: tuple[str, ...] = ()
    builds: tuple[LockedBuild, ...] = ()

    @property
    def conda_packages(self) -> tuple[LockedChannelPackage, ...]:
        """Return the packages that conda installs, in the order of installation."""
        return self.conda.packages if self.conda is not None else ()

    def has_package(self, name: str) -> bool:
        """Return whether pip or conda installs a package, by its canonical name."""
        found = (package.name for package in self.packages)
        return name in found or any(package.name == name for package in self.conda_packages)

    @property
    def sources(self) -> tuple[LockedPythonPackage, ...]:
        """Return the source archives that the packages of the environment build."""
        separate = {name for build in self.builds for name in build.sources}
        return tuple(p for p in self.packages if p.from_source and p.name not in separate)

    def list_sources(self, build: LockedBuild) -> tuple[LockedPythonPackage, ...]:
        """Return the source archives of a separate build."""
        return tuple(package for package in self.packages if package.name in build.sources)


@dataclass(frozen=True)
class Unpinned:
    """An item that the lock could not pin, and why: a warning of ``lock`` and ``compile``.

    ``part`` is the layer (``image``, ``cuda``, ``cudnn``, ``interpreter``) of an item that needs a
    digest; empty where only a version is missing.
    """

    what: str
    reason: str
    part: str = ""


@dataclass(frozen=True)
class LockedToolkit:
    """The CUDA toolkit: ``home`` is its folder.

    ``nvcc`` is the command of the distribution's own packages, and ``compiler`` the host compiler
    for it; None leaves the choice to nvcc. NVIDIA's toolkit has neither.
    """

    home: str
    nvcc: str | None = None
    compiler: str | None = None


@dataclass(frozen=True)
class LockedMachine:
    """One machine's part: what was resolved, and the bytes that make it."""

    resolution: Resolution
    files: tuple[LockedFile, ...] = ()
    repositories: tuple[LockedRepository, ...] = ()
    packages: tuple[LockedPackage, ...] = ()
    envs: tuple[LockedEnv, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()
    image: LockedImage | None = None
    archives: tuple[LockedArchive, ...] = ()
    services: tuple[LockedService, ...] = ()
    toolkit: LockedToolkit | None = None
    notebook: LockedNotebook | None = None


@dataclass(frozen=True)
class Lock:
    """A whole ``rig.lock``. The digests are sha256 in hex, of the spec's meaning (not its
    comments or order) and of the matrix tables that were read.
    """

    rig: str
    spec_digest: str
    matrix_digest: str
    machines: tuple[LockedMachine, ...]
