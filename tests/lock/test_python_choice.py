"""The Python of an environment whose spec leaves it free."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lock.http_server import Serve
from tests.lock.python_index import Wheel, serve_index

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

SPEC = """
rig = 1
name = "lab"
[machine.box]
os = "ubuntu 26.04"
[env.lab]
packages = {{ train = "*", arrays = "<2" }}
{python}
[mirrors]
pypi = "{address}"
"""
# As wheels of today, and those with the tag of every pip.
WHEELS = (
    "cp312-cp312-manylinux_2_28_x86_64",
    "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
)
RELEASES = {
    "pip": {"26.3": Wheel()},
    "setuptools": {"84.2": Wheel()},
    "wheel": {"0.48": Wheel()},
}


@pytest.mark.parametrize("wheel", WHEELS)
@pytest.mark.parametrize(
    ("train", "python", "expected"),
    [
        # An old release has no wheel for the newest Python, and often does not compile with it.
        ({"1.0": Wheel()}, "", "3.12"),
        # A requested package is not older for it.
        ({"1.0": Wheel(), "2.0": Wheel(python=">=3.13")}, "", "3.14"),
        ({"1.0": Wheel()}, 'python = "3.14"', "3.14"),
    ],
)
def test_lock_with_free_python_takes_one_with_wheels(
    train: dict[str, Wheel],
    python: str,
    expected: str,
    wheel: str,
    serve: Serve,
    tmp_path: Path,
    rigspec: Rigspec,
) -> None:
    arrays = {"1.26": Wheel(tag=wheel), "2.0": Wheel()}
    address = serve_index(serve, {**RELEASES, "arrays": arrays, "train": train})
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(python=python, address=address), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")
    assert f'python = "{expected}' in text
    reason = "`lab` gets Python 3.12 and not 3.14, for which there is no wheel of arrays 1.26"
    assert (reason in " ".join(done.stderr.split())) is (expected == "3.12")
    again = rigspec("lock", spec, "-o", tmp_path / "lock", "--check")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("compressor", "newest"),
    [
        # No Python has wheels of both; the one for which the compressor has them gets no updates.
        (Wheel(tag="cp38-cp38-manylinux_2_28_x86_64"), Wheel()),
        # The newest Python has no lock at all.
        (Wheel(), Wheel(python="<3.14")),
    ],
)
def test_lock_takes_the_supported_python_with_more_wheels(
    compressor: Wheel, newest: Wheel, serve: Serve, tmp_path: Path, rigspec: Rigspec
) -> None:
    """As nerfstudio, which requires NumPy 1 and a package that had its last wheels years ago."""
    releases = {
        **RELEASES,
        "arrays": {"1.26": Wheel(tag=WHEELS[0])},
        "compressor": {"0.4": compressor},
        "train": {"1.0": newest._replace(requires=["compressor"])},
    }
    spec = tmp_path / "rig.toml"
    address = serve_index(serve, releases)
    spec.write_text(SPEC.format(python="", address=address), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert 'python = "3.12' in (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")
    assert "no wheel of arrays 1.26\n" in done.stderr
