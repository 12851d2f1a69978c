"""The arguments that Typer gives to a command, which does not run."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NoReturn

import pytest

from rigspec.cli.app import app

__all__ = ["read_typer_arguments"]


class _Parsed(BaseException):
    """The arguments of the command."""


def read_typer_arguments(
    patch: pytest.MonkeyPatch, command: ModuleType, function: str, words: list[str]
) -> Any:
    """Return what the function of the command gets; None if Typer refuses the words or helps."""

    def capture(arguments: Any) -> NoReturn:
        raise _Parsed(arguments)

    patch.setattr(command, function, capture)
    try:
        app(words, prog_name="rigspec")
    except _Parsed as end:
        return end.args[0]
    except SystemExit:
        return None
    raise AssertionError
