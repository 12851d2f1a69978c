"""Interpreters that a rig builds or unpacks, in bare systems, until a framework is imported.

The archives of Debian and Ubuntu have sources of Python as python.org published them. A standalone
build is packed from the build of the same test: it needs nothing but the libraries of the system.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rigspec.check import check_machine
from rigspec.lock.create import create_lock
from rigspec.plan.build import build_plan
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec
from tests.execution.all_step_kinds import write_installer
from tests.execution.conftest import KEPT, copied
from tests.execution.roots import CERTIFICATES, SystemRoot, archive, default_mirror, make_root
from tests.serving import start_server

# Suites, and the options of debootstrap.
_UBUNTU = ("--components=main,universe", "--include=ca-certificates")
_SYSTEMS = {
    "debian 12": ("bookworm", ()),
    "debian 13": ("trixie", ()),
    "ubuntu 22.04": ("jammy", _UBUNTU),
    "ubuntu 24.04": ("noble", _UBUNTU),
}

TENSORFLOW = (
    "import tensorflow as tf; print(tf.Session().run(tf.reduce_sum(tf.constant([1., 2.]))))"
)
JAX = "import jax.numpy as jnp; print(float(jnp.array([1., 2.]).sum()))"
MODULES = "import bz2, ctypes, readline, sqlite3, ssl, zlib"


@dataclass(frozen=True)
class Series:
    """A source of Python in an archive, its checksum there, and what is imported with it."""

    suite: str
    path: str
    sha256: str
    frameworks: str
    program: str


SERIES = {
    "2.7": Series(
        "bullseye",
        "pool/main/p/python2.7/python2.7_2.7.18.orig.tar.gz",
        "da3080e3b488f648a3d7a4560ddee895284c3380b11d6de75edb986526b9a814",
        '{ tensorflow = "1.8" }',
        TENSORFLOW,
    ),
    "3.6": Series(
        "bionic",
        "pool/main/p/python3.6/python3.6_3.6.9.orig.tar.xz",
        "5e2f5f554e3f8f7f0296f7e73d8600c4e9acbaee6b2555b83206edf5153870da",
        '{ tensorflow = "1.14" }',
        TENSORFLOW,
    ),
    "3.9": Series(
        "bullseye",
        "pool/main/p/python3.9/python3.9_3.9.2.orig.tar.xz",
        "3c2034c54f811448f516668dce09d24008a0716c3a794dd8639b5388cbde247d",
        '{ jax = "0.4" }',
        JAX,
    ),
    "3.12": Series(
        "noble",
        "pool/main/p/python3.12/python3.12_3.12.3.orig.tar.xz",
        "56bfef1fdfc1221ce6720e43a661e3eb41785dd914ce99698d8c7896af4bdaa1",
        '{ jax = "*" }',
        JAX,
    ),
    "3.14": Series(
        "resolute",
        "pool/main/p/python3.14/python3.14_3.14.4.orig.tar.xz",
        "d923c51303e38e249136fc1bdf3568d56ecb03214efdef48516176d3d7faaef8",
        '{ jax = "*" }',
        JAX,
    ),
}
# uv has builds of these.
STANDALONE = ("3.9", "3.12", "3.14")


def source(series: Series) -> Path:
    """The source archive, downloaded once and verified."""
    file = KEPT / "sources" / Path(series.path).name
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        mirror = archive() if series.suite == "bullseye" else default_mirror("bionic")
        with urllib.request.urlopen(f"{mirror.rstrip('/')}/{series.path}", timeout=60) as answer:
            content = answer.read()
        partial_file = file.with_suffix(".partial")
        partial_file.write_bytes(content)
        partial_file.rename(file)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == series.sha256
    return file


@contextmanager
def mirror(folder: Path) -> Iterator[str]:
    """A server of files on loopback."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        start_server(server)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def install(
    root: SystemRoot, folder: Path, os: str, series: str, interpreter: str, file: Path
) -> subprocess.CompletedProcess[str]:
    """Lock, compile and install a rig with one environment; ``file`` is served for its Python."""
    folder.mkdir()
    with mirror(folder) as address:
        spec = parse_spec(
            "rig.toml",
            f'rig = 1\nname = "box"\n[machine.box]\nos = "{os}"\n'
            f'[mirrors]\nfiles = "{address}"\n[env.lab]\npython = "{series}"\n'
            f'interpreter = "{interpreter}"\nframeworks = {SERIES[series].frameworks}\n',
        )
        report = check_machine(spec, "box", load_required_matrix(spec.rig, "box"))
        assert report.resolution is not None
        lock = create_lock(spec.rig, [report.resolution])
        (machine,) = lock.machines
        (locked,) = machine.files
        # The bytes that can be reached here are of another point release.
        shutil.copyfile(file, folder / locked.name)
        served = replace(locked, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
        lock = replace(lock, machines=(replace(machine, files=(served,)),))
        plan = build_plan(spec.rig, lock, "box", "0" * 64)
        write_installer(plan, root.path / "root" / interpreter)
        steered = ("env", f"PIP_CERT={CERTIFICATES}", f"SSL_CERT_FILE={CERTIFICATES}")
        return root.run(*steered, f"/root/{interpreter}/install.sh")


def run_framework(root: SystemRoot, series: str) -> str:
    python = "/opt/rig/envs/lab/bin/python"
    root.run(python, "-c", MODULES)
    return root.run(python, "-W", "ignore", "-c", SERIES[series].program).stdout.strip()


@pytest.mark.nightly
@pytest.mark.e2e(minutes=4)
@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("os", _SYSTEMS)
def test_interpreter_built_and_unpacked_imports_a_framework(
    os: str, series: str, tmp_path: Path
) -> None:
    suite, options = _SYSTEMS[os]
    root = copied(make_root(suite, KEPT, *options), tmp_path)
    built = install(root, tmp_path / "pyenv", os, series, "pyenv", source(SERIES[series]))
    assert "(built from source)" in built.stdout
    assert run_framework(root, series) == "3.0"
    # virtualenv, which Python 2.7 needs, is no program of the system.
    assert root.run("sh", "-c", "! command -v virtualenv").returncode == 0
    if series not in STANDALONE:
        return
    packed = tmp_path / "standalone.tar.gz"
    (prefix,) = (root.path / "opt/rig/python").glob(f"{series}*-pyenv")
    with tarfile.open(packed, "w:gz", compresslevel=1) as tar:
        tar.add(prefix, arcname="python")
    shutil.rmtree(prefix)
    shutil.rmtree(root.path / "opt/rig/envs")
    unpacked = install(root, tmp_path / "uv", os, series, "uv", packed)
    assert "(standalone build)" in unpacked.stdout
    assert run_framework(root, series) == "3.0"
    (home,) = (root.path / "opt/rig/python").glob(f"{series}*-uv")
    linked = root.run("readlink", "-f", "/opt/rig/envs/lab/bin/python").stdout
    assert f"/opt/rig/python/{home.name}/" in linked
