"""Packages that the spec takes from an index of their own, served on loopback.

The default index has packages of the same names, newer: what a stranger could publish there.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import httpx2
import pytest
import tomli

from rigspec.lock.lockfile import read_lock
from rigspec.lock.python.index.config import read_index_configuration
from rigspec.lock.python.requirements_file import format_requirements
from tests.backend.test_uv_project import installed_versions, locked_versions, uv
from tests.lock.http_server import Serve, send
from tests.lock.test_build_indexes import add_wheel, link_to

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

SERIES = "{}.{}".format(*sys.version_info[:2])
PASSWORD = "hunter2"
OWN, STRANGE = "own = True\n", "own = False\n"


@dataclass
class Servers:
    """The host of both indexes, below /simple and /own, and the paths that were requested."""

    folder: Path
    host: str = ""
    paths: list[str] = field(default_factory=list)
    status: int | None = None
    needs_password: bool = False
    lists_packages: bool = True

    @property
    def default(self) -> str:
        return f"http://{self.host}/simple"

    @property
    def own(self) -> str:
        return f"http://{self.host}/own"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.paths.append(request.path)
        path = self.folder / unquote(request.path).lstrip("/")
        is_own = request.path.startswith("/own/")
        expected = "Basic " + base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
        if is_own and self.status is not None:
            send(request, b"", self.status)
        elif is_own and self.needs_password and request.headers["Authorization"] != expected:
            send(request, b"", 401, WWW_Authenticate="Basic")
        elif request.path == "/own/":
            names = sorted(path.iterdir()) if self.lists_packages else ()
            links = "".join(f'<a href="{each.name}/">{each.name}</a>\n' for each in names)
            send(request, f"Index of /\n{links}".encode(), Content_Type="text/html")
        elif path.is_dir() and request.path.endswith("/"):
            links = "".join(link_to(file) for file in sorted(path.iterdir()))
            send(request, links.encode(), Content_Type="text/html")
        elif path.is_file():
            send(request, path.read_bytes())
        elif request.path.startswith("/simple/"):
            real = (read_index_configuration() or "https://pypi.org/simple").rstrip("/")
            page = httpx2.get(real + request.path.removeprefix("/simple"), follow_redirects=True)
            send(request, page.content, page.status_code, Content_Type="text/html")
        else:
            send(request, b"", 404)


@pytest.fixture
def servers(tmp_path: Path, serve: Serve) -> Servers:
    folder = tmp_path / "index"
    needs = "Requires-Dist: rigworkslibs\nRequires-Dist: rigfree\n"
    add_wheel(folder / "own", "rigworks", "1.0", OWN, needs)
    add_wheel(folder / "own", "rigworkslibs", "1.0", OWN)
    add_wheel(folder / "own", "rigfree", "5.0", OWN)
    add_wheel(folder / "simple", "rigworks", "9.0", STRANGE)
    add_wheel(folder / "simple", "rigworkslibs", "1.0", STRANGE)
    add_wheel(folder / "simple", "rigworkslibs", "9.0", STRANGE)
    add_wheel(folder / "simple", "rigworksstrange", "1.0", STRANGE)
    add_wheel(folder / "simple", "rigfree", "2.0", STRANGE)
    started = Servers(folder)
    started.host = serve(started.answer)
    return started


def write_rig(
    folder: Path, servers: Servers, packages: str = '"rigworks*"', more: str = "", env: str = ""
) -> Path:
    spec = folder / "rig.toml"
    spec.write_text(
        f'rig = 1\nname = "box"\n[mirrors]\npypi = "{servers.default}"\n'
        f'[index.own]\nurl = "{servers.own}"\npackages = [{packages}]\n'
        f'[env.lab]\npython = "{SERIES}"\ninterpreter = "pyenv"\n{env}'
        f'packages = {{ rigworks = "*"{more} }}\n',
        encoding="utf-8",
    )
    return spec


def lock(rigspec: Rigspec, spec: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return rigspec("lock", spec, "-o", spec.parent / "lock", *options)


def checksums(servers: Servers, folder: str, name: str) -> set[str]:
    links = map(link_to, sorted((servers.folder / folder / name).iterdir()))
    return {match[1] for link in links if (match := re.search(r"sha256=(\w+)", link))}


@pytest.mark.parametrize("engine", ["uv", "resolvelib"])
@pytest.mark.parametrize("packages", ['"rigworks*"', '"Rigworks", "RigworksLibs"'])
def test_lock_takes_named_packages_from_their_index_and_the_others_from_the_default(
    engine: str, packages: str, servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    done = lock(rigspec, write_rig(tmp_path, servers, packages), "--engine", engine)

    assert done.returncode == 0, done.stderr
    (env,) = read_lock(tmp_path / "lock")[0].machines[0].envs
    pins = {package.name: package for package in env.packages}
    # rigfree 5.0 is on the index of rigworks, which does not name it.
    versions = {name: pin.version for name, pin in pins.items()}
    assert versions == {"rigworks": "1.0", "rigworkslibs": "1.0", "rigfree": "2.0"}
    # Both indexes have rigworkslibs 1.0, with other contents.
    assert set(pins["rigworkslibs"].sha256) == checksums(servers, "own", "rigworkslibs")
    assert "127.0.0.1" not in (tmp_path / "lock" / "rig.lock").read_text("utf-8")
    assert not [path for path in servers.paths if path.startswith("/simple/rigworks")]


def test_lock_of_named_package_next_to_build_index_takes_it_from_its_index(
    servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    for place, local in (("simple", ""), ("cu118", "+cu118")):
        add_wheel(servers.folder / place, "torch", f"2.7.1{local}", "")
    spec = write_rig(tmp_path, servers, env='frameworks = { torch = "2.7.1+cu118" }\n')
    text = spec.read_text("utf-8")
    machine = '[machine.box]\nos = "debian 12"\n'
    index = f'[index.cu118]\nurl = "http://{servers.host}/cu118"\n'
    spec.write_text(f"{text}{machine}{index}", encoding="utf-8")
    done = lock(rigspec, spec)

    assert done.returncode == 0, done.stderr
    (env,) = read_lock(tmp_path / "lock")[0].machines[0].envs
    pins = {package.name: package for package in env.packages}
    assert pins["torch"].version == "2.7.1+cu118"
    assert pins["rigworks"].version == "1.0"
    assert pins["rigworkslibs"].version == "1.0"
    assert set(pins["rigworkslibs"].sha256) == checksums(servers, "own", "rigworkslibs")


@pytest.mark.parametrize("engine", ["uv", "resolvelib"])
def test_lock_of_package_that_its_index_lacks_is_refused_without_asking_the_default(
    engine: str, servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = write_rig(tmp_path, servers, more=', rigworksstrange = "*"')
    done = lock(rigspec, spec, "--engine", engine)

    assert done.returncode == 1
    message = " ".join(done.stderr.split())
    assert "error[RS506]: the index `own` has no package `rigworksstrange`" in message
    assert "/simple/rigworksstrange/" not in servers.paths


@pytest.mark.parametrize("engine", ["uv", "resolvelib"])
def test_lock_with_named_index_that_is_down_fails_and_asks_no_other(
    engine: str, servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    servers.status = 503
    done = lock(rigspec, write_rig(tmp_path, servers), "--engine", engine)

    assert done.returncode == 3
    assert "error[RS504]: " in done.stderr
    assert not (tmp_path / "lock").exists()
    assert not [path for path in servers.paths if path.startswith("/simple/rigworks")]


def test_lock_with_start_of_names_on_index_without_list_is_refused(
    servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    servers.lists_packages = False
    done = lock(rigspec, write_rig(tmp_path, servers), "--engine", "uv")

    assert done.returncode == 1
    assert "the index `own` does not list its packages" in " ".join(done.stderr.split())
    assert "write every package in full" in " ".join(done.stderr.split())


def test_lock_with_pip_tools_and_named_index_is_refused(
    servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    done = lock(rigspec, write_rig(tmp_path, servers), "--engine", "pip-tools")
    assert done.returncode == 1
    assert "pip-tools takes a package from any index" in " ".join(done.stderr.split())


@pytest.mark.parametrize("engine", ["uv", "resolvelib"])
def test_lock_reads_password_of_index_from_netrc(
    engine: str,
    servers: Servers,
    tmp_path: Path,
    rigspec: Rigspec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    servers.needs_password = True
    spec = write_rig(tmp_path, servers)
    refused = lock(rigspec, spec, "--engine", engine)
    assert refused.returncode == 3
    assert "status 401" in refused.stderr

    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login robot password {PASSWORD}\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    done = lock(rigspec, spec, "--engine", engine)

    assert done.returncode == 0, done.stderr
    (env,) = read_lock(tmp_path / "lock")[0].machines[0].envs
    assert {p.name: p.version for p in env.packages}["rigworks"] == "1.0"
    texts = [file.read_text("utf-8") for file in (tmp_path / "lock").rglob("*") if file.is_file()]
    assert not any(PASSWORD in text for text in (*texts, done.stderr, done.stdout))


def test_artifacts_install_named_packages_by_hash_from_their_index(
    servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = write_rig(tmp_path, servers)
    assert lock(rigspec, spec).returncode == 0
    output = tmp_path / "output"
    targets = ("--target", "shell", "--target", "docker", "--target", "conda")
    folder = tmp_path / "lock"
    done = rigspec("compile", spec, "--lock", folder, "--locked", "-o", output, *targets)
    assert done.returncode == 0, done.stderr
    script = (output / "shell" / "install.sh").read_text("utf-8")
    assert re.findall(r"\bextra_indexes=(\S+)", script) == [servers.own]
    assert f"--extra-index={servers.own}" in (output / "docker" / "Dockerfile").read_text("utf-8")
    conda = (output / "conda" / "lab" / "environment.yml").read_text("utf-8")
    assert f"--extra-index-url {servers.own} " in conda

    # With the options of the step, pip takes the locked file and no newer one of the default index.
    (env,) = read_lock(folder)[0].machines[0].envs
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(format_requirements(env.packages), encoding="utf-8")
    place = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place)]
    command += ["--index-url", servers.default, "--extra-index-url", servers.own]
    command += ["--require-hashes", "--no-deps", "-r", str(requirements)]
    subprocess.run(command, check=True)
    assert (place / "rigworkslibs" / "__init__.py").read_text("utf-8") == OWN


def test_uv_project_names_the_index_of_packages_and_of_their_dependencies(
    servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = write_rig(tmp_path, servers)
    assert lock(rigspec, spec, "--pylock").returncode == 0
    folder = tmp_path / "lock"
    done = rigspec(
        *("compile", spec, "--lock", folder, "--locked", "-o", tmp_path / "out"),
        *("--target", "uv"),
    )
    assert done.returncode == 0, done.stderr
    project = tmp_path / "out" / "uv" / "lab"

    uv(project, "lock", "--check")
    uv(project, "sync", "--locked")
    assert installed_versions(project) == locked_versions(folder)

    # Without its lock, uv finds the same packages by the sources of the project.
    (project / "uv.lock").unlink()
    uv(project, "lock")
    packages = tomli.loads((project / "uv.lock").read_text("utf-8"))["package"]
    again = {each["name"]: each["source"].get("registry") for each in packages}
    assert again["rigworks"] == servers.own
    assert again["rigworkslibs"] == servers.own
    assert again["rigfree"] == servers.default


def test_bundle_serves_named_index(servers: Servers, tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_rig(tmp_path, servers)
    # Without an interpreter to download.
    text = spec.read_text("utf-8").replace('interpreter = "pyenv"', 'interpreter = "system"')
    machine = '[machine.box]\nos = "debian 12"\n'
    spec.write_text(text.replace(SERIES, "3.11") + machine, encoding="utf-8")
    assert lock(rigspec, spec).returncode == 0
    output = tmp_path / "bundle"
    done = rigspec("fetch", spec, "--lock", tmp_path / "lock", "-o", output, "--allow-missing")
    assert done.returncode == 0, done.stderr
    address = f"{output.resolve().as_uri()}/pypi"
    lines = f'[index."own"]\nurl = "{address}"\npackages = ["rigworks*"]'
    assert lines in done.stdout

    # The same rig is locked from the bundle.
    servers.status = 503
    text = spec.read_text("utf-8").replace(servers.own, address)
    spec.write_text(text.replace(servers.default, address), encoding="utf-8")
    again = rigspec("lock", spec, "-o", tmp_path / "lock", "--check")
    assert again.returncode == 0, again.stderr


def test_lock_is_out_of_date_when_packages_of_an_index_change_and_not_when_its_address_does(
    servers: Servers, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = write_rig(tmp_path, servers)
    assert lock(rigspec, spec).returncode == 0
    text = spec.read_text("utf-8")
    command = ("compile", spec, "--lock", tmp_path / "lock", "--locked", "-o", tmp_path / "out")
    spec.write_text(text.replace(servers.own, "https://mirror.example.org/own"), encoding="utf-8")
    assert rigspec(*command, "--target", "shell").returncode == 0
    spec.write_text(text.replace('"rigworks*"', '"rigworks"'), encoding="utf-8")
    assert rigspec(*command, "--target", "shell").returncode == 1
