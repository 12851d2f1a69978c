"""What the targets write: the same bytes everywhere, clean for the tools that read it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from jinja2 import nodes

from rigspec.backend.discovery import find_backends
from rigspec.backend.quoting import QUOTING
from rigspec.backend.render import create_template_environment
from tests.conftest import ROOT
from tests.file_checks import check_files

Rigspec = Callable[..., subprocess.CompletedProcess[str]]
Once = Callable[[str, Callable[[Path], None]], Path]
# Programs that take longer to start than to check a file: they check those of all rigs together.
SLOW_TO_START = ("ansible-lint", "ansible-playbook")
# Programs that travel as they are.
PROGRAMS = (
    *("apt-components.sh", "verify_packages.py", "notebook_config.py", "notebook_health.py"),
    *("check-packages.sh", "rig-image", "steps.sh"),
)
RIGS = ("dl-server", "legacy-cpu")
LIBRARY_MARK = (
    "# From here on, nothing depends on the rig. The source of rigspec explains the functions.\n"
)


def compiled(rigspec: Rigspec, rig: str, out: Path, **options: object) -> Path:
    spec = str(ROOT / "specs" / f"{rig}.toml")
    done = rigspec("compile", spec, "--target", "all", "--locked", "-o", str(out), **options)
    assert done.returncode == 0, done.stderr
    return out


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def artifacts(once: Once) -> Path:
    return once("artifacts", compile_rigs)


def compile_rigs(out: Path) -> None:
    for rig in RIGS:
        command = [sys.executable, "-m", "rigspec", "compile", f"specs/{rig}.toml"]
        command += ["--target", "all", "--locked", "-o", str(out / rig)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def test_compile_two_environments_writes_same_bytes(rigspec: Rigspec, tmp_path: Path) -> None:
    base = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    one = {**base, "LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"}
    two = {**base, "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "77"}
    first = compiled(rigspec, "dl-server", tmp_path / "a", cwd="/", env=one, umask=0o022)
    second = compiled(rigspec, "dl-server", tmp_path / "b", cwd=tmp_path, env=two, umask=0o077)
    assert tree(first) == tree(second)


@pytest.mark.parametrize("rig", RIGS)
def test_compile_committed_rigs_match_golden_files(
    rig: str, artifacts: Path, golden: Callable[[Path, str], None]
) -> None:
    found = tree(artifacts / rig)
    for path, (_, content) in found.items():
        # The lock's own files stand under lockfiles/; some outputs pack these or the installer.
        # Documents of a whole lock have golden files of a small rig.
        if not path.endswith(
            (
                *(".txt", "MANIFEST.sha256", "provenance.jsonl", "targets.json", "user-data"),
                *PROGRAMS,
                *("rig-installer.sh", "sbom.cdx.json"),
            )
        ):
            # The parts of a library are the same for every rig and have their own tests.
            text = content.decode().partition(LIBRARY_MARK)[0]
            text = re.sub(r"[0-9a-f]{64}(?=  /tmp/rig-installer\.sh)", "SHA256", text)
            golden(ROOT / "tests" / "golden" / rig / path, text)
    kept = {str(p.relative_to(ROOT / "tests/golden" / rig)) for p in _files(rig)}
    assert kept <= set(found)


def _files(rig: str) -> list[Path]:
    return [p for p in (ROOT / "tests/golden" / rig).rglob("*") if p.is_file()]


def test_check_and_compile_without_network_succeed(tmp_path: Path) -> None:
    """In a network namespace without even a loopback device that is up."""
    alone = ["unshare", "--net", "--", sys.executable, "-m", "rigspec"]
    probe = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    closed = subprocess.run(
        ["unshare", "--net", "--", sys.executable, "-c", probe], capture_output=True, check=False
    )
    assert b"Network is unreachable" in closed.stderr
    for arguments in (
        ["check", "specs/dl-server.toml"],
        ["compile", "specs/dl-server.toml", "--target", "all", "--locked", "-o", str(tmp_path)],
    ):
        done = subprocess.run([*alone, *arguments], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def _checks() -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [
        (rig, backend.name, check.path, check.command)
        for rig in RIGS
        for backend in find_backends()
        for check in backend.checks
    ]


@pytest.mark.parametrize(("rig", "target", "path", "command"), _checks())
def test_compile_artifacts_pass_manifest_checks(
    rig: str,
    target: str,
    path: str,
    command: tuple[str, ...],
    artifacts: Path,
    check_file: Callable[[Sequence[str], Path], None],
    once: Once,
) -> None:
    found = sorted((artifacts / rig / target).glob(path))
    if not found:
        backend = next(backend for backend in find_backends() if backend.name == target)
        written = [out for out in backend.outputs if out.path == path]
        assert (
            path.startswith("seed/")
            or any(out.optional or out.each or out.copies for out in written)
            or target in ("bashrc", "conda")
        )
        return
    if command[0] in SLOW_TO_START:
        files = sorted(artifacts.glob(f"*/{target}/{path}"))
        assert set(found) <= set(files)
        once(f"passed-{command[0]}", lambda _: check_files(command, files))
        return
    for file in found:
        check_file(command, file)


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh"])
@pytest.mark.parametrize("before", ["", "/kept", "/usr/local/cuda-9.0/lib64", "/a:/b"])
def test_fragment_sourced_twice_prepends_each_directory_once(
    shell: str, before: str, artifacts: Path
) -> None:
    fragment = artifacts / "dl-server" / "bashrc" / "rig.sh"
    script = f'. {fragment}; . {fragment}; printf \'%s\\n%s\\n\' "$PATH" "$LD_LIBRARY_PATH"'
    environment = {"PATH": "/usr/bin:/bin"}
    if before:
        environment["LD_LIBRARY_PATH"] = before
    done = subprocess.run(
        [shutil.which(shell) or shell, "-euc", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    path, library = done.stdout.splitlines()
    mine = "/usr/local/cuda-9.0/lib64"
    assert path == "/usr/local/cuda-9.0/bin:/usr/bin:/bin"
    if before in ("", mine):
        assert library == mine
    else:
        assert library == f"{mine}:{before}"


def test_compile_one_target_keeps_other_targets(rigspec: Rigspec, tmp_path: Path) -> None:
    for target in ("shell", "docker", "shell"):
        done = rigspec(
            *("compile", "specs/legacy-cpu.toml", "--target", target, "--locked"),
            *("-o", str(tmp_path / "out")),
        )
        assert done.returncode == 0, done.stderr
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert found == ["MANIFEST.sha256", "docker", "provenance.jsonl", "shell", "targets.json"]
    subprocess.run(["sha256sum", "--check", "--quiet", found[0]], cwd=tmp_path / "out", check=True)


def test_compile_omissions_are_listed_in_output_and_on_terminal(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    done = rigspec(
        *("compile", "specs/dl-server.toml", "--target", "docker", "--locked"),
        *("-o", str(tmp_path)),
    )
    dockerfile = (tmp_path / "docker" / "Dockerfile").read_text(encoding="utf-8")
    for text in (done.stderr, dockerfile):
        assert "NVIDIA driver" in text
        assert "the NVIDIA driver must be installed on the host" in text
    terminal = " ".join(done.stderr.split())
    assert "and 1 more (tmux sessions belong to the host)" in terminal
    assert "# - tmux layout: fastai, 2 more: tmux sessions belong to the host" in dockerfile


def test_find_backends_by_name_returns_those_of_all_backends() -> None:
    for backend in find_backends():
        assert find_backends([backend.name]) == (backend,)
    assert find_backends(["missing"]) == ()


@pytest.mark.parametrize("backend", find_backends(), ids=lambda backend: backend.name)
def test_templates_every_expression_ends_in_quoting_filter(backend: object) -> None:
    environment = create_template_environment(backend)  # type: ignore[arg-type]
    shared = ROOT / "backends" / "steps"
    templates = [output.template for output in backend.outputs if output.template]  # type: ignore[attr-defined]
    templates += [f"steps/{path.name}" for path in sorted(shared.glob("*.j2"))]
    # What a template of the backend's own imports.
    folder = Path(str(backend.folder))  # type: ignore[attr-defined]
    templates += [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.j2"))]
    for name in templates:
        source = environment.loader.get_source(environment, name)[0]  # type: ignore[union-attr]
        for output in environment.parse(source).find_all(nodes.Output):
            for expression in output.nodes:
                fixed = isinstance(expression, nodes.TemplateData | nodes.Const)
                assert fixed or _quoted(expression), (
                    f"{name}:{expression.lineno}: an expression without a quoting filter"
                )


def _quoted(expression: nodes.Node) -> bool:
    if isinstance(expression, nodes.Filter):
        return expression.name in QUOTING
    # A call of a macro: its own expressions are held to the same rule.
    return isinstance(expression, nodes.Call)


@pytest.mark.parametrize("how", ["wheel", "zip"])
def test_find_backends_in_wheel_and_zip_returns_all(how: str, wheel: Path, tmp_path: Path) -> None:
    location = wheel
    if how == "wheel":
        location = tmp_path / "installed"
        shutil.unpack_archive(wheel, location, "zip")
        assert not (location / "backends").exists()
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import rigspec; assert rigspec.__file__.startswith(sys.argv[1]), rigspec.__file__\n"
        "from rigspec.backend.discovery import find_backends\n"
        "from rigspec.matrix.loader import load_matrix\n"
        "print(*[backend.name for backend in find_backends()], len(load_matrix().products))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(location)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.split()[:-1]
    assert found == sorted(path.parent.name for path in ROOT.glob("backends/*/manifest.toml"))
