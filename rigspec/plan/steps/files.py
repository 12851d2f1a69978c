"""Steps that write what programs and sessions go by: files, secrets, certificates, variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step

__all__ = ["Certificate", "EnvironmentVariables", "File", "Secret", "Variable", "Variables"]

_MARKS = re.compile(r"(\{secret\}|\{account\}|\{password\})")


@dataclass(frozen=True, kw_only=True)
class File(Step):
    """A text file with its owner (``user:group``) and mode. Where it lets in ``keys_only``, it is
    not written before somebody who may log in has a key.
    """

    kind: ClassVar[str] = "file"
    path: str
    content: str
    owner: str = "root:root"
    mode: str = "0644"
    keys_only: bool = False


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
