"""Errors in the words of a command, in the style of all other errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from rigspec.cli.console import fail

__all__ = ["report_usage_errors"]

# Typer exports the class of a bad parameter only; that of all usage errors is its base.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_QUOTED = re.compile(r"'([^'\n]*)'")
_HELP_ON_ITS_OWN = "NoArgsIsHelpError"


@contextmanager
def report_usage_errors() -> Iterator[None]:
    """Print a usage error as one line with its remedy, and exit with status 2."""
    try:
        yield
    except UsageError as error:
        if type(error).__name__ == _HELP_ON_ITS_OWN:
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "rigspec"
        similar = getattr(error, "possibilities", None) or ()
        names = " or ".join(f"`{name}`" for name in sorted(similar))
        otherwise = _remedy(error) or f"run `{command} --help` for its arguments"
        fail(
            _message(error),
            status=2,
            help_text=f"did you mean {names}?" if names else otherwise,
        )


def _message(error: Exception) -> str:
    option = getattr(error, "option_name", None)
    if option is not None and type(error).__name__ == "NoSuchOption":
        return f"unknown option `{option}`"
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    text = text.replace("Value error, ", "").rstrip(".")
    text = _QUOTED.sub(r"`\1`", text[:1].lower() + text[1:])
    return re.sub(r"^(missing (?:option|argument)|no such command):? ", r"\1 ", text)


def _remedy(error: Exception) -> str | None:
    """Return the values of a missing option, if its completion knows them."""
    parameter = getattr(error, "param", None)
    if type(error).__name__ != "MissingParameter" or getattr(parameter, "name", "") != "target":
        return None
    from rigspec.backend.discovery import find_backends

    return f"name one of {', '.join(backend.name for backend in find_backends())}, or all"
