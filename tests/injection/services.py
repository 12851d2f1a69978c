"""The files of services, read by systemd, sshd, ssh-keygen and the readers of tmux layouts.

systemd, which starts no unit in this mode, prints the words and variables that it would start each
program with.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rigspec.spec.models.rig import Rig
from tests.injection.executors import read_yaml
from tests.injection.machine import environment

__all__ = ["read_keys", "read_layouts", "read_server_settings", "read_start_script", "read_units"]

_SYSTEMD = "/lib/systemd/systemd"
_NO_USER = 65534
# The units that every unit depends on.
_DEFAULT_UNITS = ("basic", "default", "multi-user", "network-online", "shutdown", "sysinit")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|([^ ]+)')
# sshd reads nothing without this folder, which its unit creates.
_SSHD = """
mount -t tmpfs none /run; mkdir -m 755 /run/sshd; exec /usr/sbin/sshd -T -f "$0" -h "$1"
"""
# Functions for those of the script that a container needs, and one that prints.
_PRINTED = """
require_user() { :; }
cd() { builtin cd /; }
exec() { printf '%s\\0' "$#" "$@"; env -0; printf '=\\0'; exit; }
"""


def read_units(rig: Rig, files: Path) -> int:
    """Assert that systemd reads the command and the variables of each program; return how many."""
    programs = rig.service.program if rig.service else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for unit in _DEFAULT_UNITS:
            (folder / f"{unit}.target").write_text("[Unit]\n", encoding="utf-8")
        units = [f"{program}.service" for program in programs]
        for program, unit in zip(programs, units, strict=True):
            shutil.copy(files / f"program-{program}", folder / unit)
        wanted = f"[Unit]\nRequires={' '.join(units)}\n"
        (folder / "all.target").write_text(wanted, encoding="utf-8")
        found = _split_dump(_dump_units(folder))
    for name, program in programs.items():
        words, variables = found[f"{name}.service"]
        assert words[1:] == list(program.command[1:]), name
        assert {key: variables.get(key) for key in program.variables} == program.variables, name
    return len(programs)


def _dump_units(folder: Path) -> str:
    """Return what the manager of a user prints of the units; root's refuses to print it."""
    runtime = folder / "runtime"
    runtime.mkdir()
    for path in (folder, runtime):
        path.chmod(0o755)
        os.chown(path, _NO_USER, _NO_USER)
    done = subprocess.run(
        [
            *("setpriv", f"--reuid={_NO_USER}", "--clear-groups", _SYSTEMD, "--test", "--user"),
            *("--unit=all.target", "--no-pager", "--log-target=console", "--log-level=warning"),
        ],
        env={
            "PATH": os.environ["PATH"],
            "XDG_RUNTIME_DIR": str(runtime),
            "SYSTEMD_UNIT_PATH": str(folder),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    text = done.stdout.decode("utf-8")
    # A line that it does not understand, it ignores with a warning.
    ignored = re.findall(rf"{re.escape(str(folder))}.*|^.*\.service:.*$", done.stderr.decode())
    assert not [line for line in ignored if "Unit file" not in line], ignored[:5]
    return text


def _split_dump(text: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return the words of the command and the variables of each service."""
    found = {}
    for part in re.split(r"(?m)^\t?-> Unit ", text)[1:]:
        name, _, body = part.partition(":\n")
        if name.endswith(".service"):
            (line,) = re.findall(r"(?m)^\t*Command Line: (.*)$", body)
            pairs = (each.split("=", 1) for each in re.findall(r"(?m)^\t*Environment: (.*)$", body))
            found[name] = (list(_split_words(line)), {pair[0]: pair[1] for pair in pairs})
    return found


def _split_words(line: str) -> Iterator[str]:
    """Yield the words; a program is started with `$` for `$$`, and a variable for a single `$`."""
    for quoted in _QUOTED.finditer(line):
        word = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted[2] is None else quoted[2]
        assert "$" not in word.replace("$$", ""), f"systemd replaces a variable in {word!r}"
        yield word.replace("$$", "$")


def read_start_script(rig: Rig, file: Path) -> int:
    """Assert that the start script of an image starts each program as the rig says."""
    programs = rig.service.program if rig.service else {}
    script = file.read_text(encoding="utf-8").removesuffix('main "$@"\n')
    calls = [f"(program_{name} start)\n" for name in programs]
    done = subprocess.run(
        ["bash", "-c", f"{script}{_PRINTED}{''.join(calls)}"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    printed = iter(done.stdout.decode("utf-8").split("\0"))
    for program in programs.values():
        words = [next(printed) for _ in range(int(next(printed)))]
        found = environment("\0".join(iter(lambda: next(printed), "=")))
        assert words[1:] == list(program.command[1:])
        assert {key: found.get(key) for key in program.variables} == program.variables
    return len(programs)


def read_layouts(rig: Rig, files: Path) -> int:
    """Assert that tmuxp's readers of YAML read each session as the rig says."""
    sessions = rig.service.tmux if rig.service else {}
    for name, session in sessions.items():
        layout = read_yaml(files / f"session-{name}")
        assert isinstance(layout, dict)
        assert layout["session_name"] == name
        assert [each["window_name"] for each in layout["windows"]] == [
            window.name for window in session.windows
        ]
        for window, each in zip(session.windows, layout["windows"], strict=True):
            commands = [pane["shell_command"] for pane in each["panes"]]
            assert commands == [[text] if text.strip() else [] for text in window.panes]
    return len(sessions)


def read_server_settings(files: Path) -> list[str]:
    """Return the settings of sshd as sshd reads them from the file of the rig alone."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", _SSHD, files / "service-ssh-settings", key],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("hostkey ")]


def read_keys(rig: Rig, folder: Path) -> int:
    """Assert that OpenSSH reads one key in each line of the users' keys."""
    keys = [key for user in rig.user.values() for key in user.ssh_keys]
    if not keys:
        return 0
    file = folder / "authorized_keys"
    file.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
    done = subprocess.run(["ssh-keygen", "-l", "-f", file], capture_output=True, check=True)
    assert len(done.stdout.splitlines()) == len(keys)
    return len(keys)
