"""The base image by its digest: from a real registry, from the matrix, or not at all."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from rigspec.diagnostics.model import Diagnostic
from rigspec.lock.create import find_previous_artifacts
from rigspec.lock.model import Lock, LockedImage, LockedMachine
from rigspec.lock.oci import base_image
from rigspec.lock.oci.base_image import BaseImageLocker
from rigspec.lock.oci.choice import get_default_image
from rigspec.matrix.images import load_image
from rigspec.matrix.model import Release
from rigspec.resolution import Resolution
from rigspec.spec.models.rig import Rig
from tests.containers import Buildah, local_registry
from tests.lock.tiny_rig import Rigspec, lock_text, written

NOWHERE = "127.0.0.1:9"
# The matrix knows a digest of the first, and none of the second; both are deleted.
KNOWN = "nvidia/cuda:8.0-cudnn6-devel-ubuntu16.04"
UNKNOWN = "nvidia/cuda:8.0-cudnn6-devel-ubuntu14.04"


def dockerfile_base(rigspec: Rigspec, folder: Path) -> str:
    options = ("--lock", folder / "lock", "--target", "docker", "-o", folder / "out", "--locked")
    done = rigspec("compile", folder / "rig.toml", *options)
    assert done.returncode == 0, done.stderr
    text = (folder / "out" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    return next(line for line in text.splitlines() if line.startswith("ARG BASE="))


def test_image_digest_of_registry_is_in_lock_and_dockerfile(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    digest = buildah.pushed("localhost/one", f"{host}/team/one:1")
    spec = written(tmp_path, "team/one:1", host)

    done = rigspec("lock", spec, "-o", tmp_path / "lock", "--require-digests")

    assert done.returncode == 0, done.stderr
    image = f'reference = "team/one:1"\ndigest = "{digest}"\npinned_by = "registry"\n'
    assert image in lock_text(tmp_path)
    # A lock that was made behind one registry is good behind another.
    assert host not in lock_text(tmp_path)
    assert dockerfile_base(rigspec, tmp_path) == f"ARG BASE={host}/team/one:1@{digest}"


def test_image_plain_name_uses_registry_of_variable(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no base is named: the distribution's own image then."""
    digest = buildah.pushed("localhost/one", f"{host}/cache/debian:11")
    monkeypatch.setenv("RIGSPEC_REGISTRY", f"{host}/cache")
    done = rigspec("lock", written(tmp_path, None), "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    # The registry is this machine's setting: the artifact is the same everywhere.
    assert dockerfile_base(rigspec, tmp_path) == f"ARG BASE=debian:11@{digest}"

    monkeypatch.setenv("RIGSPEC_REGISTRY", f"https://{host}")
    done = rigspec("lock", written(tmp_path, None), "-o", tmp_path / "lock")
    assert done.returncode == 2
    assert "RIGSPEC_REGISTRY is not a registry" in done.stderr


def test_image_with_registry_uses_it(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    digest = buildah.pushed("localhost/one", f"{host}/team/one:1")
    spec = written(tmp_path, f"{host}/team/one:1", NOWHERE)
    assert rigspec("lock", spec, "-o", tmp_path / "lock").returncode == 0
    assert dockerfile_base(rigspec, tmp_path) == f"ARG BASE={host}/team/one:1@{digest}"


def test_image_with_several_platforms_locks_index(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    digest = buildah.pushed("localhost/both", f"{host}/team/both:1", index=True)
    spec = written(tmp_path, "team/both:1", host)
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert f'digest = "{digest}"' in lock_text(tmp_path)


@pytest.mark.parametrize("index", [False, True])
def test_image_of_other_processor_is_refused(
    index: bool, host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    if index:
        name = f"localhost/arms-{tmp_path.name}"
        buildah("manifest", "create", name)
        buildah("manifest", "add", name, "containers-storage:localhost/arm")
        buildah.pushed(name, f"{host}/team/arm:1", index=True)
    else:
        buildah.pushed("localhost/arm", f"{host}/team/arm:1")
    spec = written(tmp_path, "team/arm:1", host)
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 1
    assert "RS513" in done.stderr
    assert "it has no linux/amd64, only linux/arm64" in done.stderr
    assert not (tmp_path / "lock").exists()


def test_image_tag_changed_is_ignored_until_update(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    first = buildah.pushed("localhost/one", f"{host}/team/one:1")
    spec, lock = written(tmp_path, "team/one:1", host), tmp_path / "lock"
    assert rigspec("lock", spec, "-o", lock).returncode == 0
    second = buildah.pushed("localhost/two", f"{host}/team/one:1")
    assert second != first

    assert rigspec("lock", spec, "-o", lock, "--check").returncode == 0
    done = rigspec("lock", spec, "-o", lock)
    assert "is up to date" in done.stderr
    assert first in lock_text(tmp_path)

    done = rigspec("lock", spec, "-o", lock, "--update", "image")
    assert done.returncode == 0, done.stderr
    assert f"~ base image team/one:1 {first[:19]} → {second[:19]}" in done.stderr
    third = buildah.pushed("localhost/one", f"{host}/team/one:1")
    done = rigspec("lock", spec, "-o", lock, "--upgrade")
    assert f"~ base image team/one:1 {second[:19]} → {third[:19]}" in done.stderr


def test_image_locked_is_replaced_only_if_registry_lacks_it(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    first = buildah.pushed("localhost/one", f"{host}/team/one:1")
    spec, lock = written(tmp_path, "team/one:1", host), tmp_path / "lock"
    assert rigspec("lock", spec, "-o", lock).returncode == 0
    second = buildah.pushed("localhost/two", f"{host}/team/one:1")
    address = f"http://{host}/v2/team/one/manifests/{first}"
    assert httpx2.delete(address).status_code == 202
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    assert f"{first[:19]} → {second[:19]}" in done.stderr


def test_check_with_other_base_image_reports_without_registry(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    buildah.pushed("localhost/one", f"{host}/team/one:1")
    lock = tmp_path / "lock"
    assert rigspec("lock", written(tmp_path, "team/one:1", host), "-o", lock).returncode == 0
    spec = written(tmp_path, "team/one:2", host)
    done = rigspec("lock", spec, "-o", lock, "--check")
    assert done.returncode == 1
    output = "the base image is team/one:1 in the lock and team/one:2 in the spec"
    assert output in done.stderr
    done = rigspec("compile", spec, "--lock", lock, "--target", "docker", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert output in done.stderr


def test_image_with_digest_needs_no_registry(tmp_path: Path, rigspec: Rigspec) -> None:
    digest = f"sha256:{'ab' * 32}"
    spec = written(tmp_path, f"team/one:1@{digest}", NOWHERE)
    done = rigspec("lock", spec, "-o", tmp_path / "lock", "--require-digests")
    assert done.returncode == 0, done.stderr
    assert "RS512" not in done.stderr
    assert 'reference = "team/one:1"' in lock_text(tmp_path)
    assert 'pinned_by = "spec"' in lock_text(tmp_path)
    assert dockerfile_base(rigspec, tmp_path) == f"ARG BASE={NOWHERE}/team/one:1@{digest}"

    other = spec.read_text(encoding="utf-8").replace("ab" * 32, "cd" * 32)
    spec.write_text(other, encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock", "--check")
    assert done.returncode == 1
    assert "the base image is team/one:1@sha256:abab" in done.stderr


@pytest.mark.parametrize("base", ["Debian 11", "debian:11 && true", "x@sha256:12", "a//b", "-x"])
def test_image_invalid_reference_is_refused_with_line(
    base: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    done = rigspec("check", written(tmp_path, base))
    assert done.returncode == 2
    assert "rig.toml:6:8" in done.stderr
    assert "expected an image such as `ubuntu:22.04`" in done.stderr


@pytest.mark.parametrize("mirror", ["https://registry.example.org", "cache", "u:p@x.org", "x.org/"])
def test_image_invalid_registry_is_refused_with_line(
    mirror: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    done = rigspec("check", written(tmp_path, None, mirror))
    assert done.returncode == 2
    assert "expected a registry such as" in done.stderr


def test_image_without_registry_uses_digest_of_matrix(tmp_path: Path, rigspec: Rigspec) -> None:
    known = load_image(KNOWN.partition(":")[2])
    assert known is not None
    done = rigspec("lock", written(tmp_path, KNOWN), "-o", tmp_path / "lock", "--require-digests")
    assert done.returncode == 0, done.stderr
    assert f"{NOWHERE} did not return the digest of {KNOWN} (Connection refused)" in done.stderr
    digest = known.get("digest")
    assert f'digest = "{digest}"\npinned_by = "matrix"' in lock_text(tmp_path)
    assert (
        rigspec("lock", tmp_path / "rig.toml", "-o", tmp_path / "lock", "--check").returncode == 0
    )


def test_image_with_corrected_matrix_digest_makes_lock_stale(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    from dataclasses import replace

    from rigspec.fs.atomic_tree import write_tree_atomically
    from rigspec.lock.lockfile import lock_files, read_lock

    spec, lock = written(tmp_path, KNOWN), tmp_path / "lock"
    assert rigspec("lock", spec, "-o", lock).returncode == 0
    found, _ = read_lock(lock)
    (machine,) = found.machines
    mistaken = replace(machine, image=LockedImage(KNOWN, f"sha256:{'0' * 64}", "matrix"))
    write_tree_atomically(lock, lock_files(replace(found, machines=(mistaken,))))
    done = rigspec("lock", spec, "-o", lock, "--check")
    assert done.returncode == 1
    assert "in the matrix" in done.stderr
    assert rigspec("lock", spec, "-o", lock).returncode == 0
    assert "0" * 64 not in lock_text(tmp_path)


@pytest.mark.parametrize("base", [UNKNOWN, None])
def test_image_without_registry_and_matrix_is_unpinned_with_warning(
    base: str | None, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec, lock, out = written(tmp_path, base), tmp_path / "lock", tmp_path / "out"
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    warning = f"warning[RS505]: not pinned: base image {base or 'debian:11'} (no registry answered"
    assert warning in done.stderr
    compiled = ("compile", spec, "--lock", lock, "--target", "docker", "-o", out)
    done = rigspec(*compiled)
    assert done.returncode == 0, done.stderr
    assert warning in done.stderr
    assert dockerfile_base(rigspec, tmp_path) == f"ARG BASE={base or 'debian:11'}"

    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for command in (("lock", spec, "-o", lock), compiled, ("lock", spec, "-o", lock, "--check")):
        done = rigspec(*command, "--require-digests")
        assert done.returncode == 1
        assert f"error[RS511]: no digest for base image {base or 'debian:11'}" in done.stderr
        assert "rig.toml:" in done.stderr
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_image_registry_down_keeps_locked_digest(
    buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    with local_registry(tmp_path / "registry") as host:
        digest = buildah.pushed("localhost/one", f"{host}/team/one:1")
        spec = written(tmp_path, "team/one:1", host)
        assert rigspec("lock", spec, "-o", tmp_path / "lock").returncode == 0
    done = rigspec("lock", spec, "-o", tmp_path / "lock", "--require-digests")
    assert done.returncode == 0, done.stderr
    assert "what was locked before stays" in done.stderr
    assert digest in lock_text(tmp_path)


def test_image_tag_removed_is_reported_with_help(
    host: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    done = rigspec("lock", written(tmp_path, UNKNOWN, host), "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    output = " ".join(done.stderr.split())
    assert (
        f"the registry {host} has no image `{UNKNOWN}`; NVIDIA no longer lists this tag" in output
    )
    assert "remove `base`" in output
    assert "not in its registry, and the matrix has no digest of it" in output


def locked(rig: Rig, kept: LockedImage | None = None) -> tuple[LockedMachine, list[Diagnostic]]:
    warnings: list[Diagnostic] = []
    resolution = Resolution(machine="box", os="debian 11", arch="x86_64", accelerator="cpu")
    machine = BaseImageLocker(rig, warnings.append).add_image(LockedMachine(resolution), kept)
    return machine, warnings


def test_image_tag_removed_uses_digest_of_matrix(
    host: str, buildah: Buildah, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, tag = KNOWN.partition(":")
    digest = buildah.pushed("localhost/one", f"{host}/{name}:another")
    known = Release("image", None, tag, properties=(("digest", digest),))
    monkeypatch.setattr(base_image, "load_image", {tag: known}.get)
    rig = Rig.model_validate(
        {"rig": 1, "name": "tiny", "container": {"base": KNOWN}, "mirrors": {"images": host}}
    )
    machine, (warning,) = locked(rig)
    assert machine.image == LockedImage(KNOWN, digest, "matrix")
    assert "but has it still by the digest that the matrix knows" in warning.message


def test_relock_keeps_image_and_downloads_except_named() -> None:
    resolution = Resolution(machine="box", os="debian 11", arch="x86_64", accelerator="cpu")
    image = LockedImage("debian:11", f"sha256:{'ab' * 32}", "registry")
    before = Lock("tiny", "", "", (LockedMachine(resolution, image=image),))
    assert find_previous_artifacts(before, "box", ()).image == image
    assert find_previous_artifacts(before, "box", ("image",)).image is None
    assert find_previous_artifacts(before, "shed", ()).image is None


@pytest.mark.parametrize(
    ("os", "image"),
    [
        ("debian 13", "debian:13"),
        ("ubuntu 24.04", "ubuntu:24.04"),
        ("almalinux 9", "almalinux:9"),
        ("fedora 41", "fedora:41"),
        ("rocky 9", "rockylinux/rockylinux:9"),
        ("rocky 10", "rockylinux/rockylinux:10"),
        ("rhel 9", "registry.access.redhat.com/ubi9/ubi"),
        ("centos-stream 10", "quay.io/centos/centos:stream10"),
        ("oracle 9", "oraclelinux:9"),
        ("amazon 2023", "amazonlinux:2023"),
        ("opensuse-leap 15.6", "opensuse/leap:15.6"),
    ],
)
def test_image_of_a_distribution_has_the_name_that_its_registry_knows(os: str, image: str) -> None:
    assert get_default_image(os) == image
