"""The steps of a plan: what is to be done, never how it is written in some language.

A step knows no product by name. What a template needs to tell two cases apart is a field here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rigspec.lock.model import LockedFile

__all__ = [
    "Access",
    "AptPackage",
    "AptPackages",
    "AptRepository",
    "AptSource",
    "Archive",
    "Certificate",
    "Check",
    "Download",
    "Environment",
    "EnvironmentVariables",
    "File",
    "Group",
    "HostPackages",
    "Installer",
    "KernelArguments",
    "Platform",
    "Quota",
    "Reboot",
    "Scope",
    "Secret",
    "Service",
    "Step",
    "User",
    "Variable",
    "Variables",
    "Verify",
]

_MARKS = re.compile(r"(\{secret\}|\{account\}|\{password\})")


class Scope(str, Enum):
    """What a step changes: the running host and its kernel, a file tree, or a log-in session."""

    HOST = "host"
    IMAGE = "image"
    SESSION = "session"


@dataclass(frozen=True, kw_only=True)
class Step:
    """``id`` is unique in its plan, made of ``[a-z0-9-]``; ``needs`` are ids of earlier steps.

    ``part`` is the layer of the rig it belongs to (``driver``, ``cuda``, ``env``…): a backend's
    manifest takes or leaves steps by kind or by part.
    """

    kind: ClassVar[str]
    scope: ClassVar[Scope] = Scope.IMAGE
    id: str
    title: str
    part: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Platform(Step):
    """Refuse to go on unless the machine is this one: os-release's ID and VERSION_ID, uname's
    machine.
    """

    kind: ClassVar[str] = "platform"
    distribution: str
    release: str
    arch: str


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


@dataclass(frozen=True, kw_only=True)
class File(Step):
    """A text file with its owner (``user:group``) and mode."""

    kind: ClassVar[str] = "file"
    path: str
    content: str
    owner: str = "root:root"
    mode: str = "0644"


@dataclass(frozen=True, kw_only=True)
class Secret(Step):
    """A file with a secret that no artifact holds: ``name`` is what it is called, and each target
    has its own way to bring it. Nobody but the ``owner`` reads the file. ``text`` is what stands
    in it, with ``{secret}`` where the secret does; without it the secret alone. A secret that is
    ``account:password`` is split where the text has ``{account}`` and ``{password}``.
    """

    kind: ClassVar[str] = "secret"
    name: str
    path: str
    owner: str = "root"
    text: str = ""

    @property
    def lines(self) -> tuple[tuple[str, ...], ...]:
        """The lines of the file, each in pieces: a piece is text, or one of those marks."""
        lines = (self.text or "{secret}").splitlines()
        return tuple(tuple(filter(None, _MARKS.split(line))) for line in lines)

    @staticmethod
    def is_mark(piece: str) -> bool:
        """Whether a piece stands for the secret, or a part of it."""
        return _MARKS.fullmatch(piece) is not None

    @property
    def split(self) -> bool:
        """Whether the secret is an account and its password."""
        return "{account}" in self.text


@dataclass(frozen=True, kw_only=True)
class Certificate(Step):
    """A self-signed certificate and its key, made on the machine and never twice.

    ``algorithm`` is ``rsa:BITS`` or ``ecdsa:CURVE``; ``days`` is how long it is valid. The key is
    readable by the ``owner`` only.
    """

    kind: ClassVar[str] = "certificate"
    certificate: str
    key: str
    algorithm: str
    days: int
    owner: str


@dataclass(frozen=True)
class Variable:
    """``prepend`` puts ``values`` before what is there, once; otherwise they replace it."""

    name: str
    values: tuple[str, ...]
    prepend: bool


@dataclass(frozen=True, kw_only=True)
class Variables(Step):
    """Environment variables of every log-in session, kept in the file ``path``."""

    kind: ClassVar[str] = "variables"
    scope: ClassVar[Scope] = Scope.SESSION
    path: str
    variables: tuple[Variable, ...]


@dataclass(frozen=True, kw_only=True)
class EnvironmentVariables(Step):
    """Variables of those who have activated the environment ``name`` at ``path``.

    conda runs the scripts of a folder of the environment; where it does not manage it
    (``by_conda``), the environment's own ``activate`` is told of them.
    """

    kind: ClassVar[str] = "environment-variables"
    name: str
    path: str
    by_conda: bool
    variables: tuple[Variable, ...]

    @property
    def scripts(self) -> tuple[tuple[str, str], ...]:
        """Which payload file is which of the environment's: for activation, and for the end."""
        if self.by_conda:
            places = ("etc/conda/activate.d/rig.sh", "etc/conda/deactivate.d/rig.sh")
        else:
            places = ("etc/rig/activate.sh", "etc/rig/deactivate.sh")
        names = (self.id, f"{self.id}.end")
        pairs = zip(names, places, strict=True)
        return tuple((name, f"{self.path}/{place}") for name, place in pairs)


@dataclass(frozen=True, kw_only=True)
class Group(Step):
    """A group of accounts. ``members`` are all there shall be; None leaves that to others."""

    kind: ClassVar[str] = "group"
    name: str
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Access(Step):
    """Who may enter a folder of the rig: its ``owner`` (``user:group``) and ``mode``."""

    kind: ClassVar[str] = "access"
    path: str
    owner: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class User(Step):
    """A log-in account; no password, only keys.

    ``files`` are paths below the home. An account that was there before new ones got them gets
    each from ``/etc/skel``, unless it has one.
    """

    kind: ClassVar[str] = "user"
    name: str
    groups: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quota(Step):
    """How much of the disk with its home an account may fill: ``kib`` blocks of 1024 bytes, which
    the spec writes as ``limit``. Where nothing enforces it, that is said.
    """

    kind: ClassVar[str] = "quota"
    scope: ClassVar[Scope] = Scope.HOST
    user: str
    limit: str
    kib: int


@dataclass(frozen=True, kw_only=True)
class Service(Step):
    """A systemd unit that is enabled, and started where systemd runs.

    ``name`` is the unit's whole name (``jupyter-alice.service``), ``unit`` its text: empty where a
    package brings the unit. It starts anew when a step of ``configured_by`` writes something else.

    ``port`` and ``address`` are where it answers. ``command`` is what it runs in the foreground
    where there is no systemd, for the ``user``, on every interface: empty for a service that is
    the host's alone. ``variables`` are what it has beside those of a session; with them ``health``
    succeeds as long as it answers. ``programs`` name the payload files of both.
    """

    kind: ClassVar[str] = "service"
    scope: ClassVar[Scope] = Scope.HOST
    name: str
    unit: str = ""
    configured_by: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str | None = None
    port: int | None = None
    variables: tuple[Variable, ...] = ()
    health: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    address: str = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class KernelArguments(Step):
    """Arguments for the kernel's command line, in force after a reboot."""

    kind: ClassVar[str] = "kernel-arguments"
    scope: ClassVar[Scope] = Scope.HOST
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reboot(Step):
    """A reboot is needed before the steps after it can be true."""

    kind: ClassVar[str] = "reboot"
    scope: ClassVar[Scope] = Scope.HOST
    reason: str


@dataclass(frozen=True)
class Check:
    """A command whose output must be ``expect``, to the letter, without the last newline.

    ``part`` is the layer it looks at: a target that leaves the layer out leaves the check out.
    ``booted`` is for what is true only after the reboot that the plan asks for.
    """

    title: str
    command: tuple[str, ...]
    expect: str
    part: str = "system"
    booted: bool = False


@dataclass(frozen=True, kw_only=True)
class Verify(Step):
    """What is installed, held against the lock. Always the last step."""

    kind: ClassVar[str] = "verify"
    checks: tuple[Check, ...]
