"""Packages from a repository or a file: what they state is read, and their checksum is locked."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from rigspec.lock.model import LockedPythonPackage
from rigspec.lock.python.index.source_tree import find_submodules, read_source_tree
from rigspec.lock.python.requirements_file import (
    format_requirements,
    parse_requirements,
    read_pins,
    remove_direct_lines,
)
from tests.lock.http_server import Serve, send

Rigspec = Callable[..., Any]
SERIES = "{}.{}".format(*sys.version_info[:2])


@pytest.mark.parametrize(
    ("files", "version", "requires"),
    [
        ({"pyproject.toml": '[project]\nversion = "1.2"\n'}, "1.2", ()),
        (
            {"pyproject.toml": '[project]\nversion = "1.2"\ndependencies = ["torch>=2"]\n'},
            "1.2",
            ("torch>=2",),
        ),
        ({"setup.py": "setup(version='0.6', install_requires=['yacs'])"}, "0.6", ("yacs",)),
        ({"setup.py": "needs = ['a', 'b']\nsetup(install_requires=needs)"}, "0.0.0", ("a", "b")),
        (
            {"setup.py": "setup(version=read())", "tool_x/__init__.py": '__version__ = "0.7"\n'},
            "0.7",
            (),
        ),
        (
            {
                "setup.py": "setup(version='1', install_requires=list(open('requirements.txt')))",
                "requirements.txt": "ftfy\n-r other.txt\nregex  # words\nx @ git+https://a/b\n",
            },
            "1",
            ("ftfy", "regex"),
        ),
        (
            {
                "setup.py": "setup()",
                "setup.cfg": "[metadata]\nversion = 3\n[options]\ninstall_requires =\n  a>1\n",
            },
            "3",
            ("a>1",),
        ),
        ({"setup.py": "setup(version=compute(), install_requires=compute())"}, None, None),
        ({"setup.py": "setup(use_scm_version=True)"}, None, ()),
        ({"pyproject.toml": '[project]\ndynamic = ["version", "dependencies"]\n'}, None, None),
    ],
)
def test_read_source_tree_has_what_the_files_state(
    files: Mapping[str, str], version: str | None, requires: tuple[str, ...] | None
) -> None:
    tree = read_source_tree(files, "tool-x")
    assert (tree.version, tree.requires) == (version, requires)


def test_find_submodules_names_folders_without_files() -> None:
    gitmodules = '[submodule "glm"]\n\tpath = third_party/glm\n[submodule "a"]\n\tpath = a\n'
    assert find_submodules(gitmodules, ["a/x.h", "third_party/glm/"]) == ()
    assert find_submodules(gitmodules, ["a/x.h", "setup.py"]) == ("third_party/glm",)


def test_requirements_with_an_address_are_read_again() -> None:
    packages = (
        LockedPythonPackage("numpy", "2.0", ("a" * 64,)),
        LockedPythonPackage(
            "tool", "0.6+cu1", ("b" * 64,), True, "https://example.org/t.tar.gz#subdirectory=x"
        ),
    )
    text = format_requirements(packages)
    assert "tool @ https://example.org/t.tar.gz#subdirectory=x \\\n" in text
    assert parse_requirements(text, ("tool",)) == packages
    assert [pin.name for pin in read_pins(text)] == ["numpy"]
    assert "tool @" not in remove_direct_lines(text)


@pytest.mark.parametrize("address", ["ftp://a/b.whl", "git+https://a/b"])
def test_requirements_with_another_address_are_invalid(address: str) -> None:
    text = f"# tool==1\ntool @ {address} \\\n    --hash=sha256:{'a' * 64}\n"
    with pytest.raises(ValueError, match="tool"):
        parse_requirements(text)


def build_archive(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"tool-0123/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


TOOL = {
    "lib/setup.py": 'from setuptools import setup\nsetup(name="tool-x", version="1.2", '
    'packages=["tool_x"], install_requires=["iniconfig>=2"])\n',
    "lib/tool_x/__init__.py": "answer = 42\n",
}
SPEC = """\
rig = 1
name = "lab"
[machine.box]
os = "debian 12"
[env.lab]
python = "{series}"
interpreter = "uv"
[env.lab.packages]
tool_x = {{ url = "{url}", sha256 = "{sha256}", subdirectory = "lib"{more} }}
"""


def write_spec(tmp_path: Path, start: Serve, files: Mapping[str, str], more: str = "") -> Path:
    data = build_archive(files)
    url = f"http://{start(lambda request: send(request, data))}/v1.tar.gz"
    spec = tmp_path / "rig.toml"
    sha256 = hashlib.sha256(data).hexdigest()
    spec.write_text(SPEC.format(series=SERIES, url=url, sha256=sha256, more=more))
    return spec


def run(rigspec: Rigspec, *words: object) -> str:
    done = rigspec(*words)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.parametrize("engine", ["uv", "resolvelib"])
def test_lock_of_an_archive_has_its_requirements_and_its_build(
    tmp_path: Path, rigspec: Rigspec, serve: Serve, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec, lock = write_spec(tmp_path, serve, TOOL), tmp_path / "lock"
    run(rigspec, "lock", spec, "-o", lock, "--engine", engine)
    text = (lock / "box" / "lab.requirements.txt").read_text()
    assert "# tool-x==1.2\ntool-x @ http://" in text
    assert "#subdirectory=lib \\\n" in text
    assert "iniconfig==" in text
    assert "setuptools==" in (lock / "box" / "lab.tools.txt").read_text()
    assert 'sources = ["tool-x"]' in (lock / "rig.lock").read_text()


def test_environment_with_an_archive_is_installed_by_its_checksum(
    tmp_path: Path, rigspec: Rigspec, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec, lock, out = write_spec(tmp_path, serve, TOOL), tmp_path / "lock", tmp_path / "out"
    run(rigspec, "lock", spec, "-o", lock, "--pylock")
    run(rigspec, "compile", spec, "--lock", lock, "-o", out, "--target", "shell", "--target", "uv")
    env, files = tmp_path / "env", out / "shell" / "files"
    subprocess.run([sys.executable, "-m", "venv", env], check=True)
    pip = [env / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*pip, "--only-binary", ":all:", "-r", files / "lab.tools.txt"], check=True)
    binary = [*pip, "--only-binary", ":all:", "--no-deps", "-r", files / "lab.requirements.txt"]
    subprocess.run(binary, check=True)
    built = [*pip, "--no-build-isolation", "--no-deps", "-r", files / "lab.sources.txt"]
    subprocess.run(built, check=True)
    verify = [env / "bin" / "python", files / "verify_packages.py", files / "lab.sources.txt"]
    assert subprocess.run(verify, capture_output=True, check=True).stdout == b""
    command = [env / "bin" / "python", "-c", "import tool_x; print(tool_x.answer)"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"42\n"

    project = out / "uv" / "lab"
    sync = [find_uv_bin(), "sync", "--locked", "--quiet", "--python", sys.executable]
    done = subprocess.run(sync, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    command[0] = project / ".venv" / "bin" / "python"
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"42\n"


def test_bundle_has_the_archive_and_a_mirror_replaces_its_address(
    tmp_path: Path, rigspec: Rigspec, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec, lock = write_spec(tmp_path, serve, TOOL), tmp_path / "lock"
    # A bundle has a standalone Python, too.
    system = spec.read_text().replace('"uv"', '"system"').replace(f'"{SERIES}"', '"3.11"')
    spec.write_text(system)
    run(rigspec, "lock", spec, "-o", lock)
    bundle = tmp_path / "bundle"
    run(rigspec, "fetch", spec, "--lock", lock, "-o", bundle, "--allow-missing")
    data = (bundle / "files" / "tool_x-v1.tar.gz").read_bytes()
    assert hashlib.sha256(data).hexdigest() in spec.read_text()
    mirror = '[mirrors]\nfiles = "https://mirror.example.org/files/"\n'
    spec.write_text(spec.read_text() + mirror)
    out = tmp_path / "out"
    run(rigspec, "compile", spec, "--lock", lock, "-o", out, "--target", "shell")
    text = (out / "shell" / "files" / "lab.sources.txt").read_text()
    assert "tool-x @ https://mirror.example.org/files/tool_x-v1.tar.gz#subdirectory=lib" in text


def test_lock_of_an_archive_without_a_version_asks_for_it(
    tmp_path: Path, rigspec: Rigspec, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    files = {"lib/setup.py": "setup(version=compute(), install_requires=[])"}
    spec, lock = write_spec(tmp_path, serve, files), tmp_path / "lock"
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 1, done.stdout
    assert "error[RS534]: the files of tool-x do not state its version" in done.stderr
    assert "rig.toml:9:" in done.stderr
    spec = write_spec(tmp_path, serve, files, ', version = "2.0"')
    run(rigspec, "lock", spec, "-o", lock)
    assert "# tool-x==2.0" in (lock / "box" / "lab.requirements.txt").read_text()


def test_lock_of_a_changed_archive_is_refused(
    tmp_path: Path, rigspec: Rigspec, serve: Serve
) -> None:
    spec = write_spec(tmp_path, serve, TOOL)
    text = spec.read_text()
    start = text.index("sha256 = ") + 10
    spec.write_text(text[:start] + "0" * 64 + text[start + 64 :])
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 3, done.stdout
    assert "but the spec has 0000" in done.stderr


def test_lock_of_a_commit_on_an_unknown_server_is_refused(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = tmp_path / "rig.toml"
    commit = "a" * 40
    spec.write_text(
        f'rig = 1\nname = "lab"\n[env.lab.packages]\n'
        f'tool = {{ git = "https://git.example.org/tool", rev = "{commit}" }}\n'
    )
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 1, done.stdout
    assert "error[RS534]: no archive of a commit is known for the server git.exa" in done.stderr


def test_lock_of_a_name_that_the_index_lacks_suggests_a_repository(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text('rig = 1\nname = "lab"\n[env.lab.packages]\nno-such-project-of-ours = "*"\n')
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 1, done.stdout
    message = " ".join(done.stderr.split())
    assert "the index has no such package" in message
    assert 'no-such-project-of-ours = { git = "URL", rev = "COMMIT" }' in message


@pytest.mark.parametrize("metadata", [None, "Metadata-Version: 2.1\n"])
def test_lock_of_a_wheel_without_name_and_version_is_refused(
    metadata: str | None, tmp_path: Path, rigspec: Rigspec, serve: Serve
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("tool.py", "")
        if metadata is not None:
            wheel.writestr("tool-1.0.dist-info/METADATA", metadata)
    data = buffer.getvalue()
    url = f"http://{serve(lambda request: send(request, data))}/tool-1.0-py3-none-any.whl"
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "lab"\n[env.lab.packages]\n'
        f'tool = {{ url = "{url}", sha256 = "{hashlib.sha256(data).hexdigest()}" }}\n'
    )
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 3, done.stdout
    assert "the wheel does not state its name and version" in done.stderr
