"""Packages of the system, locked from a signed archive of the test's own."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.lock.apt import packages, sources
from rigspec.lock.apt.distribution import Distribution, find_distribution, find_keyrings
from rigspec.lock.model import LockedPackage
from rigspec.matrix.loader import load_matrix
from tests.installer_plan import list_held_packages, read_steps
from tests.lock.apt_rig import Box
from tests.lock.signed_archive import BASE, package


@pytest.fixture
def unconfigured(box: Box, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The box, where neither spec, nor environment, nor host names an archive."""
    text = (box.folder / "rig.toml").read_text(encoding="utf-8")
    (box.folder / "rig.toml").write_text(text.partition("[mirrors]")[0], encoding="utf-8")
    monkeypatch.delenv("RIGSPEC_APT_DEBIAN")
    monkeypatch.setattr(sources, "_APT", box.folder / "no-apt")
    return box


def test_apt_versions_and_checksums_are_from_signed_index(box: Box) -> None:
    output = box.lock()
    assert "packages of the system" not in output
    tool, lib = box.machine.packages
    assert tool == LockedPackage(
        name="tool",
        part="system",
        version="1.0",
        sha256=hashlib.sha256(b"tool 1.0").hexdigest(),
        size=8,
        path="pool/tool_1.0_amd64.deb",
        archive="debian/bookworm",
    )
    assert (lib.name, lib.part, lib.needed_by) == ("lib", "dependency", ("system",))
    found = {each.name: each for each in box.machine.archives}
    assert sorted(found) == [
        "debian/bookworm",
        "debian/bookworm-security",
        "debian/bookworm-updates",
    ]
    release = found["debian/bookworm"]
    assert release.key_fingerprints == (box.archive.keys.own,)
    assert release.released == "2026-11-20T08:30:00Z"
    assert release.snapshot == "20261121T000000Z"
    assert release.promise == "updates until 2028-06-30"
    assert release.components == ("main",)
    assert box.archive.address.encode() not in box.bytes
    assert box.run("lock", "--check").exit_code == 0
    assert "is up to date" in box.lock()


def test_apt_dependencies_equal_choice_of_apt(box: Box) -> None:
    box.archive.publish(
        "bookworm",
        *BASE,
        package("tool", Pre_Depends="early", Depends="gone | chosen, mail-agent, libc6 (>= 2.36)"),
        package("early", Recommends="never", Suggests="never"),
        package("chosen", Depends="apt"),
        package("never"),
        package("another-agent", Provides="mail-agent", Priority="extra"),
        package("usual-agent", Provides="mail-agent", Priority="important"),
    )
    security = package("early", "1.0+sec1")
    box.archive.publish("bookworm-security", security, archive="debian-security")
    box.lock()
    # Nothing of the base, no recommendations, the security archive's newer version.
    assert box.versions == {
        "tool": "1.0",
        "chosen": "1.0",
        "early": "1.0+sec1",
        "usual-agent": "1.0",
    }
    early = next(found for found in box.machine.packages if found.name == "early")
    assert early.archive == "debian/bookworm-security"


def test_apt_base_package_needed_newer_is_locked(box: Box) -> None:
    box.archive.publish("bookworm", *BASE, package("tool", Depends="libc6 (>= 2.37)"))
    box.archive.publish("bookworm-updates", package("libc6", "2.37"))
    box.lock()
    assert box.versions == {"tool": "1.0", "libc6": "2.37"}


def test_apt_conflicting_package_is_not_selected(box: Box) -> None:
    box.archive.publish(
        "bookworm",
        *BASE,
        package("tool", Depends="one | two"),
        package("lib", Conflicts="one"),
        package("one"),
        package("two"),
    )
    box.asks("tool", "lib").lock()
    assert sorted(box.versions) == ["lib", "tool", "two"]


@pytest.mark.parametrize(
    ("packages", "output"),
    [
        (("mail-agent",), "it is only provided, by agent"),
        (("toool",), "no package `toool`"),
        (("broken",), "broken 1.0 needs gone"),
        (("tool", "enemy"), "conflicts with"),
    ],
)
def test_apt_missing_package_is_refused(packages: tuple[str, ...], output: str, box: Box) -> None:
    box.archive.publish(
        "bookworm",
        *BASE,
        package("tool"),
        package("agent", Provides="mail-agent"),
        package("broken", Depends="gone"),
        package("enemy", Conflicts="tool"),
    )
    done = box.asks(*packages).run("lock")
    assert done.exit_code == 1
    assert "error[RS530]" in done.output
    assert output in done.output
    assert not (box.folder / "lock").exists()


def test_apt_other_component_is_read_if_needed(box: Box) -> None:
    box.archive.publish("bookworm-updates", package("blob"), component="contrib")
    box.asks("tool", "blob").lock()
    assert box.versions == {"tool": "1.0", "lib": "1.0", "blob": "1.0"}


def test_apt_relock_keeps_versions_until_update(box: Box) -> None:
    box.lock()
    newer = (package("tool", "2.0", Depends="lib"), package("lib", "2.0"))
    box.archive.publish("bookworm-updates", *newer)
    assert "no version changed" in box.lock()
    assert "~ package lib 1.0 → 2.0\n" in box.lock("--update", "lib")
    assert box.versions == {"tool": "1.0", "lib": "2.0"}
    assert "~ package tool 1.0 → 2.0\n" in box.lock("--upgrade")


def test_apt_removed_version_changes_and_is_printed(box: Box) -> None:
    box.lock()
    box.archive.publish("bookworm", *BASE, package("tool", Depends="lib"), package("lib", "1.1"))
    output = box.lock()
    assert "~ package lib 1.0 → 1.1\n" in output
    assert "tool" not in output


def test_apt_incompatible_locked_version_is_dropped(box: Box) -> None:
    box.lock()
    box.archive.publish(
        "bookworm-updates", package("new", Depends="lib (>= 2)"), package("lib", "2")
    )
    box.asks("tool", "new").lock()
    assert box.versions == {"new": "1.0", "tool": "1.0", "lib": "2"}


def test_apt_lock_without_requested_package_is_stale(box: Box) -> None:
    box.lock()
    done = box.asks("tool", "lib").run("lock", "--check")
    assert done.exit_code == 1
    assert "the package lib is only in the spec" in done.output


def test_apt_without_archive_keeps_packages_unpinned(box: Box) -> None:
    address = box.archive.address
    box.lock()
    mirrored = box.bytes
    text = (box.folder / "rig.toml").read_text(encoding="utf-8")
    (box.folder / "rig.toml").write_text(text.partition("[mirrors]")[0], encoding="utf-8")
    assert "is up to date" in box.lock()
    assert box.versions == {"tool": "1.0", "lib": "1.0"}
    assert box.run("lock", "--update", "lib").exit_code == 3
    output = box.lock("--upgrade")
    assert "warning[RS505]: not pinned: packages of the system (no archive of debian 12" in output
    assert box.versions == {"tool": None}
    assert address.encode() not in mirrored


def test_apt_sources_are_from_environment_and_host(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (box.folder / "rig.toml").read_text(encoding="utf-8")
    (box.folder / "rig.toml").write_text(text.partition("[mirrors]")[0], encoding="utf-8")
    roots = [f"{box.archive.address}/{name}" for name in ("debian", "debian-security")]
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", " ".join(roots))
    box.lock()
    assert len(box.machine.archives) == 3

    monkeypatch.delenv("RIGSPEC_APT_DEBIAN")
    apt = box.folder / "apt"
    (apt / "sources.list.d").mkdir(parents=True)
    (apt / "sources.list").write_text(
        "# deb http://127.0.0.1:9/debian bookworm main\n"
        f"deb [trusted=yes] {roots[0]} bookworm main\n"
    )
    (apt / "sources.list.d" / "security.sources").write_text(
        f"Types: deb\n# a comment\nURIs: {roots[1]}\nSuites: bookworm-security\nComponents: main\n"
        "\nTypes: deb\nEnabled: no\nURIs: http://127.0.0.1:9\nSuites: bookworm\nComponents: main\n"
    )
    monkeypatch.setattr(sources, "_APT", apt)
    box.lock("--upgrade")
    assert len(box.machine.archives) == 3


def test_apt_without_sources_reads_public_archive(
    unconfigured: Box, distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = unconfigured.archive.address
    public = replace(distribution, urls=(f"{address}/debian", f"{address}/debian-security"))
    monkeypatch.setattr(packages, "find_distribution", lambda *_: public)
    assert "packages of the system" not in unconfigured.lock()
    assert len(unconfigured.machine.archives) == 3
    assert unconfigured.versions == {"tool": "1.0", "lib": "1.0"}


def test_apt_unreachable_public_archive_leaves_packages_unpinned(
    unconfigured: Box, distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = replace(distribution, urls=("http://127.0.0.1:9/none",))
    monkeypatch.setattr(packages, "find_distribution", lambda *_: unreachable)
    output = unconfigured.lock()
    assert (
        "not pinned: packages of the system (the archive of debian 12 was not read, because its "
        "server did not answer: name a mirror under `[mirrors] apt` or in the environment variable "
        "RIGSPEC_APT_DEBIAN, and lock again)"
    ) in output
    assert unconfigured.versions == {"tool": None}


def test_apt_public_archive_signed_with_another_key_is_refused(
    unconfigured: Box, distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{unconfigured.archive.address}/{{distribution}}"
    foreign = replace(distribution, urls=(place,), keys=frozenset({distribution.release}))
    monkeypatch.setattr(packages, "find_distribution", lambda *_: foreign)
    done = unconfigured.run("lock")
    assert done.exit_code == 3
    assert "cannot be trusted" in done.output


@pytest.mark.parametrize("family", ["debian", "ubuntu"])
def test_keys_of_each_release_are_in_the_keyring(family: str, tmp_path: Path) -> None:
    """A host that is not of this family has no keyring of it."""
    releases = load_matrix().product("archive").releases
    for release in (each for each in releases if each.family == family):
        distribution = find_distribution(load_matrix(), release.label, "x86_64")
        assert distribution is not None
        (keyring,) = find_keyrings(replace(distribution, keyring=str(tmp_path / "none.gpg")))
        listed = subprocess.run(
            ["gpg", "--homedir", tmp_path, "--with-colons", "--show-keys", keyring],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert distribution.keys <= set(re.findall(r"^fpr:*(\w+):", listed, re.MULTILINE))


def test_apt_snapshot_has_locked_indexes(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    address = box.archive.address
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", f"{address}/debian {address}/debian-security")
    box.asks("tool", mirror=f"{address}/at/{{snapshot}}/{{distribution}}")
    assert "not pinned: the snapshot of the archive" in box.lock()
    assert "deb [signed-by" not in box.compile()

    now = dict(box.archive.files)
    box.archive.files |= {f"/at/20261121T000000Z{path}": data for path, data in now.items()}
    box.lock()
    assert {each.snapshot for each in box.machine.archives} == {"20261121T000000Z"}
    line = f"{address}/at/20261121T000000Z/debian-security bookworm-security main"
    assert (
        f"deb [signed-by={box.archive.keys.keyring} lang=none check-valid-until=no] {line}"
        in box.compile()
    )

    # From now on the snapshot is read, until something is to move.
    box.archive.publish("bookworm-updates", package("lib", "2.0"))
    assert "is up to date" in box.lock()
    assert "~ package lib 1.0 → 2.0" in box.lock("--update", "lib")


def test_installer_installs_closure_from_archive(box: Box) -> None:
    box.lock()
    text = box.compile()
    listed = (box.folder / "out/shell/files/packages.system.txt").read_text("utf-8")
    assert [line.split()[0] for line in listed.splitlines()] == ["tool=1.0", "lib=1.0"]
    assert read_steps(text)["system-packages"][1:] == [
        "apt-packages",
        "packages=packages.system.txt",
        "checksums=yes",
    ]
    place = f"{box.archive.address}/debian bookworm main"
    source = f"deb [signed-by={box.archive.keys.keyring} lang=none] {place}"
    assert source in text
    assert list_held_packages(text) == []


def test_installer_holds_only_driver_packages(box: Box) -> None:
    """A hold on a library of the system would keep its security updates away."""
    driver = package("nvidia-driver", "535-1", Depends="libcuda1 (= 535-1), lib")
    toolkit = package("nvidia-cuda-toolkit", "11.8.0-3", Depends="lib")
    box.archive.publish(
        "bookworm",
        *BASE,
        *(package("tool"), package("lib"), driver, package("libcuda1", "535-1"), toolkit),
        *(package(name) for name in ("bzip2", "ca-certificates", "curl", "gnupg")),
    )
    text = (box.folder / "rig.toml").read_text(encoding="utf-8")
    gpu = 'os = "debian 12"\ngpus = [{ model = "GTX 1080 Ti" }]\n[cuda]\nprovider = "debian"\n'
    text = text.replace('os = "debian 12"\n', gpu)
    (box.folder / "rig.toml").write_text(text, encoding="utf-8")
    box.lock()
    assert list_held_packages(box.compile()) == [
        ["nvidia-driver", "libcuda1"],
        ["nvidia-cuda-toolkit"],
    ]
