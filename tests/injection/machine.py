"""A Debian 12 that has what a rig without a network needs, and eyes for what fires in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from rigspec.spec.models.rig import Rig
from tests.execution.roots import SystemRoot
from tests.injection.artifacts import DATA
from tests.injection.texts import CANARY

__all__ = ["Machine", "variables"]

# What grub-mkconfig does with its settings before it asks for disks, which a folder has none of.
_UPDATE_GRUB = """#!/bin/sh -e
for file in /etc/default/grub.d/*.cfg; do . "$file"; done
printf '%s' "$GRUB_CMDLINE_LINUX" >/root/command-line
"""


class Machine:
    """A system of its own. Whatever runs in it has no network."""

    def __init__(self, folder: Path) -> None:
        self.root = SystemRoot(folder, network=False)
        self._put("srv/data&touch;(x)!*", DATA)
        # A folder has no init to talk to.
        self._put("usr/bin/systemctl", b"#!/bin/sh\n", 0o755)
        self._put("usr/sbin/update-grub", _UPDATE_GRUB.encode(), 0o755)

    def install(self, files: Path) -> None:
        """Run an installer from a folder of the host."""
        target = self.root.path / "root" / "rig"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(files, target)
        self.root.run("/root/rig/install.sh")

    def entrance(self, folder: Path) -> Path:
        """A program that takes the words of ssh and runs the command in this machine."""
        inside = "PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8"
        unshared = f"unshare --net --mount --pid --fork --mount-proc={self.root.path}/proc"
        program = folder / "entrance"
        program.write_text(
            "#!/bin/sh\nfor last; do :; done\n"
            f'exec {unshared} chroot {self.root.path} env -i {inside} sh -c "$last"\n',
            encoding="utf-8",
        )
        program.chmod(0o755)
        return program

    def holds(self, rig: Rig) -> None:
        """What the rig says has arrived as it says it."""
        profile = f"/etc/profile.d/rig-{rig.name}.sh"
        for shell in ("bash", "dash"):
            script = f". {profile}; . {profile}; exec env -0"
            found = environment(self.root.run(shell, "-euc", script).stdout)
            _same(found, variables(rig))
        for env in rig.env.values():
            for framework, values in env.config.items():
                file = self.root.path / f"etc/skel/.{framework}/{framework}.json"
                found_values = json.loads(file.read_text(encoding="utf-8"))
                assert found_values == json.loads(json.dumps(values))
        for name, user in rig.user.items():
            keys = self.root.path / "home" / name / ".ssh" / "authorized_keys"
            assert keys.read_text(encoding="utf-8").splitlines() == list(user.ssh_keys)
        for machine in rig.machine.values():
            line = (self.root.path / "root/command-line").read_text(encoding="utf-8")
            assert line.split() == list(machine.kernel_args)
        for download in rig.download.values():
            assert (self.root.path / download.to.lstrip("/")).read_bytes() == DATA

    def is_quiet(self) -> None:
        """Nothing has fired."""
        assert os.listdir(self.root.path / CANARY.lstrip("/")) == []

    def _put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        file = self.root.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)


def sourced(shell: str, file: Path) -> dict[str, str]:
    """The variables of a shell of this machine that sources a file twice; nothing may fire."""
    tool = shutil.which(shell) or shell
    inside = f'. "$1"; . "$1"; exec env -0 PATH={os.environ["PATH"]}'
    script = (
        f'mount -t tmpfs none {CANARY}; cd {CANARY}; "$1" -euc "$2" "$1" "$3"; '
        f'test -z "$(ls -A {CANARY})" || exit 99'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--net", "bash", "-euc", script, "-", tool, inside, str(file)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return environment(done.stdout.decode())


def environment(text: str) -> dict[str, str]:
    """What `env -0` says."""
    return dict(entry.split("=", 1) for entry in text.split("\0") if entry)  # type: ignore[misc]


def variables(rig: Rig) -> dict[str, str]:
    """The variables of a session that had none of them before."""
    found = {}
    for name, value in (rig.system.env if rig.system else {}).items():
        found[name] = value if isinstance(value, str) else ":".join(dict.fromkeys(value.prepend))
    return found


def _same(found: Mapping[str, str], meant: Mapping[str, str]) -> None:
    assert {name: found.get(name) for name in meant} == dict(meant)
