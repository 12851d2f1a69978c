"""Packages of dnf, locked from signed repositories of the test's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rigspec.lock import create
from rigspec.lock.model import LockedPackage
from tests.lock.dnf_archive import (
    APPSTREAM,
    BASE,
    BASEOS,
    KEY,
    TOOLS,
    DnfArchive,
    DnfBox,
    find_test_distribution,
    make_box,
    rpm,
)
from tests.lock.signed_archive import Keys, SignedArchive

_SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8c0vGyXGJ9kq5wF1Xq9Jj9oYV5B0m8n3m3bJ0s8lqX"
MODULES = """\
document: modulemd
version: 2
data: {name: node, stream: "20", artifacts: {rpms: ["tool-0:3.0-1.el9.x86_64"]}}
---
document: modulemd-defaults
version: 1
data: {module: node, stream: "18"}
"""


@pytest.fixture
def made(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[DnfBox, DnfArchive]]:
    server = SignedArchive(keys)
    running = server.serve()
    monkeypatch.setattr(create, "find_dnf_distribution", find_test_distribution(keys))
    yield make_box(tmp_path, server)
    running.shutdown()
    running.server_close()


@pytest.fixture
def box(made: tuple[DnfBox, DnfArchive]) -> DnfBox:
    return made[0]


@pytest.fixture
def archive(made: tuple[DnfBox, DnfArchive]) -> DnfArchive:
    return made[1]


def refuse(box: DnfBox, code: str, *options: str) -> str:
    """Return the output of a lock that fails, in one line."""
    done = box.run("lock", *options)
    assert done.exit_code != 0
    assert code in done.output
    assert box.archive.address not in done.output
    return " ".join(done.output.split())


def test_dnf_packages_are_pinned_with_dependencies(box: DnfBox) -> None:
    assert "not pinned: packages" not in box.lock()

    assert box.machine.packages == (
        LockedPackage(
            name="tool",
            part="system",
            version="1.0-1.el9",
            sha256=hashlib.sha256(b"tool 1.0").hexdigest(),
            size=1004,
            path="Packages/tool-1.0-1.el9.x86_64.rpm",
            archive="rocky-appstream",
            arch="x86_64",
        ),
        LockedPackage(
            name="lib",
            part="dependency",
            version="1:2.0-1.el9",
            sha256=hashlib.sha256(b"lib 1:2.0").hexdigest(),
            size=1003,
            path="Packages/lib-2.0-1.el9.x86_64.rpm",
            archive="rocky-appstream",
            needed_by=("system",),
            arch="x86_64",
        ),
    )


def test_dnf_repository_is_locked_with_checksums(box: DnfBox) -> None:
    box.lock()

    base, repository = box.machine.repositories
    assert base.name == "rocky-baseos"
    assert (repository.name, repository.manager) == ("rocky-appstream", "dnf")
    assert repository.released == "2025-11-24T16:00:00Z"
    assert repository.key_sha256 == hashlib.sha256(box.archive.files[KEY]).hexdigest()
    assert repository.signed_index is True
    assert box.archive.address.encode() not in box.bytes


def test_dnf_lock_of_unchanged_spec_is_up_to_date(box: DnfBox, archive: DnfArchive) -> None:
    box.lock()
    assert "is up to date" in box.lock()
    assert box.run("lock", "--check").exit_code == 0

    archive.publish(APPSTREAM, *TOOLS, rpm("tool", "2.0", needs=("lib",)))
    box.lock()
    assert box.versions["tool"] == "1.0-1.el9"
    box.lock("--update", "tool")
    assert box.versions["tool"] == "2.0-1.el9"


def test_dnf_lock_moves_from_version_that_is_gone(box: DnfBox, archive: DnfArchive) -> None:
    box.lock()
    archive.publish(APPSTREAM, rpm("tool", "2.0"))
    box.asks("tool", more='[env.lab]\npython = "3.12"\n').lock()

    assert box.versions["tool"] == "2.0-1.el9"


def test_dnf_service_needs_its_packages(box: DnfBox) -> None:
    user = f'[service.ssh]\n[user.ann]\nssh_keys = ["{_SSH_KEY}"]\n'
    box.asks("tool", more=user).lock()

    found = {package.name: package for package in box.machine.packages}
    assert found["openssh-server"].part == "service"
    assert found["openssh"].needed_by == ("service",)
    assert {r.name for r in box.machine.repositories} == {"rocky-baseos", "rocky-appstream"}


def test_dnf_download_tools_of_every_system_are_not_pinned(box: DnfBox) -> None:
    """`curl` conflicts with `curl-minimal`, which images have."""
    box.asks("tool", more='[env.lab]\npython = "3.12"\ninterpreter = "uv"\n').lock()

    fetched = {package.name for package in box.machine.packages if package.part == "fetch"}
    assert fetched == {"bzip2", "ca-certificates", "tar"}


def test_dnf_package_of_inactive_module_stream_is_hidden(box: DnfBox, archive: DnfArchive) -> None:
    archive.publish(APPSTREAM, *TOOLS, rpm("tool", "3.0"), modules=MODULES)
    box.lock()
    assert box.versions["tool"] == "1.0-1.el9"

    archive.publish(APPSTREAM, *TOOLS, rpm("tool", "3.0"), modules=MODULES.replace('"18"', '"20"'))
    box.lock("--update", "tool")
    assert box.versions["tool"] == "3.0-1.el9"


def test_dnf_package_of_other_architecture_is_ignored(box: DnfBox, archive: DnfArchive) -> None:
    archive.publish(APPSTREAM, *TOOLS, rpm("tool", "9.0", arch="i686"))
    box.lock()

    assert box.versions["tool"] == "1.0-1.el9"


def test_dnf_unknown_package_is_refused(box: DnfBox) -> None:
    assert "no package `tol`" in refuse(box.asks("tol"), "RS530")
    assert "curl-minimal" in refuse(box.asks("curl"), "RS530")


def test_dnf_missing_dependency_is_refused(box: DnfBox, archive: DnfArchive) -> None:
    archive.publish(APPSTREAM, rpm("tool", needs=("absent",)))

    assert "nothing provides absent" in refuse(box, "RS530")


def test_dnf_file_of_unusual_folder_is_found(box: DnfBox, archive: DnfArchive) -> None:
    """The first list has the files of `/etc` and of folders named `bin` only."""
    sha256 = hashlib.sha256(b"lib 1:2.0").hexdigest()
    files = (
        f'<package pkgid="{sha256}" name="lib" arch="x86_64">'
        '<version epoch="1" ver="2.0" rel="1.el9"/><file>/opt/lib/data</file></package>'
    )
    needing = rpm("tool", needs=("/opt/lib/data",))
    archive.publish(APPSTREAM, needing, TOOLS[1])
    assert "nothing provides /opt/lib/data" in refuse(box, "RS530")

    archive.publish(APPSTREAM, needing, TOOLS[1], files=files)
    box.lock()
    assert box.versions == {"tool": "1.0-1.el9", "lib": "1:2.0-1.el9"}


@pytest.mark.parametrize("key", ["other", "stranger"])
def test_dnf_index_of_other_key_is_refused(key: str, box: DnfBox, archive: DnfArchive) -> None:
    archive.publish(APPSTREAM, *TOOLS, key=key)

    assert "cannot be trusted" in refuse(box, "RS504")


def test_dnf_other_key_is_refused(box: DnfBox) -> None:
    box.archive.files[KEY] = box.archive.keys.armored(box.archive.keys.other)

    assert "the key of the repository rocky-baseos cannot be trusted" in refuse(box, "RS504")


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("repodata/repomd.xml", "cannot be trusted"),
        ("repodata/primary.xml.gz", "checksum mismatch of its list primary"),
    ],
)
def test_dnf_changed_file_is_refused(file: str, why: str, box: DnfBox) -> None:
    box.archive.files[f"{APPSTREAM}/{file}"] += b" "

    assert why in refuse(box, "RS504")


def test_dnf_weak_checksum_is_refused(box: DnfBox, archive: DnfArchive) -> None:
    archive.publish(APPSTREAM, *TOOLS, digest="sha1")

    assert "has no strong checksum" in refuse(box, "RS504")


@pytest.mark.parametrize("file", [f"{APPSTREAM}/repodata/repomd.xml", KEY])
def test_dnf_mirror_without_file_is_refused(file: str, box: DnfBox) -> None:
    del box.archive.files[file]

    assert "could not be fetched" in refuse(box, "RS504")


def test_dnf_unsigned_index_of_local_mirror_is_accepted(box: DnfBox, archive: DnfArchive) -> None:
    archive.publish(BASEOS, *BASE, key=None)
    archive.publish(APPSTREAM, *TOOLS, key=None)
    box.lock()

    assert box.machine.repositories[0].signed_index is None


def test_dnf_packages_stay_locked_without_repositories(
    box: DnfBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.lock()
    before = box.machine.packages
    spec, text = box.folder / "rig.toml", box.leaves_mirrors()
    monkeypatch.setenv("RIGSPEC_DNF", "")

    box.lock()
    assert box.machine.packages == before
    assert "RIGSPEC_DNF is empty" in refuse(box, "RS504", "--update", "tool")
    spec.write_text(text.replace('"tool"', '"other"'), encoding="utf-8")
    assert "not pinned: packages of the system" in box.lock()


def test_dnf_steps_are_compiled(box: DnfBox) -> None:
    box.lock()
    script = box.compile()

    lists = (box.folder / "out/shell/files/packages.system.txt").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in lists] == [
        "tool-0:1.0-1.el9.x86_64",
        "lib-1:2.0-1.el9.x86_64",
    ]
    assert "step repository-rocky-appstream 'Dnf repository: rocky-appstream'" in script
    assert f"key_url={box.archive.address}{KEY}" in script
    assert "dnf-packages packages=packages.system.txt" in script
    assert "check-rpms.sh installed" in script
    assert "apt-get" not in script
    assert "dpkg" not in script


def test_dnf_packages_have_package_urls(box: DnfBox) -> None:
    box.lock()
    out = box.folder / "out"
    done = box.run("compile", "--target", "sbom", "-o", str(out), "--locked")
    assert done.exit_code == 0, done.output

    document = json.loads((out / "sbom/sbom.cdx.json").read_text(encoding="utf-8"))

    found = [each["purl"] for each in document["components"] if "purl" in each]
    urls = {url.partition("&repository")[0] for url in found}
    assert {
        "pkg:rpm/rocky/tool@1.0-1.el9?arch=x86_64&distro=rocky-9",
        "pkg:rpm/rocky/lib@2.0-1.el9?arch=x86_64&distro=rocky-9&epoch=1",
    } <= urls
