"""One rig by three ways, and the same machine: as `rigspec doctor` sees it inside each."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.spec.loader import load_spec
from tests.containers import Buildah
from tests.doctor.bench import spec_text
from tests.execution.conftest import KEPT, copied
from tests.execution.first_boot import first_boot, prepared_root
from tests.execution.inside import RIGSPEC, put_rigspec
from tests.execution.roots import SystemRoot, archive, make_root
from tests.execution.test_shell import install
from tests.lock.conda_channel import served

TARGETS = ("docker", "cloud-init", "shell")
Found = dict[tuple[str, str, str], str]


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    tool = Buildah(tmp_path / "store")
    yield tool
    tool("umount", "--all")
    tool("rm", "--all")


@pytest.fixture
def rig(rigspec: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Iterator[Path]:
    """A folder with the spec, its lock and what each target writes; its download is served."""
    folder = tmp_path / "rig"
    (folder / "files").mkdir(parents=True)
    words = b"some words\n"
    (folder / "files" / "words").write_bytes(words)
    with served(folder / "files") as address:
        spec = folder / "rig.toml"
        sha256 = hashlib.sha256(words).hexdigest()
        spec.write_text(spec_text(f"{address}/words", sha256, archive()), encoding="utf-8")
        done = rigspec("lock", spec, "-o", folder / "lock")
        assert done.returncode == 0, done.stderr
        for target in TARGETS:
            options = ("--lock", folder / "lock", "--target", target, "-o", folder / "out")
            done = rigspec("compile", spec, *options, "--locked")
            assert done.returncode == 0, done.stderr
        yield folder


def by_shell(rig: Path, folder: Path, buildah: Buildah) -> SystemRoot:
    root = copied(make_root("bookworm", KEPT), folder)
    install(root, rig / "out" / "shell")
    return root


def by_cloud_init(rig: Path, folder: Path, buildah: Buildah) -> SystemRoot:
    root = copied(prepared_root(KEPT), folder)
    booted = first_boot(root, rig / "out" / "cloud-init")
    assert booted.errors == (), booted.log[-5000:]
    return root


def by_docker(rig: Path, folder: Path, buildah: Buildah) -> SystemRoot:
    buildah.image("localhost/base", make_root("bookworm", KEPT))
    options = ("--format", "docker", "--layers=false", "--network=host")
    name = ("--build-arg", "BASE=localhost/base", "--tag", "localhost/bench", ".")
    buildah("build", *options, *name, cwd=rig / "out" / "docker")
    container = buildah("from", "--pull-never", "localhost/bench")
    return SystemRoot(Path(buildah("mount", container)))


WAYS = {"shell": by_shell, "docker": by_docker, "cloud-init": by_cloud_init}


def inventory(root: SystemRoot, rig: Path, target: str, folder: Path) -> dict[str, Found]:
    """What the doctor found in a system, by the step that put it there; all of it is well."""
    put_rigspec(root.path, KEPT, folder)
    subprocess.run(["cp", "-r", rig, root.path / "srv" / "rig"], check=True)
    command = (RIGSPEC, "doctor", "/srv/rig/rig.toml", "--lock", "/srv/rig/lock")
    options = ("--target", target, "--format", "json")
    done = root.run("env", "RIGSPEC_NO_CACHE=1", *command, *options, check=False)
    assert done.returncode in (0, 1), done.stderr
    items = json.loads(done.stdout)["items"]
    assert [item for item in items if item["status"] != "ok"] == [], target
    found: dict[str, Found] = {}
    for item in items:
        key = (item["layer"], item["name"], item["aspect"])
        found.setdefault(item["step"], {})[key] = item["found"]
    return found


@pytest.mark.e2e(minutes=5)
def test_shell_ansible_and_docker_build_equivalent_systems(
    rig: Path, tmp_path: Path, buildah: Buildah
) -> None:
    seen = {}
    for target in TARGETS:
        folder = tmp_path / target
        folder.mkdir()
        root = WAYS[target](rig, folder, buildah)
        seen[target] = inventory(root, rig, target, folder)

    assert seen["cloud-init"] == seen["shell"]
    # What an image leaves to its host is for its manifest to say.
    lock, digest = read_lock(rig / "lock")
    plan = build_plan(load_spec(str(rig / "rig.toml")).rig, lock, "box", digest)
    (backend,) = (found for found in find_backends() if found.name == "docker")
    taken = {step.id for step in backend.steps(plan)}
    assert seen["docker"] == {step: seen["shell"][step] for step in seen["shell"] if step in taken}
    # …and this is about something of every layer.
    layers = {layer for found in seen["docker"].values() for layer, _, _ in found}
    assert layers >= {"platform", "system", "interpreter", "env", "settings", "download", "session"}
    assert "user" in {layer for found in seen["shell"].values() for layer, _, _ in found}
