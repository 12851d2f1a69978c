"""``[service.tmux]``: sessions of a terminal, loaded by one command."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from rigspec.spec.fields import Many, Name, StringPattern, Table

__all__ = ["Tmux", "TmuxWindow"]

Layout = Literal[
    "even-horizontal", "even-vertical", "main-horizontal", "main-vertical", "tiled"
]  # tmux(1), select-layout
# tmux reads `:` and `.` in a window's name as the end of it and `#` as a format, tmuxp `$` and a
# first `~` as a shell does.
WindowName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60),
    StringPattern(
        r"(?![~\s-])[^#$:.\x60\x22\\]*[^#$:.\x60\x22\\\s]",
        "write a name without `#`, `$`, `:`, `.`, quotes and backslashes",
    ),
]
Folder = Annotated[
    str,
    StringConstraints(max_length=500),
    StringPattern(
        r"(?:~|/)(?:(?:(?<!~)|/)[A-Za-z0-9._+@ -]+)*/?",
        "write an absolute path, or one below `~`, of letters, digits and `._+@-`",
    ),
]
Command = Annotated[str, StringConstraints(max_length=500)]


class TmuxWindow(Table):
    """A window of a tmux session."""

    name: WindowName = Field(description="Its name.")
    layout: Layout | None = Field(default=None, description="How its panes are laid out.")
    main_pane: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Columns, or lines, of the main pane of a `main-` layout."
    )
    env: Name | None = Field(
        default=None, description="The environment its panes begin in, where not the session's."
    )
    folder: Folder | None = Field(
        default=None, description="The folder its panes begin in, where not the session's."
    )
    panes: Many[Command] = Field(
        default=(), description="The command of each pane; empty for a shell."
    )

    @model_validator(mode="after")
    def _main_pane_has_a_layout(self) -> "TmuxWindow":
        if self.main_pane is not None and not (self.layout or "").startswith("main-"):
            raise ValueError("`main_pane` goes with `main-horizontal` or `main-vertical`")
        return self


class Tmux(Table):
    """A tmux session that one command loads."""

    env: Name | None = Field(default=None, description="The environment its panes begin in.")
    folder: Folder | None = Field(default=None, description="The folder its panes begin in.")
    windows: Many[TmuxWindow] = Field(description="Its windows.")

    @model_validator(mode="after")
    def _has_windows(self) -> "Tmux":
        if not self.windows:
            raise ValueError("a session has at least one window")
        return self
