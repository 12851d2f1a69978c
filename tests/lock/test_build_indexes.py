"""Builds of a framework from an index on loopback: chosen by GPU, locked, installed, imported."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import httpx2
import pytest

from rigspec.lock.lockfile import read_lock
from rigspec.lock.python.index.config import read_index_configuration
from rigspec.lock.python.requirements_file import format_requirements
from tests.lock.http_server import Serve, send

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

VERSION = "2.7.1"
K80 = ("Tesla K80", "470")
RTX_3090 = ("RTX 3090", "550")
RTX_5090 = ("RTX 5090", "580")


@pytest.fixture
def index(tmp_path: Path, serve: Serve) -> str:
    """The default index below /simple, where only torch and torchvision differ from the real one,
    and the indexes of two builds.
    """
    folder = tmp_path / "index"
    for place, local, cuda in (
        ("simple", "", "12.6"),
        ("cu118", "+cu118", "11.8"),
        ("cu128", "+cu128", "12.8"),
        ("cpu", "+cpu", None),
    ):
        add_wheel(
            folder / place, "torch", VERSION + local, f"class version:\n    cuda = {cuda!r}\n"
        )
        needs = f"Requires-Dist: torch=={VERSION}\n"
        add_wheel(folder / place, "torchvision", f"0.22.1{local}", f"build = {local!r}\n", needs)
    real = (read_index_configuration() or "https://pypi.org/simple").rstrip("/")

    def answer(request: BaseHTTPRequestHandler) -> None:
        path = folder / unquote(request.path).lstrip("/")
        if path.is_dir() and request.path.endswith("/"):
            links = (link_to(file) for file in sorted(path.iterdir()))
            send(request, "".join(links).encode(), Content_Type="text/html")
        elif path.is_file():
            send(request, path.read_bytes())
        elif request.path.startswith("/simple/"):
            page = httpx2.get(real + request.path.removeprefix("/simple"), follow_redirects=True)
            send(request, page.content, page.status_code, Content_Type="text/html")
        else:
            send(request, b"", 404)

    return f"http://{serve(answer)}"


def add_wheel(place: Path, name: str, version: str, code: str, needs: str = "") -> None:
    """Write a wheel with one module to a folder of an index."""
    (place / name).mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    texts = {f"{name}/__init__.py": code, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
    record = "".join(f"{path},,\n" for path in (*texts, f"{info}/RECORD"))
    file = place / name / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in {**texts, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


def link_to(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f'<a href="{file.name.replace("+", "%2B")}#sha256={digest}">{file.name}</a>\n'


def write_rig(folder: Path, index: str, gpu: tuple[str, str] | None, torch: str = VERSION) -> Path:
    machine = (
        f'gpus = ["{gpu[0]}"]\ndriver = {{ version = "{gpu[1]}", from = "none" }}\n' if gpu else ""
    )
    named = "".join(
        f'[index.{name}]\nurl = "{index}/{name}"\n' for name in ("cu118", "cu128", "cpu")
    )
    spec = folder / "rig.toml"
    spec.write_text(
        f'rig = 1\nname = "box"\n[machine.box]\nos = "debian 12"\n{machine}'
        f'[env.lab]\nframeworks = {{ torch = "{torch}" }}\npackages = {{ torchvision = "*" }}\n'
        f'[mirrors]\npypi = "{index}/simple"\n{named}',
        encoding="utf-8",
    )
    return spec


def lock(rigspec: Rigspec, spec: Path, *options: str) -> Path:
    folder = spec.parent / "lock"
    done = rigspec("lock", str(spec), "-o", str(folder), *options)
    assert done.returncode == 0, done.stderr
    return folder


def install(folder: Path, requirements: str, options: list[str]) -> str:
    """Install pins with checksums in a new environment, and return what torch says it is."""
    file = folder / "requirements.txt"
    file.write_text(requirements, encoding="utf-8")
    # To install pip there takes longer than to install the pins.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    python = str(folder / "env" / "bin" / "python")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    command += ["--disable-pip-version-check", "--require-hashes", "--no-deps"]
    subprocess.run([*command, *options, "-r", str(file)], check=True)
    code = "import torch, torchvision; print(torch.version.cuda, torchvision.build)"
    return subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("gpu", "torch", "found", "engine"),
    [
        (K80, VERSION, "11.8 +cu118", "uv"),
        (K80, VERSION, "11.8 +cu118", "resolvelib"),
        (RTX_3090, VERSION, "12.6", "uv"),
        (RTX_3090, f"{VERSION}+cu118", "11.8 +cu118", "uv"),
        (RTX_5090, VERSION, "12.8 +cu128", "uv"),
        (None, f"{VERSION}+cpu", "None +cpu", "uv"),
    ],
    ids=["K80", "K80 by resolvelib", "RTX 3090", "RTX 3090 with a build", "RTX 5090", "CPU"],
)
def test_build_for_the_gpu_is_locked_and_installed(
    gpu: tuple[str, str] | None,
    torch: str,
    found: str,
    engine: str,
    index: str,
    tmp_path: Path,
    rigspec: Rigspec,
) -> None:
    spec = write_rig(tmp_path, index, gpu, torch)
    folder = lock(rigspec, spec, "--engine", engine)
    locked, _ = read_lock(folder)
    (env,) = locked.machines[0].envs
    pins = {package.name: package.version for package in env.packages}
    build = found.partition(" ")[2]
    assert pins["torch"] == VERSION + build
    assert pins["torchvision"] == f"0.22.1{build}"
    assert "127.0.0.1" not in (folder / "rig.lock").read_text("utf-8")

    output = tmp_path / "output"
    done = rigspec(
        "compile", str(spec), "--lock", str(folder), "-o", str(output), "--target", "shell"
    )
    assert done.returncode == 0, done.stderr
    script = (output / "shell" / "install.sh").read_text("utf-8")
    default = re.findall(r"\bindex=(\S+)", script)
    extra = re.findall(r"\bextra_indexes=([^' ]+)", script)
    assert [address.rpartition("/")[2] for address in extra] == ([build[1:]] if build else [])

    arguments = [word for address in default for word in ("--index-url", address)]
    arguments += [word for address in extra for word in ("--extra-index-url", address)]
    assert install(tmp_path, format_requirements(env.packages), arguments) == found


@pytest.mark.parametrize(
    ("gpu", "build", "advice"),
    [
        (K80, "2.7.1+cu118", f'add env.lab.packages.torch = "{VERSION}"'),
        (RTX_5090, "2.7.1+cu128", 'set `torch` to "2.7.1+cu128" in `[env.lab.frameworks]`'),
    ],
    ids=["K80", "RTX 5090"],
)
def test_dependency_whose_default_build_does_not_run_is_refused_with_the_build(
    gpu: tuple[str, str],
    build: str,
    advice: str,
    index: str,
    tmp_path: Path,
    rigspec: Rigspec,
) -> None:
    spec = write_rig(tmp_path, index, gpu)
    line = f'frameworks = {{ torch = "{VERSION}" }}\n'
    text = spec.read_text(encoding="utf-8")
    # torchvision 0.22.1 of the index requires torch 2.7.1.
    text = text.replace("[env.lab]", '[env.lab]\npython = "3.12"')
    spec.write_text(text.replace(line, ""), encoding="utf-8")
    done = rigspec("lock", str(spec), "-o", str(tmp_path / "lock"))

    assert done.returncode == 1
    assert advice in " ".join(done.stderr.split())

    # With the build, the lock is made.
    spec.write_text(text.replace(line, line.replace(VERSION, build)), encoding="utf-8")
    (env,) = read_lock(lock(rigspec, spec))[0].machines[0].envs
    assert build in [package.version for package in env.packages]


def test_bundle_of_builds_serves_their_index(index: str, tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_rig(tmp_path, index, K80)
    folder = lock(rigspec, spec)
    output = tmp_path / "bundle"
    done = rigspec("fetch", str(spec), "--lock", str(folder), "-o", str(output), "--allow-missing")
    assert "torch-2.7.1+cu118-py3-none-any.whl" in {f.name for f in output.rglob("*.whl")}
    assert f'[index."cu118"]\nurl = "{output.resolve().as_uri()}/pypi"' in done.stdout


def test_page_of_links_is_refused_with_remedy(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 22.04"\ngpus = ["RTX 3090"]\n'
        'driver = { version = "550", from = "none" }\n'
        '[env.lab]\nframeworks = { jax = "0.4.23+cuda12.cudnn89" }\n',
        encoding="utf-8",
    )
    done = rigspec("lock", str(spec), "-o", str(tmp_path / "lock"))
    assert done.returncode == 1
    assert "error[RS532]: cannot lock `lab`: " in done.stderr
    assert 'set `url` in `[index."cuda12.cudnn89"]`' in " ".join(done.stderr.split())
