"""Sessions of a terminal: a layout each, and the command that loads one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from string import Template

from rigspec.lock.model import LockedMachine, LockedService
from rigspec.plan.paths import env_path, installer_path, session_path
from rigspec.plan.steps import File, Step
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import Tmux, TmuxWindow

__all__ = ["LOADER", "session_steps"]

# The command that loads a session.
LOADER = "rig-tmux"
_PART = "tmux"


def session_steps(rig: Rig, locked: LockedMachine, service: LockedService) -> Iterator[Step]:
    """A layout for each session, where every user's command finds it."""
    for name, session in sorted(rig.service.tmux.items()):
        yield File(
            id=f"session-{name.replace('_', '-')}",
            title=f"Windows and panes of the session {name}",
            part=_PART,
            path=session_path(name),
            content="\n".join(_layout(name, session, locked)) + "\n",
        )
    bringer = f"{env_path(service.options)}/bin" if service.options else "/usr/bin"
    yield File(
        id="session-loader",
        title=f"The command {LOADER}, which loads a session",
        part=_PART,
        path=f"/usr/local/bin/{LOADER}",
        content=Template(_text(LOADER)).substitute(
            program=f"{bringer}/tmuxp", sessions=session_path("*").partition("/*")[0]
        ),
        mode="0755",
    )


def _layout(name: str, session: Tmux, locked: LockedMachine) -> Iterator[str]:
    """What tmuxp reads. A string of JSON is one of YAML."""
    yield "# Written by rigspec."
    yield f"session_name: {json.dumps(name)}"
    if session.folder is not None:
        yield f"start_directory: {json.dumps(session.folder)}"
    yield "windows:"
    for window in session.windows:
        yield f"  - window_name: {_quoted(window.name)}"
        if window.folder is not None:
            yield f"    start_directory: {json.dumps(window.folder)}"
        if window.layout is not None:
            yield f"    layout: {json.dumps(window.layout)}"
        yield from _main_pane(window)
        env = window.env or session.env
        if env is not None:
            yield f"    shell_command_before: [{json.dumps(_activation(env, locked))}]"
        yield "    panes:"
        for command in window.panes or ("",):
            yield f"      - shell_command: [{_quoted(command) if command.strip() else ''}]"


def _main_pane(window: TmuxWindow) -> Iterator[str]:
    if window.main_pane is not None:
        side = "width" if window.layout == "main-vertical" else "height"
        yield "    options:"
        yield f"      main-pane-{side}: {window.main_pane}"


def _activation(env: str, locked: LockedMachine) -> str:
    """What begins an environment in a shell: conda's own are begun by the conda that made them."""
    made = next(each for each in locked.envs if each.name == env)
    resolution = next(each for each in locked.resolution.envs if each.name == env)
    if made.explicit and resolution.installer is not None:
        return f". {installer_path(resolution.installer)}/bin/activate {env_path(env)}"
    return f". {env_path(env)}/bin/activate"


def _quoted(text: str) -> str:
    # Beyond the first 65536 characters JSON escapes in two halves, which YAML does not know.
    return json.dumps(text, ensure_ascii=False)


def _text(name: str) -> str:
    return (resources.files("rigspec.plan") / "payload" / name).read_text(encoding="utf-8")
