"""Steps for tmux sessions: a layout per session, and the command that loads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from string import Template

from rigspec.lock.model import LockedMachine, LockedService
from rigspec.plan.paths import env_path, installer_path, session_path
from rigspec.plan.services.base import Service, ServiceContext
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import FileStep, Step
from rigspec.spec.models.services import Tmux, TmuxWindow

__all__ = ["LOADER", "TmuxService", "build_session_steps"]

# The command that loads a session.
LOADER = "rig-tmux"
_LAYER = "tmux"


class TmuxService(Service):
    """tmux sessions."""

    name = "tmux"
    summary = "sessions with windows and panes, loaded by `rig-tmux`"
    programs = "tmux, tmuxp"

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the layouts and the command that loads them."""
        service = context.find_locked(self.name)
        if service is not None:
            yield from build_session_steps(context.rig, context.locked, service)


def build_session_steps(
    rig: RigSettings, locked: LockedMachine, service: LockedService
) -> Iterator[Step]:
    """Yield the layout of each session, and the command that loads one."""
    for name, session in sorted(rig.service.tmux.items()):
        yield FileStep(
            id=f"session-{name.replace('_', '-')}",
            title=f"tmux layout: {name}",
            layer=_LAYER,
            path=session_path(name),
            content="\n".join(_layout_lines(name, session, locked)) + "\n",
        )
    bin_dir = f"{env_path(service.options)}/bin" if service.options else "/usr/bin"
    yield FileStep(
        id="session-loader",
        title=f"Command {LOADER}",
        layer=_LAYER,
        path=f"/usr/local/bin/{LOADER}",
        content=Template(TmuxService.read_file(LOADER)).substitute(
            program=f"{bin_dir}/tmuxp", sessions=session_path("*").partition("/*")[0]
        ),
        mode="0755",
    )


def _layout_lines(name: str, session: Tmux, locked: LockedMachine) -> Iterator[str]:
    """Yield the lines of a tmuxp configuration. JSON strings are valid YAML."""
    yield "# Written by rigspec."
    yield f"session_name: {json.dumps(name)}"
    if session.folder is not None:
        yield f"start_directory: {json.dumps(session.folder)}"
    yield "windows:"
    for window in session.windows:
        yield f"  - window_name: {_quote(window.name)}"
        if window.folder is not None:
            yield f"    start_directory: {json.dumps(window.folder)}"
        if window.layout is not None:
            yield f"    layout: {json.dumps(window.layout)}"
        yield from _main_pane_lines(window)
        env = window.env or session.env
        if env is not None:
            yield f"    shell_command_before: [{json.dumps(_activate_command(env, locked))}]"
        yield "    panes:"
        for command in window.panes or ("",):
            yield f"      - shell_command: [{_quote(command) if command.strip() else ''}]"


def _main_pane_lines(window: TmuxWindow) -> Iterator[str]:
    if window.main_pane is not None:
        side = "width" if window.layout == "main-vertical" else "height"
        yield "    options:"
        yield f"      main-pane-{side}: {window.main_pane}"


def _activate_command(env: str, locked: LockedMachine) -> str:
    """Return the command that activates an environment; conda environments need their conda."""
    locked_env = next(each for each in locked.envs if each.name == env)
    resolution = next(each for each in locked.resolution.envs if each.name == env)
    if locked_env.conda is not None and resolution.installer is not None:
        return f". {installer_path(resolution.installer)}/bin/activate {env_path(env)}"
    return f". {env_path(env)}/bin/activate"


def _quote(text: str) -> str:
    # JSON escapes characters above U+FFFF as surrogate pairs, which YAML does not support.
    return json.dumps(text, ensure_ascii=False)
