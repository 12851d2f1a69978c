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

from rigspec.lock import artifacts
from rigspec.lock.apt import download
from rigspec.lock.model import LockedPackage
from rigspec.matrix.loader import load_matrix
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
def test_the_driver_and_the_toolkit_are_pinned_with_all_they_need(
    apart: bool, nvidia: NvidiaBox
) -> None:
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=nvidia.archive.keys.other, apart=apart)
    told = nvidia.lock()
    assert "not pinned: packages" not in told
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


def test_what_the_system_is_asked_for_is_the_distributions(nvidia: NvidiaBox) -> None:
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
    asked = {each.name for each in found.values() if {each.part, *each.needed_by} & {"system"}}
    assert asked == {"tool", "lib", "mesa"}


def test_what_is_locked_stays_and_follows_the_driver(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    # The older driver's `>=` would be content with the newer libraries that are locked.
    told = nvidia.wants(driver="450.80.02").lock()
    assert "~ package libnvidia-gl 465.19.01-0ubuntu1 → 450.80.02-0ubuntu1" in told
    nvidia.wants().lock()
    assert nvidia.versions == {**OWN, **WHOLE}
    key = nvidia.archive.keys.other
    newer = flat("cuda-compiler-9-0", "9.0.180-1")
    nvidia.archive.publish_flat(PLACE, *driver("465.19.01"), *TOOLKIT, newer, key=key)
    assert "is up to date" in nvidia.lock()
    # A version that is gone is let go, and told.
    gone = tuple(text for text in TOOLKIT if "Version: 9.0.102" not in text)
    nvidia.archive.publish_flat(PLACE, *driver("465.19.01"), *gone, newer, key=key)
    assert "~ package cuda-nvprof-9-0 9.0.102-1 → 9.0.252-1\n" in nvidia.lock()


def test_the_packagers_part_of_a_version_may_differ(nvidia: NvidiaBox) -> None:
    own = (flat("cuda-drivers", "465.19.01-0ubuntu1"), *TOOLKIT)
    nvidia.archive.publish_flat(PLACE, *own, key=nvidia.archive.keys.other)
    nvidia.lock()
    assert nvidia.versions["cuda-drivers"] == "465.19.01-0ubuntu1"
    assert "is up to date" in nvidia.lock()


def test_a_driver_that_the_repository_does_not_have_is_told(nvidia: NvidiaBox) -> None:
    there = (*driver("465.24.02"), *TOOLKIT)
    nvidia.archive.publish_flat(PLACE, *there, key=nvidia.archive.keys.other)
    done = nvidia.run("lock")
    said = " ".join(done.output.split())
    assert done.exit_code == 1
    assert "error[RS530]" in said
    assert "its repository has no cuda-drivers 465.19.01-1" in said
    assert "there is 465.24.02-1" in said


def test_the_artifacts_take_hold_and_check_them(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    text = nvidia.compile()
    held = [line.strip().split(" >")[0] for line in text.splitlines() if "apt-mark hold" in line]
    assert held == [
        "apt-mark hold cuda-drivers cuda-drivers-465 libnvidia-gl nvidia-driver",
        "apt-mark hold cuda-toolkit-9-0 cuda-compiler-9-0 cuda-nvprof-9-0",
    ]
    assert "libnvidia-gl=465.19.01-0ubuntu1 \\\n" in text
    assert "check-packages.sh archive /opt/rig/lock/packages.driver.txt" in text
    assert "check-packages.sh installed /opt/rig/lock/packages.driver.txt" in text
    assert "--proto '=http,https'" in text
    listed = nvidia.folder / "out" / "shell" / "files" / "packages.cuda.txt"
    sha256 = hashlib.sha256(b"cuda-compiler-9-0 9.0.176-1").hexdigest()
    assert f"cuda-compiler-9-0=9.0.176-1 {sha256}\n" in listed.read_text(encoding="utf-8")


def test_where_it_is_not_reached_versions_are_locked_as_they_are_decided(
    nvidia: NvidiaBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = " ".join(nvidia.wants(nvidia=None).lock().split())
    assert f"warning[RS505]: {UNREAD}" in told
    assert "the environment variable RIGSPEC_NVIDIA is empty" in told
    found = {package.name: package for package in nvidia.machine.packages}
    assert found["cuda-drivers"].version == "465.19.01-1"
    assert found["cuda-drivers"].sha256 is None
    assert nvidia.versions == OWN | {n: WHOLE[n] for n in ("cuda-drivers", "cuda-toolkit-9-0")}

    # The address of the matrix: nobody here chose it.
    stands_at(nvidia, monkeypatch, "http://127.0.0.1:9")
    begun = time.monotonic()
    assert "its server did not answer" in " ".join(nvidia.lock().split())
    assert time.monotonic() - begun < 10
    stands_at(nvidia, monkeypatch, f"{nvidia.archive.address}/elsewhere")
    assert "there is no index at its address" in " ".join(nvidia.lock().split())
    stands_at(nvidia, monkeypatch, f"{nvidia.archive.address}/nvidia")
    assert UNREAD not in nvidia.lock()
    assert nvidia.versions == {**OWN, **WHOLE}


def stands_at(nvidia: NvidiaBox, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let the matrix say that the repositories are there."""
    monkeypatch.delenv("RIGSPEC_NVIDIA", raising=False)
    known = artifacts._current_key(load_matrix())
    figures = {**dict(known.properties), "url": f"{address}/compute/cuda/repos"}
    key = replace(known, properties=tuple(figures.items()))
    monkeypatch.setattr(artifacts, "_current_key", lambda _: key)


def test_the_environment_names_a_mirror(nvidia: NvidiaBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGSPEC_NVIDIA", f"{nvidia.archive.address}/nvidia")
    nvidia.wants(nvidia=None).lock()
    assert nvidia.versions == {**OWN, **WHOLE}


def test_what_was_pinned_stays_while_it_is_not_reached(nvidia: NvidiaBox) -> None:
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


def test_without_the_distributions_archive_the_needs_are_not_known(nvidia: NvidiaBox) -> None:
    spec = nvidia.folder / "rig.toml"
    text = spec.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("apt = ")]
    spec.write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = " ".join(nvidia.lock().split())
    assert f"{UNREAD}: versions are locked, but neither a sha256 nor what they need" in told
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
    ("end", "fault", "told"),
    [
        (INDEX, halves, "the index of the repository nvidia-cuda"),
        (INDEX, shortens, "it is not signed, or not whole"),
        (INDEX, alters, "it was changed after it was signed"),
        (LIST, breaks, "HTTP status 500"),
        (LIST, stalls, "did not answer in time"),
        (LIST, halves, "the list of packages of nvidia-cuda"),
        (LIST, lengthens, "larger than"),
        (LIST, lies, "its sha256 is not the one that was signed"),
        (KEY, breaks, "the key of the repository nvidia-cuda could not be fetched"),
        (KEY, shortens, "it is not an OpenPGP key"),
    ],
)
def test_a_repository_that_fails_leaves_the_old_lock(
    end: str,
    fault: Callable[[BaseHTTPRequestHandler, bytes], None],
    told: str,
    configured: bool,
    nvidia: NvidiaBox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one that is where the matrix says: it did answer."""
    nvidia.lock()
    before = nvidia.bytes
    if not configured:
        nvidia.wants(nvidia=None)
        stands_at(nvidia, monkeypatch, f"{nvidia.archive.address}/nvidia")
    monkeypatch.setattr(download, "_TIMEOUT_S", 1.0)
    nvidia.archive.faults[end] = fault
    done = nvidia.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert told in " ".join(done.output.split())
    assert "127.0.0.1" not in done.output
    assert nvidia.bytes == before


def test_a_mirror_that_is_down_or_empty_leaves_the_old_lock(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    before = nvidia.bytes
    for mirror in ("http://127.0.0.1:9", f"{nvidia.archive.address}/elsewhere"):
        done = nvidia.wants(nvidia=mirror).run("lock")
        assert done.exit_code == 3
        assert "error[RS504]: the index of the repository nvidia-cuda" in done.output
        assert nvidia.bytes == before


@pytest.mark.parametrize("apart", [False, True])
def test_a_signature_of_another_key_is_not_trusted(apart: bool, nvidia: NvidiaBox) -> None:
    """Not even of one that signs the distribution's archive."""
    nvidia.lock()
    before = nvidia.bytes
    keys = nvidia.archive.keys
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=keys.own, apart=apart)
    done = nvidia.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "a key that the keyring for it does not have" in " ".join(done.output.split())
    # With its own key beside: that is another file than the one the matrix means.
    for sent in (keys.armored(keys.own), keys.armored(keys.own, keys.other)):
        nvidia.archive.files[KEY] = sent
        done = nvidia.run("lock", "--upgrade")
        assert done.exit_code == 3
        said = " ".join(done.output.split())
        assert "the key of the repository nvidia-cuda cannot be trusted" in said
        assert f"must hold {keys.other} and nothing else" in said
    assert nvidia.bytes == before


def test_an_index_signed_apart_and_altered_or_unsigned_is_not_trusted(nvidia: NvidiaBox) -> None:
    files, keys = nvidia.archive.files, nvidia.archive.keys
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=keys.other, apart=True)
    text = files[f"{PLACE}/Release"]
    files[f"{PLACE}/Release"] = text + b"\n"
    assert "it was changed after it was signed" in " ".join(nvidia.run("lock").output.split())
    files[f"{PLACE}/Release"] = text
    # A message that is signed within says nothing of the file beside it.
    files[f"{PLACE}/Release.gpg"] = keys.sign(text, keys.other)
    assert nvidia.run("lock").exit_code == 3
    del files[f"{PLACE}/Release.gpg"]
    done = nvidia.run("lock")
    assert (done.exit_code, "it is not signed" in done.output) == (3, True)
    assert not (nvidia.folder / "lock").exists()


def test_an_index_past_its_date_is_not_trusted(nvidia: NvidiaBox) -> None:
    past, key = RELEASED - dt.timedelta(days=900), nvidia.archive.keys.other
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=key, valid_until=past)
    done = nvidia.run("lock")
    assert done.exit_code == 3
    assert "it was valid until 2024-06-03T08:30:00Z" in done.output


def test_it_is_asked_once_for_all_machines(nvidia: NvidiaBox) -> None:
    asked = []

    def counts(request: BaseHTTPRequestHandler, body: bytes) -> None:
        asked.append(request.path)
        answer(request, body)

    spec = Path(nvidia.folder, "rig.toml")
    text = spec.read_text(encoding="utf-8")
    machine = text.partition("[machine.box]")[2].partition("[cuda]")[0]
    spec.write_text(text.replace("[cuda]", f"[machine.two]{machine}[cuda]"), encoding="utf-8")
    nvidia.archive.faults[INDEX] = counts
    nvidia.lock()
    assert asked == [f"{PLACE}/InRelease"]
