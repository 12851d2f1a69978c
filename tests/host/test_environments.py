"""Python environments that `rigspec init` finds, and what it writes of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import tomli

from rigspec.host.facts import find_host
from rigspec.host.python_environments import find_environments, read_environments
from rigspec.host.recording import Recording
from rigspec.host.spec_writer import render_spec
from tests.resolve.rigs import check_text, errors


def test_environments_are_found_by_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conda = tmp_path / "miniconda3" / "envs" / "fastai"
    library = conda / "lib" / "python3.6" / "site-packages"
    for folder in (
        "pip-21.3.1.dist-info",
        "tensorflow_gpu-1.8.0.dist-info",
        "six-1.16.0-py3.6.egg-info",
    ):
        (library / folder).mkdir(parents=True)
    (conda / "conda-meta").mkdir()
    (conda / "conda-meta" / "python-3.6.5-hc3d631a_2.json").write_text("{}")
    pyenv = tmp_path / ".pyenv" / "versions" / "2.7.18"
    (pyenv / "lib" / "python2.7" / "site-packages" / "Theano-0.9.0.dist-info").mkdir(parents=True)
    # A program in a home folder is never run.
    (pyenv / "bin").mkdir()
    (pyenv / "bin" / "python").write_text(f"#!/bin/sh\ntouch {tmp_path}/fired\n")
    (pyenv / "bin" / "python").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    text = find_environments()
    assert str(tmp_path) not in text
    assert not (tmp_path / "fired").exists()
    system = 'ID=ubuntu\nVERSION_ID="16.04"\n'
    host = find_host(Recording({"environments.json": text, "os-release": system}, {}))
    spec = tomli.loads(render_spec(host, "rig"))["env"]
    assert spec["fastai"] == {
        "python": "3.6",
        "interpreter": "conda",
        "pip": "21.3.1",
        "frameworks": {"tensorflow-gpu": "1.8.0"},
    }
    assert spec["pyenv-2-7-18"]["frameworks"] == {"theano": "0.9.0"}


def test_init_finds_packages_of_user_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = subprocess.run(["/usr/bin/python3", "-V"], capture_output=True, text=True, check=True)
    series = ".".join(result.stdout.split()[1].split(".")[:2])
    own = tmp_path / ".local" / "lib" / f"python{series}" / "site-packages"
    for folder in ("torch-2.1.0+cu121.dist-info", "rigspec_of_nobody-1.0.dist-info"):
        (own / folder).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    (system,) = [env for env in read_environments(find_environments()) if env.name == "system"]
    assert system.packages["torch"] == "2.1.0+cu121"
    assert system.others >= 1


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("torch", "2.8.0+cu128"),
        ("torch", "2.9.0+rocm6.4"),
        ("torch", "2.11.0.dev20260101+cu130"),
        ("torch", "2.6.0a0+gitabc123"),
        ("tensorflow", "2.15.0.post1"),
        ("tensorflow", "2.16.0rc0"),
        ("onnxruntime-gpu", "1.19.2"),
    ],
)
def test_init_writes_builds_post_and_pre_releases_in_full(package: str, version: str) -> None:
    row = {"name": "lab", "interpreter": "system", "python": "3.11.2", "others": 1}
    text = json.dumps([{**row, "packages": {package: version}}])
    system = 'ID=debian\nVERSION_ID="12"\n'
    host = find_host(Recording({"environments.json": text, "os-release": system}, {}))
    written = render_spec(host, "rig")
    assert tomli.loads(written)["env"]["lab"]["frameworks"] == {package: version}
    assert errors(check_text(written)) == []


def write_virtual_environment(prefix: Path, settings: str, package: str) -> None:
    """The files of a virtual environment of Python 3.12 that has one package."""
    (prefix / "lib" / "python3.12" / "site-packages" / f"{package}.dist-info").mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text(settings, "utf-8")


def test_init_finds_virtual_environments_of_projects_and_of_uv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = "home = /home/a/.local/share/uv/python/cpython-3.12.12-linux-x86_64-gnu/bin\nuv = 0.9.1\n"
    places = {
        "work/.venv": (f"{uv}version_info = 3.12.12\n", "torch-2.8.0+cu128"),
        "src/vision/.venv": ("home = /usr/bin\nversion = 3.12.3\n", "jax-0.4.30"),
        "src/speech/venv": ("home = /home/a/.pyenv/versions/3.12.1/bin\nversion = 3.12.1\n",
                            "torch-2.4.0"),
        ".virtualenvs/old": ("home = /opt/conda/bin\nversion = 3.12.2\n", "tensorflow-2.18.0"),
        "elsewhere/deep/down/active": ("home = /usr/bin\nversion = 3.12.3\n", "keras-3.3.0"),
    }  # fmt: skip
    for place, (written, package) in places.items():
        write_virtual_environment(tmp_path / place, written, package)
    # A folder of that name that is no virtual environment, and one without a version.
    (tmp_path / "notes" / "env").mkdir(parents=True)
    write_virtual_environment(tmp_path / "broken" / ".venv", "home = /usr/bin\n", "torch-2.0.0")
    managed = tmp_path / ".local/share/uv/python/cpython-3.12.12-linux-x86_64-gnu"
    (managed / "lib/python3.12/site-packages/jax-0.5.0.dist-info").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "elsewhere/deep/down/active"))
    monkeypatch.chdir(tmp_path)
    text = find_environments()
    assert str(tmp_path) not in text
    found = {env.name: env for env in read_environments(text)}
    assert (found["work"].interpreter, found["work"].python) == ("uv", "3.12.12")
    assert found["work"].packages == {"torch": "2.8.0+cu128"}
    kinds = {name: found[name].interpreter for name in ("vision", "speech", "old", "active")}
    assert kinds == {"vision": "system", "speech": "pyenv", "old": "conda", "active": "system"}
    assert found["uv-3.12.12"].packages == {"jax": "0.5.0"}
    assert "broken" not in found
    assert "notes" not in found
