"""Errors in the words of a command, in the style of all other errors."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from rigspec.cli.console import fail

__all__ = ["report_usage_errors"]

# Typer exports only one class of usage errors; the others are in the module that defines it, which
# is Click's in older releases of Typer.
_errors: Any = importlib.import_module(typer.BadParameter.__module__)
_QUOTED = re.compile(r"'([^'\n]*)'")


@contextmanager
def report_usage_errors() -> Iterator[None]:
    """Print a usage error as one line with its remedy, and exit with status 2."""
    try:
        yield
    except _errors.NoArgsIsHelpError:
        raise
    except _errors.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "rigspec"
        fail(
            _message(error),
            status=2,
            help_text=_remedy(error) or f"run `{command} --help` for its arguments",
        )


def _message(error: Any) -> str:
    if isinstance(error, _errors.NoSuchOption):
        return f"unknown option `{error.option_name}`"
    text = error.format_message().replace("Value error, ", "").rstrip(".")
    text = _QUOTED.sub(r"`\1`", text[:1].lower() + text[1:])
    return re.sub(r"^(missing (?:option|argument)|no such command):? ", r"\1 ", text)


def _remedy(error: Any) -> str | None:
    """Return the option that was meant, or the values of a missing target."""
    if isinstance(error, _errors.NoSuchOption) and error.possibilities:
        return f"did you mean {' or '.join(f'`{name}`' for name in sorted(error.possibilities))}?"
    if isinstance(error, _errors.MissingParameter) and _name(error.param) == "target":
        from rigspec.backend.discovery import find_backends

        return f"name one of {', '.join(backend.name for backend in find_backends())}, or all"
    return None


def _name(parameter: Any) -> str | None:
    return parameter.name if parameter is not None else None
