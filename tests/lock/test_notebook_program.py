"""Which server `[service.jupyter]` starts: that of the package that the environment requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.model import LockedEnv, LockedPythonPackage
from rigspec.lock.services import find_notebook
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import load_spec

_RIG = """
rig = 1
name = "box"
[env.lab]
packages = {{ {packages} }}
[service.jupyter]
env = "lab"
password = {{ secret = "JUPYTER_PASSWORD_HASH" }}
"""


@pytest.mark.parametrize(
    ("packages", "pins", "program", "password"),
    [
        ('six = "*"', "notebook==7.4.0", "notebook", "PasswordIdentityProvider.hashed_password"),
        ('six = "*"', "notebook==6.5.4", "notebook", "NotebookApp.password"),
        (
            'jupyterlab = "*"',
            "jupyterlab==4.4.0",
            "jupyterlab",
            "PasswordIdentityProvider.hashed_password",
        ),
        ('JupyterLab = "<4"', "jupyterlab==3.6.8", "jupyterlab", "ServerApp.password"),
        ('jupyterlab = "2.3"', "jupyterlab==2.3.2", "jupyterlab", "NotebookApp.password"),
    ],
)
def test_notebook_of_starts_the_requested_server(
    packages: str, pins: str, program: str, password: str, tmp_path: Path
) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(_RIG.format(packages=packages), encoding="utf-8")
    name, _, version = pins.partition("==")
    package = LockedPythonPackage(name, version, ("0" * 64,))
    env = LockedEnv("lab", "uv", (package,), ())
    found = find_notebook(load_spec(str(path)).rig, (env,), load_matrix())
    assert found is not None
    assert (found.program, found.password) == (program, password)
