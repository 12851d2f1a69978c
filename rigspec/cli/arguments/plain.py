"""Arguments in their usual forms, for commands that start faster without Typer.

Typer parses the arguments of most commands. It takes as long to load as a whole check, so `check`
and `compile` use it only for help, for completion, and for arguments that this does not accept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["PlainArguments", "split_arguments"]

# The variable by which a shell requests a completion.
_COMPLETION = "_RIGSPEC_COMPLETE"


class PlainArguments(NamedTuple):
    """Operands, the given flags, and all values of each option."""

    operands: tuple[str, ...]
    flags: Mapping[str, bool]
    values: Mapping[str, tuple[str, ...]]

    def get_last(self, name: str) -> str | None:
        """Return the value of an option that counts; None if it is not given."""
        values = self.values.get(name)
        return values[-1] if values else None


def split_arguments(
    words: list[str], flags: Mapping[str, tuple[str, bool]], options: Mapping[str, str]
) -> PlainArguments | None:
    """Return the arguments; None if Typer has to parse them.

    Args:
        words: the words after the command.
        flags: the name and the value of each flag.
        options: the name of each option that takes a value.
    """
    if _COMPLETION in os.environ:
        return None
    operands: list[str] = []
    given: dict[str, bool] = {}
    values: dict[str, tuple[str, ...]] = {}
    rest = iter(words)
    for word in rest:
        if word in flags:
            name, value = flags[word]
            given[name] = value
        elif word in options:
            text = next(rest, "")
            if text[:1] in ("", "-"):
                return None
            values[options[word]] = (*values.get(options[word], ()), text)
        elif word == "-" or word[:1] not in ("", "-"):
            operands.append(word)
        else:
            return None
    return PlainArguments(tuple(operands), given, values)
