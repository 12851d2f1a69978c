"""A command group that imports the module of a command only when the command is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import typer
from typer.main import get_command, get_group

from rigspec.cli.common.extras import report_missing_extra
from rigspec.cli.common.help import HelpfulCommand, HelpfulGroup, build_context_settings
from rigspec.cli.common.usage_errors import report_usage_errors
from rigspec.cli.console import fail_unknown

__all__ = ["LazyCommand", "create_group"]


class LazyCommand(NamedTuple):
    """The module of a command, and its function or the Typer application of its group."""

    module: str
    attribute: str
    summary: str

    def load(self, name: str) -> Any:
        """Import the module and return the command under this name."""
        target = getattr(importlib.import_module(self.module), self.attribute)
        if isinstance(target, typer.Typer):
            return get_group(target)
        app = _create_app()
        app.command(name, cls=HelpfulCommand, short_help=self.summary)(target)
        return get_command(app)


def create_group(
    commands: Mapping[str, LazyCommand], summary: str, *, completion: bool = False
) -> typer.Typer:
    """Return an application with the commands of the table, in its order.

    Args:
        commands: the table.
        summary: the help text of the group.
        completion: add the options that install shell completion.
    """

    class LazyGroup(HelpfulGroup):
        """A group that builds a command when it is requested."""

        def list_commands(self, ctx: Any) -> list[str]:
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name not in self.commands and cmd_name in commands:
                self.commands[cmd_name] = commands[cmd_name].load(cmd_name)
            return self.commands.get(cmd_name)

        def make_context(self, *args: Any, **settings: Any) -> Any:
            with report_usage_errors():
                return super().make_context(*args, **settings)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            if args[0] == "help" and "help" not in commands:
                args = [*args[1:], "--help"]
                if len(args) == 1:
                    typer.echo(ctx.get_help())
                    raise typer.Exit
            if args[0] not in commands and not args[0].startswith("-"):
                fail_unknown(
                    f"unknown command `{args[0]}`",
                    args[0],
                    commands,
                    otherwise=f"run `{ctx.command_path} --help` for a list",
                )
            return super().resolve_command(ctx, args)

        def invoke(self, ctx: Any) -> Any:
            with report_missing_extra(), report_usage_errors():
                return super().invoke(ctx)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(name, row.summary) for name, row in commands.items()])

    return _create_app(cls=LazyGroup, help=summary, no_args_is_help=True, add_completion=completion)


def _create_app(*, add_completion: bool = False, **settings: Any) -> typer.Typer:
    return typer.Typer(
        add_completion=add_completion,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings=build_context_settings(),
        **settings,
    )
