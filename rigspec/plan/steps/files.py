"""Steps that write files, secrets, certificates and environment variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step

__all__ = [
    "CertificateStep",
    "EnvironmentVariablesStep",
    "FileStep",
    "SecretStep",
    "Variable",
    "VariablesStep",
]

_PLACEHOLDERS = re.compile(r"(\{secret\}|\{account\}|\{password\})")


@dataclass(frozen=True, kw_only=True)
class FileStep(Step):
    """A text file with its owner (``user:group``) and mode.

    With ``requires_ssh_key``, it is written only if at least one account can log in with a key.
    """

    kind: ClassVar[str] = "file"
    path: str
    content: str
    owner: str = "root:root"
    mode: str = "0644"
    requires_ssh_key: bool = False


@dataclass(frozen=True, kw_only=True)
class SecretStep(Step):
    """A file with a secret, which is not part of any artifact.

    ``name`` is the name of the secret; how it is provided depends on the target. Only the ``owner``
    can read the file. ``text`` is the content with ``{secret}`` as a placeholder; empty means the
    secret alone. With the placeholders ``{account}`` and ``{password}``, the secret has the form
    ``account:password``.
    """

    kind: ClassVar[str] = "secret"
    name: str
    path: str
    owner: str = "root"
    text: str = ""

    @property
    def lines(self) -> tuple[tuple[str, ...], ...]:
        """Return the lines of the file, each split into literal text and placeholders."""
        lines = (self.text or "{secret}").splitlines()
        return tuple(tuple(filter(None, _PLACEHOLDERS.split(line))) for line in lines)

    @staticmethod
    def is_placeholder(piece: str) -> bool:
        """Return whether a piece is a placeholder."""
        return _PLACEHOLDERS.fullmatch(piece) is not None

    @property
    def has_account(self) -> bool:
        """Return whether the secret has the form ``account:password``."""
        return "{account}" in self.text


@dataclass(frozen=True, kw_only=True)
class CertificateStep(Step):
    """A self-signed certificate and its key, created once on the machine.

    ``algorithm`` is ``rsa:BITS`` or ``ecdsa:CURVE``; ``days`` is the validity. Only the ``owner``
    can read the key.
    """

    kind: ClassVar[str] = "certificate"
    certificate: str
    key: str
    algorithm: str
    days: int
    owner: str


@dataclass(frozen=True)
class Variable:
    """An environment variable; with ``prepend``, ``values`` are added before the existing value."""

    name: str
    values: tuple[str, ...]
    prepend: bool


@dataclass(frozen=True, kw_only=True)
class VariablesStep(Step):
    """The environment variables of login sessions, written to the file ``path``."""

    kind: ClassVar[str] = "variables"
    scope: ClassVar[Scope] = Scope.SESSION
    path: str
    variables: tuple[Variable, ...]


@dataclass(frozen=True, kw_only=True)
class EnvironmentVariablesStep(Step):
    """The variables that are set by activating the environment ``name`` at ``path``.

    If conda manages the environment (``by_conda``), it sources the scripts from a directory.
    Otherwise they are sourced by the ``activate`` script of the environment.
    """

    kind: ClassVar[str] = "environment-variables"
    name: str
    path: str
    by_conda: bool
    variables: tuple[Variable, ...]

    @property
    def scripts(self) -> tuple[tuple[str, str], ...]:
        """Return the payload name and the path of the scripts for activation and deactivation."""
        if self.by_conda:
            paths = ("etc/conda/activate.d/rig.sh", "etc/conda/deactivate.d/rig.sh")
        else:
            paths = ("etc/rig/activate.sh", "etc/rig/deactivate.sh")
        names = (self.id, f"{self.id}.end")
        pairs = zip(names, paths, strict=True)
        return tuple((name, f"{self.path}/{path}") for name, path in pairs)
