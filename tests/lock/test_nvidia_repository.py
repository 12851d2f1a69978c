"""The driver and the toolkit, locked from a signed flat repository of the test's own."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rigspec.lock import nvidia_repository
from rigspec.lock.model import LockedPackage
from rigspec.matrix.loader import load_matrix
from tests.installer_plan import list_held_packages, read_steps
from tests.lock.nvidia_box import (
    KEY,
    PACKAGES,
    PLACE,
    TOOLKIT,
    TOOLS,
    NvidiaBox,
    driver,
    flat,
)
from tests.lock.signed_archive import BASE, RELEASED, answer, package
from tests.lock.test_apt_failures import breaks, halves, lengthens, lies, shortens, stalls

UNREAD = "not pinned: packages of the repository nvidia-cuda"

# What is wanted of the repository, and what that needs: there, and of the distribution.
WHOLE = {
    "cuda-drivers": "465.19.01-1",
    "cuda-drivers-465": "465.19.01-1",
    "nvidia-driver": "465.19.01-0ubuntu1",
    "libnvidia-gl": "465.19.01-0ubuntu1",
    "cuda-toolkit-9-0": "9.0.176-1",
    "cuda-compiler-9-0": "9.0.176-1",
    "cuda-nvprof-9-0": "9.0.102-1",
    "dkms": "1.0",
    "build-essential": "1.0",
}
OWN = dict.fromkeys(("tool", "lib", "bzip2", "ca-certificates", "curl", "gnupg"), "1.0")


@pytest.mark.parametrize("apart", [False, True])
def test_nvidia_driver_and_toolkit_are_pinned_with_dependencies(
    apart: bool, nvidia: NvidiaBox
) -> None:
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=nvidia.archive.keys.other, apart=apart)
    output = nvidia.lock()
    assert "not pinned: packages" not in output
    assert nvidia.versions == {**OWN, **WHOLE}
    found = {package.name: package for package in nvidia.machine.packages}
    assert found["cuda-drivers"] == LockedPackage(
        name="cuda-drivers",
        part="driver",
        version="465.19.01-1",
        sha256=hashlib.sha256(b"cuda-drivers 465.19.01-1").hexdigest(),
        size=24,
        path="cuda-drivers_465.19.01-1_amd64.deb",
        archive="nvidia-cuda",
    )
    # Not that of another architecture.
    library = found["libnvidia-gl"]
    sha256 = hashlib.sha256(b"libnvidia-gl 465.19.01-0ubuntu1").hexdigest()
    assert (library.sha256, library.part) == (sha256, "dependency")
    assert library.needed_by == ("driver",)
    assert found["build-essential"].needed_by == ("cuda", "driver")
    assert found["build-essential"].archive == "debian/bookworm"
    assert found["lib"].needed_by == ("driver", "system")
    (repository,) = nvidia.machine.repositories
    assert repository.released == "2026-11-20T08:30:00Z"
    assert repository.release_sha256 is not None
    assert repository.url.startswith("https://developer.")
    assert nvidia.archive.address.encode() not in nvidia.bytes
    assert nvidia.run("lock", "--check").exit_code == 0
    assert "is up to date" in nvidia.lock()


def test_nvidia_system_packages_are_from_distribution(nvidia: NvidiaBox) -> None:
    """It is installed before the repository is there."""
    newer = (flat("lib", "9.9", Provides="gl"), flat("dkms", "9.9"))
    key = nvidia.archive.keys.other
    drivers = tuple(text.replace("Depends:", "Provides: gl\nDepends:") for text in PACKAGES)
    nvidia.archive.publish_flat(PLACE, *drivers, *newer, key=key)
    own = (package("tool", Depends="lib, gl"), package("lib"), package("mesa", Provides="gl"))
    more = (package("dkms"), package("build-essential"))
    nvidia.archive.publish("bookworm", *BASE, *TOOLS, *own, *more)
    nvidia.lock()
    found = {each.name: each for each in nvidia.machine.packages}
    for name in ("tool", "lib", "mesa"):
        assert found[name].archive == "debian/bookworm"
    assert found["mesa"].needed_by == ("system",)
    requested = {each.name for each in found.values() if {each.part, *each.needed_by} & {"system"}}
    assert requested == {"tool", "lib", "mesa"}


def test_nvidia_locked_versions_follow_driver(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    # The older driver's `>=` would be content with the newer libraries that are locked.
    output = nvidia.wants(driver="450.80.02").lock()
    assert "~ package libnvidia-gl 465.19.01-0ubuntu1 → 450.80.02-0ubuntu1" in output
    nvidia.wants().lock()
    assert nvidia.versions == {**OWN, **WHOLE}
    key = nvidia.archive.keys.other
    newer = flat("cuda-compiler-9-0", "9.0.180-1")
    nvidia.archive.publish_flat(PLACE, *driver("465.19.01"), *TOOLKIT, newer, key=key)
    assert "no version changed" in nvidia.lock()
    # A version that the repository no longer has is replaced.
    gone = tuple(text for text in TOOLKIT if "Version: 9.0.102" not in text)
    nvidia.archive.publish_flat(PLACE, *driver("465.19.01"), *gone, newer, key=key)
    assert "~ package cuda-nvprof-9-0 9.0.102-1 → 9.0.252-1\n" in nvidia.lock()


def test_nvidia_version_ignores_packaging_revision(nvidia: NvidiaBox) -> None:
    own = (flat("cuda-drivers", "465.19.01-0ubuntu1"), *TOOLKIT)
    nvidia.archive.publish_flat(PLACE, *own, key=nvidia.archive.keys.other)
    nvidia.lock()
    assert nvidia.versions["cuda-drivers"] == "465.19.01-0ubuntu1"
    assert "is up to date" in nvidia.lock()


def test_nvidia_driver_missing_in_repository_is_reported(nvidia: NvidiaBox) -> None:
    there = (*driver("465.24.02"), *TOOLKIT)
    nvidia.archive.publish_flat(PLACE, *there, key=nvidia.archive.keys.other)
    done = nvidia.run("lock")
    output = " ".join(done.output.split())
    assert done.exit_code == 1
    assert "error[RS530]" in output
    assert "its repository has no cuda-drivers 465.19.01-1" in output
    assert "there is 465.24.02-1" in output


def test_nvidia_packages_are_installed_held_and_verified(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    text = nvidia.compile()
    assert list_held_packages(text) == [
        ["cuda-drivers", "cuda-drivers-465", "libnvidia-gl", "nvidia-driver"],
        ["cuda-toolkit-9-0", "cuda-compiler-9-0", "cuda-nvprof-9-0"],
    ]
    steps = read_steps(text)
    assert {"packages=packages.driver.txt", "checksums=yes"} <= set(steps["driver"])
    assert "protocols=http" in steps["repository-nvidia-cuda"]
    driver = nvidia.folder / "out" / "shell" / "files" / "packages.driver.txt"
    assert "libnvidia-gl=465.19.01-0ubuntu1 " in driver.read_text(encoding="utf-8")
    assert "check_packages driver" in text
    listed = nvidia.folder / "out" / "shell" / "files" / "packages.cuda.txt"
    sha256 = hashlib.sha256(b"cuda-compiler-9-0 9.0.176-1").hexdigest()
    assert f"cuda-compiler-9-0=9.0.176-1 {sha256}\n" in listed.read_text(encoding="utf-8")


def test_nvidia_repository_unreachable_locks_resolved_versions(
    nvidia: NvidiaBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = " ".join(nvidia.wants(nvidia=None).lock().split())
    assert f"warning[RS505]: {UNREAD}" in output
    assert "the environment variable RIGSPEC_NVIDIA is empty" in output
    found = {package.name: package for package in nvidia.machine.packages}
    assert found["cuda-drivers"].version == "465.19.01-1"
    assert found["cuda-drivers"].sha256 is None
    assert nvidia.versions == OWN | {n: WHOLE[n] for n in ("cuda-drivers", "cuda-toolkit-9-0")}

    # The address of the matrix: unused_address here chose it.
    set_address(nvidia, monkeypatch, "http://127.0.0.1:9")
    begun = time.monotonic()
    assert "its server did not answer" in " ".join(nvidia.lock().split())
    assert time.monotonic() - begun < 10
    set_address(nvidia, monkeypatch, f"{nvidia.archive.address}/elsewhere")
    assert "there is no index at its address" in " ".join(nvidia.lock().split())
    set_address(nvidia, monkeypatch, f"{nvidia.archive.address}/nvidia")
    assert UNREAD not in nvidia.lock()
    assert nvidia.versions == {**OWN, **WHOLE}


def set_address(nvidia: NvidiaBox, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let the matrix say that the repositories are there."""
    monkeypatch.delenv("RIGSPEC_NVIDIA", raising=False)
    known = nvidia_repository._current_key(load_matrix())
    figures = {**dict(known.properties), "url": f"{address}/compute/cuda/repos"}
    key = replace(known, properties=tuple(figures.items()))
    monkeypatch.setattr(nvidia_repository, "_current_key", lambda _: key)


def test_nvidia_mirror_is_from_environment(
    nvidia: NvidiaBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGSPEC_NVIDIA", f"{nvidia.archive.address}/nvidia")
    nvidia.wants(nvidia=None).lock()
    assert nvidia.versions == {**OWN, **WHOLE}


def test_nvidia_repository_unreachable_keeps_pins(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    before = nvidia.bytes
    nvidia.wants(nvidia=None)
    assert "is up to date" in nvidia.lock()
    assert nvidia.bytes == before
    # What it needs of the distribution still follows that.
    newer = flat("dkms", "1.1", Depends="build-essential")
    nvidia.archive.publish("bookworm-updates", newer)
    assert "~ package dkms 1.0 → 1.1\n" in nvidia.lock("--update", "dkms")
    assert nvidia.versions == {**OWN, **WHOLE, "dkms": "1.1"}
    assert next(p for p in nvidia.machine.packages if p.name == "dkms").needed_by == ("driver",)
    done = nvidia.run("lock", "--update", "libnvidia-gl")
    assert done.exit_code == 3
    # Another driver is not what was pinned.
    assert UNREAD in nvidia.wants(driver="450.80.02", nvidia=None).lock()
    assert nvidia.versions["cuda-drivers"] == "450.80.02-1"
    assert "libnvidia-gl" not in nvidia.versions


def test_nvidia_without_archive_has_unknown_dependencies(nvidia: NvidiaBox) -> None:
    spec = nvidia.folder / "rig.toml"
    text = spec.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("apt = ")]
    spec.write_text("\n".join(lines) + "\n", encoding="utf-8")
    output = " ".join(nvidia.lock().split())
    assert f"{UNREAD} (versions are locked, but checksums and dependencies are not" in output
    assert nvidia.versions["cuda-drivers"] == "465.19.01-1"
    assert nvidia.machine.repositories[0].release_sha256 is None
    nvidia.wants().lock()
    before = nvidia.bytes
    spec.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "is up to date" in nvidia.lock()
    assert nvidia.bytes == before


INDEX, LIST = "x86_64/InRelease", "x86_64/Packages.gz"


def alters(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body.replace(b"Label: Flat", b"Label: Flut"))


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize(
    ("end", "fault", "output"),
    [
        (INDEX, halves, "the index of the repository nvidia-cuda"),
        (INDEX, shortens, "it is not signed, or not whole"),
        (INDEX, alters, "it was changed after it was signed"),
        (LIST, breaks, "HTTP status 500"),
        (LIST, stalls, "no response within 1 s"),
        (LIST, halves, "the list of packages of nvidia-cuda"),
        (LIST, lengthens, "larger than"),
        (LIST, lies, "its sha256 is not the one that was signed"),
        (KEY, breaks, "the key of the repository nvidia-cuda could not be fetched"),
        (KEY, shortens, "it is not an OpenPGP key"),
    ],
)
def test_nvidia_repository_failing_keeps_lock(
    end: str,
    fault: Callable[[BaseHTTPRequestHandler, bytes], None],
    output: str,
    configured: bool,
    nvidia: NvidiaBox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one that is where the matrix says: it did answer."""
    nvidia.lock()
    before = nvidia.bytes
    if not configured:
        nvidia.wants(nvidia=None)
        set_address(nvidia, monkeypatch, f"{nvidia.archive.address}/nvidia")
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "1")
    nvidia.archive.faults[end] = fault
    done = nvidia.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert output in " ".join(done.output.split())
    assert "http:" not in done.output
    assert nvidia.bytes == before


def test_nvidia_mirror_down_or_empty_keeps_lock(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    before = nvidia.bytes
    for mirror in ("http://127.0.0.1:9", f"{nvidia.archive.address}/elsewhere"):
        done = nvidia.wants(nvidia=mirror).run("lock")
        assert done.exit_code == 3
        assert "error[RS504]: the index of the repository nvidia-cuda" in done.output
        assert nvidia.bytes == before


@pytest.mark.parametrize("apart", [False, True])
def test_nvidia_index_with_other_key_is_refused(apart: bool, nvidia: NvidiaBox) -> None:
    """Not even of one that signs the distribution's archive."""
    nvidia.lock()
    before = nvidia.bytes
    keys = nvidia.archive.keys
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=keys.own, apart=apart)
    done = nvidia.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "a key that the keyring for it does not have" in " ".join(done.output.split())
    # With its own key: that is another file than the one in the matrix.
    for sent in (keys.armored(keys.own), keys.armored(keys.own, keys.other)):
        nvidia.archive.files[KEY] = sent
        done = nvidia.run("lock", "--upgrade")
        assert done.exit_code == 3
        output = " ".join(done.output.split())
        assert "the key of the repository nvidia-cuda cannot be trusted" in output
        assert f"must contain only {keys.other}" in output
    assert nvidia.bytes == before


def test_nvidia_index_altered_or_unsigned_is_refused(nvidia: NvidiaBox) -> None:
    files, keys = nvidia.archive.files, nvidia.archive.keys
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=keys.other, apart=True)
    text = files[f"{PLACE}/Release"]
    files[f"{PLACE}/Release"] = text + b"\n"
    assert "it was changed after it was signed" in " ".join(nvidia.run("lock").output.split())
    files[f"{PLACE}/Release"] = text
    # An inline signature does not cover the other file.
    files[f"{PLACE}/Release.gpg"] = keys.sign(text, keys.other)
    assert nvidia.run("lock").exit_code == 3
    del files[f"{PLACE}/Release.gpg"]
    done = nvidia.run("lock")
    assert (done.exit_code, "it is not signed" in done.output) == (3, True)
    assert not (nvidia.folder / "lock").exists()


def test_nvidia_index_expired_is_refused(nvidia: NvidiaBox) -> None:
    past, key = RELEASED - dt.timedelta(days=900), nvidia.archive.keys.other
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=key, valid_until=past)
    done = nvidia.run("lock")
    assert done.exit_code == 3
    assert "it was valid until 2024-06-03T08:30:00Z" in done.output


def test_nvidia_repository_is_fetched_once_for_all_machines(nvidia: NvidiaBox) -> None:
    requested = []

    def counts(request: BaseHTTPRequestHandler, body: bytes) -> None:
        requested.append(request.path)
        answer(request, body)

    spec = Path(nvidia.folder, "rig.toml")
    text = spec.read_text(encoding="utf-8")
    machine = text.partition("[machine.box]")[2].partition("[cuda]")[0]
    spec.write_text(text.replace("[cuda]", f"[machine.two]{machine}[cuda]"), encoding="utf-8")
    nvidia.archive.faults[INDEX] = counts
    nvidia.lock()
    assert requested == [f"{PLACE}/InRelease"]
