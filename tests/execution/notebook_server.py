"""A notebook server in a root, where no systemd runs: started as its unit says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.execution.notebook_client import NotebookClient
from tests.execution.roots import SystemRoot

__all__ = ["served", "unit_of"]

# Another user's process forgets whom it dies with: the shell stays root, and all dies with it. Old
# systems have no `setpriv`, and no `env --chdir`.
_AS_USER = """
user=$1
shift
cd "/home/$user" && chroot --skip-chdir --userspec="$user:$user" / env -i "$@"
exit $?
"""


def unit_of(root: SystemRoot, user: str) -> Path:
    """The unit of a user's server."""
    return root.path / f"etc/systemd/system/rig-notebook-{user}.service"


@contextmanager
def served(root: SystemRoot, user: str) -> Iterator[NotebookClient]:
    """The server as its unit starts it, and a client that trusts its certificate alone."""
    unit = unit_of(root, user).read_text(encoding="utf-8")
    variables = re.findall(r'^Environment="(.*)"$', unit, re.MULTILINE)
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    process = subprocess.Popen(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            *(f"--mount-proc={root.path}/proc", "chroot", str(root.path)),
            *("sh", "-c", _AS_USER, "sh", user, f"HOME=/home/{user}", *variables),
            *command.split(),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    settings = (root.path / f"etc/rig/notebook/{user}.json").read_text(encoding="utf-8")
    (port,) = re.findall(r'"port": (\d+)', settings)
    client = NotebookClient(int(port), root.path / f"etc/rig/notebook/{user}.crt")
    try:
        client.wait()
        yield client
    finally:
        process.kill()
        process.wait()
