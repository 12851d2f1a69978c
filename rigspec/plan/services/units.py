"""Parts of the units of services: environment variables and commands, quoted for systemd."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rigspec.plan.paths import env_path
from rigspec.plan.steps import Variable

__all__ = ["format_assignment", "format_command", "list_assignments", "list_variables"]

_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_DEFAULT_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def list_assignments(
    env: str, variables: Sequence[Variable], gpus: Sequence[int] | None
) -> Iterator[str]:
    """Yield the variables of a program as assignments for a unit."""
    for name, value in list_variables(env, variables, gpus):
        yield format_assignment(name, value)


def list_variables(
    env: str, variables: Sequence[Variable], gpus: Sequence[int] | None
) -> Iterator[tuple[str, str]]:
    """Yield the variables of the session and of an environment, whose programs come first in PATH.

    ``gpus`` are those that a program sees, None for all.
    """
    path = [f"{env_path(env)}/bin"]
    for variable in variables:
        if variable.name == "PATH":
            path += variable.values
        else:
            yield variable.name, ":".join(variable.values)
    yield "PATH", ":".join((*path, *_DEFAULT_PATH))
    if gpus is not None:
        # Number GPUs as nvidia-smi does, not by speed.
        yield "CUDA_DEVICE_ORDER", "PCI_BUS_ID"
        yield "CUDA_VISIBLE_DEVICES", ",".join(map(str, gpus))


def format_assignment(name: str, value: str) -> str:
    """Return an assignment for a unit, with quotes and `%` escaped; see systemd.exec(5)."""
    return f'Environment="{name}={_escape(value)}"'


def format_command(words: Sequence[str]) -> str:
    """Return a command for a unit, with words quoted if needed; see systemd.service(5)."""
    return " ".join(map(_quote_word, words))


def _quote_word(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    return f'"{_escape(word).replace("$", "$$")}"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
